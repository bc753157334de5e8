"""Downloads: one version of a blob, in pieces, checked by its MD5.

A version is known by its ETag, which each request for a piece demands. An append blob's ETag
changes with each append, and its bytes never do: it is known by the time it was made.
"""

import contextlib
import hashlib
import io
import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from xt_core.artifacts.blob_container import PIECE_BYTES, BlobContainer
from xt_core.artifacts.blob_errors import code_of
from xt_core.artifacts.blob_shared import shared_by
from xt_core.artifacts.blob_upload import is_executable
from xt_core.artifacts.store import storage_error
from xt_core.artifacts.transfers import Moved, finish
from xt_core.errors import WorkFailedError

if TYPE_CHECKING:
    from datetime import datetime

    from azure.storage.blob import BlobClient

_IN_FLIGHT = 4  # pieces of one file: what bounds the memory
_ATTEMPTS = 5
_GONE = {"BlobNotFound", "ConditionNotMet", "InvalidRange"}


class ChangedError(Exception):
    """The version that is being read is there no longer."""


@dataclass(frozen=True, slots=True)
class Version:
    """A blob as it was when it was first asked for, and its first piece."""

    blob: "BlobClient"
    size: int
    head: bytes
    etag: str
    md5: bytes | None
    made: "datetime | None"
    is_log: bool
    metadata: Mapping[str, str]

    def piece(self, offset: int, length: int) -> bytes:
        """Bytes of this version; raises ChangedError, and the SDK's errors."""
        from azure.core import MatchConditions
        from azure.core.exceptions import HttpResponseError

        pinned: dict[str, Any] = {}
        if not self.is_log:
            pinned = {"etag": self.etag, "match_condition": MatchConditions.IfNotModified}
        try:
            download = self.blob.download_blob(
                offset, length, validate_content=self.md5 is None, **pinned
            )
            data: bytes = download.readall()
        except HttpResponseError as error:
            if code_of(error) in _GONE:
                raise ChangedError from error
            raise
        if self.is_log and download.properties.creation_time != self.made:
            raise ChangedError
        return data

    def check_md5(self, md5: bytes, key: str, place: str) -> None:
        """Raise WorkFailedError if what was read is not what was stored."""
        if self.md5 is not None and md5 != self.md5:
            raise WorkFailedError(
                f"{key} is damaged: its MD5 is {md5.hex()}, and {self.md5.hex()} was stored "
                f"({place})",
                "read it once more; if that fails too, store it anew",
            )


def find_version(container: BlobContainer, key: str) -> Version:
    """The artifact as it is now. Raises the SDK's errors."""
    version = _version(container.blob(key))
    shared = shared_by(version.metadata)
    if shared is None:
        return version
    contents = _version(container.client.get_blob_client(shared))
    return replace(contents, metadata=version.metadata)


def _version(blob: "BlobClient") -> Version:
    download = blob.download_blob()
    found = download.properties
    md5 = found.content_settings.content_md5
    is_log = found.blob_type == "AppendBlob"
    return Version(
        blob=blob,
        size=download.size,
        head=download.read(min(download.size, PIECE_BYTES)),
        etag=found.etag,
        md5=bytes(md5) if md5 and not is_log else None,
        made=found.creation_time,
        is_log=is_log,
        metadata=found.metadata or {},
    )


def read_whole(container: BlobContainer, key: str, pool: ThreadPoolExecutor) -> bytes:
    """The artifact, in memory."""
    target = io.BytesIO()
    with container.reporting("read", key):
        _read_one_version(container, key, pool, target, lambda _: None)
    return target.getvalue()


def fetch(
    container: BlobContainer, key: str, path: Path, pool: ThreadPoolExecutor, moved: Moved
) -> None:
    """Write the artifact to a file, which appears whole or not at all."""
    part = path.parent / f".xt-{os.urandom(8).hex()}.part"
    try:
        with container.reporting("download", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "xb", opener=_create) as target:
                version = _read_one_version(container, key, pool, target, moved)
                if is_executable(version.metadata):
                    mask = 0o777 & os.stat(part).st_mode
                    os.chmod(part, mask | (mask & 0o444) >> 2)
            os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if isinstance(error, OSError):
            raise storage_error(error, f"cannot download {key} ({path})") from error
        raise


def _create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o666)


def _read_one_version(
    container: BlobContainer,
    key: str,
    pool: ThreadPoolExecutor,
    target: Any,
    moved: Moved,
) -> Version:
    furthest = 0
    for _ in range(_ATTEMPTS):
        target.seek(0)
        target.truncate()
        with contextlib.suppress(ChangedError):
            version, digest, position = find_version(container, key), hashlib.md5(), 0
            for data in _pieces(version, pool):
                target.write(data)
                digest.update(data)
                position += len(data)
                if position > furthest:
                    moved(position - furthest)
                    furthest = position
            version.check_md5(digest.digest(), key, container.place)
            return version
    raise container.changed(key)


def _pieces(version: Version, pool: ThreadPoolExecutor) -> Iterator[bytes]:
    """All bytes in their order, some pieces ahead."""
    yield version.head
    running: deque[Future[bytes]] = deque()
    try:
        for offset in range(len(version.head), version.size, PIECE_BYTES):
            running.append(
                pool.submit(version.piece, offset, min(PIECE_BYTES, version.size - offset))
            )
            if len(running) >= _IN_FLIGHT:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        finish(running)


def open_stream(container: BlobContainer, key: str) -> BinaryIO:
    """The artifact as a stream: in memory if it is one piece, else read as it is asked for."""
    with container.reporting("read", key):
        version = find_version(container, key)
    if version.size > len(version.head):
        return io.BufferedReader(ArtifactReader(container, key, version))
    version.check_md5(hashlib.md5(version.head).digest(), key, container.place)
    return io.BytesIO(version.head)


class ArtifactReader(io.RawIOBase):
    """A seekable stream of one version, of which it holds one piece at a time."""

    def __init__(self, container: BlobContainer, key: str, version: Version) -> None:
        super().__init__()
        self._container, self._key, self._version = container, key, version
        self._position, self._start, self._piece = 0, 0, version.head

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._version.size}
        if base[whence] + offset < 0:
            raise ValueError(f"negative position {base[whence] + offset}")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Raises UnavailableError once this version is there no longer."""
        if self._position >= self._version.size:
            return 0
        if not self._start <= self._position < self._start + len(self._piece):
            self._fetch()
        skip = self._position - self._start
        count = min(len(buffer), len(self._piece) - skip)
        buffer[:count] = self._piece[skip : skip + count]
        self._position += count
        return count

    def _fetch(self) -> None:
        length = min(PIECE_BYTES, self._version.size - self._position)
        try:
            with self._container.reporting("read", self._key):
                self._piece = self._version.piece(self._position, length)
        except ChangedError:
            raise self._container.changed(self._key) from None
        self._start = self._position
