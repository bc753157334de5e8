"""Which checks a team's services are put to: one for each role, in this order."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.services.access import access_of
from xt_core.services.stores import MongoAccess, StoreAccess
from xt_core.session import Session
from xt_core.teams.checks.artifacts import artifact_check
from xt_core.teams.checks.check import Check
from xt_core.teams.checks.embedded import EMBEDDED, SETTING, embedded_check

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore

_AZURE_BLOB = "azure-blob"
_BLOBS, _ACCOUNT = "connection-string", "account-url"


def checks_of(session: Session, seconds: float) -> list[Check]:
    """The checks of the team in use; a call to a service takes `seconds` at the most.

    Raises what finding the team raises, and nothing for a service that is set up wrongly: that is
    told by its check.
    """
    checks = [_stats(session, seconds), _artifacts(session, seconds)]
    vault = session.team.vault
    if vault is not None:
        from xt_core.teams.checks.vault import vault_check

        checks.insert(0, vault_check(vault, session.secrets))  # which the others may need
    return checks


def _stats(session: Session, seconds: float) -> Check:
    service = session.team.mongo
    if service is None:
        return embedded_check(session.team_home)

    def access() -> MongoAccess:
        found = access_of(replace(session.team, storage=None), session.secrets).stats
        assert isinstance(found, MongoAccess)
        return found

    from xt_core.teams.checks.mongo import mongo_check

    return mongo_check(service, access, seconds)


def _artifacts(session: Session, seconds: float) -> Check:
    service, home = session.team.storage, session.team_home
    if service is None:
        place, folder = str(home.artifacts_dir), home.artifacts_dir
        return artifact_check(EMBEDDED, SETTING, _embedded(session), place=place, folder=folder)

    is_blob = service.get("provider") == _AZURE_BLOB

    def open_store() -> "ArtifactStore":
        access = access_of(replace(session.team, mongo=None), session.secrets)
        if is_blob:
            import_module("azure.storage.blob")  # else its loading counts as the service's time
        credential = session.sign_in if access.needs_sign_in else None
        return access.open_artifacts(home, credential, patience_seconds=seconds / 2)

    if is_blob:
        container = service.get("container") or f"xt-{session.team.name}"
        place = f"the container {container}, made if need be"
        key = _BLOBS if service.get(_ACCOUNT) is None else _ACCOUNT
        return artifact_check(
            service.name,
            service.setting(key),
            open_store,
            place=place,
            sign_in=_signing_in(session) if key == _ACCOUNT else None,
        )
    folder, setting = Path(service.get("path") or "").expanduser(), service.setting("path")
    return artifact_check(service.name, setting, open_store, place="the folder", folder=folder)


def _embedded(session: Session) -> "Callable[[], ArtifactStore]":
    def open_store() -> "ArtifactStore":
        session.team_home.create()
        return StoreAccess().open_artifacts(session.team_home)

    return open_store


def _signing_in(session: Session) -> Callable[[], str]:
    def sign_in() -> str:
        from xt_core.identity.signin import STORAGE_SCOPE

        return f"as {session.sign_in.account(STORAGE_SCOPE).name}"

    return sign_in
