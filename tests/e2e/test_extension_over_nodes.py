"""`xt run --extend` of jobs over several nodes, while they run and while a controller is gone."""

from pathlib import Path

import pytest
from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.model.states import WorkItemStatus

FIRST, MORE = 5, 7
GATED = """
import os, sys, time
gates, index = sys.argv[1], os.environ["XT_RUN_INDEX"]
print("begun", flush=True)
with open(os.path.join(gates, "log"), "a") as log:
    log.write(index + "\\n")
while not os.path.exists(os.path.join(gates, "gate")):
    time.sleep(0.02)
"""
schedules = pytest.mark.parametrize("schedule", ["static", "dynamic"])


def start(xt: Xt, gates: Path, schedule: str) -> list[Run]:
    """job1 of `FIRST` items over two nodes; a run that waits for its gate on each."""
    gates.mkdir()
    xt.script("t.py", GATED)
    xt.submit("--nodes", "2", "--schedule", schedule, "--runs", str(FIRST), "t.py", str(gates))
    wait_until(lambda: len(xt.children("job1")) == 2, "a run on each node")
    runs = xt.children("job1")
    for run in runs:
        xt.wait_output(run.name, "begun", run.node)
    return runs


def assert_all_done_once(xt: Xt, gates: Path, schedule: str, count: int) -> None:
    runs = xt.children("job1")
    assert [run.run_index for run in runs] == list(range(count))
    assert [(str(run.status), run.restarts) for run in runs] == [("completed", 0)] * count
    assert sorted(map(int, (gates / "log").read_text().split())) == list(range(count))
    items = xt.session.store.work_items("job1")
    assert [(item.status, item.run) for item in items] == [
        (WorkItemStatus.COMPLETED, run.name) for run in runs
    ]
    if schedule == "static":
        assert [run.node for run in runs] == [f"node{index % 2}" for index in range(count)]
    job = xt.json("list", "jobs")["jobs"][0]
    assert (job["work_items"], job["counts"]["completed"]) == (count, count)
    assert (job["counts"]["unstarted"], job["counts"]["cancelled"]) == (0, 0)
    assert [xt.run(parent).status for parent in ("run1", "run2")] == ["completed"] * 2


@pytest.mark.both
@schedules
def test_what_a_running_job_gets_is_done_by_its_nodes(
    xt: Xt, tmp_path: Path, schedule: str
) -> None:
    gates = tmp_path / "gates"
    start(xt, gates, schedule)
    answer = xt.json("run", "--extend", "job1", "--runs", str(MORE))
    assert answer["work_items"] == FIRST + MORE
    (gates / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    assert_all_done_once(xt, gates, schedule, FIRST + MORE)
    assert {run.node for run in xt.children("job1")} == {"node0", "node1"}


@schedules
@pytest.mark.parametrize("dead", ["node0", "node1"])
def test_a_node_whose_controller_is_gone_while_its_run_lives_gets_its_part(
    xt: Xt, tmp_path: Path, schedule: str, dead: str
) -> None:
    gates = tmp_path / "gates"
    before = start(xt, gates, schedule)
    xt.kill_controller(dead)
    xt("run", "--extend", "job1", "--runs", str(MORE))
    (gates / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    assert_all_done_once(xt, gates, schedule, FIRST + MORE)
    after = xt.children("job1")
    assert [(run.name, run.node) for run in after[:2]] == [(run.name, run.node) for run in before]


@schedules
def test_extensions_add_up_also_after_the_end(xt: Xt, tmp_path: Path, schedule: str) -> None:
    gates = tmp_path / "gates"
    start(xt, gates, schedule)
    for _ in range(2):
        xt("run", "--extend", "job1", "--runs", "2")
    (gates / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    for node in ("node0", "node1"):
        xt.kill_controller(node)
    xt("run", "--extend", "job1", "--runs", "3")
    assert xt.wait_job("job1") == "completed"
    assert_all_done_once(xt, gates, schedule, FIRST + 2 + 2 + 3)
    for parent in ("run1", "run2"):
        assert xt.events(parent).count("extended") == 3


@pytest.mark.both
def test_a_lost_node_gets_a_part_of_what_is_added(xt: Xt, tmp_path: Path) -> None:
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {lease-seconds: 1}\n")
    gates = tmp_path / "gates"
    before = start(xt, gates, "dynamic")
    lost = next(run for run in before if run.node == "node1")
    xt.kill_controller("node1")
    xt.wait_status(lost.name, "lost")
    xt("run", "--extend", "job1", "--runs", str(MORE))
    wait_until(
        lambda: [r for r in xt.session.store.open_runs("job1", "node1") if not r.is_parent],
        "a new run on node1",
    )
    (gates / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    done = [item.run for item in xt.session.store.work_items("job1")]
    runs = [xt.run(name or "") for name in done]
    assert [run.run_index for run in runs] == list(range(FIRST + MORE))
    assert {str(run.status) for run in runs} == {"completed"}
    assert {run.node for run in runs} == {"node0", "node1"}
    assert lost.name not in done
    assert xt.run(lost.name).status == "lost"
