"""Uploads: one request for what is small, blocks in parallel for what is large.

A block's name is its number and the MD5 of its bytes. So blocks that an interrupted upload has
left at the service, or that the blob had before (a file that grew), are known by their names and
not sent again, and bytes of another version of the file can never slip in. The blob appears, or is
replaced, by the one request that commits the list of its blocks.
"""

import base64
import hashlib
import os
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from xt_core.artifacts.blob_container import SINGLE_BYTES, BlobContainer
from xt_core.artifacts.blob_errors import code_of
from xt_core.artifacts.blob_replace import copy_over, discard, temporary_name
from xt_core.artifacts.store import check_regular, storage_error
from xt_core.artifacts.transfers import Moved, finish
from xt_core.errors import UnavailableError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

_BLOCK_BYTES = 8 * 1024 * 1024
_MOST_BLOCKS = 50_000
_IN_FLIGHT = 4  # blocks of one file: what bounds the memory
_ATTEMPTS = 5
_EXECUTABLE = "xt_executable"


def is_executable(metadata: Mapping[str, str]) -> bool:
    """Whether a blob was stored from an executable file."""
    return _EXECUTABLE in metadata


def file_metadata(status: os.stat_result) -> dict[str, str]:
    """What is kept of a file beside its bytes."""
    return {_EXECUTABLE: "1"} if status.st_mode & 0o111 else {}


def put_data(blob: "BlobClient", data: bytes, metadata: dict[str, str] | None = None) -> None:
    """Store bytes by one request; the service checks them by their MD5, and keeps that."""
    from azure.storage.blob import ContentSettings

    blob.upload_blob(
        data,
        length=len(data),
        overwrite=True,
        metadata=metadata,
        content_settings=ContentSettings(content_md5=bytearray(hashlib.md5(data).digest())),
        validate_content=True,
    )


def put_path(
    container: BlobContainer,
    key: str,
    blob: "BlobClient",
    path: Path,
    pool: ThreadPoolExecutor,
    moved: Moved,
) -> None:
    """Store a file in a blob; errors call it by ``key``.

    Raises UsageError for what is not a readable regular file.
    """
    check_regular(path)
    with _open(path) as file, container.reporting("store", key):
        metadata = file_metadata(os.fstat(file.fileno()))
        data = _read(file, SINGLE_BYTES + 1, path)
        if len(data) <= SINGLE_BYTES:
            container.writing(lambda: put_data(blob, data, metadata))
            moved(len(data))
        else:
            del data
            _LargeUpload(container, blob, file, path, pool, metadata).run(_once(moved))


class _LargeUpload:
    """The upload of one file by blocks."""

    def __init__(
        self,
        container: BlobContainer,
        blob: "BlobClient",
        file: BinaryIO,
        path: Path,
        pool: ThreadPoolExecutor,
        metadata: dict[str, str],
    ) -> None:
        self._container, self._blob, self._file, self._path = container, blob, file, path
        self._pool, self._metadata = pool, metadata

    def run(self, reached: Callable[[int], None]) -> None:
        """Store it; ``reached`` is told positions, from the start again with each attempt."""
        for _ in range(_ATTEMPTS):
            # Another writer's commit discards the blocks that it does not name, so also these.
            if self._attempt(self._blob, reached):
                return
        raise UnavailableError(
            f"cannot store {self._path}: others keep replacing {self._blob.blob_name} "
            f"({self._container.place})",
            "let one program at a time write it",
        )

    def _attempt(self, blob: "BlobClient", reached: Callable[[int], None]) -> bool:
        """Whether the file is stored; else another writer was in the way."""
        from azure.core.exceptions import HttpResponseError

        try:
            known = _known_blocks(blob)
            names, md5 = self._stage(blob, known, reached)
            _commit(blob, names, md5, self._metadata)
        except HttpResponseError as error:
            if code_of(error) == "InvalidBlobType":
                return self._replace_log(reached)
            if code_of(error) == "InvalidBlockList":
                return False
            raise
        return True

    def _replace_log(self, reached: Callable[[int], None]) -> bool:
        """An append blob takes no blocks: store beside it, and let that take its place."""
        from azure.core.exceptions import ResourceNotFoundError

        beside = self._container.client.get_blob_client(temporary_name())
        try:
            if not self._attempt(beside, reached):
                return False
            try:
                self._blob.delete_blob(delete_snapshots="include")
            except ResourceNotFoundError as error:
                if code_of(error) != "BlobNotFound":
                    raise
            copy_over(beside, self._blob)
        finally:
            discard(beside)
        return True

    def _stage(
        self, blob: "BlobClient", known: Mapping[str, int], reached: Callable[[int], None]
    ) -> tuple[list[str], bytes]:
        """Send the blocks that the service lacks; the names of all, and the MD5 of the whole."""
        size = os.fstat(self._file.fileno()).st_size  # what a growing file adds is left out
        block_bytes = max(_BLOCK_BYTES, -(-size // _MOST_BLOCKS))
        self._file.seek(0)
        digest, position = hashlib.md5(), 0
        running: deque[tuple[Future[str], int]] = deque()
        names: list[str] = []

        def take() -> None:
            future, end = running.popleft()
            names.append(future.result())
            reached(end)

        try:
            while data := _read(self._file, min(block_bytes, size - position), self._path):
                future = self._pool.submit(
                    self._stage_block, blob, position // block_bytes, data, known
                )
                digest.update(data)
                position += len(data)
                running.append((future, position))
                if len(running) >= _IN_FLIGHT:
                    take()
            while running:
                take()
        finally:
            finish(future for future, _ in running)
        return names, digest.digest()

    def _stage_block(
        self, blob: "BlobClient", number: int, data: bytes, known: Mapping[str, int]
    ) -> str:
        digest = hashlib.md5(data)
        name = f"{number:06}-{digest.hexdigest()}"
        if known.get(name) != len(data):
            md5 = base64.b64encode(digest.digest()).decode()
            self._container.writing(
                lambda: blob.stage_block(name, data, len(data), headers={"Content-MD5": md5})
            )
        return name


def _known_blocks(blob: "BlobClient") -> dict[str, int]:
    """The sizes of the blocks that the service has for a blob, committed or not."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        committed, uncommitted = blob.get_block_list("all")
    except ResourceNotFoundError:
        return {}  # nor need there be a container yet
    return {block.id: block.size for block in (*committed, *uncommitted)}


def _commit(blob: "BlobClient", names: list[str], md5: bytes, metadata: dict[str, str]) -> None:
    from azure.storage.blob import BlobBlock, ContentSettings

    blob.commit_block_list(
        [BlobBlock(name) for name in names],
        content_settings=ContentSettings(content_md5=bytearray(md5)),
        metadata=metadata,
    )


def _open(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise storage_error(error, f"cannot store {path}") from error


def _read(file: BinaryIO, size: int, path: Path) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise storage_error(error, f"cannot read {path}") from error


def _once(moved: Moved) -> Callable[[int], None]:
    """Positions as bytes moved, of which no later attempt counts one again."""
    furthest = 0

    def reached(position: int) -> None:
        nonlocal furthest
        if position > furthest:
            moved(position - furthest)
            furthest = position

    return reached
