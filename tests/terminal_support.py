"""XT in a real terminal: tmux, its keys, and its screen."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support import Xt, is_alive, process_state, wait_until


class Terminal:
    """A terminal in which XT runs. When XT ends, its exit code and the terminal's settings are
    shown."""

    def __init__(self, xt: Xt, socket: Path, width: int, height: int) -> None:
        self._xt, self._socket = xt, socket
        self._environ = xt.environ | {"TERM": "xterm-256color"}
        self._pid_file = Path(f"{socket}.pid")
        settings, before, after = "stty -g", f"{socket}.before", f"{socket}.after"
        command = (
            f"{settings} > {before}; sh -c 'echo $$ > {self._pid_file};"
            f" exec {sys.executable} -m xt_core'; echo EXIT=$?;"
            f"{settings} > {after}; cmp {before} {after} && echo SANE; cat"
        )
        size = ("-x", str(width), "-y", str(height))
        self._tmux("new-session", "-d", "-s", "xt", *size, command)

    @property
    def pid(self) -> int:
        """The process of XT."""
        return int(wait_until(lambda: self._pid_file.exists() and self._pid_file.read_text()))

    @property
    def is_stopped(self) -> bool:
        """Whether XT's process stands still."""
        return process_state(self.pid) == "T"

    def press(self, *keys: str) -> None:
        """Keys as tmux names them; what is no such name is typed."""
        for key in keys:
            self._tmux("send-keys", "-t", "xt", key)

    def type(self, text: str) -> None:
        """Type a text, whatever it says."""
        self._tmux("send-keys", "-l", "-t", "xt", text)

    def paste(self, text: str) -> None:
        """Paste a text, marked as such as terminals do."""
        file = Path(f"{self._socket}.paste")
        file.write_text(text)
        self._tmux("load-buffer", str(file))
        self._tmux("paste-buffer", "-p", "-t", "xt")

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-t", "xt", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "xt")

    def line(self, text: str) -> str:
        """The first line of the screen that has this text; empty without one."""
        return next((line for line in self.screen().splitlines() if text in line), "")

    def shows(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        self._wait(lambda: all(text in self.screen() for text in texts), f"{texts!r}")

    def lacks(self, text: str) -> None:
        """Wait until this is not on the screen."""
        self._wait(lambda: text not in self.screen(), f"{text!r} to leave")

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        try:
            wait_until(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.screen()}") from None

    def leave(self) -> None:
        """Leave XT, and see that the terminal is as it was."""
        self.press("q")
        self.has_left(0)

    def has_left(self, code: int) -> None:
        """Wait until XT has ended with an exit code; see that the terminal is as it was."""
        self.shows(f"EXIT={code}", "SANE")
        flags = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}"
        assert self._tmux("display-message", "-p", "-t", "xt", flags).split() == ["0", "0", "1"]

    def close(self) -> None:
        """Close the terminal, with which XT ends."""
        self._tmux("kill-server")
        with contextlib.suppress(OSError, ValueError):  # one that was stopped hears of it now
            pid = int(self._pid_file.read_text())
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda: not is_alive(pid), "XT to end with its terminal")

    def _tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", os.devnull, "-S", str(self._socket), *args],
            env=self._environ, cwd=self._xt.code, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


@contextmanager
def terminal(
    xt: Xt, folder: Path, width: int = 120, height: int = 36, name: str = "tmux"
) -> Iterator[Terminal]:
    """XT in a terminal of this size; of two at once each has a name."""
    own = Terminal(xt, folder / name, width, height)
    try:
        yield own
    finally:
        own.close()
