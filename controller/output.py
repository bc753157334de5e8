"""Live output: a file and an offset for each listener.

Nothing is buffered for anybody: a listener reads the console file from its own position and
sleeps until the file grows. A slow or stopped listener therefore costs nothing and delays nobody.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from controller.watch import FileWatcher, Watch
from xt_core.nodes.positions import of_descriptor, start_offset

_CHUNK = 1 << 18


class OutputFeed:
    """The console of one run that lives on this node."""

    def __init__(self, path: Path, open_stored: Callable[[], int], watcher: FileWatcher) -> None:
        """`open_stored` opens the console after it has moved to the artifact store."""
        self._path, self._open_stored, self._watcher = path, open_stored, watcher
        self._watch: Watch | None = None
        self._listeners: set[asyncio.Event] = set()
        self._exists = asyncio.Event()
        self._ended = False

    def begin(self) -> None:
        """The console file exists from now on."""
        self._exists.set()

    def end(self) -> None:
        """Nothing more will be written: listeners read the rest and stop."""
        self._ended = True
        self._exists.set()
        self._wake_all("")

    @property
    def listeners(self) -> int:
        """How many streams follow it."""
        return len(self._listeners)

    async def stream(self, start: str, follow: bool) -> AsyncIterator[tuple[int, bytes]]:
        """(offset, bytes) from a start position on, until the run has ended.

        First comes one pair with no bytes: the offset the stream starts at. `start` is ``start``,
        ``end``, ``-N`` (the last N lines) or ``@BYTE``; without `follow` it stops at the present
        end of the file.
        """
        await self._exists.wait()
        awake = asyncio.Event()
        try:
            descriptor = self._open()
        except OSError:  # a run that never had a process has no console
            yield 0, b""
            return
        try:
            size = os.fstat(descriptor).st_size
            offset = start_offset(of_descriptor(descriptor), size, start)
            yield offset, b""
            self._add(awake)
            while True:
                awake.clear()
                ended = self._ended
                data = os.pread(descriptor, _CHUNK, offset)
                if data:
                    yield offset, data
                    offset += len(data)
                elif ended or not follow:
                    return
                else:
                    await awake.wait()
        finally:
            os.close(descriptor)
            self._remove(awake)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._open_stored()

    def _add(self, awake: asyncio.Event) -> None:
        self._listeners.add(awake)
        if self._watch is None and not self._ended:
            with contextlib.suppress(OSError):  # it has moved: the end is near
                self._watch = self._watcher.watch_file(self._path, self._wake_all)

    def _remove(self, awake: asyncio.Event) -> None:
        self._listeners.discard(awake)
        if self._watch is not None and not self._listeners:
            self._watch.close()
            self._watch = None

    def _wake_all(self, _name: str) -> None:
        for awake in self._listeners:
            awake.set()
