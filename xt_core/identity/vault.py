"""Secrets of the team's Key Vault, fetched once a session.

A secret's value is in the memory of the process and of the session; no message holds it.
"""

import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from xt_core.errors import ConfigError, RefusedError, UnavailableError, UnknownNameError, XTError
from xt_core.identity.signin import SignIn

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.keyvault.secrets import SecretClient

ROLE = "Key Vault Secrets User"
"""The least role that may read secrets."""
_NAME = re.compile("[0-9A-Za-z-]{1,127}")


class Vault:
    """One vault, as a service of the configuration names it. Thread-safe."""

    def __init__(self, service: str, url: str, sign_in: SignIn) -> None:
        """Raises ConfigError for a URL that is none of a vault."""
        self._service, self._setting = service, f"external-services.{service}.url"
        self.url, self._sign_in = url.rstrip("/"), sign_in
        place = urlparse(self.url)
        if place.scheme != "https" or not place.hostname or place.path:
            raise ConfigError(
                f"{self._setting} is {url}", "as in https://NAME.vault.azure.net, from the portal"
            )
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Vault({self._service}, {self.url})"

    @property
    def scope(self) -> str:
        """What a token for this vault is asked for: its domain, without the vault's own name."""
        return f"https://{urlparse(self.url).netloc.partition('.')[2]}/.default"

    def secret(self, name: str, setting: str, *, anew: bool = False) -> str:
        """A secret's value. `setting` is where the configuration names it; `anew` asks the vault
        also for one that the session has.

        Raises UnknownNameError, RefusedError, UnavailableError, ConfigError.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{setting}: {name!r} is not a name of a secret",
                "a vault's names have letters, digits and '-' only: write $vault:NAME",
            )
        with self._lock:
            entry = f"secret {self._sign_in.way.name} {self.url} {name}"
            kept = None if anew else self._sign_in.cache.get(entry)
            if kept is not None:
                return str(kept["value"])
            value, expires = self._fetch(name, setting)
            self._sign_in.cache.put(entry, {"value": value}, expires)
            return value

    def _fetch(self, name: str, setting: str) -> tuple[str, float | None]:
        """(value, when it expires by the vault's own word)."""
        from azure.core.exceptions import AzureError

        try:
            with self._client() as client:
                found = client.get_secret(name)
        except AzureError as error:
            raise self._error(error, name, setting) from error
        except ValueError as error:  # the SDK: the vault asks for a token of another domain
            raise RefusedError(
                f"{self._service}: {self.url} asks for a token that is not for it",
                f"check {self._setting}: is that a vault?",
            ) from error
        if not found.value:
            raise UnknownNameError(
                f"the secret {name} of {self._service} is empty ({setting})", "set it in the vault"
            )
        ends = found.properties.expires_on
        return found.value, None if ends is None else ends.timestamp()

    def _client(self) -> "SecretClient":
        from azure.keyvault.secrets import SecretClient

        return SecretClient(self.url, self._sign_in, retry_total=2, connection_timeout=10)

    def _error(self, error: "AzureError", name: str, setting: str) -> XTError:
        from xt_core.identity.troubles import first_line, network_error, network_reason

        what = f"cannot get the secret {name} from {self._service} ({setting})"
        if (network := network_error(error)) is not None:
            return UnavailableError(
                f"{what}: {self.url} cannot be reached: {network_reason(network)}",
                f"check the network, and {self._setting}",
            )
        status, code = getattr(error, "status_code", 0), _code_of(error)
        if status == 404:
            return UnknownNameError(
                f"there is no secret {name} in {self._service} ({setting})",
                f"store it there, or write $vault:NAME for another ({self.url})",
            )
        if status == 401:
            return RefusedError(
                f"{what}: the vault does not accept the sign-in", "run `xt login` again"
            )
        if status == 403 and code == "SecretDisabled":
            return RefusedError(f"{what}: it is disabled", "enable it in the vault")
        if status == 403 and code == "ForbiddenByFirewall":
            return RefusedError(
                f"{what}: not from this network", "use a network that the vault permits"
            )
        if status == 403:
            return RefusedError(f"{what}: not permitted", f"ask for the role {ROLE} on {self.url}")
        return UnavailableError(
            f"{what}: it failed with {status} {code}: {first_line(error)}", "try again later"
        )


def _code_of(error: "AzureError") -> str:
    """The innermost of the service's codes."""
    found = getattr(error, "error", None)
    inner = getattr(found, "innererror", None) or {}
    return str(inner.get("code") or getattr(found, "code", "") or "")
