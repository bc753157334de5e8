"""`xt view job`: what a search found, as a page and as a document."""

import math
import os
import subprocess
import sys
from typing import Any

import pytest
from cli_support import Commands

from xt_core.model.records import Job, MetricRecord, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.store import JournalBatch, RunChange, StatsStore

OPTIMIZERS = ("adam", "sgd", "lion")


@pytest.fixture
def searched(store: StatsStore) -> StatsStore:
    """job3: run3.1 to run3.13, lr from 1e-1 down to 1e-13 by decades, loss least at run3.7, which
    was stopped early, acc rising; run3.5 logged other hyperparameters, run3.12 failed, run3.13
    runs."""
    job = Job(
        "job3", "ws1", "e", "dynamic", "local", "ada", 1e9, 14, 1, "tpe",
        primary_metric="loss", maximize=False,
        objectives=[Objective("loss", maximize=False), Objective("acc", maximize=True)],
        space={"lr": "[$loguniform(-31, 0)]", "opt": "[adam, sgd, lion]"},
    )  # fmt: skip
    parent = Run("ws1", "run3", "job3", "e", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED, "node0") for n in range(14)]
    store.add_job(job, [parent], items)
    for number in range(1, 14):
        _live(store, parent, number)
    return store


def _live(store: StatsStore, parent: Run, number: int) -> None:
    claimed = store.claim_child(parent, "node0")
    assert claimed is not None
    item, run = claimed
    hparams: dict[str, Any] = {"lr": 10.0**-number, "opt": OPTIMIZERS[number % 3]}
    store.set_hparams(run, item, hparams, {})
    start = RunChange("ws1", run.name, RunStatus.RUNNING, "started")
    if number == 5:
        start.fields = {"hparams": {"lr": 99}}
    store.change_run(start)
    values = {"loss": float((number - 7) ** 2), "acc": number / 100}
    points = [MetricRecord(0, 1e9, 0.0, dict(values))]
    store.add_journal(JournalBatch("ws1", run.name, 0, 9, points))
    if number < 13:
        status = RunStatus.ERROR if number == 12 else RunStatus.COMPLETED
        end = RunChange("ws1", run.name, status, "ended")
        end.fields = {"stopped_early": number == 7}
        store.change_run(end)


def test_the_page_has_the_curve_the_front_and_the_sets(
    xt: Commands, searched: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = [line.rstrip() for line in xt("view", "job", "job3", "--top", "3").lines]
    title = next(n for n, line in enumerate(lines) if "best so far (least loss)" in line)
    assert all(len(line) <= 60 for line in lines[title : title + 11])
    assert "⣀" in "".join(lines[title : title + 11])
    assert lines[title + 11 :] == [
        "",
        "Pareto front: 5 of 11 completed runs",
        "  run      status      loss   acc     lr   opt",
        "  -------  ----------  ----  ----  -----  ----",
        "  run3.7   early stop     0  0.07  1e-07   sgd",
        "  run3.8   completed      1  0.08  1e-08  lion",
        "  run3.9   completed      4  0.09  1e-09  adam",
        "  run3.10  completed      9   0.1  1e-10   sgd",
        "  run3.11  completed     16  0.11  1e-11  lion",
        "",
        "  run     status      loss   acc     lr   opt",
        "  ------  ----------  ----  ----  -----  ----",
        "  run3.7  early stop     0  0.07  1e-07   sgd",
        "  run3.6  completed      1  0.06  1e-06  adam",
        "  run3.8  completed      1  0.08  1e-08  lion",
    ]


def test_where_the_locale_has_not_all_characters_likenesses_and_escapes_are_printed(
    searched: StatsStore,
) -> None:
    searched.change_run(RunChange("ws1", "run3.1", fields={"notes": "naïve"}))
    environ = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

    def printed(*words: str) -> str:
        command = [sys.executable, "-m", "xt_core", "view", *words]
        done = subprocess.run(command, env=environ, capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout.decode("ascii")

    assert "best so far (least loss)" in printed("job", "job3")
    assert "na\\xefve" in printed("run", "run3.1")


def test_all_sets_are_shown_as_they_were_given(xt: Commands, searched: StatsStore) -> None:
    lines = xt("view", "job", "job3", "--top", "all").lines
    rows = {line.split()[0]: line.split() for line in lines[-13:]}
    assert len(rows) == 13
    assert rows["run3.5"] == ["run3.5", "completed", "4", "0.05", "1e-05", "lion"]
    assert rows["run3.13"] == ["run3.13", "running", "36", "0.13", "1e-13", "sgd"]
    assert "--top" in xt("view", "job", "job3", "--top", "some", code=2).err


def test_the_page_can_be_plain_characters(xt: Commands, searched: StatsStore) -> None:
    text = xt("view", "job", "job3", "--ascii", "--slices", "--importance").out
    assert text.isascii()
    assert "best so far (least loss)" in text
    assert "importance of the parameters\n  lr   ####" in text
    assert "loss by parameter" in text


def test_the_document_has_the_curve_and_the_front(xt: Commands, searched: StatsStore) -> None:
    document = xt("view", "job", "job3", "--json", "--top", "2").json
    assert document["best_so_far"] == {
        "run": [f"run3.{n}" for n in range(1, 12)],
        "run_index": list(range(11)),
        "value": [36, 25, 16, 9, 4, 1, 0, 1, 4, 9, 16],
        "best": [36, 25, 16, 9, 4, 1, 0, 0, 0, 0, 0],
    }
    assert [entry["run"] for entry in document["pareto"]] == [f"run3.{n}" for n in range(7, 12)]
    assert document["pareto"][0] == {
        "run": "run3.7",
        "run_index": 6,
        "stopped_early": True,
        "values": {"loss": 0, "acc": 0.07},
        "set": {"lr": 1e-07, "opt": "sgd"},
    }
    assert [run["name"] for run in document["best_runs"]] == ["run3.7", "run3.6"]
    assert document.keys().isdisjoint({"importance", "slices"})
    documents = xt("view", "job", "job3", "--json", "--top", "all").json["best_runs"]
    fifth = next(run for run in documents if run["name"] == "run3.5")
    assert fifth["set"] == {"lr": 1e-05, "opt": "lion"}


def test_importance_and_slices_are_there_where_asked_for(
    xt: Commands, searched: StatsStore
) -> None:
    document = xt("view", "job", "job3", "--json", "--importance", "--slices").json
    assert list(document["importance"]) == ["lr", "opt"]
    assert math.isclose(sum(document["importance"].values()), 1)
    assert list(document["slices"]) == ["lr", "opt"]
    assert document["slices"]["opt"]["value"][:3] == ["sgd", "lion", "adam"]
    assert document["slices"]["opt"]["objective"][:3] == [36, 25, 16]


def test_importance_of_few_runs_is_told_to_need_more(xt: Commands, filled: StatsStore) -> None:
    assert (
        "importance of the parameters: it takes 10 completed runs, there are 9"
        in xt("view", "job", "job2", "--importance").lines
    )
    assert xt("view", "job", "job2", "--importance", "--json").json["importance"] is None


def test_a_job_without_a_search_has_no_charts(xt: Commands, filled: StatsStore) -> None:
    lines = xt("view", "job", "job1", "--slices", "--importance").lines
    assert not any("best so far" in line or "by parameter" in line for line in lines)
    document = xt("view", "job", "job1", "--slices", "--json").json
    assert document["slices"] == {}
    assert document["pareto"] == []
