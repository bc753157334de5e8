"""Searches from `xt run` to their last set: every algorithm, seeds, history, trouble."""

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest
from support import Xt, wait_until

from xt_core.model.records import Run, Value
from xt_core.stats.store import RunQuery

SCRIPT = """
import os, sys
from xt_core import Run
args = dict(word.lstrip("-").split("=") for word in sys.argv[1:])
x, kind = float(args["x"]), args.get("kind", "a")
loss = (x - 0.3) ** 2 + (0 if kind == "a" else 1)
Run().log_metrics({"loss": loss, "size": x})
"""
SPACE = ("--x=[$uniform(0, 1)]", "--kind=[a, b]")
LOSS = ("--primary-metric", "loss:min")


def runs_of(xt: Xt, job: str = "job1") -> list[Run]:
    """The job's runs by run_index."""
    runs = xt.session.store.find_runs(RunQuery(jobs=[job]))[0]
    return sorted(runs, key=lambda run: -1 if run.run_index is None else run.run_index)


def sets_of(xt: Xt, job: str = "job1") -> list[dict[str, Value] | None]:
    return [item.hparams for item in xt.session.store.work_items(job)]


def search(xt: Xt, algorithm: str, runs: int, *options: str) -> None:
    xt.script("t.py", SCRIPT)
    xt("run", "--wait", "--runs", str(runs), "--search-type", algorithm, *LOSS, *options, "t.py",
       *SPACE)  # fmt: skip


@pytest.mark.parametrize(
    ("algorithm", "style"),
    [("random", "static"), ("tpe", "dynamic"), ("cmaes", "dynamic"), ("qmc", "dynamic"),
     ("dgd", "dynamic"), ("nsga2", "dynamic"), ("gp", "dynamic")],
)  # fmt: skip
def test_each_algorithm_gives_every_run_a_set(xt: Xt, algorithm: str, style: str) -> None:
    search(xt, algorithm, 12, "--seed", "1")
    assert xt.wait_job("job1") == "completed"
    runs = runs_of(xt)
    assert [run.run_index for run in runs] == list(range(12))
    assert {run.status for run in runs} == {"completed"}
    assert xt.session.store.job("job1").style == style
    for run, given in zip(runs, sets_of(xt), strict=True):
        assert given == run.hparams
        assert isinstance(given["x"], float)
        assert 0 <= given["x"] <= 1
        assert given["kind"] in ("a", "b")
        assert f"--x={given['x']!r} --kind={given['kind']}" in run.command
    assert not any("search_failed" in xt.events(run.name) for run in runs)


def test_a_seed_repeats_a_search_bit_for_bit(xt: Xt) -> None:
    search(xt, "tpe", 14, "--seed", "7")
    search(xt, "tpe", 14, "--seed", "7")
    search(xt, "tpe", 14, "--seed", "8")
    first, again, other = (sets_of(xt, f"job{number}") for number in (1, 2, 3))
    assert first == again
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_a_killed_controller_changes_no_set(xt: Xt) -> None:
    search(xt, "tpe", 14, "--seed", "7")
    xt.submit("--runs", "14", "--search-type", "tpe", *LOSS, "--seed", "7", "t.py", *SPACE)
    wait_until(lambda: sum(r.status == "completed" for r in runs_of(xt, "job2")) >= 4)
    xt.kill_controller()
    xt.session.controllers.ensure_running(["node0"])
    assert xt.wait_job("job2") == "completed"
    assert sets_of(xt, "job2") == sets_of(xt, "job1")
    assert [run.run_index for run in runs_of(xt, "job2")] == list(range(14))


