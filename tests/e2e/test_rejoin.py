"""A node that was given up as lost while it slept, all of it, comes back."""

import json
import os
import signal
from pathlib import Path

import pytest
from altered_controllers import alter_controllers
from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.model.states import WorkItemStatus
from xt_core.stats.store import RunQuery

ITEMS = 8
WORK = """
import json, os, sys, time
gates, index = sys.argv[1], os.environ["XT_RUN_INDEX"]
print("begun", flush=True)
while not os.path.exists(os.path.join(gates, index)):
    time.sleep(0.02)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": {"a": int(index)}}) + "\\n")
with open(os.path.join(gates, "log"), "a") as log:
    log.write(os.environ["XT_RUN_NAME"] + "\\n")
"""


def runs_of(xt: Xt, node: str | None = None) -> list[Run]:
    """job1's runs, lost ones too, on a node or on all."""
    runs = xt.session.store.find_runs(RunQuery(jobs=["job1"]))[0]
    return [run for run in runs if node in (None, run.node)]


COUNT_LAUNCHES = """
from controller.launcher import Launcher
launch = Launcher.launch
async def told(self, control):
    with open({log!r}, "a") as log:
        log.write(control.parent.name + "\\n")
    return await launch(self, control)
Launcher.launch = told
"""


def start(xt: Xt, gates: Path, *options: str) -> None:
    """job1 over two nodes, on each of which one of its runs has begun."""
    gates.mkdir()
    log = str(gates / "launches")
    alter_controllers(xt, gates / "altered", COUNT_LAUNCHES.format(log=log))
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {lease-seconds: 1}\n")
    xt.script("work.py", WORK)
    nodes = ("--nodes", "2", "--schedule", "dynamic")
    xt.submit(*nodes, "--runs", str(ITEMS), *options, "work.py", str(gates),
              "--x=[$uniform(0, 1)]")  # fmt: skip
    for node in ("node0", "node1"):
        wait_until(lambda n=node: runs_of(xt, n), f"a run on {node}")  # type: ignore[misc]
        xt.wait_output(runs_of(xt, node)[0].name, "begun", node)


def put_to_sleep(xt: Xt, run: Run) -> tuple[int, list[int]]:
    """Stop all of a node that runs this; its controller, and supervisor and script of the run."""
    started = xt.home.node(run.node).runs_dir / "ws1" / run.name / "control/started.json"
    wait_until(started.exists, "the supervisor's record")
    others = [*xt.processes_of_run(run.name, run.node), json.loads(started.read_text())["pid"]]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    return xt.pause_controller(run.node), others


def open_gates(gates: Path, *indices: int | None) -> None:
    for index in indices:
        (gates / str(index)).touch()


def assert_no_run_was_launched_twice(xt: Xt, gates: Path) -> None:
    launches = (gates / "launches").read_text().split()
    assert sorted(launches) == sorted(run.name for run in runs_of(xt))


def assert_each_index_completed_once(xt: Xt, lost: Run) -> list[Run]:
    """The completed runs; the one that was lost is no other than it was when it was given up."""
    runs = runs_of(xt)
    assert [run.name for run in runs if run.status != "completed"] == [lost.name]
    completed = sorted(
        (run for run in runs if run.name != lost.name), key=lambda r: str(r.run_index)
    )
    assert [run.run_index for run in completed] == list(range(ITEMS))
    items = xt.session.store.work_items("job1")
    assert [(item.status, item.run) for item in items] == [
        (WorkItemStatus.COMPLETED, run.name) for run in completed
    ]
    assert [run.metrics for run in completed] == [{"a": index} for index in range(ITEMS)]
    assert all(xt.console(run.name) == b"begun\n" for run in completed)
    zombie = xt.run(lost.name)
    assert (zombie.status, zombie.error, zombie.exit_code) == ("lost", "node1 was lost", None)
    assert zombie.ended == lost.ended
    assert xt.events(lost.name) == ["created", "queued", "download_before", "started", "ended"]
    return completed


@pytest.mark.parametrize("search_type", ["random", "tpe"])
def test_it_does_no_harm_and_takes_new_work(xt: Xt, tmp_path: Path, search_type: str) -> None:
    gates = tmp_path / "gates"
    start(xt, gates, "--search-type", search_type, "--primary-metric", "a:max")
    busy, asleep = runs_of(xt, "node0")[0], runs_of(xt, "node1")[0]
    controller, others = put_to_sleep(xt, asleep)
    lost = xt.wait_status(asleep.name, "lost")
    open_gates(gates, busy.run_index)  # node0 does what it left before anything new
    heir = wait_until(lambda: [r for r in runs_of(xt, "node0") if r.name != busy.name])[0]
    xt.wait_output(heir.name, "begun")
    assert (xt.run(heir.name).run_index, xt.run(heir.name).hparams) == (
        lost.run_index, lost.hparams,
    )  # fmt: skip
    open_gates(gates, lost.run_index)
    xt.wait_status(heir.name, "completed")
    for pid in others:  # its run ends well, before its controller hears that it was given up
        os.kill(pid, signal.SIGCONT)
    folder = xt.home.node("node1").runs_dir / "ws1" / lost.name
    wait_until((folder / "control/exit.json").exists, "the lost run to end")
    os.kill(controller, signal.SIGCONT)
    new = wait_until(lambda: [r for r in runs_of(xt, "node1") if r.name != lost.name])[0]
    xt.wait_output(new.name, "begun", "node1")
    assert xt.events("run2").count("rejoined") == 1
    open_gates(gates, *range(ITEMS))
    assert xt.wait_job("job1") == "completed"
    completed = assert_each_index_completed_once(xt, lost)
    assert new.name in [run.name for run in completed]
    assert xt.run("run2").status == "completed"
    wait_until(lambda: not folder.exists(), "the lost run's folder to be removed")
    assert_no_run_was_launched_twice(xt, gates)
    assert "internal error" not in xt.home.node("node1").controller_log.read_text()


def test_it_changes_nothing_of_a_job_that_has_ended(xt: Xt, tmp_path: Path) -> None:
    gates = tmp_path / "gates"
    start(xt, gates)
    asleep = runs_of(xt, "node1")[0]
    controller, others = put_to_sleep(xt, asleep)
    lost = xt.wait_status(asleep.name, "lost")
    open_gates(gates, *range(ITEMS))
    assert xt.wait_job("job1") == "completed"
    assert_each_index_completed_once(xt, lost)
    for pid in (controller, *others):
        os.kill(pid, signal.SIGCONT)
    folder = xt.home.node("node1").runs_dir / "ws1" / lost.name
    wait_until(lambda: not folder.exists(), "the lost run's folder to be removed")
    assert_no_run_was_launched_twice(xt, gates)
    assert {run.node for run in assert_each_index_completed_once(xt, lost)} == {"node0"}
    assert xt.run("run2").status == "lost"
    assert xt.json("list", "jobs")["jobs"][0]["status"] == "completed"
    xt.submit("--nodes", "2", "--schedule", "static", "--runs", "2", "work.py", str(gates))
    assert xt.wait_job("job2") == "completed"
    assert [run.node for run in xt.children("job2")] == ["node0", "node1"]
