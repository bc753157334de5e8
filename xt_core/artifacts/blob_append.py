"""Logs that grow: append blobs, each append at a position that the service checks.

An append blob holds 50,000 appends, however small. Before that it is written again with large
blocks, which takes its place by a copy within the service, provided nobody appended meanwhile.
"""

from typing import TYPE_CHECKING, Any

from xt_core.artifacts.blob_container import APPEND_BYTES, BlobContainer
from xt_core.artifacts.blob_errors import code_of
from xt_core.artifacts.blob_replace import copy_over, discard, temporary_name
from xt_core.artifacts.blob_shared import size_of
from xt_core.errors import UnavailableError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

MOST_APPENDS = 49_000
"""From so many appends on, a log is written again with fewer."""

_ATTEMPTS = 20


def append(container: BlobContainer, key: str, offset: int, data: bytes, most_appends: int) -> int:
    """Append what of ``data`` the log lacks; how many bytes it then has."""
    blob = container.blob(key)
    try:
        with container.reporting("append to", key):
            for _ in range(_ATTEMPTS):
                size = _append_once(container, blob, offset, data, most_appends)
                if size < offset or size >= offset + len(data):
                    return size
                data, offset = data[size - offset :], size
    except UnknownNameError:
        return 0  # the container is not made yet
    raise UnavailableError(
        f"cannot append to {key}: others keep writing it ({container.place})",
        "let one program at a time write it",
    )


def _append_once(
    container: BlobContainer, blob: "BlobClient", offset: int, data: bytes, most_appends: int
) -> int:
    """One try; the size of the log, which tells how far it got."""
    from azure.core.exceptions import HttpResponseError

    end = offset
    try:
        for start in range(0, len(data), APPEND_BYTES):
            part = data[start : start + APPEND_BYTES]
            done = blob.append_block(
                part, len(part), appendpos_condition=end, validate_content=True
            )
            end += len(part)
            if int(str(done["blob_committed_block_count"])) >= most_appends:
                _compact(container, blob)
    except HttpResponseError as error:
        code = code_of(error)
        if code in ("BlobNotFound", "ContainerNotFound") and offset == 0:
            container.writing(lambda: _create(blob))
            return 0
        if code == "BlobNotFound":
            return 0
        if code == "BlockCountExceedsLimit":
            _compact(container, blob)
            return end
        if code == "AppendPositionConditionNotMet":
            return int(blob.get_blob_properties().size)
        if code == "InvalidBlobType":
            return _stored_whole(container, blob, offset + len(data))
        raise
    return end


def _create(blob: "BlobClient") -> None:
    """Make an empty log, unless another writer was faster."""
    import contextlib

    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

    with contextlib.suppress(ResourceExistsError, ResourceModifiedError):
        blob.create_append_blob(match_condition=MatchConditions.IfMissing)


def _stored_whole(container: BlobContainer, blob: "BlobClient", end: int) -> int:
    """A log that ended was stored as a whole; a late delivery of its bytes has nothing to add."""
    size = size_of(blob.get_blob_properties())
    if size < end:
        raise UsageError(
            f"cannot append to {blob.blob_name}: it was stored whole, with {size} bytes "
            f"({container.place})",
            "append to an artifact that was made by appending",
        )
    return size


def _compact(container: BlobContainer, log: "BlobClient") -> None:
    """Write the log again with few large blocks; nothing happens if it grows meanwhile."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceModifiedError

    found = log.get_blob_properties()
    pinned: dict[str, Any] = {"etag": found.etag, "match_condition": MatchConditions.IfNotModified}
    beside = container.client.get_blob_client(temporary_name())
    try:
        beside.create_append_blob(metadata=found.metadata)
        for offset in range(0, found.size, APPEND_BYTES):
            length = min(APPEND_BYTES, found.size - offset)
            part = log.download_blob(offset, length, validate_content=True, **pinned).readall()
            beside.append_block(part, length, validate_content=True)
        copy_over(beside, log, found.etag)
    except ResourceModifiedError:
        pass  # the other writer sees the count, too
    finally:
        discard(beside)
