"""More runs for a job that is there, and searches that learn from other jobs."""

import json
from pathlib import Path

import pytest
from support import Xt, wait_until

from xt_core.model.records import Value
from xt_core.stats.sqlite import SqliteStatsStore

SCORE = """
import json, os, sys, time
hparams, index = json.loads(os.environ["XT_HPARAMS"]), int(os.environ["XT_RUN_INDEX"])
print("ready", flush=True)
while index == 0 and "GO" in os.environ and not os.path.exists(os.environ["GO"]):
    time.sleep(0.02)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    values = {"a": hparams["k"] + (hparams["x"] > 3)}
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": values}) + "\\n")
"""
SPACE = ("score.py", "--x=[1, 2, 3, 4]", "--k=[1, 2, 3, 4]")
SEARCH = ("--search-type", "dgd", "--primary-metric", "a:max")


def sets(xt: Xt, job: str) -> list[dict[str, Value]]:
    """The sets of a job that must have completed, by run_index."""
    assert xt.wait_job(job) == "completed"
    runs = xt.children(job)
    assert [run.run_index for run in runs] == list(range(len(runs)))
    assert {str(run.status) for run in runs} == {"completed"}
    return [run.hparams for run in runs]


# More runs ------------------------------------------------------------------------------


@pytest.mark.both
def test_an_ended_search_goes_on_as_if_it_had_been_longer(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    xt.submit(*SEARCH, "--runs", "8", "--seed", "2", *SPACE)
    longer = sets(xt, "job1")
    xt.submit(*SEARCH, "--runs", "5", "--seed", "2", *SPACE)
    assert sets(xt, "job2") == longer[:5]
    document = xt.submit("--extend", "job2", "--runs", "3")
    assert document == {
        "workspace": "ws1", "job": "job2", "runs": ["run2"], "style": "dynamic",
        "work_items": 8, "nodes": ["node0"],
    }  # fmt: skip
    assert sets(xt, "job2") == longer
    assert [run.name for run in xt.children("job2")] == [f"run2.{n}" for n in range(1, 9)]
    xt.wait_status("run2", "completed")
    assert xt.event_data("run2", "extended") == {"work_items": 3}
    assert [event for event in xt.events("run2") if event != "child_created"] == [
        "created", "queued", "ended", "extended", "ended",
    ]  # fmt: skip
    assert len(xt.json("list", "runs", "--job", "job2")["runs"]) == 8


def test_an_extended_grid_begins_anew(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    xt.submit("score.py", "--x=[1, 2]", "--k=[5]")
    assert xt.wait_job("job1") == "completed"
    for runs in (4, 6):
        done = xt("run", "--wait", "--extend", "job1", "--runs", "2")
        assert done.returncode == 0
        repeated = f"the grid has 2 sets: {runs - 2} of {runs} runs repeat one"
        assert f"warning: {repeated}\n" in done.stderr
    assert sets(xt, "job1") == [{"x": x, "k": 5} for x in (1, 2, 1, 2, 1, 2)]


@pytest.mark.both
def test_what_a_running_job_gets_is_done_beside_what_runs(xt: Xt, tmp_path: Path) -> None:
    xt.script("score.py", SCORE)
    go = tmp_path / "go"
    options = ("--runs", "2", "--concurrent", "2", "--env", f"GO={go}")
    xt.submit(*SEARCH, *options, *SPACE)
    xt.wait_output("run1.1", "ready")
    xt.wait_status("run1.2", "completed")
    assert xt.submit("--extend", "job1", "--runs", "2")["work_items"] == 4
    xt.wait_status("run1.4", "completed")
    assert xt.run("run1.1").status == "running"
    go.touch()
    assert len(sets(xt, "job1")) == 4
    assert xt.wait_status("run1", "completed").name == "run1"
    assert [run.name for run in xt.children("job1")] == [f"run1.{n}" for n in range(1, 5)]


@pytest.mark.both
def test_what_a_cancelled_job_gets_is_done(xt: Xt, tmp_path: Path) -> None:
    xt.script("score.py", SCORE)
    xt.submit(*SEARCH, "--runs", "3", "--env", f"GO={tmp_path / 'never'}", *SPACE)
    xt.wait_output("run1.1", "ready")
    xt("cancel", "job", "job1")
    assert xt.submit("--extend", "job1", "--runs", "2")["work_items"] == 5
    xt.wait_status("run1", "completed")
    items = xt.session.store.work_items("job1")
    assert [(item.run_index, item.run, str(item.status)) for item in items] == [
        (0, "run1.1", "cancelled"),
        (1, None, "cancelled"),
        (2, None, "cancelled"),
        (3, "run1.2", "completed"),
        (4, "run1.3", "completed"),
    ]


def test_a_controller_that_was_not_told_of_an_extension_does_it(xt: Xt, tmp_path: Path) -> None:
    xt.script("score.py", SCORE)
    go = tmp_path / "go"
    xt.submit("--runs", "1", "--env", f"GO={go}", "score.py", "--x=[1, 2, 3]", "--k=[5]")
    xt.wait_output("run1.1", "ready")
    xt.session.store.extend_job("job1", 2)  # as by a client that dies before it tells
    go.touch()
    assert len(sets(xt, "job1")) == 3


def test_what_is_stored_of_an_extension_is_found_by_the_next_controller(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    xt.submit(*SEARCH, "--runs", "2", *SPACE)
    assert len(sets(xt, "job1")) == 2
    wait_until(lambda: xt.json("status")["runs"] == [])
    xt.kill_controller()
    xt.session.store.extend_job("job1", 2)
    xt.session.controller.ensure_running()
    assert len(sets(xt, "job1")) == 4


# Minutes --------------------------------------------------------------------------------

TWO_DAYS = 2 * 86_400


def age(xt: Xt, statement: str) -> None:
    """Move times in the stats store two days into the past."""
    with SqliteStatsStore(xt.home.stats_file).database.transaction() as connection:
        connection.execute(statement, (TWO_DAYS,))


def test_an_extension_has_its_minutes_from_its_own_beginning(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.sh", 'echo ready; until [ -e "$1" ]; do sleep 0.02; done\n')
    go = tmp_path / "go"
    go.touch()
    xt.submit("--runs", "2", "--max-minutes", "60", "t.sh", str(go))
    assert xt.wait_job("job1") == "completed"
    age(xt, "UPDATE jobs SET created = created - ?")
    go.unlink()
    xt.submit("--extend", "job1", "--runs", "1")
    xt.wait_output("run1.3", "ready")
    xt.kill_controller()  # the next one counts from there too
    xt.session.controller.ensure_running()
    wait_until(lambda: [run["name"] for run in xt.json("status")["runs"]] == ["run1.3"])
    xt.submit("--extend", "job1", "--runs", "1")
    go.touch()
    assert xt.wait_job("job1") == "completed"
    assert [str(run.status) for run in xt.children("job1")] == ["completed"] * 4
    xt.wait_status("run1", "completed")
    assert "time_over" not in xt.events("run1")


def test_the_minutes_of_an_extension_end_too(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.sh", 'echo ready; until [ -e "$1" ]; do sleep 0.02; done\n')
    xt.submit("--runs", "2", "--max-minutes", "60", "t.sh", str(tmp_path / "never"))
    for number in (1, 2):
        xt.wait_output(f"run1.{number}", "ready")
        xt.kill_controller()
        age(xt, "UPDATE jobs SET created = created - ?")
        age(xt, "UPDATE events SET time = time - ?")
        xt.session.controller.ensure_running()
        assert xt.wait_job("job1") == "cancelled"
        assert xt.wait_status("run1", "cancelled").name == "run1"
        assert xt.events("run1").count("time_over") == number
        xt.submit("--extend", "job1", "--runs", "1")
    assert xt.wait_status("run1.3", "running").run_index == 3
    assert [str(item.status) for item in xt.session.store.work_items("job1")] == [
        "cancelled", "cancelled", "cancelled", "started",
    ]  # fmt: skip


IMPOSSIBLE = [
    (("job1", "--runs", "2"), 2, "job1 is a single run"),
    (("job9", "--runs", "2"), 3, "no job named job9"),
    (("job2",), 2, "--extend without a number of runs"),
    (("job2", "--runs", "0"), 2, "--extend without a number of runs"),
    (
        ("job2", "--runs", "2", "--seed", "3"),
        2,
        "--extend and --seed together: a job goes on as it was submitted",
    ),
    (
        ("job2", "--runs", "2", "score.py"),
        2,
        "--extend and score.py together: a job goes on as it was submitted",
    ),
    (
        ("job2", "--runs", "2", "--dry-run"),
        2,
        "--extend and --dry-run together: an extension has nothing to show beforehand",
    ),
]


def test_an_extension_that_cannot_be_adds_nothing(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    xt.submit("true")
    xt.submit(*SEARCH, "--runs", "1", *SPACE)
    assert len(sets(xt, "job2")) == 1
    for options, code, message in IMPOSSIBLE:
        done = xt("run", "--json", "--extend", *options, code=code)
        assert json.loads(done.stdout)["error"]["message"] == message
    assert [job["work_items"] for job in xt.json("list", "jobs")["jobs"]] == [1, 1]


# Learning from others -------------------------------------------------------------------


@pytest.mark.both
def test_a_warm_start_learns_from_another_job(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    xt.submit(*SEARCH, "--runs", "12", "--seed", "1", *SPACE)
    first = sets(xt, "job1")
    again = (*SEARCH, "--runs", "3", "--seed", "2")
    xt.submit(*again, *SPACE)
    xt.submit(*again, "--warm-start", "job1", *SPACE)
    xt.submit(*again, "--warm-start", "job1,job2", *SPACE)
    xt.submit(*again, "--warm-start", "job1", *SPACE)
    cold, warm, warmer, same = (sets(xt, f"job{n}") for n in (2, 3, 4, 5))
    assert len(first) == 12
    assert warm != cold
    assert warm == same
    assert len(warmer) == 3
    jobs = {job["name"]: job["warm_start"] for job in xt.json("list", "jobs")["jobs"]}
    assert jobs == {
        "job1": [], "job2": [], "job3": ["job1"], "job4": ["job1", "job2"], "job5": ["job1"],
    }  # fmt: skip
    missing = xt("run", *again, "--warm-start", "job77", *SPACE, code=3).stderr
    assert "no job named job77" in missing


@pytest.mark.both
def test_a_search_may_learn_from_all_of_its_experiment(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {aggregate-dest: experiment}\n")
    again = (*SEARCH, "--runs", "3", "--seed", "2")
    xt.submit(*again, *SPACE)
    cold = sets(xt, "job1")
    xt.submit(*SEARCH, "--runs", "12", "--seed", "1", "--experiment", "other", *SPACE)
    assert len(sets(xt, "job2")) == 12
    xt.submit(*again, "--experiment", "other", *SPACE)
    xt.submit(*again, "--experiment", "third", *SPACE)
    assert sets(xt, "job3") != cold
    assert sets(xt, "job4") == cold


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_a_job_of_several_nodes_is_extended_also_where_a_controller_is_gone(
    xt: Xt, schedule: str
) -> None:
    xt.script("t.py", "print('done')")
    xt.submit("--nodes", "2", "--schedule", schedule, "--runs", "4", "t.py")
    assert xt.wait_job("job1") == "completed"
    xt.kill_controller("node1")
    xt("run", "--extend", "job1", "--runs", "6")
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.run_index for run in runs] == list(range(10))
    assert {str(run.status) for run in runs} == {"completed"}
    assert all(xt.console(run.name) == b"done\n" for run in runs)
    if schedule == "static":
        assert [run.node for run in runs] == ["node0", "node1"] * 5
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert (counts["completed"], counts["unstarted"]) == (10, 0)


@pytest.mark.services
def test_a_search_learns_from_jobs_of_other_machines(xt: Xt) -> None:
    xt.script("score.py", SCORE)
    other = Xt(xt.home.root.with_name("other-home"), xt.code, xt.home.config_file.read_text())
    try:
        xt.submit(*SEARCH, "--runs", "12", "--seed", "1", *SPACE)
        assert len(sets(xt, "job1")) == 12
        again = (*SEARCH, "--runs", "3", "--seed", "2")
        xt.submit(*again, "--warm-start", "job1", *SPACE)
        other.submit(*again, "--warm-start", "job1", *SPACE)
        joint = "hyperparameter-search: {aggregate-dest: experiment}\n"
        (xt.code / "xt_config.yaml").write_text(joint)
        experiment = ("--experiment", "joint")
        xt.submit(*SEARCH, "--runs", "12", "--seed", "1", *experiment, *SPACE)
        assert sets(xt, "job4") == sets(xt, "job1")
        assert sets(other, "job3") == sets(xt, "job2")
        other.submit(*again, *experiment, *SPACE)
        assert sets(other, "job5") == sets(xt, "job2")
    finally:
        other.close()
