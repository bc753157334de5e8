"""Searches through `xt run`: every algorithm, its sets, and what may happen to them."""

import contextlib
import json
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import Xt, wait_until

from xt_core.model.records import Value

SCORE = """
import json, os
hparams = json.loads(os.environ["XT_HPARAMS"])
x, k = hparams["x"], hparams["k"]
with open(os.environ["XT_JOURNAL"], "a") as journal:
    values = {"a": -(x - 0.3) ** 2 - k, "b": x * x + k}
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": values}) + "\\n")
"""
SPACE = ("--x=[$uniform(-1, 1)]", "--k=[1, 2, 3]")
OBJECTIVE = ("--primary-metric", "a:max")

Sets = list[dict[str, Value]]


def search(xt: Xt, *options: str, job: str = "job1", space: Sequence[str] = SPACE) -> Sets:
    """Search with `score.py` to the end; the sets by run_index."""
    xt.script("score.py", SCORE)
    xt.submit(*options, "score.py", *space)
    assert xt.wait_job(job) == "completed"
    runs = xt.children(job)
    assert [run.run_index for run in runs] == list(range(len(runs)))
    assert {str(run.status) for run in runs} == {"completed"}
    return [run.hparams for run in runs]


def assert_in_space(sets: Sets) -> None:
    for hparams in sets:
        assert sorted(hparams) == ["k", "x"]
        assert isinstance(hparams["x"], float)
        assert -1 <= hparams["x"] <= 1
        assert hparams["k"] in (1, 2, 3)


def worker_pids(xt: Xt) -> list[int]:
    """The search processes of this XT."""
    found = []
    for pid in xt.processes():
        with contextlib.suppress(OSError):  # it has just ended
            if b"xt_core.search.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


# Algorithms -----------------------------------------------------------------------------


@pytest.mark.both
@pytest.mark.parametrize(
    ("algorithm", "runs", "objective"),
    [
        ("tpe", 12, "a:max"),
        ("cmaes", 8, "a:max"),
        ("qmc", 6, "a:max"),
        ("nsga2", 8, "a:max,b:min"),
        ("dgd", 8, "b:min"),
        ("gp", 12, "a:max"),
        ("random", 6, "a:max"),
    ],
)
def test_each_algorithm_runs_each_index_once(
    xt: Xt, algorithm: str, runs: int, objective: str
) -> None:
    options = ("--search-type", algorithm, "--runs", str(runs), "--seed", "7")
    sets = search(xt, *options, "--concurrent", "2", "--primary-metric", objective)
    assert len(sets) == runs
    assert_in_space(sets)
    assert len({json.dumps(hparams) for hparams in sets}) > runs // 2
    for run in xt.children("job1"):
        arguments = [f"--{name}={run.hparams[name]}" for name in ("x", "k")]
        assert shlex.split(run.command)[-2:] == arguments
        assert "search_failed" not in xt.events(run.name)
        assert run.restarts == 0
    job = xt.json("list", "jobs")["jobs"][0]
    assert (job["search_type"], job["work_items"], job["seed"]) == (algorithm, runs, 7)
    assert job["counts"] == {
        "unstarted": 0, "running": 0, "completed": runs, "error": 0, "cancelled": 0,
    }  # fmt: skip


def test_a_grid_gives_each_combination_once(xt: Xt) -> None:
    sets = search(xt, "--concurrent", "2", space=("--x=[0, 1, 2]", "--k=[4, 5]"))
    assert sets == [{"x": x, "k": k} for k in (4, 5) for x in (0, 1, 2)]


@pytest.mark.parametrize(
    ("options", "count"),
    [(("--search-type", "grid"), 4), (("--search-type", "random", "--runs", "5"), 5)],
)
def test_grid_and_random_are_dynamic_on_request_with_the_same_sets(
    xt: Xt, options: tuple[str, ...], count: int
) -> None:
    space = ("--x=[$uniform(-1, 1)]", "--k=[1, 2, 3, 4]")
    xt.script("score.py", SCORE)
    planned = json.loads(
        xt("run", "--json", "--dry-run", *options, "--seed", "3", "score.py", *space).stdout
    )
    sets = search(xt, *options, "--search-style", "dynamic", "--seed", "3", space=space)
    assert sets == [item["hparams"] for item in planned["items"]]
    assert len(sets) == count
    job = xt.json("list", "jobs")["jobs"][0]
    assert (job["style"], job["search_type"]) == ("dynamic", options[1])
    xt("run", "--extend", "job1", "--runs", "2")
    assert xt.wait_job("job1") == "completed"
    assert [run.hparams for run in xt.children("job1")][:count] == sets
    assert len(xt.children("job1")) == count + 2


