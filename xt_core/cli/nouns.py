"""Commands whose first word says what they are about, such as `xt list runs`.

Each noun has a parser of its own, so that no option is taken where it would mean nothing.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from xt_core.cli.parser import Parser, command_parser, join_value, overrides_of
from xt_core.cli.talk import note
from xt_core.errors import UsageError
from xt_core.session import Session

_COMMON_FLAGS = ("--json", "--stack-trace")


class Noun(NamedTuple):
    """What one noun takes and does."""

    summary: str
    arguments: str
    """Positional arguments, for the usage line."""
    add_arguments: Callable[[Parser], None]
    run: Callable[[Session, argparse.Namespace], None]
    dashed: tuple[str, ...] = ()
    """Options whose value may begin with a dash, such as ``--sort -duration``."""


def run_noun(
    argv: Sequence[str],
    summary: str,
    nouns: Mapping[str, Noun],
    examples: Sequence[str],
    *,
    is_looking: bool = False,
) -> None:
    """Parse a command line, its command first, and do what its noun does; see
    `Session.is_looking`."""
    command, *words = argv
    flags = []
    while words and words[0] in _COMMON_FLAGS:
        flags.append(words.pop(0))
    noun = nouns.get(words[0]) if words else None
    if not words:
        raise UsageError(
            f"xt {command} does nothing by itself: xt {command} {'|'.join(nouns)}",
            f"xt {command} --help tells more",
        )
    if noun is None:
        _refuse_mistyped(command, words[0], nouns)
        _overview(command, summary, nouns, examples).parse_args([*flags, *words])
        return
    parser = _noun_parser(command, words[0], noun, examples)
    arguments = words[1:]
    for option in noun.dashed:
        arguments = join_value(arguments, option)
    options = parser.parse_intermixed_args([*flags, *arguments])
    session = Session(overrides=overrides_of(options), is_looking=is_looking, waiting=note)
    noun.run(session, options)


def _refuse_mistyped(command: str, word: str, nouns: Mapping[str, Noun]) -> None:
    """Raises UsageError for what is nearly one of the nouns."""
    from difflib import get_close_matches

    if near := get_close_matches(word, nouns, n=1):
        raise UsageError(
            f"xt {command} {word}: there is no such thing", f"did you mean xt {command} {near[0]}?"
        )


def _overview(
    command: str, summary: str, nouns: Mapping[str, Noun], examples: Sequence[str]
) -> Parser:
    """The parser of a command without a noun: it has help, and errors."""
    parser = command_parser(command, summary, examples, usage=f"xt {command} WHAT [OPTIONS]")
    known = "\n".join(f"  {name:<12} {noun.summary}" for name, noun in nouns.items())
    parser.epilog = f"WHAT:\n{known}\n\nxt {command} WHAT --help tells more.\n\n{parser.epilog}"
    parser.add_argument("what", choices=tuple(nouns), metavar="WHAT", help="one of those below")
    return parser


def _noun_parser(command: str, name: str, noun: Noun, examples: Sequence[str]) -> Parser:
    start = f"xt {command} {name}"
    usage = " ".join(filter(None, (start, noun.arguments, "[OPTIONS]")))
    own = [example for example in examples if f"{example} ".startswith(f"{start} ")]
    parser = command_parser(f"{command} {name}", noun.summary, own or [start], usage=usage)
    noun.add_arguments(parser)
    return parser
