"""From a team as it is configured to how its stores are reached."""

from collections.abc import Mapping
from pathlib import Path

from xt_core.errors import ConfigError
from xt_core.services.secrets import resolved, variable_of
from xt_core.services.stores import BlobAccess, FolderAccess, MongoAccess, StoreAccess
from xt_core.services.team import Service, Team

_URL = "mongo-connection-string"
_BLOBS = "connection-string"


def access_of(team: Team, environ: Mapping[str, str]) -> StoreAccess:
    """Resolve what the team's services say. Raises ConfigError where something is missing."""
    secrets = [(team.mongo, _URL), (team.storage, _BLOBS)]
    variables = [variable_of(service, name) for service, name in secrets if service is not None]
    return StoreAccess(
        team.name,
        None if team.mongo is None else _mongo(team.name, team.mongo, environ),
        None if team.storage is None else _storage(team.name, team.storage, environ),
        [variable for variable in variables if variable is not None],
    )


def _mongo(team: str, service: Service, environ: Mapping[str, str]) -> MongoAccess:
    url = _needed(service, _URL, environ, "as in mongodb://host:27017/?replicaSet=rs0")
    return MongoAccess(url, service.get("database") or f"xt-{team}", service.setting(_URL))


def _storage(team: str, service: Service, environ: Mapping[str, str]) -> FolderAccess | BlobAccess:
    if service.get("provider") == "azure-blob":
        return _blobs(team, service, environ)
    path = service.get("path")
    if path is None or not Path(path).expanduser().is_absolute():
        raise ConfigError(
            f"{service.setting('path')} is {path or 'not set'}",
            "name the folder from / on: every machine of the team sees it there",
        )
    return FolderAccess(str(Path(path).expanduser() / team))


def _blobs(team: str, service: Service, environ: Mapping[str, str]) -> BlobAccess:
    return BlobAccess(
        service.name,
        service.setting(_BLOBS),
        service.get("container") or f"xt-{team}",
        _needed(service, _BLOBS, environ, "the portal shows it at the storage account's keys"),
    )


def _needed(service: Service, name: str, environ: Mapping[str, str], hint: str) -> str:
    value = resolved(service, name, environ)
    if value is None:
        raise ConfigError(f"{service.setting(name)} is not set", hint)
    return value
