"""The interface of artifact stores: named byte sequences, written whole, read whole or as a stream.

Invariant: a reader sees an artifact as one write left it, never a part of it.

A key is a relative path of ``/``-separated parts (``ws1/runs/run3/logs/output.txt``). A part may be
any POSIX file name without a backslash; one that is not UTF-8 comes as `os.fsdecode` gives it.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from xt_core.errors import RefusedError, UnavailableError, UsageError, XTError

RESERVED_NAMES = frozenset({".tmp", ".shared"})
"""First parts that no key may have: stores keep their own files there."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_PERMITTED = {errno.EACCES, errno.EPERM, errno.EROFS}
_BROKEN_DISK = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN}
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

    def put_shared(self, key: str, path: Path, digest: str) -> None:
        """Store the contents of a file whose hexadecimal digest the caller knows.

        Where the store can, equal digests share one copy of the bytes.
        """

    def get_bytes(self, key: str) -> bytes:
        """The whole artifact; raises UnknownNameError if there is none."""

    def open(self, key: str) -> BinaryIO:
        """The artifact as a seekable stream; raises UnknownNameError if there is none.

        The stream goes on showing what it opened, whatever is put or deleted meanwhile.
        """

    def get_file(self, key: str, path: Path) -> None:
        """Write the artifact to a local file, whose folders are made as needed.

        The file appears whole or not at all. Raises UnknownNameError if there is no artifact.
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
