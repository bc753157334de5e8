"""Signing in and getting secrets, by the real SDKs, from a fake of Entra ID and of Key Vault."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.process import free_port
from servers.vault import CLIENT, IDENTITY_HEADER, TENANT, USER, FakeCloud
from sign_in_support import SETTING, Prompts, azure_cli, browser, services, sign_in, vault
from support import Xt

from xt_core import clock
from xt_core.errors import RefusedError, UnavailableError, UnknownNameError, XTError
from xt_core.identity.signin import STORAGE_SCOPE
from xt_core.identity.vault import ROLE, Vault

URL = "mongodb://user:s3cret-word@127.0.0.1:1/"
MONGO = 'labmongo: {type: mongo, mongo-connection-string: "$vault"}'


@pytest.fixture
def principal(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's environment is that of a service principal."""
    for name, value in cloud.principal.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def team(cloud: FakeCloud, tmp_path: Path) -> Iterator[Xt]:
    """An XT whose stats would be in a MongoDB that the vault knows."""
    own = Xt(tmp_path / "home", tmp_path / "code", services(cloud, MONGO, roles="mongo: labmongo"))
    yield own
    own.session.close()


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


def test_who_opens_the_ui_is_asked_before_it_and_not_within(
    cloud: FakeCloud, team: Xt, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.secrets["labmongo"] = URL
    session = team.session
    session.sign_in.may_ask = True
    session.sign_in_beforehand()
    assert capsys.readouterr().err.startswith("to sign in, open ")
    assert session.access.stats is not None
    assert session.access.stats.url == URL
    session.sign_in.cache.clear()
    with pytest.raises(RefusedError):
        session.sign_in.account(STORAGE_SCOPE)
    assert capsys.readouterr().err == ""


def test_a_browser_signs_in(cloud: FakeCloud, tmp_path: Path, team: Xt) -> None:
    cloud.secrets["labmongo"] = URL
    team.environ["BROWSER"] = browser(tmp_path, cloud)
    done = team("login", "--authentication", "browser")
    assert done.stderr == "sign in in the browser window that opens …\n"
    assert (cloud.grants, cloud.reads) == (["authorization_code"], ["labmongo"])
    assert sign_in("auto").way.kind == "browser"
    assert sign_in("auto").account(STORAGE_SCOPE).name == USER


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


# Commands -----------------------------------------------------------------------------------


@pytest.fixture
def own(cloud: FakeCloud, tmp_path: Path) -> Iterator[Xt]:
    """An XT whose team is embedded but for a vault that nothing is in."""
    one = Xt(tmp_path / "home", tmp_path / "code", services(cloud, roles="target: local"))
    yield one
    one.session.close()


def test_login_says_as_whom_and_until_when_and_logout_forgets(cloud: FakeCloud, own: Xt) -> None:
    done = own("login", "--authentication", "device-code")
    assert done.stderr == f"to sign in, open {cloud.url}/device and enter the code ABC-DEF\n"
    assert done.stdout.startswith(
        f"signed in as {USER} of tenant {TENANT} (device-code); the token lasts until 20"
    )
    assert sign_in("auto").way.kind == "device-code"
    assert own("logout").stdout == (
        "signed out; running controllers keep what they were given until they end\n"
    )
    assert own.json("logout") == {"removed": 0}
    assert own("logout").stdout == "not signed in\n"
    with pytest.raises(RefusedError):
        sign_in("device-code").account(STORAGE_SCOPE)


def test_login_prints_a_document(own: Xt) -> None:
    document = own.json("login", "--authentication", "device-code")
    assert document.pop("expires").endswith("Z")
    assert document == {
        "authentication": "device-code",
        "account": USER,
        "tenant": TENANT,
        "kept": "session",
        "controllers": [],
    }
    assert own.json("logout") == {"removed": 3}  # the choice, the account, a token


def test_login_without_a_terminal_keeps_the_sign_in_that_there_is(own: Xt) -> None:
    own("login", "--authentication", "device-code")
    err = own("login", code=5).stderr
    assert err.startswith("xt: error: not signed in, and there is no terminal to ask on\nhint: ")
    assert sign_in("auto").account(STORAGE_SCOPE).name == USER


@pytest.mark.usefixtures("principal")
def test_login_fetches_secrets_anew(cloud: FakeCloud, team: Xt) -> None:
    cloud.secrets["labmongo"] = URL
    team("login")
    cloud.secrets["labmongo"] = URL + "?retryWrites=true"
    team("login")
    assert cloud.reads == ["labmongo"] * 2
    user = sign_in("auto")
    assert vault(cloud, user).secret("labmongo", SETTING) == URL + "?retryWrites=true"


def test_a_command_that_needs_a_secret_says_what_to_do(team: Xt) -> None:
    error = team.json("list", "runs", code=5)["error"]
    assert error["kind"] == "refused"
    assert error["message"] == "not signed in, and there is no terminal to ask on"
    assert "xt login" in error["hint"]
    none = {"XT_AUTHENTICATION": "none"}
    err = team("list", "runs", code=2, env=none).stderr
    assert err.startswith("xt: error: a service needs a sign-in, and general.authentication is no")


@pytest.mark.usefixtures("principal")
def test_a_missing_secret_is_told_with_its_exit_code(cloud: FakeCloud, team: Xt) -> None:
    error = team("list", "runs", code=3).stderr
    assert error == (
        f"xt: error: there is no secret labmongo in labvault ({SETTING})\n"
        f"hint: store it there, or write $vault:NAME for another ({cloud.url})\n"
    )
    cloud.refuses["labmongo"] = (403, "ForbiddenByRbac")
    assert ROLE in team("list", "runs", code=5).stderr


def test_view_config_shows_the_reference_and_not_the_secret(cloud: FakeCloud, team: Xt) -> None:
    cloud.secrets["labmongo"] = URL
    sign_in("device-code", may_ask=True).account(STORAGE_SCOPE)
    shown = team("view", "config", "--origin").stdout
    assert '"$vault"' in shown
    assert "s3cret-word" not in shown + team("view", "config", "--json").stdout


def test_a_kept_secret_needs_no_sdk(cloud: FakeCloud, team: Xt) -> None:
    """A command of a signed-in session starts as fast as one of a team without a vault."""
    cloud.secrets["labmongo"] = URL
    user = sign_in("device-code", may_ask=True)
    user.choose()
    vault(cloud, user).secret("labmongo", SETTING)
    program = (
        "import sys\nfrom xt_core.session import Session\n"
        "print(Session().access.stats.url)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=team.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    url, modules = done.stdout.splitlines()
    assert url == URL
    assert {"azure", "msal", "requests", "cryptography", "asyncio"} & set(modules.split()) == set()


def test_help_has_examples(own: Xt) -> None:
    for command in ("login", "logout"):
        assert f"examples:\n  xt {command}" in own(command, "--help").stdout
