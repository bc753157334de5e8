"""The ways of signing in, and which one a situation calls for. Nothing here loads the SDK."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xt_core.errors import ConfigError, RefusedError

BROWSER, DEVICE_CODE, CLI = "browser", "device-code", "cli"
MANAGED_IDENTITY, SERVICE_PRINCIPAL = "managed-identity", "service-principal"
AUTO, NONE = "auto", "none"
INTERACTIVE = (BROWSER, DEVICE_CODE)
KINDS = (AUTO, BROWSER, DEVICE_CODE, CLI, MANAGED_IDENTITY, SERVICE_PRINCIPAL, NONE)

PUBLIC_CLOUD = "login.microsoftonline.com"
_KNOWN_CLOUDS = (PUBLIC_CLOUD, "login.microsoftonline.us", "login.chinacloudapi.cn")
_PRINCIPAL = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_IDENTITY_ENDPOINTS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
SETTING = "general.authentication"


@dataclass(frozen=True)
class Way:
    """How a user signs in, and where. `client` is an application's id, "" for the SDK's own."""

    kind: str
    authority: str
    tenant: str = ""
    client: str = ""
    secret: str = field(default="", repr=False)

    @property
    def is_known_cloud(self) -> bool:
        """Whether the authority is one of Microsoft's clouds, which know of each other."""
        return self.authority.removeprefix("https://") in _KNOWN_CLOUDS

    @property
    def is_interactive(self) -> bool:
        return self.kind in INTERACTIVE

    @property
    def name(self) -> str:
        """What tells its tokens from those of other ways."""
        return " ".join((self.kind, self.authority, self.tenant, self.client))


def way_of(kind: str, environ: Mapping[str, str]) -> Way:
    """The way of a kind, with the variables that the SDK documents.

    Raises ConfigError where one is missing, or where there is to be no sign-in.
    """
    if kind == NONE:
        raise ConfigError(
            f"a service needs a sign-in, and {SETTING} is none",
            f"set {SETTING} to auto, or give the service a connection string of its own",
        )
    authority = _authority(environ)
    if kind == SERVICE_PRINCIPAL:
        missing = [name for name in _PRINCIPAL if not environ.get(name)]
        if missing:
            raise ConfigError(
                f"{kind}: {', '.join(missing)} not set",
                f"export {', '.join(_PRINCIPAL)}, or choose another {SETTING}",
            )
        return Way(kind, authority, *(environ[name] for name in _PRINCIPAL))
    tenant = environ.get("AZURE_TENANT_ID", "")
    client = environ.get("AZURE_CLIENT_ID", "") if kind == MANAGED_IDENTITY else ""
    return Way(kind, authority, tenant, client)


def _authority(environ: Mapping[str, str]) -> str:
    host = environ.get("AZURE_AUTHORITY_HOST") or PUBLIC_CLOUD
    authority = host if "://" in host else f"https://{host}"
    if not authority.startswith("https://"):
        raise ConfigError(
            f"AZURE_AUTHORITY_HOST is {host}: a sign-in needs https", f"as in {PUBLIC_CLOUD}"
        )
    return authority.rstrip("/")


def automatic_kind(environ: Mapping[str, str], is_terminal: bool) -> str:
    """What `auto` means here. Raises RefusedError where nobody can be asked."""
    if all(environ.get(name) for name in _PRINCIPAL):
        return SERVICE_PRINCIPAL
    if any(environ.get(name) for name in _IDENTITY_ENDPOINTS):
        return MANAGED_IDENTITY
    if _is_cli_signed_in(environ):
        return CLI
    if not is_terminal:
        raise not_signed_in()
    return BROWSER if _has_display(environ) else DEVICE_CODE


def not_signed_in() -> RefusedError:
    """The error of a command that would have to ask, and cannot."""
    return RefusedError(
        "not signed in, and there is no terminal to ask on",
        "run `xt login` in this session (or `az login`), or export " + ", ".join(_PRINCIPAL),
    )


def _has_display(environ: Mapping[str, str]) -> bool:
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _is_cli_signed_in(environ: Mapping[str, str]) -> bool:
    """Whether the Azure CLI is there and has an account, by its own file: asking it takes a
    second."""
    import json
    import shutil

    folder = environ.get("AZURE_CONFIG_DIR") or os.path.join(environ.get("HOME", "/"), ".azure")
    if shutil.which("az", path=environ.get("PATH")) is None:
        return False
    try:
        profile = json.loads((Path(folder) / "azureProfile.json").read_text("utf-8-sig"))
        return bool(profile["subscriptions"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
