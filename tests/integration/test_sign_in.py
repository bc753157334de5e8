"""Signing in and getting secrets, by the real SDKs, from a fake of Entra ID and of Key Vault."""

from pathlib import Path

import pytest
from servers.process import free_port
from servers.vault import CLIENT, IDENTITY_HEADER, TENANT, USER, FakeCloud
from sign_in_support import SETTING, Prompts, azure_cli, sign_in, vault

from xt_core import clock
from xt_core.errors import RefusedError, UnavailableError, UnknownNameError, XTError
from xt_core.identity.signin import STORAGE_SCOPE
from xt_core.identity.vault import ROLE, Vault

URL = "mongodb://user:s3cret-word@127.0.0.1:1/"


# Ways ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("principal")
def test_a_service_principal_signs_in_once_a_session(cloud: FakeCloud) -> None:
    account = sign_in("service-principal").account(STORAGE_SCOPE)
    assert (account.name, account.tenant) == (CLIENT, TENANT)
    assert account.expires == pytest.approx(clock.now() + 3600, abs=60)
    assert sign_in("auto").account(STORAGE_SCOPE) == account
    assert cloud.grants == ["client_credentials"]


def test_a_device_code_is_told_and_signs_in_for_all_services(cloud: FakeCloud) -> None:
    cloud.secrets["labmongo"] = URL
    prompts = Prompts()
    user = sign_in("device-code", may_ask=True, say=prompts)
    assert user.account(STORAGE_SCOPE).name == USER
    assert prompts.lines == [f"to sign in, open {cloud.url}/device and enter the code ABC-DEF"]
    later = sign_in("device-code", say=prompts)  # another process, which may not ask
    assert vault(cloud, later).secret("labmongo", SETTING) == URL
    assert later.account(STORAGE_SCOPE).name == USER
    assert len(prompts.lines) == 1
    assert cloud.grants == ["device_code", "refresh_token"]


def test_auto_stays_with_the_way_that_the_user_was_asked_on(cloud: FakeCloud) -> None:
    assert sign_in("auto", may_ask=True).account(STORAGE_SCOPE).name == USER
    later = sign_in("auto")  # a script of the same session, without a terminal
    assert later.way.kind == "device-code"
    assert later.account(STORAGE_SCOPE).name == USER
    assert cloud.grants == ["device_code"]


