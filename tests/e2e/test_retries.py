"""Retries, time limits, priorities, and the options of a submission that make no sense."""

from pathlib import Path

import pytest
from support import Xt, wait_until

from xt_core.stats.sqlite import SqliteStatsStore

FAILING = """
import json, os, sys
restarts = int(os.environ["XT_RESTARTS"])
print("start", restarts, os.environ["XT_RUN_NAME"], os.environ["XT_HPARAMS"], flush=True)
sys.exit(int(sys.argv[1].split(",")[restarts]))
"""
WAITING = """
import os, sys, time
print("ready", os.environ["XT_RESTARTS"], flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
sys.exit(0 if int(os.environ["XT_RESTARTS"]) == 2 else 5)
"""


@pytest.mark.both
@pytest.mark.parametrize(
    ("options", "codes", "outcome"),
    [
        (("--retries", "2"), "3,4,0", ("completed", 0, 2)),
        (("--retries", "1"), "3,4,0", ("error", 4, 1)),
        (("--retries", "9"), "0,1", ("completed", 0, 0)),
        (("--retries", "9", "--retry-exit-codes", "7,9"), "7,9,3,0", ("error", 3, 2)),
    ],
)
def test_a_run_that_fails_is_started_again(
    xt: Xt, options: tuple[str, ...], codes: str, outcome: tuple[str, int, int]
) -> None:
    xt.script("failing.py", FAILING)
    xt.submit(*options, "failing.py", codes)
    retries = outcome[2]
    assert xt.wait_job("job1") == outcome[0]
    run = xt.run("run1")
    assert (run.status, run.exit_code, run.retries, run.restarts) == (*outcome, retries)
    again = ["queued", "download_before", "restarted"] * retries
    first = ["created", "queued", "download_before", "started"]
    assert xt.events("run1") == [*first, *again, "ended", "capture_after"]
    starts = [f"start {number} run1 {{}}" for number in range(retries + 1)]
    assert xt.console("run1").decode().splitlines() == starts
    queued = [e.data for e in xt.session.store.events("ws1", "run1") if e.event == "queued"]
    expected = [{"retry": n + 1, "exit_code": int(codes.split(",")[n])} for n in range(retries)]
    assert queued == [{}, *expected]


@pytest.mark.both
def test_the_runs_of_a_search_keep_name_and_set_over_retries(xt: Xt) -> None:
    xt.script("failing.py", FAILING)
    options = ("--search-type", "dgd", "--runs", "3", "--concurrent", "2", "--retries", "1")
    xt.submit(*options, "failing.py", "3,0", "--k=[1, 2, 3]")
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [(run.run_index, run.retries, run.restarts) for run in runs] == [
        (0, 1, 1), (1, 1, 1), (2, 1, 1),
    ]  # fmt: skip
    for run in runs:
        k = run.hparams["k"]
        assert xt.console(run.name).decode().splitlines() == [
            f'start 0 {run.name} {{"k":{k}}}',
            f'start 1 {run.name} {{"k":{k}}}',
        ]


def test_a_service_restart_is_no_retry(xt: Xt, tmp_path: Path) -> None:
    xt.script("waiting.py", WAITING)
    go = tmp_path / "go"
    xt.submit("--retries", "1", "waiting.py", str(go))
    xt.wait_output("run1", "ready 0")
    xt("restart", "controller", "job1")
    xt.wait_output("run1", "ready 1")
    xt.kill_controller()
    go.touch()
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "completed"
    run = xt.run("run1")
    assert (run.restarts, run.retries, run.exit_code) == (2, 1, 0)


def test_a_cancelled_run_is_not_tried_again(xt: Xt, tmp_path: Path) -> None:
    xt.script("waiting.py", WAITING)
    xt.submit("--retries", "3", "waiting.py", str(tmp_path / "never"))
    xt.wait_output("run1", "ready 0")
    xt("cancel", "run", "run1")
    run = xt.run("run1")
    assert (run.status, run.restarts, run.retries) == ("cancelled", 0, 0)


@pytest.mark.both
def test_a_job_whose_minutes_are_over_is_cancelled(xt: Xt, tmp_path: Path) -> None:
    xt.script("waiting.py", WAITING)
    limits = ("--runs", "3", "--max-minutes", "0.05")
    xt.submit(*limits, "waiting.py", str(tmp_path / "never"))
    assert xt.wait_job("job1") == "cancelled"
    assert [(run.name, str(run.status)) for run in xt.children("job1")] == [("run1.1", "cancelled")]
    items = xt.session.store.work_items("job1")
    assert [str(item.status) for item in items] == ["cancelled"] * 3
    assert xt.event_data("run1", "time_over") == {"max_minutes": 0.05}
    assert xt.wait_status("run1", "cancelled").name == "run1"


