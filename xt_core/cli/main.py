"""`xt`: finds the command, runs it, and turns every error into one line and an exit code."""

import contextlib
import io
import os
import sys
from importlib import import_module

import xt_core
from xt_core.cli.table import COMMANDS
from xt_core.errors import ExitCode, UnavailableError, UsageError, XTError


def entry_point() -> None:
    """The process of `xt`: never returns."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the locale has no character for is told as an escape, as Python does on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    if code == ExitCode.INTERRUPTED:
        # An interrupt that met `exec` of a text, as dataclasses make their methods, is noted by
        # Python as one that nobody caught: it would end itself by a signal, not by the exit code.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: list[str]) -> int:
    """Run a command line; its exit code."""
    try:
        return _dispatch(argv)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except RuntimeError as error:  # Python 3.11 wraps whatever meets a `__set_name__`
        if isinstance(error.__cause__, KeyboardInterrupt):
            return ExitCode.INTERRUPTED
        raise
    except BrokenPipeError:
        _discard_output()
        return ExitCode.OK
    except (XTError, OSError) as error:
        if "--stack-trace" in argv:
            raise
        if isinstance(error, OSError):
            error = UnavailableError(str(error), "--stack-trace shows where")
        return _report(error, argv)


def _dispatch(argv: list[str]) -> int:
    first = argv[0] if argv else ""
    if first in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[1] in COMMANDS:
            return _run_command(argv[1], ["--help"])
        print(help_text())
        return ExitCode.OK
    if first in ("-V", "--version"):
        print(f"xt {xt_core.__version__}")
        return ExitCode.OK
    if not argv or first == "--team" or first.startswith("--team="):
        return _open_tui(argv)
    if first.startswith("-"):
        raise _stands_before(first)
    return _run_command(first, argv[1:])


def _run_command(name: str, argv: list[str]) -> int:
    command = COMMANDS.get(name)
    if command is None:
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean xt {near[0]}?" if near else "xt --help lists the commands"
        raise UsageError(f"there is no command {name!r}", hint)
    module = import_module(f"xt_core.cli.{command.module}")
    return int(module.main([name, *argv]))


def _open_tui(argv: list[str]) -> int:
    from xt_core.cli.parser import command_parser, overrides_of
    from xt_core.cli.tui import open_tui

    parser = command_parser("", "the terminal UI", ("xt --team phoenix",), usage="xt [--team NAME]")
    options, others = parser.parse_known_args(argv)
    if others:
        raise _stands_before("--team")
    return open_tui(overrides_of(options), argv)


def _stands_before(option: str) -> UsageError:
    """The error of options that come before their command."""
    option = option.partition("=")[0]
    value = " NAME" if option == "--team" else ""
    return UsageError(
        f"{option} stands where the command is expected",
        f"options go after the command, as in xt status {option}{value}",
    )


def help_text() -> str:
    """What `xt --help` prints."""
    lines = ["usage: xt [COMMAND …]", "", "Run, watch and steer machine-learning experiments."]
    lines += ["With no command, xt opens the terminal UI.", ""]
    groups = dict.fromkeys(command.group for command in COMMANDS.values())
    for group in groups:
        lines.append(f"{group}:")
        for command in COMMANDS.values():
            if command.group == group:
                nouns = f" ({', '.join(command.nouns)})" if command.nouns else ""
                lines.append(f"  {command.name:<11} {command.summary}{nouns}")
        lines.append("")
    lines += [
        "Every command takes --json, --team, --stack-trace and --help (with examples).",
        "",
        "examples:",
        "  xt demo",
        "  xt run train.py --lr=0.1",
        "  xt run --concurrent 2 train.py --lr=[.01,.03,.1] --hidden=[16,32]",
        "  xt attach run3",
        '  xt list runs --filter "metrics.loss<.2" --sort metrics.loss',
    ]
    return "\n".join(lines)


def _report(error: XTError, argv: list[str]) -> int:
    from xt_core.cli.talk import report_error

    report_error(error, as_json=_wants_json(argv))
    return error.exit_code


def _wants_json(argv: list[str]) -> bool:
    """Whether --json stands among the command's own options."""
    if argv[:1] == ["run"]:
        from xt_core.cli.run import split_command_line

        with contextlib.suppress(UsageError):
            argv = split_command_line(argv[1:])[0]
    elif argv[:1] == ["rerun"] and "--" in argv:
        argv = argv[: argv.index("--")]
    elif argv[:1] == ["ssh"]:
        from xt_core.cli.ssh import split_command_line as split_at_box

        argv = split_at_box(argv[1:])[0]
    return "--json" in argv


def _discard_output() -> None:
    """Whoever read our output has gone; Python must not complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
