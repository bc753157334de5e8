"""A blob takes another's place by a copy within the service, where one request cannot do it."""

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from xt_core.errors import UnavailableError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

TEMPORARY = ".tmp/"
_LONGEST_WAIT_SECONDS = 5.0


def temporary_name() -> str:
    """The name of a blob that no key has; left by a writer that died, it is swept in a day."""
    return f"{TEMPORARY}{os.urandom(12).hex()}"


def copy_over(source: "BlobClient", target: "BlobClient", etag: str | None = None) -> None:
    """Make ``target`` a copy of ``source``; with ``etag``, only if it is still that version.

    Raises UnavailableError if the service gives the copy up, and the SDK's errors.
    """
    from azure.core import MatchConditions

    pinned: dict[str, Any] = {}
    if etag is not None:
        pinned = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    status = str(target.start_copy_from_url(_readable_url(source), **pinned)["copy_status"])
    wait = 0.1
    while status == "pending":  # a large one may take a while
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        status = str(target.get_blob_properties().copy.status)
    if status != "success":
        raise UnavailableError(
            f"the service gave up copying to {target.blob_name} of {target.container_name}",
            "try again",
        )


def discard(blob: "BlobClient") -> None:
    """Delete a temporary blob, if it can be: the sweep takes what stays."""
    from azure.core.exceptions import AzureError

    with contextlib.suppress(AzureError):
        blob.delete_blob()


def _readable_url(source: "BlobClient") -> str:
    """The blob's URL with the SAS that its client has: a copy's source needs one of its own."""
    signature: str = getattr(source.credential, "signature", "")
    return f"{source.url}?{signature}" if signature else source.url
