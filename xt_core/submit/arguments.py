"""What a command gives its script as options, as hyperparameters: `--lr=0.1`, `--lr 0.1`, `--amp`.

Recorded with a run beside the set that a search gave it, which never holds them: what a run was
started with can be filtered, grouped and compared, whether or not the script logs it.
Positional arguments, and options whose names look like those of secrets, are left alone.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from xt_core.model.records import Value
from xt_core.search.values import FLOAT, INTEGER, parse_value
from xt_core.submit.command import END_OF_OPTIONS, option_patterns

LONGEST_VALUE = 500
"""Characters; what is longer is a document, no hyperparameter."""
_SCRIPTS = (".py", ".sh")
_SECRET = re.compile(
    r"(?:^|[\W_])(?:pass(?:word|wd|phrase)|secret|credential|auth)s?(?:$|[\W_])"
    r"|(?:api|access|private|secret|account|auth)[\W_]?keys?(?:$|[\W_])"
    r"|(?:^|[\W_])token$",
    re.IGNORECASE,
)


def script_arguments(argv: Sequence[str], option_prefix: str | None) -> dict[str, Value]:
    """The options of a command's script, by name, typed as the values of a search are.

    An option without a value is true; of one that is given again the last value counts; several
    numbers after an option are one text. As in a search, options begin with `option_prefix`, with
    the prefix `--` also `-x=1`; with an empty one they are `name=value`, with None there are none.
    """
    if option_prefix is None:
        return {}
    values = {
        name: True if text is None else parse_value(text)
        for name, text in _options(_after_script(argv), option_prefix)
        if text is None or len(text) <= LONGEST_VALUE
    }
    return {name: value for name, value in values.items() if not _SECRET.search(name)}


def _after_script(argv: Sequence[str]) -> Sequence[str]:
    """The arguments of the script itself: what stands before it is for Python, or a launcher."""
    is_python = bool(argv) and PurePath(argv[0]).name.startswith("python")
    for place, word in enumerate(argv):
        if word.endswith(_SCRIPTS) and not word.startswith("-"):
            return argv[place + 1 :]
        if is_python and word == "-m":
            return _after_script(argv[place + 1 :])
    return argv[1:]


def _options(words: Sequence[str], prefix: str) -> Iterator[tuple[str, str | None]]:
    """Each option's name and its value, None for one that has none."""
    assigned, alone = option_patterns(prefix, ".*")
    for place, word in enumerate(words):
        if word == END_OF_OPTIONS:
            return
        if match := assigned.fullmatch(word):
            yield match[2], _shown(match[3])
        elif alone is not None and (match := alone.fullmatch(word)):
            yield match[1], _value_after(words[place + 1 :])


def _value_after(words: Sequence[str]) -> str | None:
    """The value of an option that is written without `=`, if one follows."""
    if not words or (words[0].startswith("-") and not _is_number(words[0])):
        return None
    several = []
    for word in words:
        if not _is_number(word):
            break
        several.append(word)
    return " ".join(several) if len(several) > 1 else _shown(words[0])


def _is_number(word: str) -> bool:
    return bool(INTEGER.fullmatch(word) or FLOAT.fullmatch(word))


def _shown(text: str) -> str:
    """The text with bytes that are not UTF-8 escaped, as in the command that is shown."""
    return text.encode("utf-8", "backslashreplace").decode()
