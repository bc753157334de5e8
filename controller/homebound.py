"""Artifacts of a node whose team's store is kept by a client, out of the node's reach.

They wait here until the client fetches them, for as long as that takes. Invariant: an entry leaves
the disk only after the client has said that its store has it.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.spool import Entry, Spool
from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnknownNameError, XTError
from xt_core.nodes.frames import pack_head

GetFiles = Callable[[Iterable[tuple[str, Path]]], dict[str, XTError]]

SMALL_BYTES = 1 << 20
"""Entries up to this size come before larger ones: records before checkpoints."""
_BATCH_ENTRIES, _BATCH_BYTES = 2_000, 16 << 20
_SLICE_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Wish:
    """What a client wants: all but `skipped`; of those `begun` it may have a part already."""

    skipped: Collection[int]
    begun: dict[int, int]
    """How many bytes the client has, by an entry's number."""


class HomeboundOutbox:
    """Implements `NodeArtifacts` for such a node: see `Outbox`."""

    def __init__(self, folder: Path, copies: Path, brought: GetFiles) -> None:
        """`folder` holds what waits, `copies` what the client has brought for jobs; `brought`
        gets the manifests and contents of shares that it has brought."""
        self._spool, self._copies = Spool(folder), DirectoryStore(copies)
        self._brought = brought
        self.name = _lasting_name(folder.with_name(f"{folder.name}.name"))
        """Tells entries from those of the same numbers in an outbox that was lost."""

    # What a team's link asks of an outbox: nothing here may wait for the client.

    def start(self) -> None:
        """The client fetches."""

    def flush(self, _patience: float) -> bool:
        """All is where the client can fetch it."""
        return True

    def has_arrived(self) -> bool:
        """The node may end; its next controller finds what still waits."""
        return True

    def try_now(self) -> None:
        """The client fetches whenever it comes."""

    # Writing ----------------------------------------------------------------------------

    def put_bytes(self, key: str, data: bytes) -> None:
        self._spool.put_bytes(key, data)

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        self._spool.put_file(key, path, consume=consume)

    # Reading ----------------------------------------------------------------------------

    def local_path(self, key: str) -> Path:
        """The file of what was brought here, or still waits to be fetched."""
        with contextlib.suppress(UnknownNameError):
            return self._copies.local_path(key)
        if (waiting := self._spool.path(key)) is not None:
            return waiting
        raise UnknownNameError(
            f"{key} is not on this node: it was fetched, or never brought", "submit the job again"
        )

    def has(self, key: str) -> bool:
        """Whether `local_path` finds it."""
        with contextlib.suppress(UnknownNameError):
            return self.local_path(key).exists()
        return False

    def keep(self, key: str) -> None:
        """Raises UnknownNameError for what the client has not brought."""
        if not self.has_copy(key):
            raise UnknownNameError(f"{key} was not brought to this node", "submit the job again")

    def has_copy(self, key: str) -> bool:
        return self._copies.exists(key)

    def bring(self, key: str, path: Path) -> None:
        """A file that the client has brought is a copy from now on, and gone from where it was."""
        self._copies.put_file(key, path, consume=True)

    def get_files(self, files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        return self._brought(files)

    def release(self, prefix: str) -> None:
        """The copies in a folder are not needed any more."""
        self._copies.delete_prefix(prefix)

    def keys(self) -> list[str]:
        """What waits."""
        with self._spool.changed:
            return list(self._spool.pending)

    # Fetching ---------------------------------------------------------------------------

    def waiting(self, wish: Wish) -> "Fetch":
        """What the client gets next: many small entries, or a part of a large one; oldest first."""
        with self._spool.changed:
            pending = [
                (key, entry)
                for key, entry in self._spool.pending.items()
                if entry.number not in wish.skipped
            ]
        fetch = Fetch(self._spool, self.name, len(pending), sum(entry.size for _, entry in pending))
        fetch.begun = [entry.number for _, entry in pending if entry.number in wish.begun]
        pending.sort(key=lambda each: each[1].number)
        small = [(key, entry) for key, entry in pending if entry.size <= SMALL_BYTES]
        size = 0
        for key, entry in small[:_BATCH_ENTRIES]:
            if size and size + entry.size > _BATCH_BYTES:
                break
            size += entry.size
            fetch.parts.append((key, entry, 0))
        if not small and pending:
            begun = [each for each in pending if each[1].number in wish.begun]
            key, entry = (begun or pending)[0]
            fetch.parts.append((key, entry, min(wish.begun.get(entry.number, 0), entry.size)))
        return fetch

    def remove(self, entries: Iterable[tuple[str, int]]) -> None:
        """The client's store has these, by their keys and numbers."""
        for key, number in entries:
            self._spool.remove(key, number)


class Fetch:
    """An answer to a client: which entries, from which byte on."""

    def __init__(self, spool: Spool, outbox: str, entries: int, size: int) -> None:
        self._spool, self._outbox = spool, outbox
        self.entries, self.bytes = entries, size
        """All that waits."""
        self.begun: list[int] = []
        """Of what the client has begun, what still waits."""
        self.parts: list[tuple[str, Entry, int]] = []

    def blocks(self) -> Iterator[bytes]:
        """The answer's bytes, as frames, in pieces of some size; reads files. What was superseded
        meanwhile is left out."""
        head = {"entries": self.entries, "bytes": self.bytes, "begun": self.begun}
        block = bytearray(pack_head(head | {"outbox": self._outbox}))
        for key, entry, offset in self.parts:
            length = min(entry.size - offset, _SLICE_BYTES)
            try:
                file = self._spool.open(key, entry.number)
            except UnknownNameError:
                continue
            with file:
                block += pack_head(_frame(key, entry, offset, length))
                file.seek(offset)
                while length:
                    data = file.read(min(length, _BLOCK_BYTES))
                    if not data:
                        raise OSError(f"{key} is shorter on the disk than it was")
                    block += data
                    length -= len(data)
                    if len(block) >= _BLOCK_BYTES:
                        yield bytes(block)
                        block.clear()
        yield bytes(block)


def _frame(key: str, entry: Entry, offset: int, length: int) -> dict[str, object]:
    return {
        "key": key,
        "number": entry.number,
        "size": entry.size,
        "executable": entry.executable,
        "offset": offset,
        "length": length,
    }


def _lasting_name(path: Path) -> str:
    """A name by chance that is kept in a file."""
    with contextlib.suppress(FileNotFoundError):
        if name := path.read_text("ascii"):
            return name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(os.urandom(12).hex(), "ascii")
    os.replace(draft, path)
    return path.read_text("ascii")
