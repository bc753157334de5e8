"""Batches: writes that are made at their end, or not at all if an error comes first.

Tags are read, changed and written whole by clients; what a batch read it remembers, so that only
the difference is written, and two clients do not undo each other's.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xt_core.stats.client_tags import Tags


class _Batch:
    """One thread's."""

    def __init__(self) -> None:
        self.writes: list[Callable[[], object]] = []
        self.seen: dict[str, Tags] = {}


class Batches:
    """The batch that each thread is in, if any."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `StatsStore.batch`; nested ones join the outermost."""
        if self._current is not None:
            yield
            return
        batch = self._local.batch = _Batch()
        try:
            yield
        finally:
            self._local.batch = None
        for write in batch.writes:
            write()

    @property
    def _current(self) -> _Batch | None:
        batch: _Batch | None = getattr(self._local, "batch", None)
        return batch

    def read(self, key: str, tags: Tags) -> None:
        """Remember what was read."""
        if self._current is not None:
            self._current.seen[key] = tags

    def seen(self, key: str) -> Tags | None:
        """What this batch read of it."""
        return self._current.seen.get(key) if self._current else None

    def waits(self, write: Callable[[], object]) -> bool:
        """Whether the write was kept for the end of a batch."""
        if self._current is None:
            return False
        self._current.writes.append(write)
        return True
