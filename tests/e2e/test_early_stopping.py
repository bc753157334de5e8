"""Early stopping, retries, time limits and priorities, with real processes."""

import json

from support import Xt, wait_until

from xt_core.model.records import Run
from xt_core.stats.store import RunQuery

CURVE = """
import sys, time
from xt_core import Run
run, level = Run(), float(sys.argv[1].split("=")[1])
for step in range(1, 200):
    run.log_metrics({"loss": level if step < 3 else level + 1}, step=step)
    if level < 5 and step == 5:
        break
    {wait}
"""
"""A good run logs five values and ends; a bad one goes on until it is stopped."""
LOSS = ("--primary-metric", "loss:min")


def runs_of(xt: Xt) -> list[Run]:
    return xt.session.store.find_runs(RunQuery(jobs=["job1"]))[0]


def test_a_hopeless_run_is_stopped_and_counts_as_completed(xt: Xt) -> None:
    xt.script("t.py", CURVE.replace("{wait}", "time.sleep(0.05)"))
    xt("run", "--wait", *LOSS, "--early-stopping", "threshold,upper=6", "t.py", "--l=[1,2,9]")
    assert [(run.status, run.stopped_early) for run in runs_of(xt)] == [
        ("completed", False), ("completed", False), ("completed", True),
    ]  # fmt: skip
    bad = xt.run("run1.3")
    assert (bad.exit_code, bad.error) == (143, "")
    assert xt.event_data("run1.3", "stopping_early")["reason"].startswith("loss 9 ")
    names = xt.events("run1.3")
    assert names.index("stopping_early") < names.index("ended")
    assert bad.metrics["loss"] in (9, 10)
    document = xt.json("list", "jobs")["jobs"][0]
    assert document["best"] == {"run": "run1.1", "value": 2.0}
    listed = xt.json("list", "runs")["runs"]
    assert [run["stopped_early"] for run in listed] == [False, False, True]


def test_a_script_that_asks_ends_by_itself(xt: Xt) -> None:
    xt.script("t.py", CURVE.replace("{wait}", "time.sleep(0.05)\n    if run.should_stop():\n"
              "        print('saved'); sys.exit(0)"))  # fmt: skip
    xt("run", "--wait", *LOSS, "--early-stopping", "threshold,upper=6", "t.py", "--l=[9,8]")
    for run in runs_of(xt):
        assert (run.status, run.exit_code, run.stopped_early) == ("completed", 0, True)
        assert xt.console(run.name) == b"saved\n"


def test_a_new_controller_judges_by_what_the_store_has(xt: Xt) -> None:
    gate = xt.code / "gate"
    hold = f"while level == 9 and step == 1 and not os.path.exists({str(gate)!r}): pass"
    wait = f"{hold}\n    time.sleep(0.05)"
    xt.script("t.py", "import os\n" + CURVE.replace("{wait}", wait))
    options = ("--no-code", *LOSS, "--early-stopping", "median,min-runs=2,delay-evaluation=2")
    xt.submit(*options, "t.py", "--l=[1,2,9]")
    wait_until(lambda: "run1.3" in [r.name for r in runs_of(xt)] and xt.run("run1.3").metrics)
    xt.kill_controller()
    gate.touch()
    xt.session.controllers.ensure_running(["node0"])
    assert xt.wait_job("job1") == "completed"
    assert [run.stopped_early for run in runs_of(xt)] == [False, False, True]
    assert "the median" in xt.event_data("run1.3", "stopping_early")["reason"]


def test_a_run_that_failed_is_tried_again(xt: Xt) -> None:
    xt.script("t.py", "import os, sys\nprint('attempt', os.environ['XT_RESTARTS'])\n"
              "sys.exit(0 if os.environ['XT_RESTARTS'] == '2' else 3)\n")  # fmt: skip
    xt("run", "--wait", "--retries", "2", "t.py")
    run = xt.run("run1")
    assert (run.status, run.restarts, run.retries, run.exit_code) == ("completed", 2, 2, 0)
    assert xt.console("run1") == b"attempt 0\nattempt 1\nattempt 2\n"
    retried = [e.data for e in xt.session.store.events("ws1", "run1") if e.event == "queued"]
    assert retried == [{}, {"retry": 1, "exit_code": 3}, {"retry": 2, "exit_code": 3}]


def test_a_run_is_tried_again_only_so_often_and_for_chosen_codes(xt: Xt) -> None:
    xt.script("t.py", "import sys; sys.exit(int(sys.argv[1]))")
    xt("run", "--wait", "--retries", "1", "t.py", "3", code=1)
    xt("run", "--wait", "--retries", "9", "--retry-exit-codes", "1,137", "t.py", "3", code=1)
    assert [(xt.run(name).retries, xt.run(name).exit_code) for name in ("run1", "run2")] == [
        (1, 3), (0, 3),
    ]  # fmt: skip


def test_a_cancelled_run_is_not_tried_again(xt: Xt) -> None:
    xt.script("t.py", "import time; time.sleep(600)")
    xt.submit("--retries", "5", "t.py")
    xt.wait_status("run1", "running")
    xt("cancel", "run", "run1")
    assert (xt.run("run1").status, xt.run("run1").restarts) == ("cancelled", 0)


def test_a_job_is_cancelled_when_its_minutes_are_over(xt: Xt) -> None:
    xt.script("t.py", "import time; time.sleep(600)")
    xt.submit("--max-minutes", "0.01", "--runs", "3", "t.py")
    assert xt.wait_job("job1") == "cancelled"
    assert xt.event_data("run1", "time_over") == {"max_minutes": 0.01}
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert (counts["cancelled"], counts["unstarted"], counts["completed"]) == (3, 0, 0)


def test_of_jobs_that_wait_for_the_node_the_more_urgent_goes_first(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.home.root.mkdir(parents=True, exist_ok=True)
    xt.home.config_file.write_text("boxes: {local: {max-runs: 1}}\n")
    xt.script("t.py", f"import os\nwhile not os.path.exists({str(gate)!r}): pass\n")
    for priority in ("0", "0", "5"):
        xt.submit("--no-code", "--priority", priority, "t.py")
    wait_until(lambda: json.loads(xt("status", "--json").stdout)["nodes"][0]["queued"] == 2)
    gate.touch()
    for job in ("job1", "job2", "job3"):
        assert xt.wait_job(job) == "completed"
    started = {name: xt.run(name).started or 0.0 for name in ("run1", "run2", "run3")}
    assert sorted(started, key=lambda name: started[name]) == ["run1", "run3", "run2"]
