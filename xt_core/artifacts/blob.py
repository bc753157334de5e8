"""The artifact store in a container of Azure Blob storage: a key is a blob.

Invariant: a blob that a key names is complete. Each is made, or replaced, by one request at the
end of its upload. ``.shared/`` holds shared contents and ``.tmp/`` what is being made. Keys become
names as `blob_names` tells; ``xt_`` metadata tells of executable files and of shared contents.
"""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from xt_core.artifacts import blob_append, blob_download, blob_listing, blob_shared, blob_upload
from xt_core.artifacts.blob_container import BlobAccount, BlobContainer
from xt_core.artifacts.store import (
    ArtifactInfo,
    check_depth,
    check_digest,
    check_prefix,
    check_regular,
    storage_error,
)
from xt_core.artifacts.transfers import Moved, Progress, transfer
from xt_core.errors import UnknownNameError, XTError

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties


class BlobStore:
    """Artifacts as blobs of one container, which is made at the first write.

    Nothing is connected, and the SDK is not loaded, before the first use.
    """

    def __init__(
        self,
        account: BlobAccount,
        container: str,
        *,
        files_at_once: int = 16,
        pieces_at_once: int = 8,
        most_appends: int = blob_append.MOST_APPENDS,
    ) -> None:
        """``pieces_at_once`` bounds the memory: so many pieces of large files, of 8 MiB each, are
        on their way at once, of all calls together. From ``most_appends`` on a log is written
        again with fewer.

        Raises ConfigError if there can be no container of that name.
        """
        self._container = BlobContainer(account, container)
        self._files_at_once, self._most_appends = files_at_once, most_appends
        self._pieces = _Pool(pieces_at_once, "blob-piece")
        self._files = _Pool(files_at_once, "blob-file")

    def put_bytes(self, key: str, data: bytes) -> None:
        with self._container.reporting("store", key):
            blob = self._container.blob(key)
            self._container.writing(lambda: blob_upload.put_data(blob, data))

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        self._put(key, path, lambda _: None)
        if consume:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, f"stored {key}, and cannot remove {path}") from error

    def put_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        return transfer(files, self._put, progress, self._files.open(), self._files_at_once)

    def put_shared(self, key: str, path: Path, digest: str) -> None:
        check_digest(digest)
        check_regular(path)
        blob_shared.put_shared(self._container, key, path, digest, self._pieces.open())

    def append(self, key: str, offset: int, data: bytes) -> int:
        if not data:
            return self.stat(key).size if self.exists(key) else 0
        return blob_append.append(self._container, key, offset, data, self._most_appends)

    def get_bytes(self, key: str) -> bytes:
        return blob_download.read_whole(self._container, key, self._pieces.open())

    def open(self, key: str) -> BinaryIO:
        return blob_download.open_stream(self._container, key)

    def get_file(self, key: str, path: Path) -> None:
        self._get(key, path, lambda _: None)

    def get_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        return transfer(files, self._get, progress, self._files.open(), self._files_at_once)

    def stat(self, key: str) -> ArtifactInfo:
        return blob_listing.info_of(key, self._properties(key, "read"))

    def exists(self, key: str) -> bool:
        try:
            self._properties(key, "read")
        except UnknownNameError:
            return False
        return True

    def list(self, prefix: str = "", depth: int | None = None) -> Iterator[ArtifactInfo]:
        folder = check_prefix(prefix)
        check_depth(depth)
        yield from blob_listing.artifacts(self._container, folder, depth)

    def delete(self, key: str) -> None:
        found = self._properties(key, "delete")
        with self._container.reporting("delete", key):
            self._container.blob(key).delete_blob(delete_snapshots="include")
        if blob_shared.shared_by(found.metadata):
            self.sweep()

    def delete_prefix(self, prefix: str) -> int:
        count, had_shared = blob_listing.delete_folder(self._container, check_prefix(prefix))
        if had_shared:
            self.sweep()
        return count

    def local_path(self, key: str) -> None:
        """None: a blob has no file here."""
        return

    def sweep(self) -> None:
        """Remove what no key uses and nobody has written for a day: contents, what was left."""
        blob_shared.sweep(self._container)

    def close(self) -> None:
        self._files.close()
        self._pieces.close()
        self._container.close()

    def _put(self, key: str, path: Path, moved: Moved) -> None:
        blob = self._container.blob(key)
        blob_upload.put_path(self._container, key, blob, path, self._pieces.open(), moved)

    def _get(self, key: str, path: Path, moved: Moved) -> None:
        blob_download.fetch(self._container, key, path, self._pieces.open(), moved)

    def _properties(self, key: str, action: str) -> "BlobProperties":
        with self._container.reporting(action, key):
            return self._container.blob(key).get_blob_properties()


class _Pool:
    """Threads that are there from the first use on."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads, self._name = threads, name
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def open(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._threads, self._name)
            return self._executor

    def close(self) -> None:
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()
