"""The digits example: it trains, logs, and goes on after an interruption, without XT around it."""

import csv
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "digits"


def train(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Train softmax regression (the quickest), outside XT, in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XT_")}
    return subprocess.run(
        [sys.executable, str(EXAMPLE / "train.py"), "--hidden", "0", *options],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def journal(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "xt_journal.jsonl").read_text().splitlines()]


def weights(folder: Path) -> object:
    return json.loads((folder / "output" / "checkpoint.json").read_text())["network"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    straight.mkdir()
    stopped.mkdir()
    return straight, stopped


def test_the_data_are_1797_images_of_all_ten_digits() -> None:
    with gzip.open(EXAMPLE / "digits.csv.gz", "rt", newline="") as file:
        rows = [[int(cell) for cell in row] for row in csv.reader(file)]
    assert Counter(len(row) for row in rows) == {65: 1797}
    assert {pixel for row in rows for pixel in row[:64]} == set(range(17))
    assert {row[64] for row in rows} == set(range(10))


def test_one_epoch_outside_xt_logs_hyperparameters_and_metrics_and_saves_the_best(
    tmp_path: Path,
) -> None:
    done = train(tmp_path, "--epochs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    hparams, metrics = journal(tmp_path)
    assert hparams["type"] == "hparams"
    assert hparams["values"] == {
        "lr": 0.03,
        "momentum": 0.9,
        "hidden": 0,
        "epochs": 1,
        "batch_size": 16,
        "l2": 0.0001,
        "seed": 0,
    }
    assert (metrics["type"], metrics["step"]) == ("metrics", 1)
    assert list(metrics["values"]) == ["train-loss", "test-loss", "test-acc"]
    assert metrics["values"]["test-acc"] > 0.8
    progress, end = done.stdout.splitlines()
    assert progress.startswith("epoch 1/1  train-loss ")
    assert end == f"best test-acc {metrics['values']['test-acc']:.4f}"
    best = json.loads((tmp_path / "output" / "best.json").read_text())
    assert (best["epoch"], best["test-acc"]) == (1, metrics["values"]["test-acc"])
    assert [(len(layer), len(layer[0])) for layer in best["layers"]] == [(10, 65)]
    assert sorted(os.listdir(tmp_path / "output")) == ["best.json", "checkpoint.json"]


def test_a_restarted_run_goes_on_and_ends_with_the_weights_of_one_that_never_stopped(
    folders: tuple[Path, Path],
) -> None:
    straight, stopped = folders
    train(straight, "--epochs", "2")
    train(stopped, "--epochs", "1")
    done = train(stopped, "--epochs", "2")
    assert done.stdout.startswith("continuing after epoch 1 of 2\nepoch 2/2  ")
    metrics = [record for record in journal(stopped) if record["type"] == "metrics"]
    expected = [record for record in journal(straight) if record["type"] == "metrics"]
    assert [(m["step"], m["values"]) for m in metrics] == [
        (m["step"], m["values"]) for m in expected
    ]
    assert weights(stopped) == weights(straight)


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    train(tmp_path, "--epochs", "1")
    done = train(tmp_path, "--epochs", "1", "--lr", "0.1")
    assert done.stdout.startswith("epoch 1/1  ")


def test_a_learning_rate_that_is_too_small_is_visibly_worse(tmp_path: Path) -> None:
    train(tmp_path, "--epochs", "1", "--lr", "0.00001")
    assert journal(tmp_path)[-1]["values"]["test-acc"] < 0.5


def test_a_hidden_layer_learns_too(tmp_path: Path) -> None:
    done = train(tmp_path, "--epochs", "1", "--hidden", "8", "--lr", "0.1")
    assert done.returncode == 0
    assert journal(tmp_path)[-1]["values"]["test-acc"] > 0.7


def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    done = train(tmp_path, "--lr", "0")
    assert done.returncode == 2
    assert "--lr must be positive" in done.stderr
    assert os.listdir(tmp_path) == []
