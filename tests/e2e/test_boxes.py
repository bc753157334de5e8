"""Jobs on boxes over real sshd: two that never saw XT, steered from a laptop-like client."""

import json
import signal
from pathlib import Path

import pytest
from servers.sshd import Network
from support import Xt, wait_until

from xt_core.home import Home
from xt_core.nodes.boxcontroller import BoxController
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit

_TRAIN = """\
import os, sys, time
from xt_core import Run
run = Run()
print("began", os.environ["XT_NODE_ID"], os.environ["XT_RESTARTS"], flush=True)
while not os.path.exists({gate!r} + os.environ["XT_NODE_ID"]):
    time.sleep(0.02)
run.log_metrics({{"loss": float(sys.argv[1].split("=")[1])}}, step=0)
with open(os.path.join(os.environ["XT_OUTPUT_DIR"], "model.bin"), "wb") as file:
    file.write(os.environ["XT_RUN_NAME"].encode() * 1000)
print("done", flush=True)
"""


class Lab:
    """Two boxes, and a client that has a pool of them."""

    def __init__(self, xt: Xt, network: Network, folder: Path) -> None:
        self.xt, self.network, self.folder = xt, network, folder
        self.boxes = {name: network.box(name) for name in ("gpu1", "gpu2")}
        configure(xt, network)

    def script(self) -> str:
        """A script whose runs on a node wait for its gate."""
        return self.xt.script("train.py", _TRAIN.format(gate=f"{self.folder}/gate-"))

    def open_gate(self, node: str) -> None:
        (self.folder / f"gate-{node}").touch()

    def wait_status(self, run: str, status: str) -> None:
        """As the commands tell it."""

        def is_reached() -> bool:
            runs = self.xt.json("list", "runs", "--all")["runs"]
            return any((each["name"], each["status"]) == (run, status) for each in runs)

        wait_until(is_reached, f"{run} to be {status}")

    def wait_job(self, job: str) -> str:
        """Wait until a job has ended, as the commands tell it; how."""

        def ended() -> str | None:
            jobs = self.xt.json("list", "jobs")["jobs"]
            status = next(each["status"] for each in jobs if each["name"] == job)
            return None if status in ("submitted", "running") else str(status)

        return str(wait_until(ended, f"{job} to end"))


def configure(xt: Xt, network: Network, *more: str) -> None:
    """Let a client know the boxes of a network."""
    xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
    xt.environ.pop("SSH_AUTH_SOCK", None)
    lines = [f'  {box.name}: {{address: "{box.place}"}}' for box in network.boxes]
    names = ", ".join(box.name for box in network.boxes)
    pool = ["compute-targets:", f"  lab: {{service: pool, boxes: [{names}]}}"]
    xt.configure("\n".join(["boxes:", *lines, *pool, *more, ""]))


@pytest.fixture
def lab(xt: Xt, network: Network, tmp_path: Path) -> Lab:
    return Lab(xt, network, tmp_path)


@pytest.mark.both
def test_a_search_over_two_fresh_boxes(lab: Lab) -> None:
    xt = lab.xt
    xt.configure("logging: {sample-seconds: 0.3}\n")
    done = xt("run", "--target", "lab", "--runs", "20", "--concurrent", "3", "--schedule", "static",
              "--search-type", "random", lab.script(), "--lr=[$uniform(0, 1)]")  # fmt: skip
    assert done.stdout == "job1: run1, run2 submitted (static, 20 runs)\n"
    assert "gpu1: sending base" in done.stderr
    lab.wait_status("run1.3", "running")
    lab.wait_status("run2.3", "running")

    attached = xt.start("attach", "run1.1")
    assert attached.stdout is not None
    assert attached.stderr is not None
    assert attached.stdout.readline() == b"began gpu1 0\n"
    lab.boxes["gpu1"].cut()
    assert (
        attached.stderr.readline() == b"the connection to gpu1 was lost; reconnecting\xe2\x80\xa6\n"
    )
    assert attached.stderr.readline() == b"gpu1 answers again\n"

    assert xt.json("restart", "controller", "job1", "--node-index", "1")["restarted"] == [
        "run2.1", "run2.2", "run2.3",
    ]  # fmt: skip
    cancelled = xt.json("cancel", "run", "run2.2", "--grace", "0")["runs"]
    assert [(run["name"], run["status"]) for run in cancelled] == [("run2.2", "cancelled")]
    states = {node["name"]: node for node in xt.json("status")["nodes"]}
    assert states["gpu1"]["running"] == 3
    assert states["gpu1"]["jobs"] == states["gpu2"]["jobs"] == ["job1"]
    only = xt.json("status", "--target", "gpu2")
    assert [node["name"] for node in only["nodes"]] == ["gpu2"]
    assert {run["node"] for run in only["runs"]} == {"gpu2"}
    used = wait_until(lambda: xt.json("view", "system", "run1.1")["system"])
    assert used["system.processes"]["value"][0] == 1
    assert xt.json("view", "system", "gpu2")["system"]["system.memory_bytes"]["value"][0] > 0

    lab.open_gate("gpu1")
    assert attached.stdout.read() == b"done\n"
    assert attached.wait() == 0
    lab.boxes["gpu2"].cut()
    lab.open_gate("gpu2")
    assert lab.wait_job("job1") == "completed"
    xt("sync")
    after = xt.json("view", "system", "run1.1")["system"]["system.processes"]["time"]
    before = used["system.processes"]["time"]
    assert after[: len(before)] == before
    children = xt.children("job1")
    assert [run.run_index for run in children] == list(range(20))
    assert {run.node for run in children[::2]} == {"gpu1"}
    assert {run.node for run in children[1::2]} == {"gpu2"}
    ended = {run.name: str(run.status) for run in children}
    assert ended.pop("run2.2") == "cancelled"
    assert set(ended.values()) == {"completed"}
    for run in children:
        if run.name != "run2.2":
            assert run.metrics == {"loss": run.hparams["lr"]}
            key = f"ws1/runs/{run.name}/output/model.bin"
            assert xt.session.artifacts.get_bytes(key) == run.name.encode() * 1000
    restarted = {run.name: run.restarts for run in children if run.restarts}
    assert restarted == {"run2.1": 1, "run2.2": 1, "run2.3": 1}
    assert xt("view", "console", "run2.1").stdout == "began gpu2 0\nbegan gpu2 1\ndone\n"


