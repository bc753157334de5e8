"""A box that is a folder of this machine: a home directory, a PATH, and real commands."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from xt_core.errors import UnavailableError


@dataclass(frozen=True)
class Completed:
    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass
class LocalBox:
    """What runs there sees nothing of the test's own environment."""

    home: Path
    path: str = "/usr/bin:/bin"
    name: str = "gpu1"
    variables: dict[str, str] = field(default_factory=dict)
    before: Callable[[str, bytes], None] = lambda _command, _stdin: None
    """Called with each command and its input."""
    sent: int = 0

    @property
    def root(self) -> Path:
        return self.home / ".xt"

    def run(self, command: str, stdin: bytes = b"", *, seconds: float | None = None) -> Completed:
        self.before(command, stdin)
        self.sent += len(stdin)
        env = {"HOME": str(self.home), "PATH": self.path, **self.variables}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            input=stdin,
            capture_output=True,
            env=env,
            cwd=self.home,
            timeout=seconds,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def processes(self) -> list[int]:
        """Living processes of XT on this box."""
        mark = f"{self.root}/".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    texts = [(entry / name).read_bytes() for name in ("cmdline", "environ")]
                except OSError:
                    continue
                if any(mark in text for text in texts):
                    found.append(int(entry.name))
        return found

    def kill_all(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


class CutBox(LocalBox):
    """A box whose connection ends after so many bytes of uploads, in the middle of a command."""

    left = 1_500_000

    def run(self, command: str, stdin: bytes = b"", *, seconds: float | None = None) -> Completed:
        if "os.lseek" in command:
            if len(stdin) > self.left:
                super().run(command, stdin[: self.left], seconds=seconds)
                raise UnavailableError(f"{self.name}: the connection was lost")
            self.left -= len(stdin)
        return super().run(command, stdin, seconds=seconds)
