"""`xt login`, `xt logout`, and commands that need what a sign-in gives. The authority and the vault
are fakes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.vault import TENANT, USER, FakeCloud
from sign_in_support import SETTING, browser, services, sign_in, vault
from support import Xt

from xt_core.errors import RefusedError
from xt_core.identity.signin import STORAGE_SCOPE
from xt_core.identity.vault import ROLE
from xt_core.services.stores import MongoAccess

URL = "mongodb://user:s3cret-word@127.0.0.1:1/"
MONGO = 'labmongo: {type: mongo, mongo-connection-string: "$vault"}'


@pytest.fixture
def team(cloud: FakeCloud, tmp_path: Path) -> Iterator[Xt]:
    """An XT whose stats would be in a MongoDB that the vault knows."""
    own = Xt(tmp_path / "home", tmp_path / "code", services(cloud, MONGO, roles="mongo: labmongo"))
    yield own
    own.session.close()


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


@pytest.mark.usefixtures("principal")
@pytest.mark.parametrize(
    ("environ", "code", "message"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, 5, "the sign-in (service-principal) failed: AADSTS"),
        (
            {"AZURE_AUTHORITY_HOST": "https://127.0.0.1:1"},
            4,
            "cannot sign in: https://127.0.0.1:1 ",
        ),
        ({"XT_AUTHENTICATION": "none"}, 2, "a service needs a sign-in, and general.authentication"),
    ],
)
def test_login_that_fails_says_so_in_one_line(
    own: Xt, environ: dict[str, str], code: int, message: str
) -> None:
    error, hint = own("login", code=code, env=environ).stderr.splitlines()
    assert error.startswith(f"xt: error: {message}")
    assert hint.startswith("hint: ")


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


def test_a_browser_signs_in(cloud: FakeCloud, tmp_path: Path, team: Xt) -> None:
    cloud.secrets["labmongo"] = URL
    team.environ["BROWSER"] = browser(tmp_path, cloud)
    done = team("login", "--authentication", "browser")
    assert done.stderr == "sign in in the browser window that opens …\n"
    assert (cloud.grants, cloud.reads) == (["authorization_code"], ["labmongo"])
    assert sign_in("auto").way.kind == "browser"
    assert sign_in("auto").account(STORAGE_SCOPE).name == USER


def test_who_opens_the_ui_is_asked_before_it_and_not_within(
    cloud: FakeCloud, team: Xt, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.secrets["labmongo"] = URL
    session = team.session
    session.sign_in.may_ask = True
    session.sign_in_beforehand()
    assert capsys.readouterr().err.startswith("to sign in, open ")
    assert isinstance(session.access.stats, MongoAccess)
    assert session.access.stats.url == URL
    session.sign_in.cache.clear()
    with pytest.raises(RefusedError):
        session.sign_in.account(STORAGE_SCOPE)
    assert capsys.readouterr().err == ""
