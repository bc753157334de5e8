"""Cancel: graceful, then forced, the whole process tree, and work that never started."""

import json
import os
import signal
from datetime import datetime

import pytest
from support import Xt, is_alive, wait_until

TREE = """
import os, signal, subprocess, sys, time
folder = os.environ["XT_DATA_DIR"]
me = os.environ["XT_RUN_NAME"]
def note(name, pid):
    with open(f"{folder}/{me}.{name}", "w") as file:
        file.write(str(pid))
child = subprocess.Popen(["sleep", "600"])
note("child", child.pid)
own = subprocess.Popen(["sleep", "600"], start_new_session=True)
note("setsid", own.pid)
orphan = subprocess.run(
    ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
)
note("orphan", int(orphan.stdout))
stopped = subprocess.Popen(["sleep", "600"])
os.kill(stopped.pid, signal.SIGSTOP)
note("stopped", stopped.pid)
note("main", os.getpid())
time.sleep(600)
"""
PARTS = ("child", "setsid", "orphan", "stopped", "main")


def pids(xt: Xt, run: str) -> dict[str, int]:
    """The processes of a run of TREE, once all are there."""
    folder = xt.home.node_dir / "data"
    main = folder / f"{run}.main"
    wait_until(lambda: main.exists() and main.read_text())
    return {part: int((folder / f"{run}.{part}").read_text()) for part in PARTS}


def test_the_whole_process_tree_ends_and_neighbours_live_on(xt: Xt) -> None:
    xt.script("tree.py", TREE)
    xt.submit("--runs", "2", "--concurrent", "2", "tree.py")
    victim, neighbour = pids(xt, "run1.1"), pids(xt, "run1.2")
    assert xt("cancel", "run", "run1.1", "--grace", "5").stdout == "run1.1 cancelled\n"
    assert {part for part, pid in victim.items() if is_alive(pid)} == set()
    assert {part for part, pid in neighbour.items() if is_alive(pid)} == set(PARTS)
    run = xt.run("run1.1")
    assert (run.status, run.exit_code) == ("cancelled", 143)
    assert xt.events("run1.1")[-3:] == ["cancelled", "ended", "capture_after"]
    xt("cancel", "job", "job1", "--grace", "0")
    assert not any(is_alive(pid) for pid in neighbour.values())


@pytest.mark.both
@pytest.mark.parametrize("what", ["run", "job"])
def test_while_a_run_resists_everybody_sees_that_it_is_being_cancelled(xt: Xt, what: str) -> None:
    xt.script("t.sh", "trap '' TERM; echo ready; while true; do sleep 0.05; done\n")
    xt.submit("t.sh")
    xt.wait_output("run1", "ready")
    assert xt.json("status")["runs"][0]["cancelling"] is None
    canceller = xt.start("cancel", what, f"{what}1", "--grace", "1000")
    wait_until(lambda: xt.json("status")["runs"][0]["cancelling"], "the node to tell")
    run = xt.json("status")["runs"][0]
    times = [datetime.fromisoformat(run["cancelling"][name]) for name in ("since", "kill_at")]
    assert (times[1] - times[0]).total_seconds() == 1000
    assert run["status"] == "running"
    assert "run1       cancelling" in xt("status").stdout
    if xt.session.team.is_embedded:  # the store of another is not told before the end
        listed = xt.json("list", "runs")["runs"][0]
        assert (listed["status"], listed["cancel_requested"]) == ("running", True)
        assert "cancelling" in xt("list", "runs").stdout
        assert ("cancelling" in xt("list", "jobs").stdout) == (what == "job")
    xt("cancel", "run", "run1", "--grace", "0")
    assert canceller.wait(timeout=90) == 0
    assert xt.run("run1").status == "cancelled"
    assert "cancelling" not in xt("list", "runs").stdout


