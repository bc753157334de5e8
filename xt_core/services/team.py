"""A team: its name, and the services that the configuration gives it.

The team in use is the one that ``--team``, ``XT_TEAM`` or ``general.xt-team-name`` names, else the
one whose services stand in ``xt-services``; with no services it is ``local``, whose stores are
embedded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xt_core.config import Config
from xt_core.errors import ConfigError, UnknownNameError
from xt_core.home import LOCAL_TEAM

UNNAMED_TEAM = "default"
"""What the team of `xt-services` is called where nothing names it."""
ROLES = ("storage", "mongo")
"""The stores of a team; each is named as the `type` of service that it takes."""
VAULT = "vault"
"""Another role: the service that keeps the others' secrets."""


@dataclass(frozen=True)
class Service:
    """One entry of `external-services`."""

    name: str
    properties: Mapping[str, Any]

    def get(self, name: str) -> str | None:
        """A property that may be unset."""
        value = self.properties.get(name)
        return None if value is None else str(value)

    def setting(self, name: str) -> str:
        """Where a property stands in the configuration, to be named in errors."""
        return f"external-services.{self.name}.{name}"


@dataclass(frozen=True)
class Team:
    """A team as it is configured; a role without a service is filled by this machine."""

    name: str
    storage: Service | None = None
    mongo: Service | None = None
    vault: Service | None = None

    @property
    def is_embedded(self) -> bool:
        return self.storage is None and self.mongo is None

    @property
    def may_need_sign_in(self) -> bool:
        """Whether who reaches its services may be asked to sign in."""
        by_sign_in = self.storage is not None and self.storage.get("account-url") is not None
        return self.vault is not None or by_sign_in

    def services_text(self) -> str:
        """Which services keep its stats and artifacts, in words."""
        if self.is_embedded:
            return "stores of this machine"
        names = [service.name for service in (self.mongo, self.storage) if service is not None]
        return f"services {', '.join(names)}"


def team_of(config: Config) -> Team:
    """The team in use. Raises UnknownNameError for a team that there is not, and ConfigError for a
    service that there is not, or that is of the wrong kind."""
    return named_team(config, config.optional_string("general.xt-team-name"))


def named_team(config: Config, name: str | None) -> Team:
    """One of the teams; with None the one that nothing names. Raises as `team_of` does."""
    teams: dict[str, dict[str, Any]] = config.get("teams")
    if name is not None and name in teams:
        return _team(config, name, f"teams.{name}", teams[name])
    if name == LOCAL_TEAM:
        return Team(LOCAL_TEAM)
    services = config.get("xt-services")
    if name is None and not any(services[role] for role in ROLES):
        return Team(LOCAL_TEAM)
    if name in (None, UNNAMED_TEAM):
        return _team(config, UNNAMED_TEAM, "xt-services", services)
    origin = config.origin("general.xt-team-name")
    known = ", ".join(team_names(config))
    raise UnknownNameError(f"there is no team {name!r} (set by {origin})", f"the teams: {known}")


def current_team_name(config: Config) -> str:
    """The name of the team in use, be its services there or not. Raises UnknownNameError."""
    name, known = config.optional_string("general.xt-team-name"), team_names(config)
    if name is None:
        return UNNAMED_TEAM if UNNAMED_TEAM in known else LOCAL_TEAM
    return name if name in known else named_team(config, name).name


def team_names(config: Config) -> list[str]:
    """The local team, the one of `xt-services`, and those of `teams`."""
    services = config.get("xt-services")
    unnamed = [UNNAMED_TEAM] if any(services[role] for role in ROLES) else []
    return [LOCAL_TEAM, *unnamed, *config.get("teams")]


def _team(config: Config, name: str, section: str, roles: Mapping[str, Any]) -> Team:
    entries: dict[str, dict[str, Any]] = config.get("external-services")
    chosen: dict[str, Service] = {}
    for role in (*ROLES, VAULT):
        service = roles.get(role)
        if service is None:
            continue
        place = config.origin(f"{section}.{role}")
        if service not in entries:
            raise ConfigError(
                f"{place}: {section}.{role} names {service!r}, which external-services does not "
                "have",
                f"those there are: {', '.join(entries) or 'none'}",
            )
        if entries[service]["type"] != role:
            raise ConfigError(
                f"{place}: {section}.{role} names {service!r}, which is of type "
                f"{entries[service]['type']}",
                f"name a service whose type is {role}",
            )
        chosen[role] = Service(service, entries[service])
    return Team(name, **chosen)
