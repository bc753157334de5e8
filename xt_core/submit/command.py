"""The user's commands: where search parameters stand in one, and files that list many.

Invariant: whatever is not a search parameter reaches the script byte for byte.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.distributions import Distribution
from xt_core.search.space import Space, parse_values
from xt_core.search.values import render_value

OPTION_NAME = r"[^\W\d][\w.:/@+-]*"
END_OF_OPTIONS = "--"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a parameter's value stands: in the argument at `index`, after `before`."""

    index: int
    before: str
    name: str


@dataclass(frozen=True, slots=True)
class CommandTemplate:
    """A command as it was written, and the places in it where values stand."""

    args: tuple[str, ...]
    slots: tuple[Slot, ...]
    space: Space
    added: tuple[str, ...] = ()
    """The parameters that are in no brackets; those of a set become options at the end."""
    prefix: str = "--"

    def render(self, values: Mapping[str, Value]) -> list[str]:
        """The command with each parameter's value exactly where the brackets stood, and an option
        for each one that stood in none (before a literal `--`, if there is one).

        Bools are `true` and `false`, floats have their shortest exact form. Values of other names
        are ignored; KeyError if one in brackets is missing.
        """
        argv = list(self.args)
        for slot in self.slots:
            argv[slot.index] = slot.before + render_value(values[slot.name])
        options = [
            f"{self.prefix}{name}={render_value(values[name])}"
            for name in self.added
            if name in values
        ]
        end = argv.index(END_OF_OPTIONS) if END_OF_OPTIONS in argv else len(argv)
        return [*argv[:end], *options, *argv[end:]]

    def with_space(self, space: Space, prefix: str | None) -> "CommandTemplate":
        """The template that searches this space too; with no prefix its values are no options.

        Raises UsageError for a parameter that is in both.
        """
        for name in self.space:
            if name in space:
                raise UsageError(
                    f"hyperparameter {name} is in the command and in the file of hyperparameters",
                    "give it in one of them",
                )
        added = () if prefix is None else tuple(space)
        return replace(self, space=self.space.joined(space), added=added, prefix=prefix or "")


def find_search_options(args: Sequence[str], option_prefix: str | None) -> CommandTemplate:
    """Find `--name=[…]` and `--name […]`, up to a literal `--`. Raises UsageError.

    With the prefix `--`, `-x=[…]` counts too, but the pair `-x […]` does not: it would spoil
    `python -c "[…]"` and `grep -e [a-z]`. With the prefix `-`, both count; with an empty prefix
    only `name=[…]`; with None there are no parameters.
    """
    slots: list[Slot] = []
    distributions: dict[str, Distribution] = {}
    for slot, written in _bracketed_options(args, option_prefix):
        if slot.name in distributions:
            raise UsageError(
                f"hyperparameter {slot.name} is given twice, the second time as {written!r}",
                "give all its values in one list, as in --lr=[0.01, 0.03]",
            )
        distributions[slot.name] = parse_values(slot.name, written)
        slots.append(slot)
    return CommandTemplate(tuple(args), tuple(slots), Space(distributions))


def _bracketed_options(
    args: Sequence[str], option_prefix: str | None
) -> Iterator[tuple[Slot, str]]:
    """Each search parameter's place and its bracketed text."""
    if option_prefix is None:
        return
    assigned, paired = option_patterns(option_prefix, r"\[.*\]")
    name = None
    for index, arg in enumerate(args):
        if arg == END_OF_OPTIONS:
            return
        if name is not None and arg.startswith("[") and arg.endswith("]"):
            yield Slot(index, "", name), arg
        elif match := assigned.fullmatch(arg):
            yield Slot(index, match[1], match[2]), match[3]
        option = paired.fullmatch(arg) if paired else None
        name = option[1] if option else None


def option_patterns(prefix: str, value: str) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Patterns of `--name=value` (groups: up to the value, name, value) and of `--name`."""
    head = re.escape(prefix)
    assigned_head = "--?" if prefix in {"-", "--"} else head
    paired_head = "--?" if prefix == "-" else head
    assigned = re.compile(rf"({assigned_head}({OPTION_NAME})=)({value})", re.DOTALL)
    return assigned, re.compile(rf"{paired_head}({OPTION_NAME})") if prefix else None


def parse_multi_commands(text: str, source_name: str) -> list[list[str]]:
    """The commands of a text that has one a line, in the quoting of a POSIX shell.

    Blank lines and comments are skipped. Raises UsageError, with the line number, for bad quotes,
    and if there are no commands.
    """
    commands = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        try:
            command = shell_words(line.rstrip("\r"))
        except ValueError as error:
            raise UsageError(
                f"{source_name}, line {number}: {str(error).lower()}",
                "close every quote on the line it is opened; a command stands on one line",
            ) from error
        if command:
            commands.append(command)
    if not commands:
        raise UsageError(f"{source_name}: no commands", "write one command a line")
    return commands


def shell_words(line: str) -> list[str]:
    """The words of a line as a POSIX shell takes them: `#` begins a comment only at the start of
    one. Raises ValueError for a quote that is not closed."""
    return shlex.split(_without_comment(line))


def _without_comment(line: str) -> str:
    quote = ""
    word_starts = True
    escaped = False
    for position, char in enumerate(line):
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char == "#" and word_starts:
            return line[:position]
        elif char in "\"'":
            quote = char
        word_starts = not quote and not escaped and char in " \t"
    return line
