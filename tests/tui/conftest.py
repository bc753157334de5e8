"""A store with known runs, for the UI to show."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from tui_support import log_loss

from xt_core.home import Home
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui import state


@pytest.fixture(autouse=True)
def _no_controller_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are only written down as running here: whoever took long would be told so."""
    monkeypatch.setattr(state, "_STARTING_SECONDS", math.inf)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """job1: a search of 6 runs, run1.1 to run1.6, loss 0.6 down to 0.1; run1.3 failed, run1.6
    runs. job2: run2, completed."""
    (tmp_path / "code").mkdir()
    opened = Session(
        home=Home(tmp_path / "home"), cwd=tmp_path / "code", environ={"PATH": "/usr/bin:/bin"}
    )
    fill(opened)
    yield opened
    opened.close()
    started = any(
        opened.home.node(node).controller_log.exists() for node in opened.home.node_names()
    )
    assert not started, "a controller was started, which ends run1.6: nothing runs here"


def fill(session: Session) -> None:
    store = session.store
    search = Job(
        "job1", "ws1", "first", "static", "local", "ada", 1e9, 6, 2, "grid",
        primary_metric="loss", maximize=False,
    )  # fmt: skip
    parent = Run("ws1", "run1", "job1", "first", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job1", n, WorkItemStatus.UNSTARTED, "node0") for n in range(6)]
    store.add_job(search, [parent], items)
    for number in range(1, 7):
        store.claim_child(parent, "node0")
        name = f"run1.{number}"
        fields = {"hparams": {"lr": number / 10}}
        store.change_run(RunChange("ws1", name, RunStatus.RUNNING, "started", fields=fields))
        log_loss(session, name, (7 - number) / 10)
        if number < 6:
            end = RunStatus.ERROR if number == 3 else RunStatus.COMPLETED
            store.change_run(RunChange("ws1", name, end, "ended"))
    job = Job("job2", "ws1", "second", "single", "local", "ada", 1e9, 1, 1)
    single = Run("ws1", "run2", "job2", "second", "node0", RunStatus.QUEUED, 1e9)
    store.add_job(job, [single], [])
    store.change_run(RunChange("ws1", "run2", RunStatus.RUNNING, "started"))
    store.change_run(RunChange("ws1", "run2", RunStatus.COMPLETED, "ended"))
    session.artifacts.put_bytes(
        "ws1/runs/run2/logs/output.txt", b"hello\n50%\r100%\n\x1b[32mgreen\x1b[0m \x07bell\n"
    )
