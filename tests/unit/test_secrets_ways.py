"""Which way of signing in a situation calls for, and secrets of the configuration without one."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from xt_core.errors import ConfigError, RefusedError, XTError
from xt_core.identity.cache import SessionCache
from xt_core.identity.signin import SignIn
from xt_core.identity.vault import Vault
from xt_core.identity.ways import KINDS, PUBLIC_CLOUD, automatic_kind, way_of
from xt_core.services.access import access_of
from xt_core.services.secrets import Secrets
from xt_core.services.stores import BlobAccess, MongoAccess, StoreAccess
from xt_core.services.team import Service, Team

PRINCIPAL = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s3cret"}
SETTING = "external-services.labmongo.mongo-connection-string"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        (PRINCIPAL | {"IDENTITY_ENDPOINT": "http://x"}, "service-principal"),
        ({"IDENTITY_ENDPOINT": "http://x", "DISPLAY": ":0"}, "managed-identity"),
        ({"MSI_ENDPOINT": "http://x"}, "managed-identity"),
        ({"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "device-code"),
        ({"DISPLAY": ":0"}, "browser"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "browser"),
        ({}, "device-code"),
    ],
)
def test_auto_goes_by_the_situation(environ: Mapping[str, str], kind: str) -> None:
    assert automatic_kind({"HOME": "/nowhere"} | dict(environ), is_terminal=True) == kind


def test_auto_takes_the_azure_cli_where_that_has_an_account(tmp_path: Path) -> None:
    program = tmp_path / "az"
    environ = {"PATH": str(tmp_path), "AZURE_CONFIG_DIR": str(tmp_path), "DISPLAY": ":0"}
    profile = tmp_path / "azureProfile.json"
    profile.write_text(json.dumps({"subscriptions": [{"id": "1"}]}), encoding="utf-8-sig")
    assert automatic_kind(environ, is_terminal=True) == "browser"
    program.touch(mode=0o755)
    assert automatic_kind(environ, is_terminal=False) == "cli"
    profile.write_text(json.dumps({"subscriptions": []}), encoding="utf-8-sig")
    assert automatic_kind(environ, is_terminal=True) == "browser"
    profile.write_text("{")
    assert automatic_kind(environ, is_terminal=True) == "browser"


def test_auto_without_a_terminal_says_what_to_do() -> None:
    with pytest.raises(RefusedError) as caught:
        automatic_kind({"HOME": "/nowhere", "DISPLAY": ":0"}, is_terminal=False)
    assert caught.value.message == "not signed in, and there is no terminal to ask on"
    assert caught.value.hint == (
        "run `xt login` in this session (or `az login`), or export AZURE_TENANT_ID, "
        "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"
    )


def test_a_way_names_where_it_goes_and_hides_its_secret() -> None:
    way = way_of("service-principal", PRINCIPAL)
    assert (way.authority, way.tenant, way.client) == (f"https://{PUBLIC_CLOUD}", "t", "c")
    assert way.is_known_cloud
    assert "s3cret" not in f"{way!r} {way.name}"
    private = way_of("device-code", {"AZURE_AUTHORITY_HOST": "login.lab.example/"})
    assert (private.authority, private.is_known_cloud) == ("https://login.lab.example", False)
    assert way_of("managed-identity", {"AZURE_CLIENT_ID": "c"}).client == "c"
    assert way_of("browser", {"AZURE_CLIENT_ID": "c"}).client == ""


@pytest.mark.parametrize(
    ("kind", "environ", "message"),
    [
        ("none", {}, "a service needs a sign-in, and general.authentication is none"),
        (
            "service-principal",
            {"AZURE_CLIENT_ID": "c"},
            "service-principal: AZURE_TENANT_ID, AZURE_CLIENT_SECRET not set",
        ),
        (
            "device-code",
            {"AZURE_AUTHORITY_HOST": "http://login.lab.example"},
            "AZURE_AUTHORITY_HOST is http://login.lab.example: a sign-in needs https",
        ),
    ],
)
def test_a_way_that_cannot_be_is_refused(
    kind: str, environ: Mapping[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        way_of(kind, environ)
    assert caught.value.message == message
    assert caught.value.hint


def test_the_kinds_are_those_of_the_setting() -> None:
    assert KINDS == (
        "auto", "browser", "device-code", "cli", "managed-identity", "service-principal", "none",
    )  # fmt: skip


def secrets(team: Team, environ: Mapping[str, str] | None = None) -> Secrets:
    sign_in = SignIn("none", {}, SessionCache(lambda: None))
    return Secrets(team, environ or {}, lambda: sign_in)


def service(name: str, **properties: str) -> Service:
    return Service(name, {key.replace("_", "-"): value for key, value in properties.items()})


def mongo(text: str) -> Service:
    return service("labmongo", type="mongo", mongo_connection_string=text)


VAULT = service("labvault", type="vault", url="https://lab.vault.azure.net")


@pytest.mark.parametrize(
    ("team", "message", "hint"),
    [
        (
            Team("default", mongo=mongo("$vault")),
            f"{SETTING} is in a vault, and team default has none",
            "let xt-services.vault name an external service of type vault",
        ),
        (
            Team("phoenix", mongo=mongo("$vault:x")),
            f"{SETTING} is in a vault, and team phoenix has none",
            "let teams.phoenix.vault name an external service of type vault",
        ),
        (
            Team("default", mongo=mongo("$vault:lab_mongo"), vault=VAULT),
            f"{SETTING}: 'lab_mongo' is not a name of a secret",
            "a vault's names have letters, digits and '-' only: write $vault:NAME",
        ),
        (
            Team("default", mongo=mongo("$vault"), vault=service("labvault", type="vault")),
            "external-services.labvault.url is not set",
            "as in https://NAME.vault.azure.net",
        ),
        (
            Team("default", mongo=mongo("$vault"), vault=service("v", url="http://x.example")),
            "external-services.v.url is http://x.example",
            "as in https://NAME.vault.azure.net, from the portal",
        ),
        (
            Team("default", mongo=mongo("$vault"), vault=VAULT),
            "a service needs a sign-in, and general.authentication is none",
            "set general.authentication to auto, or give the service a connection string of its "
            "own",
        ),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_by_its_setting(
    team: Team, message: str, hint: str
) -> None:
    with pytest.raises(XTError) as caught:
        access_of(team, secrets(team))
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_no_object_shows_a_secret() -> None:
    team = Team("default", mongo=mongo("$env:LAB"))
    given = secrets(team, {"LAB": "mongodb://u:s3cret@h"})
    access = access_of(team, given)
    assert isinstance(access.stats, MongoAccess)
    assert access.stats.url == "mongodb://u:s3cret@h"
    blobs = BlobAccess("b", "s", "c", "key=s3cret", sas="sig=s3cret")
    shown = f"{given!r} {access!r} {blobs!r} {StoreAccess('t', None, blobs)!r}"
    vault = Vault("v", "https://v.example", SignIn("auto", PRINCIPAL, SessionCache(lambda: None)))
    assert "s3cret" not in shown + f"{vault!r}" + f"{vault._sign_in!r}"


def blobs(**properties: str) -> Team:
    found = service("labblobs", type="storage", provider="azure-blob", **properties)
    return Team("phoenix", storage=found)


def test_storage_by_sign_in_has_an_address_and_no_secret() -> None:
    team = blobs(account_url="https://lab.blob.core.windows.net/")
    access = access_of(team, secrets(team))
    assert access.needs_sign_in
    assert access.artifacts == BlobAccess(
        "labblobs",
        "external-services.labblobs.account-url",
        "xt-phoenix",
        account_url="https://lab.blob.core.windows.net",
    )


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"account_url": "http://lab.example"},
            "external-services.labblobs.account-url is http://lab.example",
        ),
        (
            {"account_url": "https://lab.example", "connection_string": "x"},
            "external-services.labblobs.connection-string and account-url are both set",
        ),
        ({}, "external-services.labblobs.connection-string is not set"),
    ],
)
def test_storage_that_cannot_be_is_refused(properties: dict[str, str], message: str) -> None:
    team = blobs(**properties)
    with pytest.raises(ConfigError) as caught:
        access_of(team, secrets(team))
    assert caught.value.message == message


def test_a_newer_sas_is_the_same_access_and_a_key_is_not() -> None:
    def access(**changes: object) -> StoreAccess:
        fields: dict[str, object] = {"account_url": "https://a.example"}
        return StoreAccess("t", None, BlobAccess("b", "s", "c", **(fields | changes)))  # type: ignore[arg-type]

    plain = access()
    given = access(sas="sig=1", sas_expires=1e9)
    assert plain.fingerprint() == given.fingerprint()
    assert (plain.expires, given.expires) == (None, 1e9)
    assert plain.fingerprint() != access(connection_string="key").fingerprint()
    assert StoreAccess.from_json(given.to_json()) == given
