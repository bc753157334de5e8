"""`xt plot`: curves in characters, and their points."""

import pytest
from cli_support import Commands

from xt_core.model.records import MetricRecord
from xt_core.stats.store import JournalBatch, StatsStore


def test_curves_are_drawn_in_characters(xt: Commands, filled: StatsStore) -> None:
    args = ("plot", "run2.1,run2.12", "loss", "--width", "60", "--height", "12")
    answer = xt(*args)
    assert len(answer.lines) == 12
    assert "loss" in answer.lines[0]
    assert "run2.1 1.2" in answer.lines[-1]
    assert "run2.12 0.1" in answer.lines[-1]
    assert answer.out.isascii() is False
    assert xt(*args, "--ascii").out.isascii()
    points = xt("plot", "run2.1", "--json").json["runs"]["run2.1"]
    assert points["loss"]["value"] == [2.4, 1.2]
    assert "no metric 'x'" in xt("plot", "run1", "x", code=3).err
    assert "--smoothing 2" in xt("plot", "run1", "--smoothing", "2", code=2).err
    assert "the first 10 of 12 runs" in xt("plot", "run2.*", "loss").err


def test_one_chart_a_metric_and_one_curve_a_run(xt: Commands, filled: StatsStore) -> None:
    size = ("--width", "60", "--height", "10")
    lines = xt("plot", "run2.1,run2.2", "loss,a*", *size).lines
    assert len(lines) == 20
    assert ("loss" in lines[0], "acc" in lines[10]) == (True, True)
    assert all("run2.1" in lines[at] and "run2.2" in lines[at] for at in (9, 19))


def test_the_primary_metric_is_the_default(xt: Commands, filled: StatsStore) -> None:
    runs = xt("plot", "job2", "--json").json["runs"]
    assert list(runs["run2.3"]) == ["loss"]
    assert runs["run2.3"]["loss"]["step"] == [0, 1]
    assert "run2" not in runs


def test_points_that_are_no_numbers_are_null_in_json_and_gaps_in_charts(
    xt: Commands, filled: StatsStore
) -> None:
    points = [MetricRecord(99, 1e9 + 13, 2.0, {"loss": float("nan")})]
    filled.add_journal(JournalBatch("ws1", "run1", 99, 120, points))
    document = xt("plot", "run1", "loss", "--json").json
    assert document["runs"]["run1"]["loss"]["value"] == [1.0, 0.5, None]
    assert len(xt("plot", "run1", "loss", "--width", "40", "--height", "8").lines) == 8


def test_axes_can_be_logarithmic_and_in_seconds(xt: Commands, filled: StatsStore) -> None:
    size = ("--width", "50", "--height", "10")
    assert "seconds" in xt("plot", "run1", "loss", "--x", "time", *size).out
    assert "step" in xt("plot", "run1", "loss", "--log-x", "--log-y", *size).out


def test_colours_are_for_terminals_only(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in xt("plot", "run1", "loss").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b" in xt("plot", "run1", "loss").out
    assert "\x1b" not in xt("plot", "run1", "loss", "--no-color").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in xt("plot", "run1", "loss").out


def test_what_cannot_be_drawn_is_told(xt: Commands, filled: StatsStore) -> None:
    answer = xt("plot", "run2")
    assert (answer.out, answer.err) == ("", "run2: no metrics\n")
    assert "no run named run9" in xt("plot", "run9", code=3).err
    assert "invalid choice: 'epoch'" in xt("plot", "run1", "--x", "epoch", code=2).err
