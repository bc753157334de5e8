"""Early stopping through `xt run`: who is stopped, how it ends, and what is kept of it."""

import json
from pathlib import Path

import pytest
from support import Xt

from xt_core.search.stopping.halving import HyperbandStopping

# What a run logs by its index; those that are to be stopped would never end by themselves.
LOGGING = """
import json, os, sys, time
index = int(os.environ["XT_RUN_INDEX"])
values = json.loads(sys.argv[1])[index]
if index == 2 and "GO" in os.environ:
    print("waiting", flush=True)
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.02)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    for step, value in enumerate(values):
        record = {"type": "metrics", "step": step, "values": {"a": value}}
        journal.write(json.dumps(record) + "\\n")
print("logged", flush=True)
while index == 2 and "ENDS" not in os.environ:
    time.sleep(0.05)
"""
LAUNCH = ("--primary-metric", "a:max", "--raw-args")
EVENTS = ["created", "queued", "download_before", "started"]
STOPPED = [*EVENTS, "stopping_early", "ended", "capture_after"]


def test_a_run_beyond_a_threshold_completes_and_its_last_value_counts(xt: Xt) -> None:
    xt.script("logging.py", LOGGING)
    values = "[[1, 2], [3, 4], [5, 11], [6, 7]]"
    policy = ("--runs", "4", "--early-stopping", "threshold,upper=10")
    xt.submit(*policy, *LAUNCH, "logging.py", values)
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.stopped_early for run in runs] == [False, False, True, False]
    assert [str(run.status) for run in runs] == ["completed"] * 4
    assert [run.metrics["a"] for run in runs] == [2, 4, 11, 7]
    assert xt.json("list", "jobs")["jobs"][0]["best"] == {"run": "run1.3", "value": 11.0}
    assert xt.events("run1.1") == [*EVENTS, "ended", "capture_after"]
    assert xt.events("run1.3") == STOPPED
    data = xt.event_data("run1.3", "stopping_early")
    assert (data["step"], data["reason"].startswith("a 11 ")) == (1, True)
    assert xt.event_data("run1.3", "ended")["status"] == "completed"
    listed = xt.json("list", "runs", "run1.*")["runs"]
    assert {run["name"]: run["stopped_early"] for run in listed}["run1.3"] is True
    found = xt.json("list", "runs", "--filter", "status=early stop")["runs"]
    assert [run["name"] for run in found] == ["run1.3"]
    assert f"early_stop   {data['reason']}" in xt("view", "run", "run1.3").stdout
    facts = xt("view", "job", "job1").stdout
    assert "  early stop   threshold,upper=10\n" in facts
    assert xt.json("view", "job", "job1")["early_stopping"] == "threshold,upper=10"
    assert "4 completed (1 of them by an early stop), 0 running" in facts


@pytest.mark.both
def test_the_median_stops_a_run_that_is_worse_than_the_others(xt: Xt) -> None:
    xt.script("logging.py", LOGGING)
    values = "[[3, 4], [5, 6], [3.5, 1], [9, 9]]"
    policy = ("--runs", "4", "--early-stopping", "median,min-runs=2,delay-evaluation=1")
    xt.submit(*policy, *LAUNCH, "logging.py", values)
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.stopped_early for run in runs] == [False, False, True, False]
    assert xt.event_data("run1.3", "stopping_early") == {
        "step": 1,
        "reason": "a 3.5 is worse than the median 5 of 2 runs at step 1",
    }
    assert xt.json("view", "metrics", "run1.3")["metrics"]["a"]["value"] == [3.5, 1]


GOOD_GOOD_BAD_BEST = "[[3, 4], [5, 6], [1, 1], [9, 9]]"
"""Two points of each of four runs; the third is to be stopped."""
IMPROVING = "[[1, 2, 3], [1, 2, 3], [4, 4, 4], [1, 2, 3]]"


def bracket_seed() -> int:
    """A seed with which Hyperband has the first four runs in the bracket that stops soonest."""
    for seed in range(1000):
        policy = HyperbandStopping(maximize=True, reduction_factor=2, max_steps=4, seed=seed)
        if not any(policy.group(index) for index in range(4)):
            return seed
    raise AssertionError


