"""`xt team check` of a team as `xt create team` sets it up: by sign-in, with secrets in a vault.

The authority and the vault are the fake ones; blob storage and MongoDB are real servers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import Commands
from servers.azurite import Azurite
from servers.mongod import Mongod
from servers.process import free_port
from servers.vault import CLIENT, FakeCloud

VAULT = ["sign in", "get the secret phoenix-mongo"]
URL_SETTING = "external-services.phoenix-vault.url"
MONGO_SETTING = "external-services.phoenix-mongo.mongo-connection-string"
Start = Callable[..., None]


@pytest.fixture
def xt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    """Commands of an XT_HOME of the test's own."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XT_TEAM", "phoenix")
    monkeypatch.chdir(tmp_path)
    return Commands(capsys)


@pytest.fixture
def start(
    xt: Commands,
    cloud: FakeCloud,
    token_azurite: Azurite,
    mongod: Mongod,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Sets up team phoenix as its member does, with the servers of tests in place of Azure's; the
    member is a service principal."""

    def set_up(vault: str = cloud.url) -> None:
        text = xt("create", "team", "phoenix", "--dry-run", "--json").json["config"]
        for azure, own in (
            ("https://xtphoenix.blob.core.windows.net", token_azurite.account_url),
            ("https://xt-phoenix.vault.azure.net", vault),
        ):
            assert text.count(azure) == 1
            text = text.replace(azure, own)
        (tmp_path / "home" / "config.yaml").write_text(text)

    for name, value in cloud.principal.items():
        monkeypatch.setenv(name, value)
    cloud.secrets["phoenix-mongo"] = mongod.url
    yield set_up
    with mongod.client() as client:
        client.drop_database("xt-phoenix")


def checked(xt: Commands, code: int = 0) -> dict[str, list[dict[str, Any]]]:
    """The steps by role, of a check that ends with this exit code."""
    steps = xt("team", "check", "--json", code=code).json["steps"]
    return {role: [step for step in steps if step["role"] == role] for role in
            ("vault", "stats", "artifacts")}  # fmt: skip


def outcomes(steps: list[dict[str, Any]]) -> list[str]:
    return [step["status"] for step in steps]


def test_the_configuration_of_a_created_team_works(
    xt: Commands, start: Start, mongod: Mongod
) -> None:
    start()
    lines = xt("team", "check").lines
    assert lines[0] == "team phoenix"
    assert len(lines) == 1 + 2 + 9 + 7
    assert all(line.startswith("✓ ") for line in lines[1:])
    assert lines[1].startswith(f"✓ vault     phoenix-vault: sign in: as {CLIENT} (")
    assert lines[2].startswith(
        f"✓ vault     phoenix-vault: get the secret phoenix-mongo: for {MONGO_SETTING} ("
    )
    place = f"127.0.0.1:{mongod.port}, database xt-phoenix"
    assert lines[3].startswith(f"✓ stats     phoenix-mongo: read its settings: {place} (")
    assert lines[13].startswith(f"✓ artifacts phoenix-blobs: sign in: as {CLIENT} (")


def test_a_secret_is_asked_for_anew(xt: Commands, start: Start, cloud: FakeCloud) -> None:
    start()
    checked(xt)
    checked(xt)
    assert cloud.reads == ["phoenix-mongo"] * 2


def test_a_secret_that_is_not_there_is_told(xt: Commands, start: Start, cloud: FakeCloud) -> None:
    start()
    del cloud.secrets["phoenix-mongo"]
    steps = checked(xt, code=3)
    assert outcomes(steps["vault"]) == ["passed", "failed"]
    assert [step["what"] for step in steps["vault"]] == VAULT
    assert steps["vault"][1]["error"]["message"] == (
        f"there is no secret phoenix-mongo in phoenix-vault ({MONGO_SETTING})"
    )
    assert outcomes(steps["stats"]) == ["failed"] + ["skipped"] * 8
    assert outcomes(steps["artifacts"]) == ["passed"] * 7


def test_who_lacks_the_role_is_told_which(xt: Commands, start: Start, cloud: FakeCloud) -> None:
    start()
    cloud.refuses["phoenix-mongo"] = (403, "ForbiddenByRbac")
    steps = checked(xt, code=5)
    assert outcomes(steps["vault"]) == ["passed", "failed"]
    error = steps["vault"][1]["error"]
    assert error["message"].endswith("not permitted")
    assert error["hint"] == f"ask for the role Key Vault Secrets User on {cloud.url}"


def test_a_vault_out_of_reach_is_told(xt: Commands, start: Start) -> None:
    vault = f"https://127.0.0.1:{free_port()}"
    start(vault)
    steps = checked(xt, code=4)
    assert outcomes(steps["vault"]) == ["passed", "failed"]
    error = steps["vault"][1]["error"]
    assert f"{vault} cannot be reached" in error["message"]
    assert URL_SETTING in error["hint"]
    assert outcomes(steps["artifacts"]) == ["passed"] * 7


def test_a_sign_in_that_is_refused_is_told(
    xt: Commands, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "Wrong-secret")
    steps = checked(xt, code=5)
    assert outcomes(steps["vault"]) == ["failed", "skipped"]
    assert steps["vault"][0]["setting"] == URL_SETTING
    assert "Wrong-secret" not in str(steps)
    assert outcomes(steps["stats"]) == ["failed"] + ["skipped"] * 8
    assert outcomes(steps["artifacts"]) == ["passed", "failed"] + ["skipped"] * 5


def test_a_vault_without_a_url_is_told(xt: Commands, start: Start, tmp_path: Path) -> None:
    start()
    file = tmp_path / "home" / "config.yaml"
    lines = [line for line in file.read_text().splitlines() if "phoenix-vault: {type" not in line]
    lines.insert(lines.index("external-services:") + 1, "  phoenix-vault: {type: vault}")
    file.write_text("\n".join(lines) + "\n")
    steps = checked(xt, code=2)
    assert outcomes(steps["vault"]) == ["failed", "skipped"]
    assert steps["vault"][0]["error"]["message"] == f"{URL_SETTING} is not set"
