"""Jobs over several nodes of one home: schedules, lost nodes, and their late return."""

import os
import signal
from pathlib import Path

import pytest
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


@pytest.mark.both
def test_a_static_schedule_deals_the_runs_out(xt: Xt) -> None:
    xt.script("t.py", "")
    answer = xt.submit("--nodes", "2", "--runs", "5", "--schedule", "static", "t.py")
    assert answer["nodes"] == ["node0", "node1"]
    assert answer["runs"] == ["run1", "run2"]
    assert xt.wait_job("job1") == "completed"
    done = {run.run_index: (run.node, run.parent) for run in children(xt)}
    even, odd = ("node0", "run1"), ("node1", "run2")
    assert done == {0: even, 1: odd, 2: even, 3: odd, 4: even}


@pytest.mark.both
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


@pytest.mark.both
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
    pid = xt.pause_controller("node1")
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


@pytest.mark.both
def test_a_search_over_nodes_gives_each_set_once(xt: Xt) -> None:
    xt.script("t.py", "from xt_core import Run\nimport sys\n"
              "Run().log_metrics({'loss': float(sys.argv[1].split('=')[1])})")  # fmt: skip
    xt.submit("--nodes", "2", "--runs", "10", "--search-type", "dgd", "--primary-metric",
              "loss:min", "t.py", "--x=[1,2,3,4,5,6,7,8,9,10,11,12]")  # fmt: skip
    assert xt.wait_job("job1") == "completed"
    runs = children(xt)
    assert sorted(run.run_index for run in runs if run.run_index is not None) == list(range(10))
    assert {run.status for run in runs} == {"completed"}


# Cancelling a part ----------------------------------------------------------------------


def start_gated(xt: Xt, *options: str, runs: int = 6) -> Path:
    """job1 with run1.1 on node0 and run2.1 on node1, of so many runs; the file that ends them."""
    gate = xt.code / "gate"
    xt.script("t.py", GATED)
    command = ("t.py", str(gate), "all")
    xt.submit("--no-code", "--nodes", "2", "--runs", str(runs), *options, *command)
    wait_until(lambda: list(statuses(xt).values()) == ["running"] * 2, "a run on each node")
    return gate


def item_states(xt: Xt) -> list[str]:
    return [str(item.status) for item in xt.session.store.work_items("job1")]


def test_cancelling_a_node_leaves_the_work_to_the_others(xt: Xt) -> None:
    gate = start_gated(xt)
    cancelled = xt("cancel", "node", "node1", "--grace", "1").stdout
    assert cancelled == "run2 cancelled\nrun2.1 cancelled\n"
    index = xt.run("run2.1").run_index
    assert index is not None
    assert (xt.run("run1").status, xt.run("run1.1").status) == ("spawning", "running")
    assert item_states(xt).count("unstarted") == 4
    gate.touch()
    assert xt.wait_job("job1") == "cancelled"
    assert {run.node for run in children(xt) if run.run_index != index} == {"node0"}
    states = ["completed"] * 6
    states[index] = "cancelled"
    assert item_states(xt) == states
    assert xt.run("run1").status == "completed"
    assert xt.events("run2")[-2:] == ["cancelled", "ended"]


def test_cancelling_a_node_cancels_what_was_dealt_out_to_it_alone(xt: Xt) -> None:
    gate = start_gated(xt, "--schedule", "static")
    xt("cancel", "run", "run2", "--grace", "1")  # the parent there: the same
    assert xt.run("run1.1").status == "running"
    gate.touch()
    assert xt.wait_job("job1") == "cancelled"
    assert item_states(xt) == ["completed", "cancelled"] * 3
    assert statuses(xt) == {
        "run1.1": "completed", "run1.2": "completed", "run1.3": "completed", "run2.1": "cancelled",
    }  # fmt: skip
    assert [str(xt.run(name).status) for name in ("run1", "run2")] == ["completed", "cancelled"]


@pytest.mark.both
def test_cancelling_the_last_node_ends_the_job(xt: Xt) -> None:
    start_gated(xt)
    xt("cancel", "node", "node0", "--grace", "1")
    assert item_states(xt).count("unstarted") == 4
    xt("cancel", "node", "node1", "--grace", "1")
    assert item_states(xt) == ["cancelled"] * 6
    assert xt.wait_job("job1") == "cancelled"
    assert statuses(xt) == {"run1.1": "cancelled", "run2.1": "cancelled"}


