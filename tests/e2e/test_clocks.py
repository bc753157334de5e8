"""Nodes whose times of day differ by minutes share a job all the same."""

from pathlib import Path

import pytest
from altered_controllers import alter_controllers
from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.stats.store import RunQuery

GATED = """
import os, sys, time
print(os.environ["XT_NODE_ID"], flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
"""
WRONG_CLOCK = """
import time

right = time.time
if node == "node1":
    time.time = lambda: right() + {seconds}
"""
clocks_differ = pytest.mark.parametrize("seconds", [-600, 600])


def start(xt: Xt, folder: Path, seconds: int) -> Path:
    """job1 of 6 runs, one of them on each node by now, and the file that lets them end."""
    alter_controllers(xt, folder, WRONG_CLOCK.format(seconds=seconds))
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {lease-seconds: 1}\n")
    xt.script("t.py", GATED)
    gate = folder / "gate"
    xt.submit("--nodes", "2", "--schedule", "dynamic", "--runs", "6", "t.py", str(gate))
    wait_until(lambda: [run.status for run in runs_of(xt)] == ["running"] * 2, "a run on each node")
    return gate


def runs_of(xt: Xt) -> list[Run]:
    return xt.session.store.find_runs(RunQuery(jobs=["job1"]))[0]


def wait_for_renewals(xt: Xt, count: int) -> None:
    """Wait until each of the nodes has renewed its lease, and looked at the others', so often."""
    seen: dict[str, set[float]] = {"node0": set(), "node1": set()}

    def renewed() -> bool:
        for node in xt.session.store.nodes():
            seen[node.name].add(node.updated)
        return all(len(times) > count for times in seen.values())

    wait_until(renewed, "the leases to be renewed")


@clocks_differ
def test_neither_gives_the_other_up(xt: Xt, tmp_path: Path, seconds: int) -> None:
    gate = start(xt, tmp_path / "altered", seconds)
    wait_for_renewals(xt, 5)
    times = {node.name: node.updated for node in xt.session.store.nodes()}
    assert abs(times["node1"] - times["node0"] - seconds) < 300  # the clocks do differ
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [(run.run_index, str(run.status)) for run in runs] == [
        (index, "completed") for index in range(6)
    ]
    assert {run.node for run in runs} == {"node0", "node1"}
    assert [run.restarts for run in runs] == [0] * 6
    assert all(run["duration"] >= 0 for run in xt.json("list", "runs")["runs"])


@clocks_differ
@pytest.mark.parametrize("dead", ["node0", "node1"])
def test_a_dead_one_is_given_up_and_its_work_done(
    xt: Xt, tmp_path: Path, seconds: int, dead: str
) -> None:
    gate = start(xt, tmp_path / "altered", seconds)
    wait_for_renewals(xt, 2)
    lost = next(run for run in runs_of(xt) if run.node == dead)
    xt.kill_controller(dead)
    wait_until(lambda: xt.run(lost.name).status == "lost", "the run to be given up")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    runs = runs_of(xt)
    done = [run.run_index for run in runs if run.status == "completed" and run.node != dead]
    assert sorted(done, key=str) == list(range(6))
    assert [run.name for run in runs if run.status != "completed"] == [lost.name]
    xt.session.controllers.ensure_running([dead])
    wait_until(lambda: not xt.processes_of_run(lost.name, dead), "what was left to be ended")
    assert xt.run(lost.name).status == "lost"