@pytest.mark.both
def test_a_box_that_loses_power_is_told_of_and_goes_on(lab: Lab) -> None:
    xt, box = lab.xt, lab.boxes["gpu1"]
    xt("run", "--target", "gpu1", "--runs", "2", "--concurrent", "1", "--retries", "1",
       lab.script(), "--lr=1")  # fmt: skip
    xt("run", "--target", "gpu1", "train.py", "--lr=2")
    lab.wait_status("run1.1", "running")
    lab.wait_status("run2", "running")
    box.crash()
    status = xt("status", "job2")
    assert "gpu1: what it did since" in status.stderr
    assert "it refuses connections" in status.stderr
    assert "gpu1 (gpu1) unreachable" in status.stdout
    failed = xt("cancel", "run", "run2", code=4)
    assert "it refuses connections" in failed.stderr

    box.start()
    lab.open_gate("gpu1")
    assert "gpu1 (gpu1) running" in xt("status").stdout
    lab.wait_status("run1.2", "completed")
    xt("sync")
    first = xt.run("run1.1")
    assert (first.status, first.restarts, first.retries) == ("completed", 1, 1)
    lost = xt.run("run2")
    assert lost.status == "error"
    assert lost.error == "the run's supervisor process was killed, or the machine restarted"


def test_what_needs_a_shared_store_is_refused(lab: Lab) -> None:
    search = [
        "--target",
        "lab",
        "--runs",
        "4",
        "--search-type",
        "tpe",
        "--primary-metric",
        "loss:min",
    ]
    failed = lab.xt("run", *search, lab.script(), "--lr=[$uniform(0, 1)]", code=2)
    assert failed.stderr.splitlines() == [
        "xt: error: a dynamic search over 2 machines needs a stats store that all of them reach, "
        "and the team local has none",
        "hint: xt create team makes one that has; or --nodes 1",
    ]
    failed = lab.xt("run", "--target", "lab", "--schedule", "dynamic", "train.py", "--lr=1", code=2)
    assert "a dynamic schedule over 2 machines" in failed.stderr
    assert lab.xt.json("list", "jobs")["jobs"] == []


def test_a_dynamic_search_on_one_box_learns_there(lab: Lab) -> None:
    xt = lab.xt
    lab.open_gate("gpu1")
    search = ["--search-type", "tpe", "--primary-metric", "loss:min"]
    before = xt.submit("--runs", "3", "--wait", *search, "--target", "gpu1", lab.script(),
                       "--lr=[$uniform(0, 1)]")  # fmt: skip
    assert before["result"]["counts"]["completed"] == 3
    lab.open_gate("gpu2")
    again = xt.submit("--runs", "2", "--wait", *search, "--target", "gpu2", "--warm-start",
                    "job1", "train.py", "--lr=[$uniform(0, 1)]")  # fmt: skip
    assert again["result"]["counts"]["completed"] == 2
    assert not any("search_failed" in xt.events(run.name) for run in xt.children("job2"))


@pytest.mark.services
def test_a_dynamic_search_is_shared_out_over_boxes(lab: Lab) -> None:
    xt = lab.xt
    search = ["--search-type", "tpe", "--primary-metric", "loss:min", "--concurrent", "2"]
    xt("run", "--target", "lab", "--runs", "8", *search, lab.script(), "--lr=[$uniform(0, 1)]")
    assert xt.session.store.job("job1").schedule == "dynamic"
    lab.open_gate("gpu1")
    wait_until(lambda: xt.session.store.job_counts(["job1"])["job1"].completed == 6, "gpu1's runs")
    lab.open_gate("gpu2")
    assert lab.wait_job("job1") == "completed"
    children = xt.children("job1")
    assert [run.run_index for run in children] == list(range(8))
    assert sorted(run.node for run in children) == ["gpu1"] * 6 + ["gpu2"] * 2
    assert not any("search_failed" in xt.events(run.name) for run in children)


