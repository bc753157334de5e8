"""Texts of the configuration that stand for a secret.

``$env:NAME`` is a variable's value; ``$vault:NAME`` is a secret of the team's vault, and ``$vault``
the one that is named as the service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xt_core.errors import ConfigError
from xt_core.services.team import UNNAMED_TEAM, Service, Team

if TYPE_CHECKING:
    from xt_core.identity.signin import SignIn
    from xt_core.identity.vault import Vault

ENVIRONMENT = "$env:"
VAULT = "$vault"


@dataclass(frozen=True)
class Secrets:
    """Where a team's secrets come from."""

    team: Team
    environ: Mapping[str, str] = field(repr=False)
    sign_in: "Callable[[], SignIn]"
    """Called where a vault is needed."""
    anew: bool = False
    """Ask the vault also for what the session has."""

    def resolved(self, service: Service, name: str) -> str | None:
        """A service's property with the secret that it stands for.

        Raises ConfigError for a variable that is not set or a vault that there is not, and as
        `Vault.secret`; the secret itself is in no message.
        """
        text = service.get(name)
        if text is None:
            return None
        if text.startswith(ENVIRONMENT):
            return self._variable(service, name, text)
        secret = secret_name(service, name)
        if secret is not None:
            setting = service.setting(name)
            return self.vault(setting).secret(secret, setting, anew=self.anew)
        return text

    def _variable(self, service: Service, name: str, text: str) -> str:
        variable = text.removeprefix(ENVIRONMENT)
        value = self.environ.get(variable)
        if not value:
            raise ConfigError(
                f"{service.setting(name)} is {text}, and the variable {variable} is not set",
                f"export {variable}, or write the value itself",
            )
        return value

    def vault(self, setting: str) -> "Vault":
        """The team's vault. Raises ConfigError, which names the setting that needs it."""
        service = self.team.vault
        if service is None:
            unnamed = self.team.name == UNNAMED_TEAM
            where = "xt-services.vault" if unnamed else f"teams.{self.team.name}.vault"
            raise ConfigError(
                f"{setting} is in a vault, and team {self.team.name} has none",
                f"let {where} name an external service of type vault",
            )
        return vault_of(service, self.sign_in())


def vault_of(service: Service, sign_in: "SignIn") -> "Vault":
    """The vault that a service of the configuration is. Raises ConfigError."""
    from xt_core.identity.vault import Vault

    url = service.get("url")
    if url is None:
        raise ConfigError(
            f"{service.setting('url')} is not set", "as in https://NAME.vault.azure.net"
        )
    return Vault(service.name, url, sign_in)


def secret_name(service: Service, name: str) -> str | None:
    """The secret of the vault that a property stands for."""
    text = service.get(name)
    if text is None or not (text == VAULT or text.startswith(f"{VAULT}:")):
        return None
    return text.partition(":")[2] or service.name


def variable_of(service: Service, name: str) -> str | None:
    """The variable that holds a property's secret."""
    text = service.get(name)
    is_variable = text is not None and text.startswith(ENVIRONMENT)
    return text.removeprefix(ENVIRONMENT) if text is not None and is_variable else None
