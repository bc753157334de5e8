"""Jobs over several nodes of one home: schedules, lost nodes, and their late return."""

import os
import signal

from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.model.states import WorkItemStatus
from xt_core.stats.store import RunQuery

GATED = """
import os, sys, time
gate, index = sys.argv[1], os.environ["XT_RUN_INDEX"]
open(gate + os.environ["XT_NODE_ID"], "a").close()
while ("all" in sys.argv or index == "0") and not os.path.exists(gate):
    time.sleep(0.02)
"""
"""A script that tells on which node it is, and ends once a file is there: the first run, or all."""


def children(xt: Xt, job: str = "job1") -> list[Run]:
    return xt.session.store.find_runs(RunQuery(jobs=[job]))[0]


def statuses(xt: Xt) -> dict[str, str]:
    """Of every child, lost ones too."""
    return {run.name: str(run.status) for run in children(xt)}


def configure(xt: Xt, text: str) -> None:
    (xt.code / "xt_config.yaml").write_text(text)


def test_a_static_schedule_deals_the_runs_out(xt: Xt) -> None:
    xt.script("t.py", "")
    answer = xt.submit("--nodes", "2", "--runs", "5", "--schedule", "static", "t.py")
    assert answer["nodes"] == ["node0", "node1"]
    assert answer["runs"] == ["run1", "run2"]
    assert xt.wait_job("job1") == "completed"
    done = {run.run_index: (run.node, run.parent) for run in children(xt)}
    even, odd = ("node0", "run1"), ("node1", "run2")
    assert done == {0: even, 1: odd, 2: even, 3: odd, 4: even}


def test_with_a_dynamic_schedule_whoever_is_free_takes_the_next(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", GATED)
    xt.submit("--no-code", "--nodes", "2", "--runs", "6", "t.py", str(gate))
    wait_until(lambda: list(statuses(xt).values()).count("completed") == 5, "the others to end")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    nodes = {run.run_index: run.node for run in children(xt)}
    assert set(nodes) == set(range(6))
    assert nodes[0] not in [nodes[index] for index in range(1, 6)]
    assert xt.run("run1").status == xt.run("run2").status == "completed"


def test_a_lost_nodes_run_is_done_by_another_and_its_return_harms_nothing(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", GATED)
    configure(xt, "hyperparameter-search: {lease-seconds: 1}\n")
    xt.submit("--no-code", "--nodes", "2", "--runs", "2", "t.py", str(gate), "all", "--x=[7,8]")
    wait_until(lambda: gate.with_name("gatenode1").exists(), "node1 to have a run")
    lost = next(run for run in children(xt) if run.node == "node1")
    xt.kill_controller("node1")
    wait_until(lambda: xt.run(lost.name).status == "lost", "the run to be given up")
    left = xt.processes_of_run(lost.name, "node1")
    assert left  # nobody there could end it
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    heir = next(run for run in children(xt) if run.run_index == lost.run_index and
                run.name != lost.name)  # fmt: skip
    assert (heir.node, heir.hparams, heir.status) == ("node0", lost.hparams, "completed")
    xt.session.controllers.ensure_running(["node1"])
    wait_until(lambda: not xt.processes_of_run(lost.name, "node1"), "what was left to be ended")
    assert xt.run(lost.name).status == "lost"
    assert xt.run(lost.name).error == "node1 was lost"
    items = xt.session.store.work_items("job1")
    assert [item.status for item in items] == [WorkItemStatus.COMPLETED] * 2
    assert {item.run for item in items} == {
        run.name for run in children(xt) if run.status == "completed"
    }


def test_a_node_that_only_slept_ends_what_was_handed_on(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", GATED)
    configure(xt, "hyperparameter-search: {lease-seconds: 1}\n")
    xt.submit("--no-code", "--nodes", "2", "--runs", "2", "t.py", str(gate), "all")
    wait_until(lambda: gate.with_name("gatenode1").exists(), "node1 to have a run")
    asleep = next(run for run in children(xt) if run.node == "node1")
    pid = xt.pid_of("node1")
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: xt.run(asleep.name).status == "lost", "the run to be given up")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not xt.processes_of_run(asleep.name, "node1"), "its process to be ended")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    assert xt.run(asleep.name).status == "lost"
    assert sorted(item.status for item in xt.session.store.work_items("job1")) == ["completed"] * 2


def test_a_node_that_comes_back_in_time_goes_on_with_its_own(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", GATED)
    xt.submit("--no-code", "--nodes", "2", "--runs", "2", "t.py", str(gate), "all")
    wait_until(lambda: list(statuses(xt).values()) == ["running"] * 2, "both to run")
    xt.kill_controller("node1")
    xt.session.controllers.ensure_running(["node1"])
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    assert [run.restarts for run in children(xt)] == [0, 0]
    assert list(statuses(xt).values()) == ["completed"] * 2


def test_a_search_over_nodes_gives_each_set_once(xt: Xt) -> None:
    xt.script("t.py", "from xt_core import Run\nimport sys\n"
              "Run().log_metrics({'loss': float(sys.argv[1].split('=')[1])})")  # fmt: skip
    xt.submit("--nodes", "2", "--runs", "10", "--search-type", "dgd", "--primary-metric",
              "loss:min", "t.py", "--x=[1,2,3,4,5,6,7,8,9,10,11,12]")  # fmt: skip
    assert xt.wait_job("job1") == "completed"
    runs = children(xt)
    assert sorted(run.run_index for run in runs if run.run_index is not None) == list(range(10))
    assert {run.status for run in runs} == {"completed"}