def test_cancel_all_ends_jobs_of_several_nodes(xt: Xt) -> None:
    start_gated(xt)
    xt("cancel", "all", "--grace", "1")
    assert xt.wait_job("job1") == "cancelled"
    assert item_states(xt) == ["cancelled"] * 6


def test_a_cancelled_part_stays_cancelled_over_the_death_of_its_controller(xt: Xt) -> None:
    gate = start_gated(xt)
    lost = xt.run("run2.1").run_index
    assert lost is not None
    xt.kill_controller("node1")
    xt.session.store.cancel_part("job1", "node1")  # as if killed before it could act on it
    xt.session.controllers.ensure_running(["node1"])
    assert xt.wait_status("run2", "cancelled").cancel_requested
    assert statuses(xt) == {"run1.1": "running", "run2.1": "cancelled"}
    gate.touch()
    assert xt.wait_job("job1") == "cancelled"
    states = ["completed"] * 6
    states[lost] = "cancelled"
    assert item_states(xt) == states


def test_an_extension_takes_a_cancelled_part_in_again(xt: Xt) -> None:
    gate = start_gated(xt, "--schedule", "static", runs=2)
    xt("cancel", "node", "node1", "--grace", "1")
    xt.submit("--extend", "job1", "--runs", "2")
    xt.wait_status("run2.2", "running")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    assert item_states(xt) == ["completed", "cancelled", "completed", "completed"]
    assert {run.run_index: run.node for run in children(xt)} == {
        0: "node0", 1: "node1", 2: "node0", 3: "node1",
    }  # fmt: skip


# Parent scripts of nodes that were lost -------------------------------------------------


def test_a_node_lost_before_its_parent_script_ended_runs_it_when_it_comes_back(xt: Xt) -> None:
    gate, prepared = xt.code / "gate", xt.code / "prepared"
    xt.script("t.py", GATED)
    xt.script(
        "prep.sh",
        f'echo begins; until [ -e "{prepared}" ] || [ $XT_NODE_ID = node0 ]; '
        "do sleep 0.02; done; echo ends\n",
    )
    configure(xt, "hyperparameter-search: {lease-seconds: 1}\n")
    options = ("--nodes", "2", "--runs", "4", "--parent-script", "prep.sh")
    xt.submit(*options, "t.py", str(gate), "all")
    xt.wait_output("run2", "begins", "node1")
    xt.kill_controller("node1")
    xt.wait_status("run2", "lost")
    prepared.touch()
    xt.session.controllers.ensure_running(["node1"])
    wait_until(lambda: "running" in [r.status for r in children(xt) if r.node == "node1"])
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    xt.wait_status("run2", "completed")
    events = [event for event in xt.events("run2") if event != "child_created"]
    start = ["download_before", "started"]
    assert events == [
        "created", "queued", "parent_script_started", *start, "ended", "rejoined",
        "parent_script_started", *start, "parent_script_completed", "ended",
    ]  # fmt: skip
    assert xt.console("run2") == b"begins\nends\n"
    assert xt.event_data("run2", "parent_script_completed")["status"] == "completed"


@pytest.mark.both
def test_a_parent_script_that_had_succeeded_is_not_run_again_after_a_loss(xt: Xt) -> None:
    gate, made = xt.code / "gate", xt.code / "made"
    xt.script("t.py", GATED)
    xt.script("prep.sh", f'echo "$XT_NODE_ID" >> "{made}"\n')
    configure(xt, "hyperparameter-search: {lease-seconds: 1}\n")
    options = ("--nodes", "2", "--runs", "4", "--parent-script", "prep.sh")
    xt.submit(*options, "t.py", str(gate), "all")
    wait_until(lambda: list(statuses(xt).values()) == ["running"] * 2, "a run on each node")
    xt.kill_controller("node1")
    xt.wait_status("run2", "lost")
    xt.session.controllers.ensure_running(["node1"])
    xt.wait_status("run2.2", "running")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    assert sorted(made.read_text().split()) == ["node0", "node1"]
