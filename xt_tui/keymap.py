"""The keys of actions as the user has them: the registry's, and those of the setting `tui.keys`.

A wrong entry is told and passed over; the action keeps its own keys.
"""

import string
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key

from xt_tui.actions.action import Action

_NAMES = {character: _character_to_key(character) for character in string.punctuation}
_CHARACTERS = {name: character for character, name in _NAMES.items()}
_NAMED = {key.value for key in Keys} | {"space", "enter", "escape", "tab"}
_UNSENDABLE_PREFIXES = ("alt+", "super+", "hyper+", "meta+", "ctrl+shift+")
_UNSENDABLE = {
    "ctrl+enter", "shift+enter", "ctrl+tab", "ctrl+slash", "ctrl+backspace", "shift+space",
    "ctrl+space", "ctrl+comma", "ctrl+full_stop", "ctrl+semicolon",
}  # fmt: skip
_SAME_AS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+j": "enter"}
"""Keys that terminals send as another one."""


def key_name(key: str) -> str:
    """A key as Textual calls it: ``question_mark`` for ``?``."""
    return _NAMES.get(key, key)


def key_text(keys: str) -> str:
    """Keys as they are printed on a keyboard."""
    return " ".join(_CHARACTERS.get(key, key) for key in keys.split(","))


def keymap_of(
    wanted: Mapping[str, str], actions: Iterable[Action], taken: Iterable[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The keys of the actions that have others than the registry says, and a line for each entry
    that is wrong; `taken` are the keys of lists and pages themselves."""
    known = {action.id: action for action in actions}
    chosen, problems = dict[str, str](), list[str]()
    for name, text in wanted.items():
        keys = [key_name(key.strip()) for key in text.split(",") if key.strip()]
        problem = _problem(name, keys, known, set(taken))
        if problem:
            problems.append(f"tui.keys.{name}: {problem}")
        else:
            chosen[name] = ",".join(keys)
    while clash := _clash(chosen, known):
        name, key, other = clash
        del chosen[name]
        problems.append(f"tui.keys.{name}: {key_text(key)} is the key of {other} already")
    return chosen, problems


def _problem(name: str, keys: list[str], known: Mapping[str, Action], taken: set[str]) -> str:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "xt keys lists them"
        return f"there is no action {name!r}; {hint}"
    if not keys:
        return "it names no key; as in ctrl+x, or x,f2"
    for key in keys:
        if key in _UNSENDABLE or key.startswith(_UNSENDABLE_PREFIXES):
            return f"common terminals cannot send {key}"
        if key in _SAME_AS:
            return f"terminals send {key} as {_SAME_AS[key]}"
        if len(key) > 1 and key not in _NAMED and key not in _CHARACTERS:
            return f"there is no key {key!r}; as in ctrl+x, f2, or a character"
        if key in taken:
            return f"{key_text(key)} moves the cursor"
    return ""


def _clash(chosen: Mapping[str, str], known: Mapping[str, Action]) -> tuple[str, str, str] | None:
    """A chosen action, a key of it, and another action in the same place that has that key."""
    for name, keys in chosen.items():
        for other, action in known.items():
            if other != name and action.pane == known[name].pane:
                theirs = chosen.get(other, action.keys).split(",")
                common = [key for key in keys.split(",") if key in theirs]
                if common:
                    return name, common[0], other
    return None


def keys_of(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Keys of a widget's or a screen's own bindings, and what they do."""
    return [
        (binding.key, binding.tooltip or binding.description)
        for binding in bindings
        if isinstance(binding, Binding)
    ]
