"""Choosing a team, and looking at its services."""

import json
import uuid
from pathlib import Path

import pytest
from servers.azurite import Azurite
from servers.mongod import Mongod
from support import PATIENCE_SECONDS, Xt, wait_until


@pytest.mark.both
def test_the_team_in_use_and_its_services_are_shown(xt: Xt) -> None:
    team = "default" if xt.home.team == "default" else "local"
    xt.script("t.py", "")
    xt.submit("t.py")
    assert xt.wait_job("job1") == "completed"
    teams = xt.json("list", "teams")["teams"]
    names = ["stats", "files"] if team == "default" else ["embedded", "embedded"]
    current = [each for each in teams if each["current"]]
    assert current == [{"name": team, "stats": names[0], "artifacts": names[1], "current": True}]
    document = xt.json("view", "team")
    assert (document["team"], document["jobs"], document["runs"]) == (team, 1, 1)
    assert [service["error"] for service in document["services"]] == [None, None]
    assert len(document["members"]) == 1
    assert [service["name"] for service in document["services"]] == names


def test_a_team_is_used_from_now_on_or_for_one_command(xt: Xt) -> None:
    xt.configure("""
external-services:
  away: {type: mongo, mongo-connection-string: "$env:AWAY_URL"}
teams:
  phoenix: {mongo: away}
""")
    assert xt("use", "team", "phoenix").stdout.startswith("team phoenix, set in ")
    assert [each["name"] for each in xt.json("list", "teams")["teams"]] == ["local", "phoenix"]
    err = xt("list", "runs", code=2).stderr
    assert err.startswith(
        "xt: error: external-services.away.mongo-connection-string is $env:AWAY_URL, and the "
        "variable AWAY_URL is not set"
    )
    assert "no runs" in xt("list", "runs", env={"XT_TEAM": "local"}).stderr
    xt("use", "team", "local")
    assert "no runs" in xt("list", "runs").stderr
    assert "there is no team 'raven'" in xt("use", "team", "raven", code=3).stderr


@pytest.mark.services
def test_what_another_machine_does_is_seen_and_not_touched(xt: Xt) -> None:
    xt.script("t.py", "import time\nwhile True: time.sleep(0.1)")
    xt.submit("t.py")
    xt.wait_status("run1", "running")
    job = xt.session.store.job("job1")
    assert job.hosts == {"node0": xt.home.place}
    other = Xt(xt.home.root.with_name("other-home"), xt.code, xt.home.config_file.read_text())
    try:
        assert [run["name"] for run in other.json("list", "runs")["runs"]] == ["run1"]
        for command in (("cancel", "run", "run1"), ("restart", "controller", "job1")):
            err = other(*command, code=4).stderr
            assert err.startswith(f"xt: error: job1 is done on {xt.home.place}, out of reach")
        assert json.loads(other("cancel", "all", "--json").stdout) == {"runs": []}
        assert xt.run("run1").status == "running"
    finally:
        other.close()


@pytest.mark.services
def test_the_console_of_a_run_of_another_machine_is_read_along(xt: Xt) -> None:
    """Byte for byte, from the team's artifact store: while the run lives, and to its end."""
    xt.script(
        "t.py",
        "import os, sys, time\n"
        "print('first', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
        "sys.stdout.buffer.write(b'\\xff\\r50%\\r100%\\n' + b'x' * 300_000 + b'last')\n",
    )
    xt.submit("t.py")
    xt.wait_status("run1", "running")
    other = Xt(xt.home.root.with_name("other-home"), xt.code, xt.home.config_file.read_text())
    try:
        wait_until(lambda: other("view", "console", "run1").stdout == "first\n", "the first line")
        follower, tail = (
            other.start("attach", "run1"),
            other.start("attach", "run1", "--from", "@3"),
        )
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"first\n"
        (xt.home.runs_dir / "ws1/run1/work/go").touch()
        out, err = follower.communicate(timeout=PATIENCE_SECONDS)
        assert (follower.returncode, err) == (0, b"")
        assert out == b"\xff\r50%\r100%\n" + b"x" * 300_000 + b"last"
        assert tail.communicate(timeout=PATIENCE_SECONDS)[0] == b"st\n" + out
        assert other("attach", "run1", "--from", "-1").stdout == "x" * 300_000 + "last"
    finally:
        other.close()


@pytest.mark.parametrize("storage", ["azure-blob", "directory"])
def test_two_teams_of_the_same_servers_share_nothing(
    xt: Xt, mongod: Mongod, azurite: Azurite, tmp_path: Path, storage: str
) -> None:
    teams = [f"{name}-{uuid.uuid4().hex[:12]}" for name in ("phoenix", "raven")]
    xt.configure(f"""
external-services:
  stats: {{type: mongo, mongo-connection-string: "{mongod.url}"}}
  files:
    type: storage
    provider: {storage}
    connection-string: "{azurite.connection_string}"
    path: "{tmp_path / "shared"}"
teams:
  {teams[0]}: {{storage: files, mongo: stats}}
  {teams[1]}: {{storage: files, mongo: stats}}
""")
    (tmp_path / "shared").mkdir()
    xt.script("t.sh", 'echo "$1"\n')
    try:
        for team in teams:
            xt("run", "--team", team, "--wait", "t.sh", team)
        for team in teams:
            runs = xt.json("list", "runs", "--team", team)["runs"]
            assert [(run["name"], run["job"]) for run in runs] == [("run1", "job1")]
            assert xt("attach", "run1", "--team", team).stdout == f"{team}\n"
        assert xt.json("list", "runs")["runs"] == []
    finally:
        for team in teams:
            xt.stop_controllers(team)
            azurite.delete_container(f"xt-{team}")
            with mongod.client() as client:
                client.drop_database(f"xt-{team}")
