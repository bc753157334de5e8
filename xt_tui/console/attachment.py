"""A run's console on its way into a line buffer: first its end, then what comes, and what was
before it when that is wanted.

Two threads do it; neither touches the UI. A console of any size opens at once, because it is read
backwards from its end.
"""

import contextlib
import threading
from collections.abc import Callable

from xt_core.console import DetachedError, console_range, console_size, stream_console
from xt_core.errors import UnavailableError, XTError
from xt_core.model.records import Run
from xt_core.nodes.streams import OutputStream
from xt_core.session import Session
from xt_tui.console.lines import LineBuffer
from xt_tui.console.terminal import Terminal

_LAST_BYTES = 1 << 19
_LOOKED_AT = 1 << 16  # where a line is sought to begin with
_PIECE = 1 << 21
EARLIER_BYTES = 16 << 20
"""Bytes before the end that are fetched without being asked for, and each time they are."""


class Attachment:
    """Follows one run. `changed` is called, in any thread, when there is news of how it goes."""

    def __init__(
        self,
        session: Session,
        run: Run,
        buffer: LineBuffer,
        changed: Callable[["Attachment"], None],
        told: Callable[["Attachment", str], None],
        source: int = 0,
        prefix: str = "",
    ) -> None:
        """`told` is called with news of the run's box. With a `prefix`, each line begins with it:
        the buffer is shared with other runs."""
        self.run, self._changed, self._told = run, changed, told
        self._parent, self._session, self._buffer = session, session.beside(), buffer
        self._source, self._prefix = source, prefix
        self._terminal = Terminal(buffer, source, prefix)
        self._stream: OutputStream | None = None
        self._closed = threading.Event()
        self._loads = threading.Lock()
        self.ended = False
        self.problem = ""
        """Why nothing comes any more, or just now."""
        self.first = 0
        """The offset of the first byte that is there."""
        self.wanted = 0
        """The offset from which on bytes are wanted."""
        self._knows_first = False
        self._thread = threading.Thread(target=self._follow, name=f"attach {run.name}", daemon=True)

    @property
    def is_known(self) -> bool:
        """Whether it is known how much there is."""
        return self._knows_first

    @property
    def is_whole(self) -> bool:
        """Whether all of the console is there, from its first byte on."""
        return self._knows_first and self.first == 0

    @property
    def is_loading(self) -> bool:
        """Whether earlier bytes are on their way."""
        return self.first > self.wanted

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Let the threads end; it may take a while, if a controller is being started."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    def wait(self) -> None:
        """Wait until the run is let go of, but not for one that has not begun."""
        self._thread.join(timeout=1 if self._stream is None else 10)

    # The end, and what comes ------------------------------------------------------------

    def _follow(self) -> None:
        try:
            with contextlib.suppress(DetachedError):
                stream_console(
                    self._session, self.run, self._start(), self._write, self._opened, self._tell
                )
        except Exception as error:
            self.problem = _reason(error)
        self._terminal.finish()
        self._session.close()
        self.ended = True
        if not self._closed.is_set():
            self._changed(self)

    def _start(self) -> str:
        """Where to begin: at the last bytes, from the next line on."""
        try:
            size = console_size(self._session, self.run)
            begin = max(0, size - _LAST_BYTES)
            stop = begin + _LOOKED_AT
            end = b"".join(console_range(self._session, self.run, begin, stop)) if begin else b""
        except UnavailableError:  # the node's size is not known before it answers again
            return "start"
        begin += _first_line(end) if begin else 0
        self.first = self.wanted = begin
        self._knows_first = True
        self._changed(self)
        self.load(max(0, begin - EARLIER_BYTES))  # from now on another thread moves `first`
        return f"@{begin}"

    def _opened(self, stream: OutputStream) -> None:
        self._stream = stream
        self._knows_first, self.problem = True, ""
        if self._closed.is_set():
            stream.close()
        else:
            self._changed(self)

    def _tell(self, text: str) -> None:
        self.problem = text
        if not self._closed.is_set():
            self._told(self, text)
            self._changed(self)

    def _write(self, data: bytes) -> None:
        if self._closed.is_set():
            raise DetachedError
        if data:
            self._terminal.feed(data)

    # What was before --------------------------------------------------------------------

    def load(self, begin: int) -> None:
        """Have the bytes from an offset on."""
        if begin < self.wanted and not self._closed.is_set():
            self.wanted = begin
            name = f"earlier output of {self.run.name}"
            threading.Thread(target=self._load, name=name, daemon=True).start()

    def load_more(self) -> None:
        """Have more of what is before."""
        self.load(max(0, min(self.first, self.wanted) - EARLIER_BYTES))

    def _load(self) -> None:
        with self._loads:
            session = self._parent.beside()
            try:
                while self.first > self.wanted and not self._closed.is_set():
                    self._load_piece(session)
                    self._changed(self)
            except Exception as error:
                self.wanted = self.first
                self.problem = _reason(error)
                self._changed(self)
            finally:
                session.close()

    def _load_piece(self, session: Session) -> None:
        """The bytes before the first, from a line on; their lines come before the others."""
        begin = max(0, self.first - _PIECE)
        data = b"".join(console_range(session, self.run, begin, self.first))
        skipped = _first_line(data) if begin else 0
        lines = LineBuffer()
        terminal = Terminal(lines, prefix=self._prefix)
        terminal.feed(data[skipped:])
        terminal.finish()
        place, parts = 0, list[bytes]()
        while place < lines.end:
            part, place = lines.piece(place)
            parts.append(part)
        self._buffer.prepend(b"".join(parts))
        self._buffer.is_cut |= lines.is_cut
        self.first = begin + skipped


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, XTError) else f"{type(error).__name__}: {error}"


def _first_line(data: bytes) -> int:
    """Where the first whole line begins: after a newline, in a bar that is redrawn without one
    after a carriage return; 0 if there is neither, short of the end."""
    for end in (b"\n", b"\r"):
        place = data.find(end, 0, len(data) - 1) + 1
        if place:
            return place
    return 0
