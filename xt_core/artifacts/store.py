"""The interface of artifact stores: named byte sequences, written whole, read whole or as a stream.

Invariant: a reader sees an artifact as one write left it, never a part of it.

A key is a relative path of ``/``-separated parts (``ws1/runs/run3/logs/output.txt``). A part may be
any POSIX file name without a backslash; one that is not UTF-8 comes as `os.fsdecode` gives it.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from xt_core.artifacts.transfers import Progress
from xt_core.errors import RefusedError, UnavailableError, UsageError, XTError

RESERVED_NAMES = frozenset({".tmp", ".shared"})
"""First parts that no key may have: stores keep their own files there."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_PERMITTED = {errno.EACCES, errno.EPERM, errno.EROFS}
_BROKEN_DISK = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN}
_HEXADECIMAL = frozenset("0123456789abcdef")
_BAD_NAME = {
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EILSEQ,
    errno.EEXIST,
}


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """One artifact, or a folder into which a listing has folded deeper ones.

    ``size`` is in bytes and ``modified`` in seconds since the epoch. A folder's key ends in ``/``,
    and its other fields are 0.
    """

    key: str
    size: int
    modified: float

    @property
    def is_folder(self) -> bool:
        return self.key.endswith("/")


class ArtifactStore(Protocol):
    """Where a team keeps its artifacts. Implementations may be used from many threads at once.

    Every method raises UsageError for a malformed key, RefusedError where the store does not permit
    the access, and UnavailableError where it is full or out of reach.
    """

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store ``data``; what the key named before is replaced."""

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        """Store the contents of a file, and whether it is executable where the store can.

        With ``consume`` the caller gives the file away: it is gone afterwards, and storing it may
        cost no more than a rename. Raises UsageError for what is not a readable regular file.
        """

    def put_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        """Store files by their keys, as `put_file` does; some at once where that is faster.

        Returns what could not be stored, and why, by key. Raises UnavailableError at once.
        """

    def put_shared(self, key: str, path: Path, digest: str) -> None:
        """Store the contents of a file whose hexadecimal digest the caller knows.

        Where the store can, equal digests share one copy of the bytes.
        """

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Append bytes that stand at ``offset`` of a growing artifact; its size afterwards.

        What it has already is not appended again, so a second delivery does no harm. Where bytes
        are missing before ``offset`` nothing is appended: go on at the size that is returned.
        A store may refuse (UsageError) to append to what was stored by another method.
        """

    def get_bytes(self, key: str) -> bytes:
        """The whole artifact; raises UnknownNameError if there is none."""

    def open(self, key: str) -> BinaryIO:
        """The artifact as a seekable stream; raises UnknownNameError if there is none.

        The stream goes on showing what it opened, whatever is put or deleted meanwhile, and never
        another version. Of an artifact of several megabytes, a remote store may instead raise
        UnavailableError from a read once what was opened is there no longer.
        """

    def get_file(self, key: str, path: Path) -> None:
        """Write the artifact to a local file, whose folders are made as needed.

        The file appears whole or not at all. Raises UnknownNameError if there is no artifact.
        """

    def get_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        """Write artifacts to local files, as `get_file` does; some at once where that is faster.

        Returns what could not be fetched, and why, by key. Raises UnavailableError at once.
        """

    def stat(self, key: str) -> ArtifactInfo:
        """Size and time of the artifact; raises UnknownNameError if there is none."""

    def exists(self, key: str) -> bool:
        """Whether the key names an artifact; a folder is none."""

    def list(self, prefix: str = "", depth: int | None = None) -> Iterator[ArtifactInfo]:
        """The artifacts in the folder ``prefix`` (``""``: all), sorted by key.

        ``run3`` never means ``run30``: a prefix is whole parts, a trailing ``/`` is optional. With
        ``depth`` (1 or more), what lies more than so many parts below is folded into folders.
        """

    def delete(self, key: str) -> None:
        """Remove the artifact; raises UnknownNameError if there is none."""

    def delete_prefix(self, prefix: str) -> int:
        """Remove every artifact in a folder, and say how many there were."""

    def local_path(self, key: str) -> Path | None:
        """The artifact's own file, to read and never to write, or None where it has none.

        Raises UnknownNameError if a store that has files has none of that key.
        """

    def close(self) -> None:
        """Let go of connections and threads; the next use makes new ones."""


def check_key(key: str) -> str:
    """The key itself, if it is well formed; else raise UsageError."""
    parts = key.split("/")
    problem = ""
    if key.startswith("/"):
        problem = "it is an absolute path"
    elif "" in parts:
        problem = "it has an empty part"
    elif "." in parts or ".." in parts:
        problem = "it has a part '.' or '..'"
    elif "\0" in key or "\\" in key:
        problem = "it has a NUL character or a backslash"
    elif parts[0] in RESERVED_NAMES:
        problem = f"{parts[0]!r} is the store's own"
    else:
        try:
            key.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            problem = "it is not a valid text"
    if problem:
        raise UsageError(
            f"artifact name {key!r} is not valid: {problem}",
            "use a relative path such as ws1/runs/run3/output/model.pt",
        )
    return key


def check_prefix(prefix: str) -> str:
    """A folder as ``""`` or with one trailing ``/``; raises UsageError if it is malformed."""
    return check_key(prefix.removesuffix("/")) + "/" if prefix else ""


def check_depth(depth: int | None) -> None:
    """Raise UsageError for a depth that no listing can have."""
    if depth is not None and depth < 1:
        raise UsageError(f"a listing's depth is 1 or more, not {depth}")


def check_digest(digest: str) -> None:
    """Raise UsageError for what is not a digest in lower-case hexadecimal."""
    if not digest or not _HEXADECIMAL.issuperset(digest):
        raise UsageError(f"{digest!r} is not a digest in lower-case hexadecimal")


def check_regular(path: Path) -> None:
    """Raise UsageError for what is not a regular file, and what `storage_error` gives."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise UsageError(f"cannot store {path}: there is no such file") from error
        raise storage_error(error, f"cannot store {path}") from error
    if not stat.S_ISREG(mode):
        raise UsageError(
            f"cannot store {path}: it is not a regular file",
            "name a file; folders, pipes, sockets and devices cannot be stored",
        )


def storage_error(error: OSError, action: str) -> XTError:
    """The user-facing error for a failed file operation; ``action`` says of what and where."""
    reason = error.strerror or str(error)
    if error.errno in _DISK_FULL:
        reason = "no space left on the disk" if error.errno == errno.ENOSPC else reason
        return UnavailableError(f"{action}: {reason}", "free some space there")
    if error.errno in _NOT_PERMITTED:
        return RefusedError(
            f"{action}: {reason}", "check the owner and the permissions of the folder"
        )
    if error.errno in _BAD_NAME:
        return UsageError(f"{action}: {reason}", "choose another name")
    hint = "check that its disk is mounted and in order" if error.errno in _BROKEN_DISK else ""
    return UnavailableError(f"{action}: {reason}", hint)