@pytest.mark.parametrize(
    ("options", "count"), [((), 30), (("--max-runs", "25"), 25), (("--runs", "150"), 150)]
)
def test_the_runs_of_a_grid_of_30(xt: Xt, options: tuple[str, ...], count: int) -> None:
    xt.script("score.py", "")
    space = ("--a=[1, 2, 3]", "--b=[1, 2]", "--c=[1, 2, 3, 4, 5]")
    grid_run = ("run", "--json", "--dry-run", "--search-type", "grid")
    document = json.loads(xt(*grid_run, *options, "score.py", *space).stdout)
    grid = [{"a": a, "b": b, "c": c} for c in range(1, 6) for b in (1, 2) for a in (1, 2, 3)]
    assert (document["style"], document["work_items"]) == ("static", count)
    assert [item["run_index"] for item in document["items"]] == list(range(count))
    assert [item["hparams"] for item in document["items"]] == [grid[i % 30] for i in range(count)]
    assert xt.json("list", "jobs") == {"jobs": [], "total": 0}


# Repeatable -----------------------------------------------------------------------------


def test_a_seed_gives_the_same_sets_again_and_another_one_others(xt: Xt) -> None:
    options = ("--search-type", "tpe", "--runs", "12", *OBJECTIVE, "--seed")
    first = search(xt, *options, "5")
    assert search(xt, *options, "5", job="job2") == first
    other = search(xt, *options, "6", job="job3")
    assert all(mine != its for mine, its in zip(first, other, strict=True))


@pytest.mark.both
def test_a_killed_controller_changes_no_set_of_a_search(xt: Xt) -> None:
    options = ("--search-type", "tpe", "--runs", "14", *OBJECTIVE, "--seed", "5")
    undisturbed = search(xt, *options)
    xt.submit(*options, "score.py", *SPACE)
    for name in ("run2.4", "run2.12"):
        xt.wait_status(name, "running", "completed")
        xt.kill_controller()
        xt.session.controller.ensure_running()
    assert xt.wait_job("job2") == "completed"
    runs = xt.children("job2")
    assert [run.hparams for run in runs] == undisturbed
    assert [xt.events(run.name).count("ended") for run in runs] == [1] * 14
    items = xt.session.store.work_items("job2")
    assert [item.run for item in items] == [run.name for run in runs]
    assert {str(item.status) for item in items} == {"completed"}


STEADY = """
import json, os, time
hparams = json.loads(os.environ["XT_HPARAMS"])
print("start", os.environ["XT_RESTARTS"], os.environ["XT_RUN_INDEX"], hparams, flush=True)
while os.environ["XT_RESTARTS"] == "0" and int(os.environ["XT_RUN_INDEX"]) < 2:
    time.sleep(0.05)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": {"a": hparams["x"]}}) + "\\n")
"""