def test_a_cancelled_run_may_save_its_work(xt: Xt) -> None:
    xt.script(
        "t.py",
        "import os, signal, sys, time\n"
        "def save(*_):\n"
        "    open(os.environ['XT_OUTPUT_DIR'] + '/checkpoint', 'w').write('saved')\n"
        "    print('saved', flush=True)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n",
    )
    xt.submit("t.py")
    xt.wait_output("run1", "ready")
    xt("cancel", "run", "run1")
    assert xt.console("run1") == b"ready\nsaved\n"
    assert xt.artifact("ws1/runs/run1/output/checkpoint") == b"saved"
    run = xt.run("run1")
    assert (run.status, run.exit_code) == ("cancelled", 0)


def test_what_ignores_sigterm_is_killed_after_the_grace_period(xt: Xt) -> None:
    xt.script("t.sh", "trap '' TERM\necho ready\nwhile true; do sleep 0.1; done\n")
    xt.submit("t.sh")
    xt.wait_output("run1", "ready")
    xt("cancel", "run", "run1", "--grace", "0.3")
    assert xt.run("run1").exit_code == 137
    assert xt.event_data("run1", "ended")["signal"] == signal.SIGKILL


@pytest.mark.both
def test_cancelling_a_job_cancels_what_was_never_started(xt: Xt) -> None:
    xt.script("t.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "5", "t.sh")
    xt.wait_output("run1.1", "ready")
    document = xt.json("cancel", "job", "job1", "--grace", "1")
    assert {run["name"]: run["status"] for run in document["runs"]} == {
        "run1": "cancelled",
        "run1.1": "cancelled",
    }
    job = xt.json("list", "jobs")["jobs"][0]
    assert job["status"] == "cancelled"
    assert job["counts"] == {
        "unstarted": 0, "running": 0, "completed": 0, "error": 0, "cancelled": 5,
    }  # fmt: skip
    items = xt.session.store.work_items("job1")
    assert [str(item.status) for item in items] == ["cancelled"] * 5


def test_a_parents_name_means_its_job(xt: Xt) -> None:
    xt.script("t.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "3", "t.sh")
    xt.wait_output("run1.1", "ready")
    xt("cancel", "run", "run1", "--grace", "1")
    assert xt.wait_job("job1") == "cancelled"
    assert [str(xt.run(name).status) for name in ("run1", "run1.1")] == ["cancelled"] * 2


@pytest.mark.both
def test_cancelling_a_child_lets_the_search_go_on(xt: Xt) -> None:
    xt.script("t.sh", '[ "$XT_RUN_INDEX" = 0 ] && sleep 600; echo done\n')
    xt.submit("--runs", "3", "t.sh")
    xt.wait_status("run1.1", "running")
    xt("cancel", "run", "run1.1", "--grace", "1")
    assert xt.wait_job("job1") == "completed"  # but for one of its runs
    assert [str(xt.run(f"run1.{n}").status) for n in (1, 2, 3)] == [
        "cancelled",
        "completed",
        "completed",
    ]


@pytest.mark.both
def test_a_queued_run_never_starts(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {max-runs: 1}\n")
    xt.submit("sleep", "600")
    xt.wait_status("run1", "running")
    xt.submit("touch", str(xt.code / "made"))
    assert xt("cancel", "run", "run2").stdout == "run2 cancelled\n"
    assert xt.events("run2") == ["created", "queued", "cancelled", "ended"]
    assert xt("cancel", "all", "--grace", "1").stdout == "run1 cancelled\n"
    assert not (xt.code / "made").exists()


def test_cancelling_again_changes_nothing(xt: Xt) -> None:
    xt.submit("sleep", "600")
    xt.wait_status("run1", "running")
    xt("cancel", "run", "run1", "--grace", "1")
    before = xt.events("run1")
    assert xt("cancel", "run", "run1").stdout == "run1 cancelled already\n"
    assert xt("cancel", "job", "job1").stdout == "run1 cancelled already\n"
    assert xt("cancel", "all").stdout == "nothing to cancel\n"
    assert xt.events("run1") == before


def test_cancelling_during_a_parent_script_ends_the_job(xt: Xt) -> None:
    xt.script("prep.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "2", "--parent-script", "prep.sh", "true")
    xt.wait_output("run1", "ready")
    xt("cancel", "job", "job1", "--grace", "1")
    assert xt.wait_job("job1") == "cancelled"
    assert xt.run("run1").status == "cancelled"


@pytest.mark.both
def test_a_cancel_survives_the_death_of_the_controller(xt: Xt) -> None:
    xt.script("t.sh", "trap '' TERM\necho ready\nwhile true; do sleep 0.1; done\n")
    xt.submit("--runs", "2", "t.sh")
    xt.wait_output("run1.1", "ready")
    client = xt.start("cancel", "job", "job1", "--grace", "3")
    wait_until(lambda: (xt.home.runs_dir / "ws1/run1.1/control/cancel.json").exists())
    xt.kill_controller()
    client.communicate()
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "cancelled"
    assert xt.run("run1.1").status == "cancelled"


def test_unknown_names_are_told_and_nothing_is_cancelled(xt: Xt) -> None:
    xt.submit("sleep", "600")
    xt.wait_status("run1", "running")
    assert "no run named run7" in xt("cancel", "run", "run1,run7", code=3).stderr
    assert "no job named job7" in xt("cancel", "job", "job7", code=3).stderr
    assert "no node named node7" in xt("cancel", "node", "node7", code=3).stderr
    assert "'x' is no job name" in xt("cancel", "job", "x", code=2).stderr
    assert xt.run("run1").status == "running"
    assert xt("cancel", "node", "node0", "--grace", "1").stdout == "run1 cancelled\n"


def test_children_left_behind_end_with_their_run(xt: Xt) -> None:
    xt.script("t.sh", 'sleep 600 & echo $! > "$XT_DATA_DIR/left"; setsid sleep 600 & echo done\n')
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "completed"
    left = int((xt.home.node_dir / "data" / "left").read_text())
    assert not is_alive(left)
    assert xt.processes_of_run("run1") == []


def test_a_killed_supervisor_fails_its_run_and_no_other(xt: Xt) -> None:
    xt.script("t.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "2", "--concurrent", "2", "t.sh")
    xt.wait_output("run1.1", "ready")
    xt.wait_output("run1.2", "ready")
    started = xt.home.runs_dir / "ws1/run1.1/control/started.json"
    record = json.loads(started.read_text())
    os.kill(record["pid"], signal.SIGKILL)
    run = xt.wait_status("run1.1", "error")
    assert run.error == "the run's supervisor process was killed, or the machine restarted"
    wait_until(lambda: not is_alive(record["main_pid"]))
    xt.wait_status("run1.2", "running")


def test_a_search_that_waits_for_the_node_is_cancelled_at_once(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {max-runs: 1}\n")
    xt.submit("sleep", "600")
    xt.wait_status("run1", "running")
    xt.submit("--runs", "3", "touch", str(xt.code / "made"))
    xt.wait_status("run2", "spawning")
    assert xt("cancel", "job", "job2").stdout == "run2 cancelled\n"
    assert xt.wait_job("job2") == "cancelled"
    assert xt.run("run1").status == "running"
    assert not (xt.code / "made").exists()


def test_a_cancel_that_only_reached_the_store_is_carried_out(xt: Xt) -> None:
    xt.script("t.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "3", "t.sh")
    xt.wait_output("run1.1", "ready")
    xt.kill_controller()  # as if between writing the request down and acting on it
    xt.session.store.update_job("job1", cancel_requested=True)
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "cancelled"
    assert [str(item.status) for item in xt.session.store.work_items("job1")] == ["cancelled"] * 3
    assert xt.events("run1.1")[-3:] == ["cancelled", "ended", "capture_after"]


def test_a_shorter_grace_period_overtakes_a_longer_one(xt: Xt) -> None:
    xt.script("t.sh", "trap '' TERM\necho ready\nwhile true; do sleep 0.1; done\n")
    xt.submit("t.sh")
    xt.wait_output("run1", "ready")
    patient = xt.start("cancel", "run", "run1", "--grace", "600")
    wait_until(lambda: (xt.home.runs_dir / "ws1/run1/control/cancel.json").exists())
    assert xt("cancel", "run", "run1", "--grace", "0").stdout == "run1 cancelled\n"
    assert patient.communicate()[0] == b"run1 cancelled\n"
    assert xt.events("run1").count("cancelled") == 1
