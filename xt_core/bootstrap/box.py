"""A machine that XT is brought to, as this package sees it."""

import hashlib
import json
import shlex
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from xt_core.errors import RefusedError, UnavailableError

CHUNK_BYTES = 4 << 20
_WRITE = (
    "import os,shutil,sys;f=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT,0o600);"
    "os.lseek(f,int(sys.argv[2]),0);shutil.copyfileobj(sys.stdin.buffer,os.fdopen(f,'wb'))"
)
"""Writes its standard input at an offset: what a lost connection leaves running does no harm. One
line, as every command here: the user's own shell, which reads it first, may be no POSIX one."""


class Completed(Protocol):
    """How a command ended."""

    @property
    def exit_code(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...


class Box(Protocol):
    """Runs commands by the user's shell, in the user's home directory."""

    @property
    def name(self) -> str:
        """For messages."""

    def run(self, command: str, stdin: bytes = b"", *, seconds: float | None = None) -> Completed:
        """Run a command to its end. Raises UnavailableError, also after `seconds`."""


class BoxPython:
    """A Python of a box, by its path there, and the XT_HOME it works in."""

    def __init__(self, box: Box, python: str, root: str) -> None:
        self.box, self.python, self.root = box, python, root

    def call(self, operation: str, **arguments: object) -> Any:
        """An operation of `onbox`: its result.

        Raises RefusedError or UnavailableError with its reason, which name the box.
        """
        request = {"operation": operation, "root": self.root, **arguments}
        command = shlex.join([self.python, "-I", "-", json.dumps(request)])
        done = self.box.run(command, _program(), seconds=None)
        return answer_of(self.box, done)

    def send(self, source: Path, target: str, offset: int, told: Callable[[int], None]) -> None:
        """Write a file to the box from an offset on; `told` gets how many bytes are there."""
        with source.open("rb") as file:
            file.seek(offset)
            while chunk := file.read(CHUNK_BYTES):
                command = shlex.join([self.python, "-I", "-c", _WRITE, target, str(offset)])
                done = self.box.run(command, chunk, seconds=None)
                if done.exit_code:
                    raise UnavailableError(
                        f"{self.box.name}: cannot write {target}: {_last_line(done.stderr)}",
                        "see whether the box has room",
                    )
                offset += len(chunk)
                told(offset)


def answer_of(box: Box, done: Completed) -> Any:
    """The result that a program of ours printed as JSON; raises its error."""
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        reason = _last_line(done.stderr) or f"exit code {done.exit_code}"
        raise UnavailableError(f"{box.name}: Python failed there: {reason}") from None
    if "error" in answer:
        kind = RefusedError if answer.get("kind") == "refused" else UnavailableError
        raise kind(f"{box.name}: {answer['error']}", answer.get("hint", ""))
    return answer["result"]


def _last_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _program() -> bytes:
    return files("xt_core.bootstrap").joinpath("onbox.py").read_bytes()


def digest_of(*parts: object) -> str:
    """A name for contents."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
