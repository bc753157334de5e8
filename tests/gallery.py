"""A team's work for pictures of the terminal UI: the same every time, with a clock that stands."""

import math

import pytest

from xt_core import clock
from xt_core.model.records import Job, MetricRecord, Run, Value, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import JournalBatch, RunChange

NOW = 1_760_000_000.0
_STEPS = 40
_SPACE = {
    "lr": {"type": "loguniform", "low": 1e-4, "high": 1e-1},
    "hidden": {"type": "choice", "values": [16, 32, 64]},
}


class StandingClock:
    """A clock that goes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = NOW
        monkeypatch.setattr(clock, "now", lambda: self.time)

    def go(self, seconds: float) -> None:
        self.time += seconds


def fill(session: Session, own_clock: StandingClock) -> None:
    """A search of 24, of which some run, failed and wait; a single run; seeds with odd names."""
    own_clock.time = NOW - 7200
    _search(session, own_clock)
    _single(session, own_clock)
    _seeds(session, own_clock)
    own_clock.time = NOW


def _search(session: Session, own_clock: StandingClock) -> None:
    store = session.store
    job = Job(
        "job1", "ws1", "digits", "dynamic", "local", "ada", own_clock.time, 24, 4, "tpe",
        primary_metric="loss", maximize=False, description="width and learning rate", space=_SPACE,
        command="train.py --lr=[$loguniform(-9,-2)] --hidden=[16,32,64]", seed=7,
    )  # fmt: skip
    parent = Run("ws1", "run1", "job1", "digits", "node0", RunStatus.QUEUED, job.created,
                 is_parent=True)  # fmt: skip
    store.add_job(job, [parent], [WorkItem("job1", n, WorkItemStatus.UNSTARTED) for n in range(24)])
    for number in range(1, 19):
        store.claim_child(parent, "node0")
        own_clock.go(60)
        lr, hidden = round(10 ** (-4 + number * 7 % 19 / 6), 5), (16, 32, 64)[number % 3]
        _start(session, f"run1.{number}", {"lr": lr, "hidden": hidden})
        _curves(session, f"run1.{number}", number, _STEPS if number < 16 else 12 + number)
        if number == 7:
            _end(session, f"run1.{number}", RunStatus.ERROR, 1, "ValueError: loss is not finite")
        elif number == 11:
            _end(session, f"run1.{number}", RunStatus.CANCELLED, None, "")
        elif number < 16:
            own_clock.go(200)
            _end(session, f"run1.{number}", RunStatus.COMPLETED, 0, "")
    store.change_run(RunChange("ws1", "run1.5", fields={"tags": {"best": None, "note": "naïve"}}))


def _single(session: Session, own_clock: StandingClock) -> None:
    job = Job("job2", "ws1", "pretrain", "single", "local", "ada", own_clock.time, 1, 1,
              command="pretrain.py --epochs=3")  # fmt: skip
    run = Run("ws1", "run2", "job2", "pretrain", "node0", RunStatus.QUEUED, job.created,
              command="python pretrain.py --epochs=3")  # fmt: skip
    session.store.add_job(job, [run], [])
    own_clock.go(30)
    _start(session, "run2", {"epochs": 3})
    own_clock.go(754)
    _end(session, "run2", RunStatus.COMPLETED, 0, "")
    lines = [f"\x1b[32mepoch {n:>2}\x1b[0m  loss={2 / (n + 1):.3f}" for n in range(60)]
    text = "\n".join([*lines, "10%|█\r100%|██████████", "名前と 🙂 in the output", "done"])
    session.artifacts.put_bytes("ws1/runs/run2/logs/output.txt", text.encode() + b"\n\xff bad\n")


def _seeds(session: Session, own_clock: StandingClock) -> None:
    experiment = "übergroße-名前-experiment-with-a-long-name"
    job = Job("job3", "ws1", experiment, "repeat", "local", "grace", own_clock.time, 4, 2,
              command="train.py --seed=$run")  # fmt: skip
    parent = Run("ws1", "run3", "job3", job.experiment, "node0", RunStatus.QUEUED, job.created,
                 is_parent=True)  # fmt: skip
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED) for n in range(4)]
    session.store.add_job(job, [parent], items)
    for number in (1, 2):
        session.store.claim_child(parent, "node0")
        _start(session, f"run3.{number}", {"seed": number})


def _start(session: Session, run: str, hparams: dict[str, Value]) -> None:
    fields = {"hparams": hparams}
    session.store.change_run(RunChange("ws1", run, RunStatus.RUNNING, "started", fields=fields))


def _end(session: Session, run: str, status: RunStatus, code: int | None, error: str) -> None:
    fields = {"exit_code": code, "error": error}
    session.store.change_run(RunChange("ws1", run, status, "ended", fields=fields))


def _curves(session: Session, run: str, number: int, steps: int) -> None:
    points = []
    for step in range(steps):
        loss = (0.2 + number % 5 / 10) + 2 * math.exp(-step / (4 + number % 7))
        values: dict[str, Value] = {
            "loss": round(loss + 0.05 * math.sin(step * number), 4),
            "accuracy": round(1 - loss / 4, 4),
            "epoch": step // 4,
        }
        if number == 7 and step > 20:
            values["loss"] = float("nan")
        points.append(MetricRecord(step, clock.now() + step, float(step), values))
    session.store.add_journal(JournalBatch("ws1", run, 0, steps, points))
