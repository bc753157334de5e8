"""What a node gets to reach a team's container: a user delegation SAS, for a time.

It is signed in the name of the user who hands it over, holds for one container, and can do no more
than the user may: with it a node needs no sign-in, and no key of the account.
"""

import base64
import contextlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from xt_core import clock
from xt_core.artifacts.blob_errors import BlobTrouble, code_of, service_error
from xt_core.errors import XTError
from xt_core.services.stores import SAS_LIFE_SECONDS, BlobAccess

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import UserDelegationKey

PERMISSIONS = "racwdl"
"""Read, add, create, write, delete, list: what an artifact store does. The service wants them in
this order."""
_ROLES = (
    "ask for the role Storage Blob Data Contributor, and where it is for the container only, for "
    "Storage Blob Delegator on the account"
)
_VERSION = "2022-11-02"
"""Of the SAS: that of the SDK's own is newer than private clouds and the emulator know."""
_SKEW_SECONDS = 900.0
"""The service's clock may be behind by so much."""


def delegated(access: BlobAccess, credential: "TokenCredential") -> BlobAccess:
    """The access with a SAS in place of the sign-in. Makes the container, which the SAS may not.

    Raises RefusedError, UnavailableError.
    """
    from azure.core.exceptions import AzureError, ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    now = clock.now()
    start, end = _utc(now - _SKEW_SECONDS), _utc(now + SAS_LIFE_SECONDS)
    try:
        with BlobServiceClient(access.account_url, credential, retry_total=3) as service:
            container = service.get_container_client(access.container)
            if not container.exists():  # who may use it need not be one who may make it
                with contextlib.suppress(ResourceExistsError):
                    container.create_container()
            key = service.get_user_delegation_key(start, end)
            account = service.account_name or _host_name(access.account_url)
    except AzureError as error:
        what = f"cannot make a SAS for container {access.container} of {access.service}"
        trouble = BlobTrouble(what, access.service, access.setting, access.container)
        raise _explained(service_error(error, trouble), error) from error
    sas = _signed(account, access.container, key, start, end)
    return replace(access, sas=sas, sas_expires=now + SAS_LIFE_SECONDS)


def _explained(explained: XTError, error: Exception) -> XTError:
    """To make the key of a SAS is a permission of its own, for the account."""
    if code_of(error) == "AuthorizationPermissionMismatch":
        explained.hint = _ROLES
    return explained


def _signed(
    account: str, container: str, key: "UserDelegationKey", start: datetime, end: datetime
) -> str:
    """The SAS as a query. https only; empty fields are conditions that are not made."""
    permitted = (PERMISSIONS, _text(start), _text(end))
    owner = (
        *(str(key.signed_oid), str(key.signed_tid), str(key.signed_start)),
        *(str(key.signed_expiry), str(key.signed_service), str(key.signed_version)),
    )
    resource = f"/blob/{account}/{container}"
    fields = (*permitted, resource, *owner, *[""] * 4, "https", _VERSION, "c", *[""] * 7)
    secret = base64.b64decode(str(key.value))
    signature = hmac.digest(secret, "\n".join(fields).encode(), "sha256")
    names = ("sp", "st", "se", "skoid", "sktid", "skt", "ske", "sks", "skv")
    query = dict(zip(names, (*permitted, *owner), strict=True))
    query |= {"spr": "https", "sv": _VERSION, "sr": "c"}
    return urlencode(query | {"sig": base64.b64encode(signature).decode()})


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)


def _host_name(url: str) -> str:
    return url.partition("://")[2].partition(".")[0]
