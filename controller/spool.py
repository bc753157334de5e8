"""Artifacts that wait on this node's disk to be taken elsewhere, each as often as it was put.

What is put here is on the disk when `put` returns, and leaves it only by `remove` or because a
newer entry of its key has come: of one key the newest counts. For many threads at once.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xt_core.artifacts.directory import DirectoryStore
from xt_core.artifacts.store import check_key
from xt_core.errors import UnknownNameError
from xt_core.nodes.outbox import entry_name, parse_entry


@dataclass(frozen=True, slots=True)
class Entry:
    """What waits of a key; `size` is in bytes. A newer entry of any key has a larger number."""

    number: int
    size: int
    executable: bool


class Spool:
    """Entries in one folder. They are the disk's: another process finds them again."""

    def __init__(self, folder: Path) -> None:
        self._store = DirectoryStore(folder)
        self.changed = threading.Condition()
        """Guards `pending`; told whenever that changes."""
        self.pending: dict[str, Entry] = {}
        """The newest entry of each key, in the order of the keys' first entries."""
        self._ignored: dict[str, Entry] = {}
        self.last = 0
        """The number of the newest entry."""
        self._find_entries()

    def _find_entries(self) -> None:
        """What an earlier controller left."""
        self._store.sweep()
        for info in list(self._store.list()):
            number, key = parse_entry(info.key)
            name = entry_name(number, key)
            if name != info.key:  # as earlier versions had it
                self._store.put_file(name, self._store.local_path(info.key), consume=True)
            self.last = max(self.last, number)
            self._supersede(key, self._entry(number, name))

    def put_bytes(self, key: str, data: bytes) -> None:
        self._put(key, lambda name: self._store.put_bytes(name, data))

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        self._put(key, lambda name: self._store.put_file(name, path, consume=consume))

    def _put(self, key: str, write: Callable[[str], None]) -> None:
        check_key(key)
        with self.changed:
            self.last += 1
            number = self.last
        name = entry_name(number, key)
        write(name)
        entry = self._entry(number, name)
        with self.changed:
            self._supersede(key, entry)
            self.changed.notify_all()

    def _entry(self, number: int, name: str) -> Entry:
        status = os.stat(self._store.root / name)
        return Entry(number, status.st_size, bool(status.st_mode & 0o111))

    def _supersede(self, key: str, entry: Entry) -> None:
        """Keep the newer one of two entries of a key."""
        other = self.pending.get(key, self._ignored.pop(key, None))
        if other is None:
            self.pending[key] = entry
            return
        older, newer = sorted((other, entry), key=lambda each: each.number)
        self.pending[key] = newer
        with contextlib.suppress(UnknownNameError):  # one that was ignored may be gone
            self._store.delete(entry_name(older.number, key))

    def path(self, key: str) -> Path | None:
        """The file of a key's newest entry, as long as it waits."""
        with self.changed:
            entry = self.pending.get(key)
        if entry is not None:
            with contextlib.suppress(UnknownNameError):  # it was taken, or superseded
                return self.path_of(key, entry.number)
        return None

    def path_of(self, key: str, number: int) -> Path:
        """The file of an entry. Raises UnknownNameError once it was removed or superseded."""
        return self._store.local_path(entry_name(number, key))

    def open(self, key: str, number: int) -> BinaryIO:
        """An entry to read, also when it is removed meanwhile. Raises as `path_of` does."""
        return self._store.open(entry_name(number, key))

    def is_newest(self, key: str, number: int) -> bool:
        """Whether an entry waits and has not been superseded; to be asked with `changed` held."""
        entry = self.pending.get(key)
        return entry is not None and entry.number == number

    def remove(self, key: str, number: int) -> None:
        """An entry was taken; one that was superseded meanwhile is no matter."""
        with self.changed:
            if self.is_newest(key, number):
                self._store.delete(entry_name(number, key))
                del self.pending[key]
                self.changed.notify_all()

    def ignore(self, key: str) -> None:
        """Let what waits of a key lie on the disk, for a later controller to try again, unless a
        newer one comes."""
        with self.changed:
            self._ignored[key] = self.pending.pop(key)
