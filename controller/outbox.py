"""A node's artifacts: those on their way to its team's store, and copies of those it works with.

What is put here is on this node's disk when `put` returns, and reaches the team's store whenever
that answers; a run never waits for it. Invariants: an entry leaves the disk only after the team's
store has taken it; of one key the newest entry is the last to arrive.
"""

import contextlib
import logging
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from controller.backoff import Backoff
from controller.spool import Spool
from xt_core.artifacts.directory import DirectoryStore
from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import ConfigError, UnknownNameError, UsageError, XTError

_MOVED_AT_ONCE = 8
_MOST_REFUSALS = 5
_log = logging.getLogger(__name__)


class NodeArtifacts(Protocol):
    """What a controller does with artifacts, from many threads at once. See `ArtifactStore`."""

    def put_bytes(self, key: str, data: bytes) -> None: ...

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None: ...

    def local_path(self, key: str) -> Path | None: ...

    def get_files(self, files: Iterable[tuple[str, Path]]) -> dict[str, XTError]: ...


class Outbox:
    """Implements `NodeArtifacts` over two folders of this node and the team's store."""

    def __init__(self, folder: Path, copies: Path, team: ArtifactStore) -> None:
        """`folder` holds what is on its way, `copies` what `local_path` has fetched."""
        self._team, self._room = team, copies.parent
        self._spool, self._copies = Spool(folder), DirectoryStore(copies)
        self._changed = self._spool.changed
        self._moving: set[str] = set()
        self._refusals: Counter[str] = Counter()
        self._backoff, self._not_before = Backoff(), 0.0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"outbox {number}", daemon=True)
            for number in range(_MOVED_AT_ONCE)
        ]

    def start(self) -> None:
        """Begin to move entries to the team's store."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the entries that are being moved now; the others keep."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def flush(self, patience: float) -> bool:
        """Wait until all that was put so far has arrived; False after `patience` seconds."""
        with self._changed:
            last = self._spool.last
            return self._changed.wait_for(
                lambda: all(each.number > last for each in self._spool.pending.values()), patience
            )

    def has_arrived(self) -> bool:
        """Whether all that was put so far has arrived."""
        with self._changed:
            return not self._spool.pending

    def try_now(self) -> None:
        """There is reason to hope that the team's store takes again what it did not."""
        with self._changed:
            self._not_before = 0.0
            self._changed.notify_all()

    # Writing ----------------------------------------------------------------------------

    def put_bytes(self, key: str, data: bytes) -> None:
        self._spool.put_bytes(key, data)

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        self._spool.put_file(key, path, consume=consume)

    # Reading ----------------------------------------------------------------------------

    def local_path(self, key: str) -> Path | None:
        """A file that this node can read: the team's own where it has files, else a copy."""
        with contextlib.suppress(UnknownNameError):
            return self._copies.local_path(key)
        if (waiting := self._spool.path(key)) is not None:
            return waiting
        path = self._team.local_path(key)
        return self._fetch(key) if path is None else path

    def keep(self, key: str) -> None:
        """Have a copy of an artifact on this node, also of one whose file it can read now."""
        if not self.has_copy(key):
            self._fetch(key)

    def has_copy(self, key: str) -> bool:
        """Whether an artifact was kept or fetched."""
        return self._copies.exists(key)

    def _fetch(self, key: str) -> Path:
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=self._room) as folder:
            draft = Path(folder) / "artifact"
            self._team.get_file(key, draft)
            self._copies.put_file(key, draft, consume=True)
        return self._copies.local_path(key)

    def get_files(self, files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        """Write artifacts of the team's store to local files; what could not be, by key."""
        return self._team.get_files(files)

    def release(self, prefix: str) -> None:
        """The copies in a folder are not needed any more."""
        self._copies.delete_prefix(prefix)

    # Moving -----------------------------------------------------------------------------

    def _work(self) -> None:
        while (chosen := self._next()) is not None:
            self._move(*chosen)

    def _next(self) -> tuple[str, int] | None:
        """Wait for an entry that may be moved; None once closed."""
        with self._changed:
            while not self._closed:
                pause = self._not_before - time.monotonic()
                for key, entry in self._spool.pending.items() if pause <= 0 else ():
                    if key not in self._moving:
                        self._moving.add(key)
                        return key, entry.number
                self._changed.wait(pause if pause > 0 else None)
            return None

    def _move(self, key: str, number: int) -> None:
        error: Exception | None = None
        try:
            self._team.put_file(key, self._spool.path_of(key, number))
        except Exception as failure:  # also a defect, perhaps of one entry: the rest must not wait
            error = failure
        with self._changed:
            self._moving.discard(key)
            if self._spool.is_newest(key, number):  # else it was superseded meanwhile
                self._settle(key, number, error)
            self._changed.notify_all()

    def _settle(self, key: str, number: int, error: Exception | None) -> None:
        if error is None:
            self._refusals.pop(key, None)
            try:
                self._spool.remove(key, number)
            except XTError as failure:
                _log.warning("%s has arrived, and stays on this node: %s", key, failure)
                self._spool.ignore(key)
            if self._backoff.after_success():
                _log.info("the team's artifact store answers again")
        elif self._is_hopeless(key, error):
            _log.error("%s stays on this node: %s", key, error)
            self._spool.ignore(key)
        elif time.monotonic() >= self._not_before:  # else another thread has said so
            if not self._backoff.failures:
                defect = None if isinstance(error, XTError) else error
                _log.warning("%s; artifacts wait on this node", error, exc_info=defect)
            self._not_before = time.monotonic() + self._backoff.after_failure()

    def _is_hopeless(self, key: str, error: Exception) -> bool:
        """Whether the store would not take it however often it is tried. A setting may yet change,
        and a store that came back damaged may say so of what is in order."""
        is_wrong = isinstance(error, UsageError | UnknownNameError)  # or gone from this disk
        may_pass = isinstance(error, XTError) and not is_wrong
        if may_pass or isinstance(error, ConfigError):
            return False
        self._refusals[key] += 1
        return self._refusals[key] >= _MOST_REFUSALS