def damage_set(xt: Xt, run_index: int, text: str = "{}") -> None:
    """Give a work item a set that lacks what its command needs, or is none."""
    with SqliteStatsStore(xt.home.stats_file).database.transaction() as connection:
        connection.execute(
            "UPDATE work_items SET hparams = ? WHERE run_index = ?", (text, run_index)
        )


def test_a_run_that_cannot_be_begun_is_an_error_and_the_others_go_on(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("waiting.sh", 'echo "ready $2"; until [ -e "$1" ]; do sleep 0.02; done\n')
    go = tmp_path / "go"
    xt.submit("waiting.sh", str(go), "--k=[1, 2, 3]")
    xt.wait_output("run1.1", "ready")
    damage_set(xt, 1)
    go.touch()
    assert xt.wait_job("job1") == "error"
    runs = xt.children("job1")
    assert [str(run.status) for run in runs] == ["completed", "error", "completed"]
    assert runs[1].error == "internal error: KeyError: 'k'; see controller.log"
    assert xt.events("run1.2") == ["created", "queued", "ended"]
    assert xt.event_data("run1.2", "ended")["error"] == runs[1].error
    log = xt.home.controller_log.read_text()
    assert "ws1/run1.2: internal error before it could start\nTraceback" in log
    assert xt.wait_status("run1", "completed").name == "run1"


def test_a_living_run_whose_set_is_gone_is_ended_by_the_next_controller(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("waiting.sh", "echo ready; sleep 600\n")
    xt.submit("--runs", "2", "waiting.sh", "--k=[1, 2]")
    xt.wait_output("run1.1", "ready")
    xt.kill_controller()
    damage_set(xt, 0)
    xt.session.controller.ensure_running()
    assert xt.wait_status("run1.1", "error").error.startswith("internal error: KeyError")
    assert xt.processes_of_run("run1.1") == []
    xt.wait_status("run1.2", "running")


def test_a_job_that_cannot_be_served_ends_as_an_error_when_its_runs_have_ended(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("waiting.sh", 'echo ready; until [ -e "$1" ]; do sleep 0.02; done\n')
    go = tmp_path / "go"
    xt.submit("waiting.sh", str(go), "--k=[1, 2, 3]")
    xt.wait_output("run1.1", "ready")
    damage_set(xt, 1, "no JSON")
    go.touch()
    assert xt.wait_job("job1") == "error"
    assert [str(run.status) for run in xt.children("job1")] == ["completed"]
    assert xt.wait_status("run1", "error").error == "internal error, see controller.log"
    wait_until(lambda: xt.json("status")["nodes"][0]["jobs"] == [], "the job to be let go")


def test_a_job_with_a_larger_priority_gets_the_next_place(xt: Xt, tmp_path: Path) -> None:
    xt.script("waiting.py", WAITING)
    xt.configure("boxes: {local: {max-runs: 1}}\n")
    go = tmp_path / "go"
    xt.submit("waiting.py", str(go))
    xt.wait_output("run1", "ready 0")
    for priority in ("0", "-1", "5"):
        xt.submit("--priority", priority, "true")
    go.touch()
    for job in ("job2", "job3", "job4"):
        assert xt.wait_job(job) == "completed"
    started = {name: xt.run(name).started or 0 for name in ("run2", "run3", "run4")}
    assert sorted(started, key=started.__getitem__) == ["run4", "run2", "run3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--retries", "-1"), "--retries"),
        (("--retry-exit-codes", "1,x"), "--retry-exit-codes 1,x: not all are whole numbers"),
        (("--max-minutes", "-1"), "--max-minutes"),
        (("--max-minutes", "nan"), "--max-minutes"),
        (("--seed", "-1"), "--seed"),
        (("--concurrent", "0"), "--concurrent"),
        (("--early-stopping", "mean"), "--early-stopping: unknown policy 'mean'"),
        (("--early-stopping", "bandit"), "early-stopping.early-policy bandit needs"),
        (("--search-type", "tpe"), "a tpe search without a number of runs"),
        (("--search-type", "tpee", "--runs", "2"), "'tpee'"),
        (
            ("--search-type", "cmaes", "--runs", "2", "--primary-metric", "a:max,b:min"),
            "search type cmaes: 2 objectives, but it takes one",
        ),
        (("--primary-metric", "a:max,"), "--primary-metric"),
        (("--hp-config", "none.yaml"), "none.yaml"),
        (("--warm-start", "job1"), "--warm-start without a search that learns"),
        (("--runs", "2", "--schedule", "fair"), "'fair'"),
    ],
)
def test_bad_options_are_told_in_one_line(xt: Xt, options: tuple[str, ...], message: str) -> None:
    xt.script("failing.py", FAILING)
    done = xt("run", *options, "failing.py", "--k=[1, 2]", code=2)
    assert done.stdout == ""
    first, *others = done.stderr.splitlines()
    assert first.startswith("xt: error: ")
    assert message in first
    assert all(line.startswith("hint: ") for line in others)
    assert len(others) <= 1
    assert xt.json("list", "jobs")["jobs"] == []