def test_a_search_process_that_dies_is_replaced(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", SCRIPT + "if os.environ['XT_RUN_INDEX'] == '3':\n"
              f"    while not os.path.exists({str(gate)!r}): pass\n")  # fmt: skip
    xt.submit("--no-code", "--runs", "8", "--search-type", "tpe", *LOSS, "t.py", *SPACE)
    wait_until(lambda: len(runs_of(xt)) == 4, "the fourth run")
    for pid in search_processes(xt):
        os.kill(pid, signal.SIGKILL)
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    assert [run.run_index for run in runs_of(xt)] == list(range(8))
    assert None not in sets_of(xt)
    failed = [run.name for run in runs_of(xt) if "search_failed" in xt.events(run.name)]
    assert failed == ["run1.5"]  # it has a random set; the next one is chosen again


def search_processes(xt: Xt) -> list[int]:
    found = []
    for pid in xt.processes():
        with contextlib.suppress(OSError):
            if b"xt_core.search.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    assert found
    return found


def test_a_restarted_run_keeps_its_set_its_name_and_its_index(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", SCRIPT + f"while not os.path.exists({str(gate)!r}): pass\n")
    xt.submit("--no-code", "--runs", "3", "--concurrent", "2", "--search-type", "tpe", *LOSS,
              "t.py", *SPACE)  # fmt: skip
    wait_until(lambda: [run.status for run in runs_of(xt)] == ["running"] * 2, "two runs")
    before = {run.name: (run.run_index, run.hparams) for run in runs_of(xt)}
    xt("restart", "controller", "job1")
    wait_until(lambda: [run.restarts for run in runs_of(xt)] == [1, 1], "the restart")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    after = {run.name: (run.run_index, run.hparams) for run in runs_of(xt)}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    "body",
    [
        "Run().log_metrics({'loss': float('nan')})",
        "Run().log_metrics({'loss': float('inf')})",
        "pass",
        "Run().log_hparams({'x': 99, 'other': 1}); Run().log_metrics({'loss': 1})",
        "sys.exit(int(os.environ['XT_RUN_INDEX']) % 2)",
    ],
)
def test_odd_runs_do_not_stop_a_search(xt: Xt, body: str) -> None:
    xt.script("t.py", f"import os, sys\nfrom xt_core import Run\n{body}\n")
    xt.submit("--runs", "14", "--concurrent", "2", "--search-type", "tpe", *LOSS, "t.py", *SPACE)
    assert xt.wait_job("job1") == ("error" if "exit" in body else "completed")
    assert [run.run_index for run in runs_of(xt)] == list(range(14))
    assert all(given is not None and 0 <= float(str(given["x"])) <= 1 for given in sets_of(xt))
    assert not any("search_failed" in xt.events(run.name) for run in runs_of(xt))


def test_a_search_is_extended_after_its_end_and_while_it_runs(xt: Xt) -> None:
    search(xt, "tpe", 3)
    answer = json.loads(xt("run", "--extend", "job1", "--runs", "2", "--json").stdout)
    assert (answer["job"], answer["runs"], answer["work_items"]) == ("job1", ["run1"], 5)
    wait_until(lambda: len(runs_of(xt)) == 5)
    xt("run", "--extend", "job1", "--runs", "4", "--wait")
    assert [run.run_index for run in runs_of(xt)] == list(range(9))
    assert {run.parent for run in runs_of(xt)} == {"run1"}
    assert {run.status for run in runs_of(xt)} == {"completed"}
    assert xt.session.store.job("job1").work_items == 9
    assert xt.wait_job("job1") == "completed"


def test_a_cancelled_search_goes_on_where_it_is_extended(xt: Xt) -> None:
    gate = xt.code / "gate"
    xt.script("t.py", SCRIPT + f"while not os.path.exists({str(gate)!r}): pass\n")
    xt.submit("--no-code", "--runs", "3", "--search-type", "tpe", *LOSS, "t.py", *SPACE)
    xt.wait_status("run1.1", "running")
    xt("cancel", "job", "job1")
    assert xt.wait_job("job1") == "cancelled"
    gate.touch()
    xt("run", "--extend", "job1", "--runs", "2")
    wait_until(lambda: sum(run.status == "completed" for run in runs_of(xt)) == 2)
    assert [run.run_index for run in runs_of(xt) if run.status == "completed"] == [3, 4]