@pytest.mark.parametrize(
    ("policy", "values", "step", "reason"),
    [
        ("percentile,percentile=25,min-runs=2", GOOD_GOOD_BAD_BEST, 0,
         "a 1 is worse than 4.5, the bound of the best 25% of 2 runs at step 0"),
        ("bandit,slack-amount=2", GOOD_GOOD_BAD_BEST, 0,
         "a 1 is more than the slack of 2 from the best 5 of 3 runs at step 0"),
        ("bandit,slack-factor=1,delay-evaluation=1", GOOD_GOOD_BAD_BEST, 1,
         "a 1 is more than the slack of 3 from the best 6 of 3 runs at step 1"),
        ("asha,reduction-factor=2", GOOD_GOOD_BAD_BEST, 1,
         "a 1 is not among the best 1 of 3 runs at step 1"),
        ("hyperband,reduction-factor=2,max-steps=4", GOOD_GOOD_BAD_BEST, 1,
         "a 1 is not among the best 1 of 3 runs at step 1"),
        ("patience,patience=2", IMPROVING, 2,
         "a has not improved on 4 in the last 2 values at step 2"),
    ],
)  # fmt: skip
def test_each_policy_stops_the_run_that_it_is_to_stop(
    xt: Xt, policy: str, values: str, step: int, reason: str
) -> None:
    xt.script("logging.py", LOGGING)
    options = ("--runs", "4", "--seed", str(bracket_seed()), "--early-stopping", policy)
    xt.submit(*options, *LAUNCH, "logging.py", values)
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.stopped_early for run in runs] == [False, False, True, False]
    assert [str(run.status) for run in runs] == ["completed"] * 4
    assert xt.event_data("run1.3", "stopping_early") == {"step": step, "reason": reason}
    assert xt.events("run1.3") == STOPPED
    assert [run.metrics["a"] for run in runs] == [points[-1] for points in json.loads(values)]


TOGETHER = """
import json, os, signal, sys, time
index, gate = int(os.environ["XT_RUN_INDEX"]), sys.argv[1]
def stop(*_):
    open(gate, "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
step = 0
while not os.path.exists(gate):
    with open(os.environ["XT_JOURNAL"], "a") as journal:
        record = {"type": "metrics", "step": step, "values": {"a": -index}}
        journal.write(json.dumps(record) + "\\n")
    step += 1
    time.sleep(0.02)
"""


def test_truncation_stops_the_worst_of_those_that_run(xt: Xt) -> None:
    xt.script("together.py", TOGETHER)
    policy = ("--early-stopping", "truncation,truncation-percentage=40")
    gate = str(xt.code / "gate")
    xt.submit(
        "--runs", "3", "--concurrent", "3", *policy, *LAUNCH, "--no-code", "together.py", gate
    )
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.stopped_early for run in runs] == [False, False, True]
    reason = xt.event_data("run1.3", "stopping_early")["reason"]
    assert reason.startswith("a -2 is among the worst 1 of 3 runs running at step ")


@pytest.mark.both
def test_a_new_controller_judges_as_the_last_one_would_have(xt: Xt, tmp_path: Path) -> None:
    xt.script("logging.py", LOGGING)
    go = tmp_path / "go"
    values = "[[3], [5], [1], [9]]"
    policy = ("--runs", "4", "--early-stopping", "median,min-runs=2")
    xt.submit(*policy, *LAUNCH, "--env", f"GO={go}", "logging.py", values)
    xt.wait_output("run1.3", "waiting")
    xt.kill_controller()
    go.touch()
    xt.wait_output("run1.3", "logged")
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.stopped_early for run in runs] == [False, False, True, False]
    assert xt.events("run1.3") == STOPPED
    reason = xt.event_data("run1.3", "stopping_early")["reason"]
    assert reason == "a 1 is worse than the median 4 of 2 runs at step 0"


ASKING = """
import time
from xt_core import Run
run = Run()
step = 0
while not run.should_stop():
    run.log_metrics({"a": -step}, step=step)
    step += 1
    time.sleep(0.02)
run.log_metrics({"a": 100}, step=step)
print("saved", flush=True)
"""


@pytest.mark.both
def test_a_script_that_asks_ends_by_itself_and_loses_nothing(xt: Xt) -> None:
    xt.script("asking.py", ASKING)
    policy = ("--runs", "2", "--early-stopping", "threshold,lower=-3")
    xt.submit(*policy, *LAUNCH, "asking.py")
    assert xt.wait_job("job1") == "completed"
    for run in xt.children("job1"):
        assert (run.status, run.stopped_early, run.exit_code) == ("completed", True, 0)
        assert run.metrics == {"a": 100}
        assert xt.console(run.name) == b"saved\n"
        logged = xt.json("view", "metrics", run.name)["metrics"]["a"]
        count = len(logged["step"])
        assert count > 4
        assert logged["step"] == list(range(count))
        assert logged["value"] == [*(-step for step in range(count - 1)), 100]
        assert xt.event_data(run.name, "stopping_early")["step"] == 4
        assert xt.events(run.name) == STOPPED


def test_a_search_learns_the_same_from_a_stopped_run_as_from_one_that_ended(xt: Xt) -> None:
    xt.script("logging.py", LOGGING)
    options = ("--search-type", "dgd", "--runs", "8", "--seed", "4", "--primary-metric", "a:max")
    command = ("logging.py", "[[1],[2],[11],[3],[4],[2],[1],[5]]", "--k=[1, 2, 3, 4, 5, 6, 7, 8]")
    xt.submit(*options, "--early-stopping", "threshold,upper=10", *command)
    assert xt.wait_job("job1") == "completed"
    xt.submit(*options, "--env", "ENDS=1", *command)
    assert xt.wait_job("job2") == "completed"
    stopped, ended = xt.children("job1"), xt.children("job2")
    assert [run.run_index for run in stopped if run.stopped_early] == [2]
    assert not any(run.stopped_early for run in ended)
    assert [run.hparams for run in stopped] == [run.hparams for run in ended]
