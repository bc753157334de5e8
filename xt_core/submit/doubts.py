"""What a command line says that XT takes literally, though most likely something else was meant.

None of it is an error: each may be just what a script wants. Clients tell it before they submit.
"""

import re
from collections.abc import Iterator, Sequence

from xt_core.errors import UsageError
from xt_core.search.distributions import Distribution
from xt_core.search.ranges import likely_slip
from xt_core.search.space import FORM_NAMES
from xt_core.search.values import split_items
from xt_core.submit.command import END_OF_OPTIONS, OPTION_NAME, find_search_options

_QUOTE_IT = "close the bracket, and put what has blanks in quotes, as in '--lr=[.1, .2]'"

_PLAIN_NAMES = [name for name in FORM_NAMES if f"q{name}" not in FORM_NAMES and name[0] != "q"]
_IN_STEPS = [name for name in FORM_NAMES if f"q{name}" in FORM_NAMES]
_DISTRIBUTIONS = f"{', '.join([*_IN_STEPS, *_PLAIN_NAMES])}, q{_IN_STEPS[0]}, …"


def doubt_about(values: str, found: Distribution) -> str:
    """What makes one wonder about bracketed values that are grammatical; else nothing."""
    items = split_items(values.strip()[1:-1])
    if found.choices is not None:
        for item in items:
            if item.text.startswith("$") and not item.quoted and not item.text.endswith(")"):
                return f"{item.text} is taken as a text; distributions: {_DISTRIBUTIONS}"
    return likely_slip(found)


def command_doubts(command: Sequence[str], prefix: str | None) -> list[str]:
    """What makes one wonder about the search options of a command that has been checked, as
    lines; `prefix` is what the script's options begin with, None where brackets mean nothing."""
    if prefix is None:
        return []
    template = find_search_options(command, prefix)
    about = [
        (slot.name, doubt_about(command[slot.index][len(slot.before) :], template.space[slot.name]))
        for slot in template.slots
    ]
    lines = [f"{name}: {doubt}" for name, doubt in about if doubt]
    return lines + [f"{word}: one value, not a search; {_QUOTE_IT}" for word in _open(command)]


def refuse_open_brackets(command: Sequence[str]) -> None:
    """Raises UsageError for an option whose bracket is not closed."""
    for word in _open(command):
        raise UsageError(f"the bracket of {word} is not closed", f"{_QUOTE_IT}; or raw-args: yes")


def _open(command: Sequence[str]) -> Iterator[str]:
    """The options that begin a list and do not end it, up to a literal `--`."""
    for word in command:
        if word == END_OF_OPTIONS:
            return
        if re.fullmatch(rf"--?{OPTION_NAME}=\[[^\]]*", word):
            yield word
