"""A store with known runs, and commands run in this process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import Commands

from xt_core.home import Home
from xt_core.model.records import Job, MetricRecord, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import JournalBatch, RunChange, StatsStore


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty XT_HOME, and an empty folder to be in."""
    monkeypatch.setenv("XT_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Home(tmp_path / "home")


@pytest.fixture
def xt(home: Home, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


@pytest.fixture
def store(home: Home) -> Iterator[StatsStore]:
    session = Session(home=home)
    yield session.store
    session.close()


@pytest.fixture
def filled(store: StatsStore) -> StatsStore:
    """job1: run1, completed, loss 0.5. job2: parent run2 with children run2.1 to run2.12,
    hparams lr and opt, loss 1.2 down to 0.1, every fourth failed."""
    job = Job("job1", "ws1", "first", "single", "local", "ada", 1e9, 1, 1, primary_metric="loss")
    single = Run("ws1", "run1", "job1", "first", "node0", RunStatus.QUEUED, 1e9, command="a.py")
    store.add_job(job, [single], [])
    finish(store, "run1", 0.5, RunStatus.COMPLETED, {})
    search = Job(
        "job2", "ws1", "second", "static", "local", "bob", 1e9 + 1, 12, 2, "grid",
        primary_metric="loss", maximize=False, command="t.py --lr=[…]",
    )  # fmt: skip
    parent = Run("ws1", "run2", "job2", "second", "node0", RunStatus.QUEUED, 1e9 + 1)
    parent.is_parent = True
    items = [WorkItem("job2", n, WorkItemStatus.UNSTARTED, "node0") for n in range(12)]
    store.add_job(search, [parent], items)
    for number in range(1, 13):
        store.claim_child(parent, "node0")
        hparams = {"lr": number / 100, "opt": "adam" if number % 2 else "sgd"}
        status = RunStatus.ERROR if number % 4 == 0 else RunStatus.COMPLETED
        finish(store, f"run2.{number}", (13 - number) / 10, status, hparams)
    return store


def finish(
    store: StatsStore, name: str, loss: float, status: RunStatus, hparams: dict[str, Any]
) -> None:
    """Let a run live, log two steps, and end."""
    change = RunChange("ws1", name, RunStatus.RUNNING, "started", time=1e9 + 10)
    change.fields = {"hparams": hparams}
    store.change_run(change)
    points = [
        MetricRecord(0, 1e9 + 11, 0.0, {"loss": loss * 2}),
        MetricRecord(50, 1e9 + 12, 1.0, {"loss": loss, "acc": 1 - loss / 2}),
    ]
    store.add_journal(JournalBatch("ws1", name, 0, 99, points))
    end = RunChange("ws1", name, status, "ended", time=1e9 + 70)
    end.fields = {"exit_code": 0 if status is RunStatus.COMPLETED else 1}
    store.change_run(end)
