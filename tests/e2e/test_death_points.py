"""A node that dies at one chosen point in the life of a run: each index is run to its end once."""

from pathlib import Path

import pytest
from altered_controllers import die_once_after, wait_for_death
from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.model.states import WorkItemStatus
from xt_core.stats.store import RunQuery

ITEMS = 5
# What is on node0 waits for the death on node1, so that there is work left for that one.
WORK = """
import json, os, sys, time

died, log = sys.argv[1:3]
while os.environ["XT_NODE_ID"] == "node0" and not os.path.exists(died):
    time.sleep(0.02)
index = int(os.environ["XT_RUN_INDEX"])
with open(log, "a") as file:
    file.write(f"{index} {os.environ['XT_RUN_NAME']}\\n")
os.makedirs("output")
with open("output/result", "w") as file:
    file.write(str(index))
with open(os.environ["XT_JOURNAL"], "a") as journal:
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": {"a": index}}) + "\\n")
print("done", index)
"""

BEFORE, AFTER = True, False
POINTS = {
    "nothing begun": ("controller.rundir:RunDirectory.remove", BEFORE),
    "claimed, not committed": ("xt_core.stats.sqlite:SqliteStatsStore.claim_child", AFTER),
    "claimed": ("controller.sets:Sets.give", BEFORE),
    "its set chosen": ("controller.execution:Execution.prepare", BEFORE),
    "prepared": ("controller.execution:Execution.prepare", AFTER),
    "start told, not committed": ("controller.runrecords:announce_start", AFTER),
    "start told, not launched": ("controller.execution:Execution.run", BEFORE),
    "launched": ("controller.launcher:Launcher.launch", AFTER),
    "ended": ("controller.runtask:RunTask._wrap_up", BEFORE),
    "end told, not committed": ("controller.runrecords:announce_end", AFTER),
    "end told": ("controller.capture:capture_after_files", BEFORE),
    "files stored": ("controller.capture:store_records", BEFORE),
    "records stored": ("controller.capture:store_records", AFTER),
    "completed": ("controller.runtask:RunTask._enter_final_state", AFTER),
}


def submit(xt: Xt, folder: Path, point: str) -> Path:
    """job1 over two nodes, of which node1 dies at the point; the log of what ran."""
    function, before = POINTS[point]
    die_once_after(xt, folder, "node1", function, before=before)
    xt.script("work.py", WORK)
    log = folder / "log"
    command = ("work.py", str(folder / "died"), str(log))
    xt.submit("--nodes", "2", "--schedule", "dynamic", "--runs", str(ITEMS), *command)
    wait_for_death(folder)
    xt.wait_for_controller_end("node1")
    return log


def runs_of(xt: Xt) -> list[Run]:
    """All of job1's runs, lost ones too."""
    return xt.session.store.find_runs(RunQuery(jobs=["job1"]))[0]


def assert_each_index_completed_once(xt: Xt) -> list[Run]:
    """The completed runs, one an index, whole."""
    completed = sorted(
        (run for run in runs_of(xt) if run.status == "completed"),
        key=lambda run: run.run_index or 0,
    )
    assert [run.run_index for run in completed] == list(range(ITEMS))
    items = xt.session.store.work_items("job1")
    assert [item.status for item in items] == [WorkItemStatus.COMPLETED] * ITEMS
    assert [item.run for item in items] == [run.name for run in completed]
    for index, run in enumerate(completed):
        assert (run.restarts, run.retries, run.exit_code) == (0, 0, 0)
        assert run.metrics == {"a": index}
        assert xt.console(run.name) == f"done {index}\n".encode()
        assert xt.artifact(f"ws1/runs/{run.name}/after/output/result") == str(index).encode()
        assert xt.events(run.name) == [
            "created", "queued", "download_before", "started", "ended", "capture_after",
        ]  # fmt: skip
    return completed


@pytest.mark.parametrize("point", POINTS)
def test_its_successor_ends_what_it_had_begun(xt: Xt, tmp_path: Path, point: str) -> None:
    log = submit(xt, tmp_path / "altered", point)
    xt.session.controllers.ensure_running(["node1"])
    assert xt.wait_job("job1") == "completed"
    completed = assert_each_index_completed_once(xt)
    assert len(runs_of(xt)) == ITEMS
    ran = [line.split() for line in log.read_text().splitlines()]
    assert sorted(ran) == [[str(run.run_index), run.name] for run in completed]
    assert "internal error" not in xt.home.node("node1").controller_log.read_text()


@pytest.mark.parametrize(
    ("point", "done"),
    [
        ("nothing begun", 0),
        ("claimed", 0),
        ("prepared", 0),
        ("start told, not launched", 0),
        ("ended", 0),
        ("end told", 0),
        ("completed", 1),
    ],
)
def test_the_other_node_does_it_again_and_a_late_successor_changes_nothing(
    xt: Xt, tmp_path: Path, point: str, done: int
) -> None:
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {lease-seconds: 1}\n")
    submit(xt, tmp_path / "altered", point)
    assert xt.wait_job("job1") == "completed"
    completed = assert_each_index_completed_once(xt)
    assert [run.node for run in completed].count("node1") == done
    others = [run for run in runs_of(xt) if run.status != "completed"]
    # The next item may have been claimed when the process of the one before had ended.
    assert len(others) in {"nothing begun": (0,), "completed": (0, 1)}.get(point, (1, 2))
    for run in others:
        assert (run.node, run.status, run.error) == ("node1", "lost", "node1 was lost")
    assert xt.run("run2").status == "lost"
    before = [(run.name, run.status, run.revision) for run in runs_of(xt)]
    xt.session.controllers.ensure_running(["node1"])
    runs_dir = xt.home.node("node1").runs_dir / "ws1"
    wait_until(lambda: not list(runs_dir.glob("*")), "what was left to be removed")
    assert [(run.name, run.status, run.revision) for run in runs_of(xt)] == before
    assert xt.run("run2").status == "lost"
