"""Argument parsers of one look: examples in the help, errors as `UsageError`."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from xt_core.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"{self.prog} --help shows how it is used")


def command_parser(
    prog: str, summary: str, examples: Sequence[str], *, usage: str | None = None
) -> Parser:
    """A parser with the options that every command has."""
    parser = Parser(
        prog=f"xt {prog}".rstrip(),
        usage=usage,
        description=f"{summary[:1].upper()}{summary[1:]}.",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--team", metavar="NAME", help="the team to work with, this time")
    parser.add_argument("--stack-trace", action="store_true", help="show where an error arose")
    return parser


def overrides_of(options: argparse.Namespace) -> dict[str, object]:
    """What the options that many commands have say of the configuration."""
    given = {
        "general.xt-team-name": options.team,
        "general.workspace": getattr(options, "workspace", None),
    }
    return {setting: value for setting, value in given.items() if value is not None}


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """The option that chooses the workspace."""
    parser.add_argument("--workspace", metavar="NAME", help="workspace of the runs")


def seconds(text: str) -> float:
    """A number of seconds, for argparse."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def count(text: str) -> int:
    """A whole number of 0 or more, for argparse."""
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def join_value(argv: Sequence[str], option: str) -> list[str]:
    """``--from -20`` as one word ``--from=-20``: argparse takes ``-20`` for an option."""
    words = list(argv)
    for position in range(len(words) - 1):
        if words[position] == option:
            words[position : position + 2] = [f"{option}={words[position + 1]}"]
            break
    return words
