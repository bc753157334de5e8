"""Which teams there are, which one is used, and what is told of one that is set up wrongly."""

from pathlib import Path

import pytest
from cli_support import Commands
from servers.process import free_port

from xt_core import session
from xt_core.home import Home

TEAMS = """\
external-services:
  files: {type: storage, provider: directory, path: FOLDER}
teams:
  lab: {storage: files}
  broken: {mongo: nowhere}
"""


@pytest.fixture
def config(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team that works, `lab`, and one whose service does not exist, `broken`."""
    monkeypatch.delenv("XT_TEAM", raising=False)
    (tmp_path / "shared").mkdir()
    home.root.mkdir()
    home.config_file.write_text(TEAMS.replace("FOLDER", str(tmp_path / "shared")))
    return home.config_file


def test_a_team_is_checked_by_its_name_and_by_the_option_alike(xt: Commands, config: Path) -> None:
    by_name, by_option = (
        xt("team", "check", *words, "--json").json for words in (("lab",), ("--team", "lab"))
    )
    assert [(each["team"], each["ok"]) for each in (by_name, by_option)] == [("lab", True)] * 2
    whats = [[(s["service"], s["what"]) for s in each["steps"]] for each in (by_name, by_option)]
    assert whats[0] == whats[1]
    assert ("files", "find the folder") in whats[0]
    assert xt("team", "check", "--json").json["team"] == "local"


def test_a_wrong_team_hides_no_other(xt: Commands, config: Path) -> None:
    reason = (
        f"{config}:5: teams.broken.mongo names 'nowhere', which external-services does not have"
    )
    assert xt("list", "teams", "--json").json["teams"] == [
        {"name": "local", "stats": "embedded", "artifacts": "embedded", "current": True},
        {"name": "lab", "stats": "embedded", "artifacts": "files", "current": False},
        {"name": "broken", "stats": None, "artifacts": None, "error": reason, "current": False},
    ]
    lines = xt("list", "teams").lines
    assert lines[0].split() == ["name", "stats", "artifacts", "current", "error"]
    assert lines[3].split() == ["lab", "embedded", "files"]
    assert [line.split()[0] for line in lines[2:]] == ["local", "lab", "broken"]


def test_teams_are_listed_also_while_the_one_in_use_is_wrong(
    xt: Commands, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XT_TEAM", "broken")
    current = [
        each["name"] for each in xt("list", "teams", "--json").json["teams"] if each["current"]
    ]
    assert current == ["broken"]
    monkeypatch.setenv("XT_TEAM", "raven")
    assert "there is no team 'raven'" in xt("list", "teams", code=3).err


def test_a_team_whose_service_is_not_there_is_not_used(xt: Commands, config: Path) -> None:
    before = config.read_text()
    assert xt("use", "team", "broken", code=2).err == (
        f"xt: error: {config}:5: teams.broken.mongo names 'nowhere', which external-services does "
        "not have\nhint: those there are: files\n"
    )
    assert config.read_text() == before
    xt("use", "team", "lab")
    assert xt("view", "team", "--json").json["team"] == "lab"


def test_a_setting_that_is_wrong_is_no_service_that_does_not_answer(
    xt: Commands, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = "external-services.stats.mongo-connection-string"
    config.write_text(
        'external-services:\n  stats: {type: mongo, mongo-connection-string: "mongodb//x"}\n'
        "teams:\n  lab: {mongo: stats}\n"
    )
    told = xt("view", "team", "lab", code=2)
    assert told.err.startswith(f"xt: error: {setting} is no URL that MongoDB can be reached by")
    assert told.lines[0] == "team lab"
    with pytest.raises(SystemExit) as ended:
        xt("view", "team", "lab", "--json")
    assert ended.value.code == 2
    config.write_text(config.read_text().replace("mongodb//x", "$env:NOT_SET"))
    monkeypatch.delenv("NOT_SET", raising=False)
    assert f"{setting} is $env:NOT_SET" in xt("view", "team", "lab", code=2).err


def test_who_only_looks_does_not_wait_long_for_services_that_are_away(
    xt: Commands, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (session._LOOK_SECONDS, session._PATIENCE_SECONDS) == (8.0, 30.0)
    monkeypatch.setattr(session, "_LOOK_SECONDS", 0.5)
    mongo, blobs = free_port(), free_port()
    config.write_text(f"""
external-services:
  stats: {{type: mongo, mongo-connection-string: "mongodb://127.0.0.1:{mongo}/"}}
  files:
    type: storage
    provider: azure-blob
    connection-string: >-
      DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:{blobs}/a;
teams:
  lab: {{mongo: stats, storage: files}}
""")
    told = xt("view", "team", "lab", code=4)
    assert told.err.startswith("xt: error: not all services of team lab answer\n")
    assert f"  stats      stats: MongoDB at 127.0.0.1:{mongo}" in told.lines[1]
    assert any(line.startswith("  artifacts  files: ") for line in told.lines)
    assert "answers in" not in told.out
    assert "cannot be reached" in xt("list", "runs", "--team", "lab", code=4).err
