"""Watching one box: what changes there is heard here, and comes home as it does.

A box that cannot be reached is tried again and again, with longer and longer pauses; nobody waits
for it.
"""

import contextlib
import threading
from collections.abc import Callable

from xt_core.errors import UnavailableError, XTError
from xt_core.nodes.boxcontroller import BoxController
from xt_core.nodes.homecoming import Homecoming
from xt_core.nodes.requests import Told
from xt_core.nodes.streams import ChangeStream

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 15.0


class BoxWatch:
    """Two threads: one listens and takes in records, the other fetches files, which may take
    long."""

    def __init__(
        self, client: BoxController, homecoming: Homecoming, ring: Callable[[], None], told: Told
    ) -> None:
        """`ring` is called after each change that has come home, and when the box is lost or there
        again."""
        self._client, self._homecoming = client, homecoming
        self._ring, self._told = ring, told
        self._ended, self._files_due = threading.Event(), threading.Event()
        self._stream: ChangeStream | None = None
        self._lock = threading.Lock()
        self._lost = False
        for work, what in ((self._listen, "changes"), (self._fetch, "files")):
            threading.Thread(target=work, name=f"{what} of {client.name}", daemon=True).start()

    def close(self) -> None:
        """Let the threads end; they are not waited for."""
        with self._lock:
            self._ended.set()
            self._files_due.set()
            if self._stream is not None:
                self._stream.close()

    def _listen(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._ended.is_set():
            try:
                self._homecoming.ensure_running(self._client)
                self._homecoming.bring_stats(self._client.name)
                self._homecoming.hand_over_again(self._client)
                for _ in self._new_stream():
                    self._homecoming.bring_stats(self._client.name)
                    self._found()
                    pause = _FIRST_PAUSE_SECONDS
            except UnavailableError as error:
                self._lose(f"{error.message}; reconnecting…")
            except XTError as error:  # such as a changed host key: it may be put right yet
                self._lose(error.message)
            self._ended.wait(max(pause, self._client.box.retry_seconds))
            pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause)

    def _new_stream(self) -> ChangeStream:
        stream = self._client.changes()
        with self._lock:
            self._stream = stream
            if self._ended.is_set():  # `close` saw no such stream yet
                stream.close()
        return stream

    def _found(self) -> None:
        if self._lost:
            self._lost = False
            self._told(f"{self._client.name} answers again")
        self._files_due.set()
        self._ring()

    def _lose(self, why: str) -> None:
        if not self._ended.is_set() and not self._lost:
            self._lost = True
            self._told(why)
            self._ring()

    def _fetch(self) -> None:
        while not self._ended.is_set():
            self._files_due.wait()
            self._files_due.clear()
            with contextlib.suppress(XTError):  # the other thread tells, and it is tried again
                if not self._ended.is_set():
                    self._homecoming.bring_files(self._client.name)
