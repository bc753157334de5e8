"""The output pane: attached to one run's console."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from xt_core.console import DetachedError, stream_console
from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.nodes.requests import OutputStream
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_tui.panes.pane import Pane
from xt_tui.widgets.text_view import TextView

_LAST_LINES = "-2000"
_GATHER_BYTES = 1 << 18


class OutputPane(Pane):
    """One attachment at a time; another run detaches the last one."""

    @dataclass
    class Arrived(Message):
        """Output came; it waits in the attachment."""

        attachment: "Attachment"

    @dataclass
    class Told(Message):
        """The run's box was lost, or is there again."""

        attachment: "Attachment"
        text: str

    def __init__(self, session: Session) -> None:
        super().__init__("", id="output")
        self._session = session
        self._attachment: Attachment | None = None

    def compose(self) -> ComposeResult:
        yield TextView(id="output-text")

    @property
    def view(self) -> TextView:
        return self.query_one("#output-text", TextView)

    @property
    def target(self) -> TextView:
        return self.view

    @property
    def run(self) -> Run | None:
        """The run whose output is shown."""
        return None if self._attachment is None else self._attachment.run

    @property
    def attached_to(self) -> str | None:
        """The full name of the run whose output is shown."""
        return None if self._attachment is None else self._attachment.run.full_name

    def on_unmount(self) -> None:
        if self._attachment is not None:
            self._attachment.close()
            self._attachment.wait()

    def attach(self, run: Run) -> None:
        """Show a run's last lines and follow it."""
        attachment = self._attachment
        if attachment is not None and self.attached_to == run.full_name and not attachment.ended:
            return
        self.detach()
        self.view.clear()
        self._attachment = Attachment(self._session, run, self._arrived, self._told)
        self._describe()
        self._attachment.start()

    def detach(self) -> None:
        """Let go of the run, which lives on."""
        if self._attachment is not None:
            self._attachment.close()
            self._attachment = None

    def _arrived(self, attachment: "Attachment") -> None:
        self.post_message(self.Arrived(attachment))

    def _told(self, attachment: "Attachment", text: str) -> None:
        self.post_message(self.Told(attachment, text))

    @on(Told)
    def _notify(self, message: Told) -> None:
        if message.attachment is self._attachment and self.is_attached:
            self.notify(message.text, severity="warning", markup=False)

    @on(Arrived)
    def _show(self, message: Arrived) -> None:
        if message.attachment is self._attachment and self.query(TextView):
            self.view.append(message.attachment.take())
            self._describe()

    @on(TextView.FollowingChanged)
    def _describe(self) -> None:
        """Whose output it is, and whether its end is in sight."""
        attachment = self._attachment
        if attachment is None or not self.query(TextView):
            return
        new = f" · ▼ {counted(self.view.new_lines, 'new line')}" if self.view.new_lines else ""
        away = "" if self.view.following else f"{new} · F follows"
        ended = " (ended)" if attachment.ended else ""
        self.border_subtitle = f"{attachment.run.name}{ended}{away}"


class Attachment:
    """A thread that follows a run's console, and waits while the UI is behind."""

    def __init__(
        self,
        session: Session,
        run: Run,
        arrived: Callable[["Attachment"], None],
        told: Callable[["Attachment", str], None],
    ) -> None:
        """`arrived` is called once output has come, `told` with news of the run's box."""
        self.run, self._arrived, self._told = run, arrived, told
        self._session = session.beside()
        self._stream: OutputStream | None = None
        self._changed = threading.Condition()
        self._pending = bytearray()
        self._closed = False
        self.ended = False
        self._thread = threading.Thread(target=self._follow, name=f"attach {run.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self) -> bytes:
        """What has come since the last call."""
        with self._changed:
            data = bytes(self._pending)
            self._pending.clear()
            self._changed.notify_all()
        return data

    def close(self) -> None:
        """Let the thread end; it may take a while, if a controller is being started."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._stream is not None:
            self._stream.close()

    def wait(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join(timeout=10)

    def _follow(self) -> None:
        try:
            with contextlib.suppress(DetachedError):
                stream_console(
                    self._session,
                    self.run,
                    _LAST_LINES,
                    self._write,
                    self._opened,
                    lambda text: self._told(self, text),
                )
        except XTError as error:
            with contextlib.suppress(DetachedError):
                self._write(f"\n{error.message}\n".encode())
        self._session.close()
        self.ended = True
        self._arrived(self)

    def _opened(self, stream: OutputStream) -> None:
        self._stream = stream
        if self._closed:
            stream.close()

    def _write(self, data: bytes) -> None:
        with self._changed:
            while len(self._pending) > _GATHER_BYTES and not self._closed:
                self._changed.wait()
            if self._closed:
                raise DetachedError
            first = not self._pending
            self._pending += data
        if first and data:
            self._arrived(self)