def test_a_box_that_is_away_gets_no_job(lab: Lab) -> None:
    xt = lab.xt
    lab.boxes["gpu2"].stop()
    failed = xt("run", "--target", "lab", lab.script(), "--lr=1", code=4)
    assert "gpu2" in failed.stderr
    assert "it refuses connections" in failed.stderr
    assert xt.json("list", "jobs")["jobs"] == []
    failed = xt("run", "--target", "gpu9", "train.py", code=3)
    assert "there is no compute target 'gpu9'" in failed.stderr


def test_a_job_that_no_box_was_told_of_is_handed_over_later(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    xt = lab.xt
    lab.open_gate("gpu1")
    request = RunRequest(command=[lab.script(), "--lr=3"], target="gpu1")
    session = type(xt.session)(xt.session.home, xt.code, xt.environ, {"xt-services.target": "gpu1"})
    monkeypatch.setattr(BoxController, "take_up", lambda *_: None)  # the client died before it
    submit(session, prepare(session, request), print)
    session.close()
    monkeypatch.undo()
    xt("sync")
    lab.wait_status("run1", "completed")
    xt("sync")
    assert xt.console("run1") == b"began gpu1 0\ndone\n"


def test_two_clients_with_teams_of_their_own_share_a_box(lab: Lab, tmp_path: Path) -> None:
    other = Xt(tmp_path / "other", tmp_path / "other-code")
    configure(other, lab.network)
    lab.open_gate("gpu1")
    try:
        other.script("train.py", _TRAIN.format(gate=f"{tmp_path}/gate-"))
        for client, lr in ((lab.xt, "1"), (other, "2")):
            lab.script()
            assert client.submit("--target", "gpu1", "--wait", "train.py", f"--lr={lr}")[
                "runs"
            ] == ["run1"]
        assert lab.xt.run("run1").metrics == {"loss": 1.0}
        assert other.run("run1").metrics == {"loss": 2.0}
        teams = Path(lab.boxes["gpu1"].home / ".xt" / "teams").iterdir()
        wanted = [f"local-{Home(client.home.root).identity()}" for client in (lab.xt, other)]
        assert sorted(team.name for team in teams) == sorted(wanted)
    finally:
        other.close()


def test_what_came_home_comes_again_when_it_is_asked_for(lab: Lab) -> None:
    xt = lab.xt
    lab.open_gate("gpu1")
    xt("run", "--target", "gpu1", "--runs", "2", "--wait", lab.script(), "--lr=1")
    before = [xt.session.store.events("ws1", run) for run in ("run1", "run1.1", "run1.2")]
    keys = {info.key for info in xt.session.artifacts.list("ws1")}
    assert {"ws1/jobs/job1/job.json", "ws1/runs/run1/logs/run.json"} <= keys  # put away last
    assert not xt.session.boxes.records.get("gpu1").is_due
    assert xt("sync").stderr == "nothing is to be brought from any box\n"
    assert xt.json("sync", "gpu1")["boxes"] == [
        {"name": "gpu1", "records": 0, "files": 0, "bytes": 0, "refused": {}}
    ]
    again = xt.json("sync", "gpu1", "--again")["boxes"][0]
    assert again["records"] >= 3
    assert [xt.session.store.events("ws1", run) for run in ("run1", "run1.1", "run1.2")] == before


@pytest.mark.both
def test_runs_on_a_box_have_data_and_what_its_setup_prepares(lab: Lab) -> None:
    xt, code = lab.xt, lab.xt.code
    (code.parent / "data").mkdir()
    (code.parent / "data" / "words.txt").write_text("über")
    xt.configure("setups:\n  hello: {activate: 'export GREETING=hello'}\n")
    xt.script(
        "read.sh", '#!/bin/sh\necho "$GREETING $(cat "$XT_DATA_DIR/words.txt") $VIRTUAL_ENV"\n'
    )
    run = ["run", "--target", "gpu1", "--setup", "hello", "--data-local", "../data"]
    failed = xt(*run, "read.sh", code=2)
    assert "gpu1 does not see it" in failed.stderr
    xt(*run, "--data-upload", "--data-share-path", "words", "--wait", "read.sh")
    assert xt.console("run1") == "hello über \n".encode()


def test_a_reader_that_is_interrupted_leaves_the_run_alone(lab: Lab) -> None:
    xt = lab.xt
    xt("run", "--target", "gpu1", lab.script(), "--lr=1")
    attached = xt.start("attach", "run1")
    assert attached.stdout is not None
    assert attached.stdout.readline() == b"began gpu1 0\n"
    attached.send_signal(signal.SIGINT)
    assert attached.wait() == 130
    assert xt.json("status", "run1")["runs"][0]["status"] == "running"
    lab.open_gate("gpu1")
    lab.wait_status("run1", "completed")
    log = xt("view", "log", "gpu1").stdout
    assert "controller" in log
    assert json.loads(xt("view", "log", "gpu1", "--json").stdout)["log"] == log.splitlines()
