"""Contents that several keys share: one blob of the bytes, and an empty blob of each key.

``.shared/DIGEST`` holds the bytes, and a key's blob names it in its metadata. What no key names is
swept a day after it was last shared. A writer touches the bytes before it refers to them and looks
again afterwards, and a sweep deletes only the version that it saw before it looked for references:
so no key is left without its bytes, even if both happen at once.
"""

import contextlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xt_core.artifacts.blob_container import BlobContainer
from xt_core.artifacts.blob_errors import code_of
from xt_core.artifacts.blob_replace import TEMPORARY
from xt_core.artifacts.blob_upload import file_metadata, put_data, put_path
from xt_core.errors import UnavailableError, UnknownNameError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobProperties

SHARED = ".shared/"
_DIGEST, _SIZE = "xt_shared", "xt_size"
_UNUSED = timedelta(days=1)
_ATTEMPTS = 5


def shared_by(metadata: Mapping[str, str] | None) -> str | None:
    """The blob that has the bytes of a key's blob with this metadata; None if it has its own."""
    digest = (metadata or {}).get(_DIGEST)
    return SHARED + digest if digest else None


def size_of(blob: "BlobProperties") -> int:
    """How many bytes a key's blob stands for."""
    return int((blob.metadata or {}).get(_SIZE, blob.size))


def put_shared(
    container: BlobContainer, key: str, path: Path, digest: str, pool: ThreadPoolExecutor
) -> None:
    """Store a file under ``key``, and its bytes only if nobody has."""
    shared = container.client.get_blob_client(SHARED + digest)
    for _ in range(_ATTEMPTS):
        if not _touch(container, key, shared):
            put_path(container, key, shared, path, pool, lambda _: None)
        status = os.stat(path)
        metadata = file_metadata(status) | {_DIGEST: digest, _SIZE: str(status.st_size)}
        with container.reporting("store", key):
            put_data(container.blob(key), b"", metadata)
            if _exists(shared):
                return
    raise UnavailableError(
        f"cannot store {key}: its shared contents keep vanishing ({container.place})",
        "see whether a lifecycle policy of the account deletes them",
    )


def _touch(container: BlobContainer, key: str, shared: "BlobClient") -> bool:
    """Make the bytes new again, if they are there."""
    from azure.core.exceptions import ResourceNotFoundError

    with container.reporting("store", key):
        try:
            shared.set_blob_metadata({})
        except ResourceNotFoundError:
            return False
    return True


def _exists(blob: "BlobClient") -> bool:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        blob.get_blob_properties()
    except ResourceNotFoundError as error:
        if code_of(error) != "BlobNotFound":
            raise
        return False
    return True


def sweep(container: BlobContainer) -> None:
    """Delete shared bytes that no key names, and what writers that died left, a day old."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
    from azure.core.exceptions import ResourceNotFoundError as NotFoundError

    with contextlib.suppress(UnknownNameError), container.reporting("sweep"):
        unused = _old(container, SHARED)
        if unused:
            for blob in container.client.list_blobs(include=["metadata"]):
                unused.pop(shared_by(blob.metadata) or "", None)
        for name, etag in {**unused, **_old(container, TEMPORARY)}.items():
            with contextlib.suppress(NotFoundError, ResourceModifiedError, ResourceExistsError):
                container.client.delete_blob(
                    name, etag=etag, match_condition=MatchConditions.IfNotModified
                )


def _old(container: BlobContainer, prefix: str) -> dict[str, str]:
    """The versions of the blobs that nobody has written for a day, by the service's clock."""
    times: list[datetime] = []

    def note_time(response: Any) -> None:
        times.append(parsedate_to_datetime(response.http_response.headers["Date"]))

    blobs = container.client.list_blobs(name_starts_with=prefix, raw_response_hook=note_time)
    return {blob.name: blob.etag for blob in blobs if times[-1] - blob.last_modified > _UNUSED}
