"""Receiving contents: bytes that a client sends, known by their SHA-256.

A small content appears in its place at once. A large one grows in a draft, which stays when the
way to the client is lost: the rest of it is sent later. What has not its digest is thrown away.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path

from xt_core.artifacts.store import storage_error
from xt_core.errors import UsageError, WorkFailedError
from xt_core.nodes.contents import Content

_SMALL_BYTES = 1 << 20


class Room:
    """Where contents of a kind lie: whole ones at `place` of their digest, others in `drafts`."""

    def __init__(self, place: Callable[[str], Path], drafts: Path) -> None:
        self.place, self.drafts = place, drafts

    def received(self, digest: str, size: int) -> int | None:
        """How many bytes of a content have come; None if it is whole and in its place."""
        if _size(self.place(digest)) == size:
            return None
        return min(_size(self.drafts / digest) or 0, size)


class Receiver:
    """Takes the bytes of contents, one after the other; close it at their end, or before."""

    def __init__(self, room: Room, contents: Iterable[Content]) -> None:
        self._room, self._contents = room, iter(contents)
        self._folders: set[Path] = set()
        self._taking: _Taking | None = None
        self._begin_next()

    def feed(self, block: bytes) -> None:
        """The next bytes. Raises UnavailableError for a full disk, WorkFailedError for a content
        that is damaged, and UsageError for more bytes than were announced."""
        rest = memoryview(block)
        while rest:
            if self._taking is None:
                raise UsageError("more was sent than was announced")
            taken = self._taking.take(rest)
            rest = rest[taken:]
            if not self._taking.left:
                self._taking.finish()
                self._begin_next()

    def _begin_next(self) -> None:
        """Begin the next content; one without bytes ends where it begins."""
        self._taking = None
        for content in self._contents:
            taking = self._begin(content)
            if taking.left:
                self._taking = taking
                return
            taking.finish()

    def _begin(self, content: Content) -> "_Taking":
        place = self._room.place(content.digest)
        for folder in (place.parent, self._room.drafts):
            if folder not in self._folders:
                with _reporting(folder):
                    folder.mkdir(parents=True, exist_ok=True)
                self._folders.add(folder)
        if _size(place) == content.size:
            return _Taking(content)  # another client was faster
        if content.size <= _SMALL_BYTES and not content.offset:
            return _Small(content, place, self._room.drafts)
        return _Large(content, place, self._room.drafts)

    def close(self) -> None:
        """What is not whole waits for its rest."""
        if self._taking is not None:
            self._taking.close()


class _Taking:
    """Takes the bytes of a content, and drops them."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.left = content.size - content.offset

    def take(self, data: memoryview) -> int:
        """Take what belongs to the content; how much that was."""
        mine = data[: self.left]
        self._write(mine)
        self.left -= len(mine)
        return len(mine)

    def _write(self, data: memoryview) -> None:
        """Nobody wants it."""

    def finish(self) -> None:
        """All of it has come."""

    def close(self) -> None:
        """No more of it comes now."""

    def _check(self, found: str) -> None:
        if found != self._content.digest:
            raise WorkFailedError(
                f"a content has arrived damaged: its SHA-256 is {found}, not "
                f"{self._content.digest}",
                "submit the job again; if that does not help, upload its data again",
            )


class _Small(_Taking):
    """Written when all of it is here."""

    def __init__(self, content: Content, place: Path, drafts: Path) -> None:
        super().__init__(content)
        self._place, self._drafts = place, drafts
        self._parts: list[bytes] = []

    def _write(self, data: memoryview) -> None:
        self._parts.append(bytes(data))

    def finish(self) -> None:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._check(hashlib.sha256(data).hexdigest())
        draft = f"{self._drafts}/.xt-{os.urandom(8).hex()}"
        with _reporting(self._place):
            try:
                with FileIO(draft, "xb") as file:
                    _write_all(file, memoryview(data))
                    os.fchmod(file.fileno(), 0o444)
                os.replace(draft, self._place)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(draft)
                raise


class _Large(_Taking):
    """Written as it comes, by one client at a time."""

    def __init__(self, content: Content, place: Path, drafts: Path) -> None:
        super().__init__(content)
        self._place, self._draft = place, drafts / content.digest
        self._hash = hashlib.sha256()
        with _reporting(self._draft):
            self._file: FileIO | None = FileIO(
                os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b"
            )
            if not self._may_write(self._file):
                self.close()

    def _may_write(self, file: FileIO) -> bool:
        """Whether what comes continues the draft, and nobody else does so now."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        status = os.fstat(file.fileno())
        if status.st_nlink == 0 or status.st_size < self._content.offset:
            return False  # another client has just finished it, or it was cleared away
        left = self._content.offset
        while left:
            data = file.read(min(left, _SMALL_BYTES))
            self._hash.update(data)
            left -= len(data)
        return True

    def _write(self, data: memoryview) -> None:
        if self._file is not None:
            self._hash.update(data)
            with _reporting(self._draft):
                _write_all(self._file, data)

    def finish(self) -> None:
        if self._file is None:
            return
        try:
            self._check(self._hash.hexdigest())
            with _reporting(self._place):
                self._file.truncate()
                os.fchmod(self._file.fileno(), 0o444)
                os.replace(self._draft, self._place)
        except WorkFailedError:
            self._draft.unlink(missing_ok=True)
            raise
        finally:
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, f"cannot write {path}") from error


def _write_all(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) or 0 :]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