def test_restarted_runs_of_a_search_keep_name_set_and_index(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    options = ("--search-type", "tpe", "--runs", "4", "--concurrent", "2", *OBJECTIVE)
    xt.submit(*options, "steady.py", *SPACE)
    xt.wait_output("run1.1", "start 0")
    xt.wait_output("run1.2", "start 0")
    for name in ("run1.1", "run1.2"):
        xt.wait_status(name, "running")  # the team knows their sets from then on
    before = xt.children("job1")[:2]
    assert sorted(xt.json("restart", "controller", "job1")["restarted"]) == ["run1.1", "run1.2"]
    assert xt.wait_job("job1") == "completed"
    after = xt.children("job1")
    kept = [(run.name, run.hparams, run.run_index, run.command) for run in after[:2]]
    assert kept == [(run.name, run.hparams, run.run_index, run.command) for run in before]
    assert [run.restarts for run in after] == [1, 1, 0, 0]
    for run in after[:2]:
        index, hparams = run.run_index, {name: run.hparams[name] for name in ("x", "k")}
        assert xt.console(run.name).decode().splitlines() == [
            f"start 0 {index} {hparams}",
            f"start 1 {index} {hparams}",
        ]


def test_a_run_that_waits_to_start_again_goes_before_new_work(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    xt.submit("--search-type", "tpe", "--runs", "3", *OBJECTIVE, "steady.py", *SPACE)
    xt.wait_output("run1.1", "start 0")
    xt("restart", "controller", "job1", "--delay", "600")
    xt.wait_status("run1.1", "queued")
    xt.kill_controller()
    xt.session.controller.ensure_running()
    xt.wait_output("run1.2", "start 0")
    assert xt.run("run1.1").status == "completed"
    xt("restart", "controller", "job1")
    assert xt.wait_job("job1") == "completed"
    assert [run.name for run in xt.children("job1")] == ["run1.1", "run1.2", "run1.3"]


# Trouble --------------------------------------------------------------------------------

ODD = """
import json, os, sys
index = int(os.environ["XT_RUN_INDEX"])
hparams = json.loads(os.environ["XT_HPARAMS"])
records = {
    0: {"type": "metrics", "values": {"a": {"$float": "NaN"}}},
    1: {"type": "metrics", "values": {"a": {"$float": "Infinity"}}},
    2: {"type": "metrics", "values": {"other": 1}},
    3: {"type": "metrics", "values": {"a": "text"}},
}
with open(os.environ["XT_JOURNAL"], "a") as journal:
    journal.write(json.dumps({"type": "hparams", "values": {"x": 99, "own": "mine"}}) + "\\n")
    good = {"type": "metrics", "values": {"a": hparams["x"]}}
    journal.write(json.dumps(records.get(index, good)) + "\\n")
sys.exit(3 if index >= 4 and index % 2 else 0)
"""


@pytest.mark.both
def test_odd_results_and_failures_do_not_end_a_search(xt: Xt) -> None:
    xt.script("odd.py", ODD)
    options = ("--search-type", "tpe", "--runs", "16", "--seed", "3", *OBJECTIVE)
    xt.submit(*options, "odd.py", *SPACE)
    assert xt.wait_job("job1") == "error"
    runs = xt.children("job1")
    failed = [run.run_index for run in runs if run.status == "error"]
    assert failed == [5, 7, 9, 11, 13, 15]
    assert sum(run.status == "completed" for run in runs) == 10
    assert not any("search_failed" in xt.events(run.name) for run in runs)
    sets = [item.hparams for item in xt.session.store.work_items("job1")]
    assert_in_space([hparams for hparams in sets if hparams is not None])
    assert len(sets) == 16
    good = [
        (s["x"], r.name)
        for s, r in zip(sets, runs, strict=True)
        if s and (r.run_index or 0) > 3 and r.status == "completed"
    ]
    best = max(good)
    assert xt.json("list", "jobs")["jobs"][0]["best"] == {"run": best[1], "value": best[0]}


@pytest.mark.both
def test_a_run_may_log_other_hyperparameters_than_it_was_given(xt: Xt) -> None:
    xt.script("odd.py", ODD)
    xt.submit("--search-type", "tpe", "--runs", "2", *OBJECTIVE, "odd.py", *SPACE)
    assert xt.wait_job("job1") == "completed"
    for run, item in zip(xt.children("job1"), xt.session.store.work_items("job1"), strict=True):
        assert item.hparams is not None
        assert run.hparams == item.hparams | {"x": 99, "own": "mine"}
        assert f"--x={item.hparams['x']}" in run.command


def test_a_killed_search_process_is_replaced_and_changes_no_set(xt: Xt) -> None:
    xt.script("steady.py", STEADY)
    options = ("--search-type", "tpe", "--runs", "5", "--seed", "8", *OBJECTIVE)
    undisturbed = search(xt, *options)
    xt.submit(*options, "steady.py", *SPACE)
    xt.wait_output("run2.1", "start 0")
    (worker,) = worker_pids(xt)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the search process to be gone")
    xt("restart", "controller", "job2")
    xt.wait_output("run2.2", "start 0")
    assert worker_pids(xt) not in ([], [worker])
    xt("restart", "controller", "job2")
    assert xt.wait_job("job2") == "completed"
    runs = xt.children("job2")
    assert [run.hparams for run in runs] == undisturbed
    assert not any("search_failed" in xt.events(run.name) for run in runs)
    wait_until(lambda: not worker_pids(xt), "the search process to end")
