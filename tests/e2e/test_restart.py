"""The service restart: what a run keeps, and what it gets anew."""

import json

import pytest
from support import Xt, wait_until

STEADY = """
import json, os, time
restarts = int(os.environ["XT_RESTARTS"])
print("start", restarts, os.environ["XT_RUN_NAME"], sorted(os.listdir()), flush=True)
state = os.environ["XT_OUTPUT_DIR"] + "/state"
seen = open(state).read() if os.path.exists(state) else ""
open(state, "w").write(seen + str(restarts))
open("scratch", "w").write("x")
with open(os.environ["XT_JOURNAL"], "a") as journal:
    record = {"type": "metrics", "step": restarts, "values": {"n": restarts}}
    journal.write(json.dumps(record) + "\\n")
print("ready", restarts, flush=True)
while restarts == 0:
    time.sleep(0.05)
print("state", open(state).read(), flush=True)
"""


@pytest.mark.both
def test_a_restarted_run_keeps_name_output_and_counts_its_restarts(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("steady.py")
    xt.wait_output("run1", "ready 0")
    assert xt("restart", "controller", "job1").stdout == "job1: run1 restarted\n"
    assert xt.wait_job("job1") == "completed"
    listing = "['output.txt', 'steady.py']"
    assert xt.console("run1").decode().splitlines() == [
        f"start 0 run1 {listing}",
        "ready 0",
        f"start 1 run1 {listing}",
        "ready 1",
        "state 01",
    ]
    run = xt.run("run1")
    assert (run.restarts, run.status) == (1, "completed")
    assert xt.events("run1") == [
        "created", "queued", "download_before", "started",
        "queued", "download_before", "restarted", "ended", "capture_after",
    ]  # fmt: skip
    metrics = xt.json("view", "metrics", "run1")["metrics"]
    assert (metrics["n"]["step"], metrics["n"]["value"]) == ([0, 1], [0, 1])


def test_single_runs_are_restarted_and_others_go_on(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("--runs", "2", "--concurrent", "2", "steady.py", "--lr=[$uniform(0,1)]")
    xt.wait_output("run1.1", "ready 0")
    xt.wait_output("run1.2", "ready 0")
    assert xt("restart", "run", "run1.2").stdout == "run1.2 restarted\n"
    assert [xt.run(name).restarts for name in ("run1.1", "run1.2")] == [0, 1]
    wait_until(lambda: xt.run("run1.2").status == "completed")
    assert xt("restart", "run", "run1.2").stdout == "no run is running, so none is restarted\n"
    assert xt.json("restart", "run", "run1.1-run1.2")["restarted"] == ["run1.1"]
    assert xt.wait_job("job1") == "completed"
    assert "takes names of runs" in xt("restart", "run", code=2).stderr
    assert "takes names of runs" in xt("restart", "run", "run1", "--node-index", "1", code=2).stderr


@pytest.mark.both
def test_the_runs_of_a_search_keep_their_hyperparameters(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("--runs", "3", "--concurrent", "2", "steady.py", "--lr=[$uniform(0,1)]")
    xt.wait_output("run1.1", "ready 0")
    xt.wait_output("run1.2", "ready 0")
    before = {name: xt.run(name).command for name in ("run1.1", "run1.2")}
    document = xt.json("restart", "controller", "job1", "--delay", "0.2")
    assert sorted(document["restarted"]) == ["run1.1", "run1.2"]
    xt.wait_output("run1.3", "ready 0")
    xt("restart", "controller", "job1")
    assert xt.wait_job("job1") == "completed"
    after = {name: xt.run(name) for name in ("run1.1", "run1.2")}
    assert {name: run.command for name, run in after.items()} == before
    assert {run.restarts for run in after.values()} == {1}
    assert [item.run for item in xt.session.store.work_items("job1")] == [
        "run1.1", "run1.2", "run1.3",
    ]  # fmt: skip


def test_a_controller_killed_during_the_delay_still_starts_the_run_again(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("steady.py")
    xt.wait_output("run1", "ready 0")
    xt("restart", "controller", "job1", "--delay", "600")
    xt.wait_status("run1", "queued")
    xt.kill_controller()
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "completed"
    assert xt.run("run1").restarts == 1
    assert xt.console("run1").decode().splitlines()[-1] == "state 01"


def test_a_run_waiting_for_its_restart_can_be_cancelled(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("steady.py")
    xt.wait_output("run1", "ready 0")
    xt("restart", "controller", "job1", "--delay", "600")
    xt.wait_status("run1", "queued")
    xt("cancel", "run", "run1")
    run = xt.run("run1")
    assert (run.status, run.restarts) == ("cancelled", 1)
    assert xt.events("run1")[-2:] == ["cancelled", "ended"]
    assert xt.console("run1").decode().splitlines()[-1] == "ready 0"


def test_a_job_that_does_not_run_cannot_be_restarted(xt: Xt) -> None:
    xt.submit("true")
    xt.wait_job("job1")
    wait_until(lambda: xt.json("status")["runs"] == [])
    assert "job1 has no running run" in xt("restart", "controller", "job1", code=3).stderr
    assert "no job named job9" in xt("restart", "controller", "job9", code=3).stderr
    error = json.loads(xt("restart", "controller", "x", "--json", code=2).stdout)["error"]
    assert error["message"] == "'x' is no job name"


def test_a_second_restart_during_the_delay_stops_nothing_twice(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("steady.py")
    xt.wait_output("run1", "ready 0")
    xt("restart", "controller", "job1", "--delay", "600")
    xt.wait_status("run1", "queued")
    xt("restart", "controller", "job1")
    assert xt.wait_job("job1") == "completed"
    assert xt.run("run1").restarts == 1


def test_a_restart_holds_the_places_of_its_runs(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("--runs", "3", "--concurrent", "2", "steady.py")
    xt.wait_output("run1.1", "ready 0")
    xt.wait_output("run1.2", "ready 0")
    xt("restart", "controller", "job1", "--delay", "600")
    xt.wait_status("run1.1", "queued")
    xt.wait_status("run1.2", "queued")
    assert [str(item.status) for item in xt.session.store.work_items("job1")] == [
        "started", "started", "unstarted",
    ]  # fmt: skip
    xt("cancel", "job", "job1")


@pytest.mark.both
def test_a_listener_follows_over_a_restart(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("steady.py")
    xt.wait_output("run1", "ready 0")
    listener = xt.start("attach", "run1")
    xt.wait_listeners(1)
    xt("restart", "controller", "job1")
    out, _ = listener.communicate()
    assert xt.wait_job("job1") == "completed"
    assert out == xt.console("run1")
    assert out.endswith(b"state 01\n")
