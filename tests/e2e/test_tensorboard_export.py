"""Runs that live are followed into event files."""

import signal
import subprocess
from pathlib import Path

import pytest
from event_files import events_of, hparams_of, points_of, sessions_of
from support import Xt, wait_until

from xt_core.tensorboard.runlog import CURSOR_FILE

TRAIN = """
import os, sys, time
from xt_core import Run
run = Run()
for step in range(3):
    run.log_metrics({"loss": 1 / 2 ** step}, step=step)
    while not os.path.exists(os.environ["XT_DATA_DIR"] + f"/go{step}"):
        time.sleep(0.01)
run.log_metrics({"done": True})
"""


def go(xt: Xt, step: int) -> None:
    """Let the runs go on behind a step."""
    (xt.home.node_dir / "data" / f"go{step}").touch()


def losses(folder: Path) -> list[tuple[int, float | str]]:
    """Steps and values."""
    return [(step, value) for _, step, value in points_of(events_of(folder))["loss"]]


def finish(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, (out + err).decode()


@pytest.mark.both
def test_living_runs_are_followed_to_their_ends(xt: Xt) -> None:
    xt.script("train.py", TRAIN)
    xt.submit("--concurrent", "1", "train.py", "--lr=[1,2]")
    follower = xt.start("tensorboard", "job1", "--follow", "--template", "{hparams.lr}/{run}")
    first, second = (xt.code / f"tensorboard/{lr}/run1.{lr}" for lr in (1, 2))
    wait_until((first / CURSOR_FILE).exists, "the first point")
    assert losses(first) == [(0, 1.0)]
    for step in range(3):
        go(xt, step)
    code, said = finish(follower)
    assert code == 0, said
    for lr, folder in ((1, first), (2, second)):
        assert losses(folder) == [(0, 1.0), (1, 0.5), (2, 0.25)]
        start, end = sessions_of(events_of(folder))
        assert hparams_of(start) == {"lr": lr}
        assert end.status == 1
        assert f"ws1/run1.{lr}  4 new points  tensorboard/{lr}/run1.{lr}" in said


def test_after_an_interrupt_the_next_call_goes_on(xt: Xt) -> None:
    xt.script("train.py", TRAIN)
    xt.submit("train.py")
    folder = xt.code / "tensorboard/ws1/run1"
    follower = xt.start("tensorboard", "run1", "--follow")
    wait_until((folder / CURSOR_FILE).exists, "the first point")
    follower.send_signal(signal.SIGINT)
    code, said = finish(follower)
    assert code == 130, said
    assert losses(folder) == [(0, 1.0)]
    for step in range(3):
        go(xt, step)
    xt.wait_status("run1", "completed")
    document = xt.json("tensorboard", "run1")
    assert [run["points"] for run in document["runs"]] == [3]
    assert losses(folder) == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert [len(points) for points in points_of(events_of(folder)).values()] == [3, 1]
