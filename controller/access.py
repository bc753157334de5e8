"""How this node reaches its team's stores: what the client that started it gave, and later ones
renew. It is in this process's memory alone."""

from typing import TYPE_CHECKING

from xt_core.errors import UsageError
from xt_core.services.stores import BlobAccess, StoreAccess

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential


class HeldAccess:
    """An access whose SAS can be replaced while the stores that use it are open."""

    def __init__(self, access: StoreAccess) -> None:
        self.now = access
        self.fingerprint = access.fingerprint()
        self.sas = _sas_of(access)
        """For the artifact store; None where that needs none."""

    def renew(self, access: StoreAccess) -> None:
        """Use a newer one from the next request on. Raises UsageError if it is for other stores."""
        if access.fingerprint() != self.fingerprint:
            raise UsageError(
                "that is not the access to this node's stores",
                "a client whose team has other stores starts the controller anew",
            )
        is_newer = (access.expires or 0.0) > (self.now.expires or 0.0)
        if is_newer and self.sas is not None and isinstance(access.artifacts, BlobAccess):
            self.sas.update(access.artifacts.sas)
            self.now = access


def _sas_of(access: StoreAccess) -> "AzureSasCredential | None":
    if not isinstance(access.artifacts, BlobAccess) or not access.artifacts.sas:
        return None
    from azure.core.credentials import AzureSasCredential

    return AzureSasCredential(access.artifacts.sas)
