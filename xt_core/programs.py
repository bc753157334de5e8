"""The user's editor and pager, run in the terminal that XT was started in."""

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xt_core.errors import UsageError, WorkFailedError


def editor(environ: Mapping[str, str]) -> str:
    """The command of the user's editor, as a shell would take it."""
    return environ.get("VISUAL") or environ.get("EDITOR") or "vi"


def pager(environ: Mapping[str, str]) -> str:
    """The command of the user's pager; by default one that lets colours pass."""
    if chosen := environ.get("PAGER"):
        return chosen
    return "less -R" if shutil.which("less", path=environ.get("PATH")) else "more"


def open_file(program: str, file: Path, role: str, variable: str) -> None:
    """Open a file in a program, and wait until the user leaves it.

    Raises UsageError if it cannot be started (`role` and `variable` say what it is and what names
    it), WorkFailedError if it fails.
    """
    try:
        with _interrupts_left_to_it():
            done = subprocess.run([*shlex.split(program), os.fspath(file)], check=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"cannot start the {role} {program!r}: {reason}", f"name yours in {variable}"
        ) from error
    if done.returncode:
        raise WorkFailedError(f"the {role} {program!r} ended with exit code {done.returncode}")


@contextmanager
def _interrupts_left_to_it() -> Iterator[None]:
    """Ctrl-C goes to every process of the terminal; it is meant for the program. (A handler, not
    SIG_IGN, which the program would inherit.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
