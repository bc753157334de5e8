"""From a team as it is configured to how its stores are reached."""

from collections.abc import Mapping
from pathlib import Path

from xt_core.errors import ConfigError
from xt_core.services.secrets import resolved, variable_of
from xt_core.services.stores import MongoAccess, StoreAccess
from xt_core.services.team import Service, Team

_URL = "mongo-connection-string"


def access_of(team: Team, environ: Mapping[str, str]) -> StoreAccess:
    """Resolve what the team's services say. Raises ConfigError where something is missing."""
    variables = [variable_of(team.mongo, _URL)] if team.mongo is not None else []
    return StoreAccess(
        team.name,
        None if team.mongo is None else _mongo(team.name, team.mongo, environ),
        None if team.storage is None else _folder(team.storage),
        [variable for variable in variables if variable is not None],
    )


def _mongo(team: str, service: Service, environ: Mapping[str, str]) -> MongoAccess:
    url = resolved(service, _URL, environ)
    if url is None:
        raise ConfigError(
            f"{service.setting(_URL)} is not set", "as in mongodb://host:27017/?replicaSet=rs0"
        )
    return MongoAccess(url, service.get("database") or f"xt-{team}", service.setting(_URL))


def _folder(service: Service) -> str:
    path = service.get("path")
    if path is None or not Path(path).expanduser().is_absolute():
        raise ConfigError(
            f"{service.setting('path')} is {path or 'not set'}",
            "name the folder from / on: every machine of the team sees it there",
        )
    return str(Path(path).expanduser())
