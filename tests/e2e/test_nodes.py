"""Several nodes on one machine: each with its own controller, and commands that reach the right
one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import Xt, wait_until

from xt_core.errors import UnavailableError
from xt_core.nodes import client as client_module
from xt_core.nodes import requests as requests_module

WAITING = (
    'echo "$XT_NODE_ID $XT_NODE_INDEX $XT_RUN_INDEX"; until [ -e "$XT_DATA_DIR/go" ]; '
    "do sleep 0.02; done; echo end\n"
)
"""Says where it is, and goes on when its node is told to."""


def start_two(xt: Xt, *options: str) -> None:
    """job1, with run1.1 on node0 and run2.1 on node1, both running."""
    xt.script("t.sh", WAITING)
    submitted = xt.submit("--nodes", "2", "--schedule", "static", *options, "t.sh")
    assert (submitted["runs"], submitted["nodes"]) == (["run1", "run2"], ["node0", "node1"])
    xt.wait_output("run1.1", "node0 0 0\n")
    xt.wait_output("run2.1", "node1 1 1\n", "node1")


def let_go(xt: Xt, node: str) -> None:
    (xt.home.node(node).node_dir / "data" / "go").touch()


def states(document: dict[str, Any]) -> dict[str, str]:
    return {node["name"]: node["state"] for node in document["nodes"]}


@pytest.mark.both
def test_each_node_runs_its_part_and_status_shows_both(xt: Xt) -> None:
    start_two(xt)
    document = xt.json("status")
    assert [(n["name"], n["state"], n["jobs"], n["running"]) for n in document["nodes"]] == [
        ("node0", "running", ["job1"], 1),
        ("node1", "running", ["job1"], 1),
    ]
    pids = [node["controller"]["pid"] for node in document["nodes"]]
    assert pids == [xt.pid_of("node0"), xt.pid_of("node1")]
    assert [(run["name"], run["node"]) for run in document["runs"]] == [
        ("run1.1", "node0"),
        ("run2.1", "node1"),
    ]
    assert states(xt.json("list", "nodes")) == {"node0": "running", "node1": "running"}
    let_go(xt, "node0")
    let_go(xt, "node1")
    assert xt.wait_job("job1") == "completed"
    assert (xt.console("run1.1"), xt.console("run2.1")) == (
        b"node0 0 0\nend\n",
        b"node1 1 1\nend\n",
    )
    assert f"controller {pids[1]} of node1" in xt("view", "log", "node1").stdout


def test_a_killed_node_is_listed_as_stopped_and_a_look_starts_it_again(xt: Xt) -> None:
    start_two(xt)
    xt.kill_controller("node1")
    assert states(xt.json("list", "nodes")) == {"node0": "running", "node1": "stopped"}
    assert len(xt.processes_of_run("run2.1", "node1")) > 0  # the run lives on
    done = xt("status")
    told = "the controller of node1 was gone, with job1 unfinished: started again"
    assert told in done.stderr.splitlines()[-1]
    assert "node1 (local) running: " in done.stdout
    wait_until(lambda: [run["name"] for run in xt.json("status")["runs"]] == ["run1.1", "run2.1"])
    assert xt("status").stderr == ""
    let_go(xt, "node0")
    let_go(xt, "node1")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run2.1") == b"node1 1 1\nend\n"


def test_cancel_reaches_the_nodes_concerned_and_no_others(xt: Xt) -> None:
    start_two(xt)
    assert xt("cancel", "run", "run2.1", "--grace", "1").stdout == "run2.1 cancelled\n"
    assert xt.run("run1.1").status == "running"
    xt.script("u.sh", WAITING)
    xt.submit("--nodes", "2", "--schedule", "static", "u.sh")
    xt.wait_output("run4.1", "node1", "node1")
    assert xt("cancel", "node", "node1", "--grace", "1").stdout == (
        "run4 cancelled\nrun4.1 cancelled\n"
    )
    xt.wait_output("run3.1", "node0")
    assert [xt.run(name).status for name in ("run1.1", "run3.1")] == ["running", "running"]
    assert "no node named node2" in xt("cancel", "node", "node2", code=3).stderr
    cancelled = xt("cancel", "all", "--grace", "1").stdout.splitlines()
    assert {"run1.1 cancelled", "run3.1 cancelled"} <= set(cancelled)


@pytest.mark.both
def test_a_job_is_cancelled_on_all_its_nodes_also_where_the_controller_is_gone(xt: Xt) -> None:
    start_two(xt)
    xt.kill_controller("node1")
    answer = xt.json("cancel", "job", "job1", "--grace", "1")
    ended = {run["name"]: run["status"] for run in answer["runs"]}
    assert ended["run1.1"] == ended["run2.1"] == "cancelled"
    assert xt.wait_job("job1") == "cancelled"
    assert xt.processes_of_run("run2.1", "node1") == []


@pytest.mark.both
def test_attach_follows_a_run_of_another_node_through_the_death_of_its_controller(xt: Xt) -> None:
    start_two(xt)
    client = xt.start("attach", "run2.1")
    assert client.stdout is not None
    assert client.stdout.readline() == b"node1 1 1\n"
    xt.kill_controller("node1")
    wait_until(xt.session.controllers.of("node1").is_running, "the client to start it again")
    let_go(xt, "node1")
    assert client.communicate()[0] == b"end\n"
    assert client.returncode == 0
    assert xt("view", "console", "run1.1").stdout == "node0 0 0\n"


@pytest.mark.both
def test_the_console_of_a_living_run_of_another_node_is_its_file(xt: Xt) -> None:
    start_two(xt)
    assert xt("view", "console", "run2.1").stdout == "node1 1 1\n"


def test_a_service_restart_is_of_one_node_or_of_all(xt: Xt) -> None:
    start_two(xt)

    def restarted(*options: str) -> list[str]:
        return sorted(xt.json("restart", "controller", "job1", *options)["restarted"])

    assert restarted("--node-index", "1") == ["run2.1"]
    wait_until(lambda: xt.run("run2.1").restarts == 1 and xt.run("run2.1").status == "running")
    assert restarted() == ["run1.1", "run2.1"]
    wait_until(lambda: [xt.run(name).restarts for name in ("run1.1", "run2.1")] == [1, 2])
    error = xt("restart", "controller", "job1", "--node-index", "2", code=3).stderr
    assert error == "xt: error: job1 has no node 2\nhint: its nodes: node0, node1\n"
    let_go(xt, "node0")
    assert xt.wait_status("run1.1", "completed").restarts == 1
    wait_until(lambda: xt.run("run2.1").status == "running")
    wait_until(lambda: xt.run("run1").status == "completed")
    assert restarted() == ["run2.1"]  # nothing of it is on the first node any more


@pytest.mark.both
def test_a_client_that_waits_starts_each_node_again(xt: Xt) -> None:
    xt.script("t.sh", WAITING)
    client = xt.start("run", "--nodes", "2", "--schedule", "static", "--wait", "--json", "t.sh")
    xt.wait_status("run1.1", "running")
    xt.wait_output("run2.1", "node1", "node1")
    for node in ("node1", "node0"):
        xt.kill_controller(node)
        wait_until(xt.session.controllers.of(node).is_running, f"{node} to be there again")
    let_go(xt, "node0")
    let_go(xt, "node1")
    out, err = client.communicate()
    assert client.returncode == 0, err
    assert json.loads(out)["result"]["counts"]["completed"] == 2


def test_a_node_that_hangs_is_named_and_holds_up_no_other(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_two(xt)
    monkeypatch.setattr(requests_module, "STATUS_SECONDS", 0.5)
    monkeypatch.setattr(client_module, "HANDOVER_SECONDS", 0.1)
    controllers = xt.session.controllers
    asleep = xt.pause_controller("node1")
    try:
        document = controllers.status()
        assert states(document) == {"node0": "running", "node1": "unresponsive"}
        changes = iter(controllers.changes())
        next(changes)
        runs = [xt.run("run1.1"), xt.run("run2.1")]
        with pytest.raises(UnavailableError, match=r"^node1: the controller of node1 is running"):
            controllers.cancel(runs=runs, grace=0)
        assert xt.run("run1.1").status == "cancelled"
        next(changes)
        assert [job["name"] for job in xt.json("list", "jobs")["jobs"]] == ["job1"]
    finally:
        os.kill(asleep, signal.SIGCONT)
    controllers.cancel(runs=runs, grace=0)
    assert xt.run("run2.1").status == "cancelled"


def test_a_node_without_work_ends_by_itself_and_the_others_stay(xt: Xt) -> None:
    xt("status")
    home = xt.home.node("node1")
    command = [
        sys.executable,
        "-m",
        "controller",
        "--node",
        "node1",
        "--team",
        xt.home.team,
        "--idle-exit",
        "0.01",
    ]
    done = subprocess.run(command, env=xt.environ, cwd=xt.code, capture_output=True, check=True)
    assert b"of node1 in" in done.stderr
    assert done.stderr.endswith(b" stops\n")
    assert not home.socket.exists()
    assert states(xt.json("status")) == {"node0": "running", "node1": "stopped"}


def test_no_two_nodes_use_the_same_gpu(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {gpus: '0,1,2'}\n")
    xt.script("gpus.sh", 'echo "$XT_NODE_ID: $CUDA_VISIBLE_DEVICES"\n')
    xt("run", "--wait", "gpus.sh")
    assert xt.console("run1") == b"node0: 0,1,2\n"
    before = xt.controller_pid
    xt("run", "--wait", "--nodes", "4", "--schedule", "static", "gpus.sh")
    assert [xt.console(f"run{number}.1").decode() for number in range(2, 6)] == [
        "node0: 0\n", "node1: 1\n", "node2: 2\n", "node3: \n",
    ]  # fmt: skip
    assert [node["gpus"] for node in xt.json("status")["nodes"]] == [1, 1, 1, 0]
    assert xt.controller_pid != before


def test_teams_of_one_machine_mind_each_others_gpus(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {gpus: '0,1,2,3'}\nteams:\n  other: {}\n")
    xt.script("gpus.sh", 'echo "$CUDA_VISIBLE_DEVICES"; until [ -e "$1" ]; do sleep 0.02; done\n')
    go = xt.code / "go"
    command = ("--concurrent", "2", "--runs", "1", "gpus.sh", str(go))
    xt("run", *command)
    xt.wait_output("run1", "0,1")
    try:
        xt("run", "--team", "other", *command)
        theirs = lambda: xt("view", "console", "run1", "--team", "other").stdout  # noqa: E731
        wait_until(lambda: xt.json("list", "runs", "--team", "other")["runs"], "their run")
        assert wait_until(theirs, "their output") == "2,3\n"
        go.touch()
        assert xt.wait_job("job1") == "completed"
    finally:
        xt.stop_controllers("other")


def test_a_node_that_cannot_be_started_again_is_told_and_hides_nothing_of_the_others(
    xt: Xt,
) -> None:
    start_two(xt)
    xt.kill_controller("node1")
    home = xt.home.node("node1")
    log = home.controller_log
    log.rename(log.with_name("kept"))
    log.mkdir()
    done = xt("status")
    assert "controller.log" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "node1 (local) stopped: job1 unfinished" in done.stdout.splitlines()
    assert "  run1.1" in done.stdout
    log.rmdir()
    log.with_name("kept").rename(log)
    let_go(xt, "node1")  # no controller is there to end it


@pytest.mark.parametrize("name", ["", "node01", "-1", "../node1", "Node1"])
def test_what_is_no_node_is_refused(xt: Xt, name: str) -> None:
    command = [sys.executable, "-m", "controller", f"--node={name}"]
    done = subprocess.run(command, env=xt.environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"xt: error: {name!r} is no node name\n")
    assert not Path(xt.home.root).exists()
