"""Parameters that are searched beside what a command says, as a form has them: names and values.

What is right is decided by the engine's grammar, the one of command lines and files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xt_core.errors import UsageError
from xt_core.search.ranges import range_of
from xt_core.search.space import parse_values
from xt_core.submit.command import END_OF_OPTIONS, OPTION_NAME, find_search_options
from xt_core.submit.doubts import doubt_about

Written = tuple[str, str]
"""A parameter's name and its values, as they were typed."""

_EXAMPLE = "[0.01, 0.03] or $loguniform(-9, -2)"


def bracketed(values: str) -> str:
    """Values as the grammar has them; the brackets may be left out in a form."""
    text = values.strip()
    return text if text.startswith("[") else f"[{text}]"


@dataclass(frozen=True)
class Checked:
    """A parameter that is right: what it draws, and what makes one wonder about it, if anything."""

    drawn: str
    doubt: str = ""


def check_parameter(name: str, values: str) -> Checked:
    """What a row stands for. Raises UsageError."""
    if not name.strip():
        raise UsageError("a parameter without a name", "write the name of the script's option")
    if not values.strip():
        raise UsageError(f"hyperparameter {name} has no values", f"as in {_EXAMPLE}")
    found = parse_values(name.strip(), bracketed(values))
    if not re.fullmatch(OPTION_NAME, name.strip()):
        raise UsageError(f"{name!r} is no name of an option", "as in lr or model.depth")
    return Checked(range_of(found), doubt_about(bracketed(values), found))


def with_parameters(
    command: Sequence[str], parameters: Sequence[Written], prefix: str | None
) -> list[str]:
    """The command that searches the parameters too, before a literal `--` if it has one.

    `prefix` is what options of the script begin with. Raises UsageError.
    """
    for name, values in parameters:
        check_parameter(name, values)
    if parameters and prefix is None:
        raise UsageError(
            "option-prefix is null, so the script has no options",
            "write the parameters into a file and name it in hp-config",
        )
    options = [f"{prefix}{name.strip()}={bracketed(values)}" for name, values in parameters]
    end = command.index(END_OF_OPTIONS) if END_OF_OPTIONS in command else len(command)
    return [*command[:end], *options, *command[end:]]


def without_parameters(
    command: Sequence[str], prefix: str | None
) -> tuple[list[str], list[Written]]:
    """A command without what it searches, and that as a form has it: what `with_parameters` takes.

    What stands before a bare word that is no number stays where it is, since the word may be the
    name of a command of the script's own, with options of its own; and so does what is not of the
    form `--name=[…]`.
    Raises UsageError for brackets that mean nothing.
    """
    end = command.index(END_OF_OPTIONS) if END_OF_OPTIONS in command else len(command)
    bare = [place for place in range(end) if _may_be_a_command(command[place], prefix)]
    found = {
        slot.index: slot
        for slot in find_search_options(command, prefix).slots
        if slot.index > max(bare, default=-1) and slot.before == f"{prefix}{slot.name}="
    }
    parameters = [(s.name, command[at].removeprefix(s.before)) for at, s in found.items()]
    return [word for place, word in enumerate(command) if place not in found], parameters


def _may_be_a_command(word: str, prefix: str | None) -> bool:
    is_option = word.startswith("-") or (prefix == "" and "=" in word)
    return not (is_option or word.replace(".", "").isdecimal())
