"""The SDK's credential for a way of signing in.

This module imports the SDK; import it when a token is needed, not before.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.identity import (
    AuthenticationRecord,
    AzureCliCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
)

from xt_core.identity.ways import BROWSER, CLI, MANAGED_IDENTITY, SERVICE_PRINCIPAL, Way

if TYPE_CHECKING:
    from msal import SerializableTokenCache

Say = Callable[[str], None]
"""Shows the user a line."""
Interactive = DeviceCodeCredential | InteractiveBrowserCredential
Credential = Interactive | ClientSecretCredential | ManagedIdentityCredential | AzureCliCredential

_ATTEMPTS: dict[str, Any] = {"retry_total": 2, "connection_timeout": 10}


def credential_of(way: Way) -> Credential:
    """The credential of a way on which nobody is asked."""
    if way.kind == SERVICE_PRINCIPAL:
        return ClientSecretCredential(way.tenant, way.client, way.secret, **_place(way))
    if way.kind == MANAGED_IDENTITY:
        return ManagedIdentityCredential(client_id=way.client or None)
    assert way.kind == CLI
    return AzureCliCredential(tenant_id=way.tenant, additionally_allowed_tenants=["*"])


def interactive_credential(
    way: Way, record: str | None, tokens: "SerializableTokenCache", say: Say
) -> Interactive:
    """A credential that asks the user, but only when told to `authenticate`.

    `record` is what an earlier one said of the account, and `tokens` what it has got since.
    """
    options = _place(way) | {
        "disable_automatic_authentication": True,
        "additionally_allowed_tenants": ["*"],
        # Not in the SDK's documentation, which knows disks only: these are to stay in memory.
        "_cache": tokens,
    }
    if way.tenant:
        options["tenant_id"] = way.tenant
    if record is not None:  # which names the authority, too
        del options["authority"]
        options["authentication_record"] = AuthenticationRecord.deserialize(record)
    if way.kind == BROWSER:
        return InteractiveBrowserCredential(**options)

    def prompt(url: str, code: str, _expires: datetime) -> None:
        say(f"to sign in, open {url} and enter the code {code}")

    return DeviceCodeCredential(prompt_callback=prompt, **options)


def _place(way: Way) -> dict[str, Any]:
    """Where tokens come from. Nobody but Microsoft's clouds vouches for Microsoft's clouds; one
    that a user names is taken at its word."""
    options = {"authority": way.authority, "disable_instance_discovery": not way.is_known_cloud}
    return options | _ATTEMPTS
