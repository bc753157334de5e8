"""The terminal as it is written to: one that goes away ends the UI.

Textual's driver leaves that open. Its writer ends at the first line that cannot be written, after
which the UI waits for ever for room in the writer's queue, a process that nobody sees; it begins
anew on each SIGCONT, also on that which the kernel sends with SIGHUP, then with two readers of
keys; and it reads on at the end of a terminal that is gone, as fast as it can.
"""

import codecs
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from xt_tui.leaving import SIGNALLED

_LOOK_SECONDS = 1.0
_GONE = SIGNALLED + signal.SIGHUP
"""The exit code, as of who is told so by the signal."""


def draws_ascii_only(environ: Mapping[str, str]) -> bool:
    """Whether nothing but ASCII can be drawn: on Linux' own console, and where the locale has
    another encoding than UTF-8."""
    if environ.get("TERM") == "linux":
        return True
    return sys.__stderr__ is not None and codecs.lookup(sys.__stderr__.encoding).name != "utf-8"


class Output:
    """What is written goes to a terminal, or nowhere once that is gone. Called in a thread."""

    def __init__(self, file: TextIO, gone: Callable[[], None]) -> None:
        """`gone` is called once, when something cannot be written."""
        self._number, self._gone = file.fileno(), gone
        self._encoding = file.encoding
        self._waiting: list[str] = []
        self.is_gone = False

    def fileno(self) -> int:
        return self._number

    def write(self, text: str) -> int:
        """Keep a text until all is written."""
        self._waiting.append(text)
        return len(text)

    def flush(self) -> None:
        """Write all; a terminal that others have made one that does not wait is waited for."""
        text = "".join(self._waiting)
        self._waiting.clear()
        data = memoryview(text.encode(self._encoding, "replace"))  # as many cells as there were
        while data and not self.is_gone:
            try:
                data = data[os.write(self._number, data) :]
            except BlockingIOError:
                select.select((), (self._number,), ())
            except OSError:
                self.is_gone = True
                self._gone()


class TerminalDriver(LinuxDriver):
    """Looks whether the terminal is there, and ends the app when it is not."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert self._file is not None
        self._output = Output(cast(TextIO, self._file), self._leave_soon)
        self._file = cast(Any, self._output)
        self._is_resuming = False
        if self.input_tty:
            self._loop.call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        poll = select.poll()
        poll.register(self.fileno, 0)
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0)):
            self._leave()
        else:
            self._loop.call_later(_LOOK_SECONDS, self._look)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:
            self._leave_soon()

    def _leave_soon(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._app.exit(return_code=_GONE)

    def resume_application_mode(self) -> None:
        self._is_resuming = True  # another SIGCONT may come amidst it
        try:
            super().resume_application_mode()
        finally:
            self._is_resuming = False

    def _sigcont_application(self, *_: object) -> None:
        """Go on. Who was stopped from outside has not left the screen, and must do that first: not
        now, where the signal may have come amidst a write."""
        if self._must_signal_resume and not self._is_resuming:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._begin_anew)

    def _begin_anew(self) -> None:
        is_ending = self._output.is_gone or self.exit_event.is_set() or not self._app.is_running
        if self._auto_restart and not is_ending and os.isatty(self.fileno):
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()
