"""A team's work for pictures of the terminal UI: the same every time, with a clock that stands."""

import json
import math

import pytest

from xt_core import clock
from xt_core.model.records import Job, MetricRecord, Run, Value, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import JournalBatch, RunChange
from xt_core.submit.mrc import Asked, MultiRunConfig, NodeContext, mrc_key

NOW = 1_760_000_000.0
_STEPS = 40
_TRACEBACK = """Traceback (most recent call last):
  File "/home/ada/digits/train.py", line 88, in <module>
    main()
  File "/home/ada/digits/train.py", line 71, in main
    loss = train_epoch(model, batches, lr=args.lr)
  File "/home/ada/digits/train.py", line 43, in train_epoch
    raise ValueError("loss is not finite")
\x1b[1;31mValueError\x1b[0m: loss is not finite
"""
_SPACE = {"lr": "[$loguniform(-9, -2)]", "hidden": "[16, 32, 64]"}


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
            _write(session, f"run1.{number}", _epochs(6) + _TRACEBACK)
        elif number == 11:
            _end(session, f"run1.{number}", RunStatus.CANCELLED, None, "")
        elif number < 16:
            own_clock.go(200)
            if number in (4, 5):
                _write(session, f"run1.{number}", _epochs(10))
                _sampled(session, f"run1.{number}", number)
            _end(session, f"run1.{number}", RunStatus.COMPLETED, 0, "")
    store.change_run(RunChange("ws1", "run1.5", fields={"tags": {"best": None, "note": "naïve"}}))


def _single(session: Session, own_clock: StandingClock) -> None:
    job = Job("job2", "ws1", "pretrain", "single", "local", "ada", own_clock.time, 1, 1,
              command="pretrain.py --epochs=3")  # fmt: skip
    run = Run("ws1", "run2", "job2", "pretrain", "node0", RunStatus.QUEUED, job.created,
              command="python pretrain.py --epochs=3")  # fmt: skip
    session.store.add_job(job, [run], [])
    command = ["pretrain.py", "--epochs=3"]
    mrc = MultiRunConfig(
        "job2", "ws1", "pretrain", "single", "ada", "local", 1, [command], {},
        {"node0": NodeContext("run2")},
        asked=Asked(str(session.cwd), command, {"description": "wide"}),
    )  # fmt: skip
    session.artifacts.put_bytes(mrc_key("ws1", "job2"), mrc.to_json().encode())
    own_clock.go(30)
    _start(session, "run2", {"epochs": 3})
    own_clock.go(754)
    _end(session, "run2", RunStatus.COMPLETED, 0, "")
    bar = "10%|█         |\r100%|██████████| 938/938"
    _write(session, "run2", f"{_epochs(60)}{bar}\n名前と 🙂 in the output\ndone\n", b"\xff bad\n")


def crowd(session: Session) -> None:
    """A search of which more run than one can keep an eye on."""
    store = session.store
    job = Job("job4", "ws1", "crowd", "static", "local", "ada", clock.now(), 24, 24, "random",
              command="train.py --lr=[.1,.2]")  # fmt: skip
    parent = Run("ws1", "run4", "job4", "crowd", "node0", RunStatus.QUEUED, job.created,
                 is_parent=True)  # fmt: skip
    items = [WorkItem("job4", n, WorkItemStatus.UNSTARTED, "node0") for n in range(24)]
    store.add_job(job, [parent], items)
    for number in range(1, 25):
        store.claim_child(parent, "node0")
        _start(session, f"run4.{number}", {"lr": 0.1})


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
        loss = 0.1 + number * 3 % 10 / 14 + 2 * math.exp(-step / (4 + number * 5 % 11))
        loss += max(0, step - 24) ** 2 / 1_200 if number % 6 == 2 else 0  # it overfits
        values: dict[str, Value] = {
            "loss": round(loss + 0.02 * math.sin(step * number), 4),
            "accuracy": round(1 - loss / 4, 4),
            "epoch": step // 4,
        }
        if number == 7 and step > 20:
            values["loss"] = float("nan")
        points.append(MetricRecord(step, clock.now() + step, float(step), values))
    session.store.add_journal(JournalBatch("ws1", run, 0, steps, points))


def _epochs(count: int) -> str:
    """What a script says of its epochs, in colours, a warning among it."""
    lines = [f"\x1b[32mepoch {n:>2}\x1b[0m  loss={2 / (n + 1):.3f}" for n in range(count)]
    lines[3:3] = ["\x1b[33mwarning\x1b[0m: the learning rate is high"]
    return "".join(f"{line}\n" for line in lines)


def _write(session: Session, run: str, text: str, more: bytes = b"") -> None:
    """A run's console."""
    session.artifacts.put_bytes(f"ws1/runs/{run}/logs/output.txt", text.encode() + more)


def _sampled(session: Session, run: str, number: int) -> None:
    """What a run used of its machine in the last 200 seconds."""
    lines = [
        json.dumps({
            "time": clock.now() - 200 + 5 * n,
            "seconds": 5,
            "values": {
                "cpu_percent": round(90 + 8 * math.sin(n / (1 + number)), 1),
                "memory_bytes": int(1.5e9 + 4e7 * n * number / 4),
                "gpu0.percent": round(70 + 25 * math.cos(n / number), 1),
                "gpu0.memory_bytes": int(6e9 + 1e8 * min(n, 10)),
                "gpu0.temperature": 52 + min(n, 20),
            },
        })
        for n in range(40)
    ]  # fmt: skip
    session.artifacts.put_bytes(
        f"ws1/runs/{run}/logs/system.jsonl", "".join(f"{line}\n" for line in lines).encode()
    )
