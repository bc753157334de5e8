"""What is in a container: artifacts in the order of their keys, and deletion by folder."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xt_core.artifacts.blob_container import BlobContainer
from xt_core.artifacts.blob_names import blob_name, key_of
from xt_core.artifacts.blob_shared import shared_by, size_of
from xt_core.artifacts.store import RESERVED_NAMES, ArtifactInfo
from xt_core.errors import RefusedError, UnavailableError, UnknownNameError

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties

_BATCH = 256  # the most that the service deletes by one request
_DELETED = {202, 404}


def info_of(key: str, blob: "BlobProperties") -> ArtifactInfo:
    """An artifact by its blob's properties."""
    return ArtifactInfo(key, size_of(blob), blob.last_modified.timestamp())


def artifacts(container: BlobContainer, folder: str, depth: int | None) -> list[ArtifactInfo]:
    """The artifacts in a folder (``""``, or with a trailing ``/``), in the order of their keys.

    The service's own order is that of blob names, which may differ where keys are escaped.
    """
    prefix = _name_prefix(folder)
    try:
        with container.reporting("list", folder or "the artifacts"):
            if depth == 1:
                found = dict(_level(container, prefix))
            else:
                found = {}
                for info in _all(container, prefix):
                    folded = _folded(info, folder, depth)
                    found[folded.key] = folded
    except UnknownNameError:
        return []  # the container is not made yet
    return [found[key] for key in sorted(found)]


def _level(container: BlobContainer, prefix: str) -> Iterator[tuple[str, ArtifactInfo]]:
    """One level: its artifacts, and its folders as the service folds them."""
    from azure.storage.blob import BlobPrefix

    walk = container.client.walk_blobs(prefix, include=["metadata"], delimiter="/")
    for item in walk:
        if not isinstance(item, BlobPrefix):
            key = key_of(item.name)
            if key is not None:
                yield key, info_of(key, item)
            continue
        key = key_of(item.name.removesuffix("/"))  # the store's own are none
        if key is not None:
            yield f"{key}/", ArtifactInfo(f"{key}/", 0, 0.0)


def _all(container: BlobContainer, prefix: str) -> Iterator[ArtifactInfo]:
    for blob in _blobs(container, prefix):
        key = key_of(blob.name)
        if key is not None:
            yield info_of(key, blob)


def _blobs(container: BlobContainer, prefix: str) -> "Iterator[BlobProperties]":
    """The blobs below a prefix but for the store's own."""
    own = tuple(f"{name}/" for name in RESERVED_NAMES)
    for blob in container.client.list_blobs(name_starts_with=prefix, include=["metadata"]):
        if not blob.name.startswith(own):
            yield blob


def _folded(info: ArtifactInfo, folder: str, depth: int | None) -> ArtifactInfo:
    """The artifact, or the folder into which a listing of this depth folds it."""
    parts = info.key.removeprefix(folder).split("/")
    if depth is None or len(parts) <= depth:
        return info
    return ArtifactInfo(folder + "/".join(parts[:depth]) + "/", 0, 0.0)


def delete_folder(container: BlobContainer, folder: str) -> tuple[int, bool]:
    """Delete the artifacts in a folder; how many, and whether any had shared contents."""
    count, had_shared, names = 0, False, list[str]()
    try:
        with container.reporting("delete", folder or "the artifacts"):
            for blob in _blobs(container, _name_prefix(folder)):
                if key_of(blob.name) is None:
                    continue
                count += 1
                had_shared = had_shared or shared_by(blob.metadata) is not None
                names.append(blob.name)
                if len(names) == _BATCH:
                    _delete(container, names)
                    names = []
            if names:
                _delete(container, names)
    except UnknownNameError:
        return 0, False  # the container is not made yet
    return count, had_shared


def _delete(container: BlobContainer, names: Iterable[str]) -> None:
    results = container.client.delete_blobs(
        *names, delete_snapshots="include", raise_on_any_failure=False
    )
    for name, result in zip(names, results, strict=True):
        if result.status_code not in _DELETED:
            refused = result.status_code in (403, 409, 412)
            raise (RefusedError if refused else UnavailableError)(
                f"cannot delete {name}: the service answered {result.status_code} "
                f"({container.place})",
                "see whether a lease or a policy holds it" if refused else "try again",
            )


def _name_prefix(folder: str) -> str:
    return blob_name(folder.removesuffix("/")) + "/" if folder else ""
