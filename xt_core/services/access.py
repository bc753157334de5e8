"""From a team as it is configured to how its stores are reached."""

from pathlib import Path

from xt_core.errors import ConfigError
from xt_core.services.secrets import Secrets, variable_of
from xt_core.services.stores import BlobAccess, FolderAccess, MongoAccess, StoreAccess
from xt_core.services.team import Service, Team

_URL = "mongo-connection-string"
_BLOBS = "connection-string"
_ACCOUNT = "account-url"


def access_of(team: Team, secrets: Secrets) -> StoreAccess:
    """Resolve what the team's services say. Raises ConfigError where something is missing, and
    what the vault raises."""
    named = [(team.mongo, _URL), (team.storage, _BLOBS)]
    variables = [variable_of(service, name) for service, name in named if service is not None]
    return StoreAccess(
        team.name,
        None if team.mongo is None else _mongo(team.name, team.mongo, secrets),
        None if team.storage is None else _storage(team.name, team.storage, secrets),
        [variable for variable in variables if variable is not None],
    )


def _mongo(team: str, service: Service, secrets: Secrets) -> MongoAccess:
    url = _needed(service, _URL, secrets, "as in mongodb://host:27017/?replicaSet=rs0")
    return MongoAccess(url, service.get("database") or f"xt-{team}", service.setting(_URL))


def _storage(team: str, service: Service, secrets: Secrets) -> FolderAccess | BlobAccess:
    if service.get("provider") == "azure-blob":
        return _blobs(team, service, secrets)
    path = service.get("path")
    if path is None or not Path(path).expanduser().is_absolute():
        raise ConfigError(
            f"{service.setting('path')} is {path or 'not set'}",
            "name the folder from / on: every machine of the team sees it there",
        )
    return FolderAccess(str(Path(path).expanduser() / team))


def _blobs(team: str, service: Service, secrets: Secrets) -> BlobAccess:
    container, account = service.get("container") or f"xt-{team}", service.get(_ACCOUNT)
    if account is None:
        hint = f"the portal shows it at the storage account's keys; or set {_ACCOUNT} and sign in"
        text = _needed(service, _BLOBS, secrets, hint)
        return BlobAccess(service.name, service.setting(_BLOBS), container, text)
    if service.get(_BLOBS) is not None:
        raise ConfigError(
            f"{service.setting(_BLOBS)} and {_ACCOUNT} are both set",
            f"keep {_ACCOUNT} for the user's sign-in, or {_BLOBS} for a key",
        )
    if not account.startswith("https://"):
        raise ConfigError(
            f"{service.setting(_ACCOUNT)} is {account}",
            "a sign-in needs https, as in https://ACCOUNT.blob.core.windows.net",
        )
    setting = service.setting(_ACCOUNT)
    return BlobAccess(service.name, setting, container, account_url=account.rstrip("/"))


def _needed(service: Service, name: str, secrets: Secrets, hint: str) -> str:
    value = secrets.resolved(service, name)
    if value is None:
        raise ConfigError(f"{service.setting(name)} is not set", hint)
    return value