def test_the_azure_cli_signs_in(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.secrets["labmongo"] = URL
    for name, value in azure_cli(tmp_path / "cli", cloud).items():
        monkeypatch.setenv(name, value)
    user = sign_in("auto")
    assert user.way.kind == "cli"
    assert vault(cloud, user).secret("labmongo", SETTING) == URL
    assert vault(cloud, sign_in("auto")).secret("labmongo", SETTING) == URL
    calls = (tmp_path / "cli" / "log").read_text().splitlines()
    assert len(calls) == 1
    assert f"--resource {cloud.resource}" in calls[0]


def test_a_machine_signs_in_by_its_identity(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.secrets["labmongo"] = URL
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{cloud.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    user = sign_in("auto")
    assert user.way.kind == "managed-identity"
    assert vault(cloud, user).secret("labmongo", SETTING) == URL
    assert cloud.grants == ["managed_identity"]


# Tokens -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("principal")
def test_a_token_that_ends_soon_is_replaced(cloud: FakeCloud) -> None:
    cloud.token_seconds = 200
    first = sign_in("auto").get_token_info(STORAGE_SCOPE)
    second = sign_in("auto").get_token_info(STORAGE_SCOPE)
    assert first.token != second.token
    assert cloud.grants == ["client_credentials"] * 2


@pytest.mark.usefixtures("principal")
def test_a_service_that_wants_another_token_gets_one(cloud: FakeCloud) -> None:
    user = sign_in("auto")
    first = user.get_token(STORAGE_SCOPE)
    assert user.get_token(STORAGE_SCOPE) == first
    assert user.get_token(STORAGE_SCOPE, claims='{"access_token": {}}').token != first.token
    assert cloud.grants == ["client_credentials"] * 2


def test_an_ended_sign_in_asks_to_sign_in_again(cloud: FakeCloud) -> None:
    cloud.token_seconds = 60
    sign_in("device-code", may_ask=True).account(STORAGE_SCOPE)
    cloud.takes_refresh_tokens = False
    with pytest.raises(RefusedError) as caught:
        sign_in("device-code").account(STORAGE_SCOPE)
    assert caught.value.message == "the sign-in of this session has expired"
    assert caught.value.hint == "run `xt login`"
    cloud.token_seconds = 3600
    prompts = Prompts()
    sign_in("device-code", may_ask=True, say=prompts).account(STORAGE_SCOPE)
    assert len(prompts.lines) == 1


def test_nobody_who_has_not_signed_in_is_asked_without_a_terminal(cloud: FakeCloud) -> None:
    for kind in ("auto", "device-code", "browser"):
        with pytest.raises(RefusedError, match="not signed in, and there is no terminal"):
            sign_in(kind).account(STORAGE_SCOPE)
    assert cloud.grants == []


@pytest.mark.usefixtures("principal")
def test_a_refused_sign_in_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(RefusedError) as caught:
        sign_in("auto").account(STORAGE_SCOPE)
    assert caught.value.message == (
        "the sign-in (service-principal) failed: AADSTS7000215: Invalid client secret provided."
    )
    assert caught.value.hint == "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"


@pytest.mark.usefixtures("principal")
def test_an_authority_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"https://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", place)
    with pytest.raises(UnavailableError) as caught:
        sign_in("auto").account(STORAGE_SCOPE)
    assert caught.value.message == (
        f"cannot sign in: {place} cannot be reached: connection refused"
    )


@pytest.mark.usefixtures("principal")
def test_an_authority_whose_certificate_is_unknown_gets_nothing(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(UnavailableError, match="its certificate is not trusted"):
        sign_in("auto").account(STORAGE_SCOPE)
    assert cloud.grants == []


# The vault ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("principal")
def test_a_secret_is_fetched_once_a_session(cloud: FakeCloud) -> None:
    cloud.secrets["labmongo"] = URL
    assert vault(cloud, sign_in("auto")).secret("labmongo", SETTING) == URL
    cloud.secrets["labmongo"] = "another"
    assert vault(cloud, sign_in("auto")).secret("labmongo", SETTING) == URL
    assert cloud.reads == ["labmongo"]
    assert vault(cloud, sign_in("auto")).secret("labmongo", SETTING, anew=True) == "another"
    assert vault(cloud, sign_in("auto")).secret("labmongo", SETTING) == "another"


@pytest.mark.usefixtures("principal")
@pytest.mark.parametrize(
    ("refused", "message", "hint", "kind"),
    [
        (
            None,
            f"there is no secret labmongo in labvault ({SETTING})",
            "store it there, or write $vault:NAME for another",
            UnknownNameError,
        ),
        ((403, "ForbiddenByRbac"), "not permitted", f"ask for the role {ROLE} on", RefusedError),
        ((403, "ForbiddenByPolicy"), "not permitted", f"ask for the role {ROLE} on", RefusedError),
        ((403, "SecretDisabled"), "it is disabled", "enable it in the vault", RefusedError),
        ((403, "ForbiddenByFirewall"), "not from this network", "use a network", RefusedError),
        ((409, "Conflict"), "it failed with 409 Conflict", "try again later", UnavailableError),
    ],
)
def test_what_the_vault_refuses_is_told_in_one_line(
    cloud: FakeCloud,
    refused: tuple[int, str] | None,
    message: str,
    hint: str,
    kind: type[XTError],
) -> None:
    if refused is not None:
        cloud.refuses["labmongo"] = refused
        message = f"cannot get the secret labmongo from labvault ({SETTING}): {message}"
    with pytest.raises(kind) as caught:
        vault(cloud, sign_in("auto")).secret("labmongo", SETTING)
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)
    assert "\n" not in caught.value.message


@pytest.mark.usefixtures("principal")
def test_a_vault_that_takes_no_token_of_ours_says_to_sign_in(cloud: FakeCloud) -> None:
    cloud.takes_tokens = False
    with pytest.raises(RefusedError) as caught:
        vault(cloud, sign_in("auto")).secret("labmongo", SETTING)
    assert caught.value.message.endswith("the vault does not accept the sign-in")
    assert caught.value.hint == "run `xt login` again"


@pytest.mark.usefixtures("principal")
def test_a_vault_that_is_away_is_told(cloud: FakeCloud) -> None:
    place = f"https://127.0.0.1:{free_port()}"
    with pytest.raises(UnavailableError) as caught:
        Vault("labvault", place, sign_in("auto")).secret("labmongo", SETTING)
    assert caught.value.message == (
        f"cannot get the secret labmongo from labvault ({SETTING}): {place} cannot be reached: "
        "connection refused"
    )
    assert caught.value.hint == "check the network, and external-services.labvault.url"


@pytest.mark.usefixtures("principal")
def test_no_token_goes_to_a_vault_that_asks_for_one_of_another_service(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCloud, "resource", STORAGE_SCOPE.removesuffix("/.default"))
    with pytest.raises(RefusedError) as caught:
        vault(cloud, sign_in("auto")).secret("labmongo", SETTING)
    assert caught.value.message == f"labvault: {cloud.url} asks for a token that is not for it"
    assert cloud.grants == []