def test_a_search_learns_from_another_job(xt: Xt) -> None:
    xt.script("t.py", SCRIPT)
    xt("run", "--wait", "--runs", "30", "--search-type", "random", "--seed", "1", *LOSS, "t.py",
       *SPACE)  # fmt: skip
    search(xt, "tpe", 3, "--seed", "5")
    search(xt, "tpe", 3, "--seed", "5", "--warm-start", "job1")
    assert xt.session.store.job("job3").warm_start == ["job1"]
    assert sets_of(xt, "job2") != sets_of(xt, "job3")
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {aggregate-dest: experiment}")
    search(xt, "tpe", 3, "--seed", "5")
    assert sets_of(xt, "job4") != sets_of(xt, "job2")


def test_a_space_in_a_file_reaches_the_run_in_three_ways(xt: Xt) -> None:
    (xt.code / "hp.yaml").write_text(
        "hparams:\n  kind: [a, b]\n  model: {depth: {values: [1, 2], when: {kind: a}}}\n"
    )
    (xt.code / "xt_config.yaml").write_text(
        "hyperparameter-search: {fn-generated-config: config.yaml}\n"
    )
    xt.script("t.py", "import os, sys\nprint(sys.argv[1:])\nprint(os.environ['XT_HPARAMS'])\n"
              "print(open('config.yaml').read())")  # fmt: skip
    xt("run", "--wait", "--hp-config", "hp.yaml", "--search-type", "grid", "t.py", "own")
    given = [{"kind": "a", "model.depth": 1}, {"kind": "a", "model.depth": 2}, {"kind": "b"}]
    assert sets_of(xt) == given
    consoles = [xt.console(run.name).decode() for run in runs_of(xt)]
    assert "['own', '--kind=a', '--model.depth=2']" in consoles[1]
    assert '{"kind":"a","model.depth":2}' in consoles[1]
    assert "run1.2" in consoles[1]
    assert "depth: 2" in consoles[1]
    assert "['own', '--kind=b']" in consoles[2]


def test_the_counts_of_a_grid_are_those_of_the_original(xt: Xt) -> None:
    xt.script("t.py", "")
    grid = ("t.py", "--a=[1,2,3]", "--b=[1,2]", "--c=[1,2,3,4,5]")
    plan = ("run", "--dry-run", "--json", "--search-type", "grid")
    for options, count in (((), 30), (("--max-runs", "25"), 25), (("--runs", "150"), 150)):
        items = json.loads(xt(*plan, *options, *grid).stdout)["items"]
        assert len(items) == count
        assert items[0]["hparams"] == items[30 * (count // 150)]["hparams"] or count < 31
    assert [item["hparams"]["a"] for item in items[:4]] == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--search-type", "tpe", "t.py", "--x=[1,2]"), "a tpe search without a number of runs"),
        (("--search-type", "cmaes", "--runs", "3", "t.py", "--x=[a,b]"), "no parameter with"),
        (("--search-type", "dgd", "--runs", "3", "--primary-metric", "a,b", "t.py", "--x=[1,2]"),
         "2 objectives, but it takes one"),
        (("--search-type", "tpe", "--runs", "3", "t.py"), "with nothing to search"),
        (("--hp-config", "none.yaml", "t.py"), "cannot read the hyperparameter file none.yaml"),
        (("--early-stopping", "medain", "t.py", "--x=[1,2]"), "medain"),
        (("--retry-exit-codes", "x", "t.py"), "not all are whole numbers"),
        (("--extend", "job1", "--runs", "2", "--seed", "1"), "--extend and --seed together"),
        (("--extend", "job1"), "--extend without a number of runs"),
        (("--warm-start", "job1", "t.py"), "--warm-start without a search that learns"),
        (("--nodes", "0", "t.py"), "--nodes is 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line(xt: Xt, options: tuple[str, ...], message: str) -> None:
    xt.script("t.py", "")
    done = xt("run", *options, code=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert xt.session.store.jobs() == []
