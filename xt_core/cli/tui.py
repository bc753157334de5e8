"""`xt tui`: the terminal UI, in this terminal or in a browser. Plain `xt` is the same."""

import argparse
import contextlib
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

from xt_core.cli.parser import Parser, command_parser, overrides_of
from xt_core.errors import ExitCode, UsageError

_EXAMPLES = (
    "xt                          the same as xt tui",
    "xt tui --read-only          look at everything, change nothing",
    "xt tui --theme xt-light     wear a theme, this time; 8 in the UI chooses one for good",
    "xt tui --serve 8600         in a browser of this machine; prints the URL with its token",
)
_FIRST_PORT = 8600
_DRIVER = "TEXTUAL_DRIVER"
"""Names what draws in place of a terminal; the web server sets it."""


def main(argv: list[str]) -> int:
    parser = command_parser("tui", "the terminal UI", _EXAMPLES)
    _add_options(parser)
    options = parser.parse_args(argv[1:])
    if options.json:
        raise UsageError("the terminal UI has no JSON", "xt status --json and others have")
    if options.serve is not None:
        return _serve(options)
    return open_tui(overrides_of(options) | _overrides(options), argv[1:])


def open_tui(overrides: dict[str, object], words: Sequence[str] = ()) -> int:
    """Run the UI in this terminal until the user leaves; the exit code. `words` stood on the
    command line. Raises UsageError without a terminal."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not (is_terminal or _DRIVER in os.environ):
        hint = "xt --help lists the commands"
        if words:
            hint += "; --team goes after the command, as in xt status --team NAME"
        raise UsageError("the terminal UI needs a terminal", hint)
    gc.disable()  # until it is open: of all that is loaded for it nothing is garbage
    from xt_core.session import Session

    app = import_module("xt_tui.app")  # the engine does not know the UI, the program does
    session = Session(overrides=overrides)
    if is_terminal:
        session.sign_in_beforehand()
    return int(app.run_app(session))


def _add_options(parser: Parser) -> None:
    parser.add_argument("--read-only", action="store_true", help="nothing can be changed")
    parser.add_argument("--theme", metavar="NAME", help="as xt-dark, xt-light, xt-contrast")
    parser.add_argument("--ascii", action="store_true", help="draw nothing but ASCII characters")
    parser.add_argument(
        "--serve",
        nargs="?",
        type=_port,
        const=_FIRST_PORT,
        metavar="PORT",
        help=f"in a browser of this machine (default: {_FIRST_PORT}); needs the extra serve",
    )


def _port(text: str) -> int:
    """A port's number, for argparse."""
    value = int(text)
    if not 0 < value < 65536:
        raise ValueError
    return value


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    given = {
        "tui.read-only": options.read_only or None,
        "tui.theme": options.theme,
        "tui.ascii": options.ascii or None,
    }
    return {setting: value for setting, value in given.items() if value is not None}


def _serve(options: argparse.Namespace) -> int:
    """Serve the UI to browsers until it is interrupted."""
    words = [sys.executable, "-m", "xt_core", "tui"]
    words += ["--read-only"] if options.read_only else []
    words += ["--ascii"] if options.ascii else []
    words += ["--theme", options.theme] if options.theme else []
    words += ["--team", options.team] if options.team else []
    from xt_core.session import Session

    with contextlib.closing(Session(overrides=overrides_of(options))) as session:
        session.sign_in_beforehand()  # the browser has no terminal to ask on
    import_module("xt_tui.serving").serve(shlex.join(words), options.serve)
    return ExitCode.OK
