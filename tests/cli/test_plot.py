"""`xt plot`: curves in characters, and their points."""

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_support import Commands

from xt_core.model.records import MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.stats.store import JournalBatch, StatsStore

_SVG = "{http://www.w3.org/2000/svg}"


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
    assert "elapsed" in xt("plot", "run1", "loss", "--x", "time", *size).out
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
    assert "invalid choice: 'day'" in xt("plot", "run1", "--x", "day", code=2).err


def log_many(store: StatsStore) -> None:
    """run1: 20 more points of acc, with their epochs, a minute each."""
    points = [
        MetricRecord(
            1000 + n, 1e9 + 60 * n, float(n), {"acc": [0.5, 0.4][n % 2] + n / 100, "epoch": n // 2}
        )
        for n in range(20)
    ]
    store.add_journal(JournalBatch("ws1", "run1", 1000, 1100, points))


def test_x_may_be_epochs_or_times_and_zoomed(xt: Commands, filled: StatsStore) -> None:
    log_many(filled)
    size = ("--width", "70", "--height", "10")
    assert " epoch" in xt("plot", "run1", "acc", "--x", "epoch", *size).lines[-3]
    assert "10m" in xt("plot", "run1", "acc", "--x", "relative", *size).lines[-2]
    assert ":" in xt("plot", "run1", "acc", "--x", "wall", *size).lines[-2]
    zoomed = xt("plot", "run1", "acc", "--x-range", "10:", *size).lines[-2]
    assert (zoomed.split()[0], zoomed.split()[-1]) == ("10", "18")
    for wrong in ("5", "9:3", "a:b", "1:2:3"):
        assert f"--x-range {wrong}" in xt("plot", "run1", "--x-range", wrong, code=2).err
    none = xt("plot", "run2.1", "loss", "--x", "epoch", *size)
    assert none.err == "loss: no metric named epoch was logged with it\n"


def test_the_best_so_far_and_bands(xt: Commands, filled: StatsStore) -> None:
    log_many(filled)
    size = ("--width", "70", "--height", "10")
    assert "acc (most so far)" in xt("plot", "run1", "acc", "--best-so-far", *size).lines[0]
    assert "loss (smoothed 0.5)" in xt("plot", "run1", "loss", "--smoothing", ".5", *size).lines[0]
    band = xt("plot", "run2.1,run2.12", "loss", "--band", "all", *size).lines
    assert band[-1].strip() == "● mean of all runs (2) 0.65 [0.1, 1.2]"
    seeds = xt("plot", "run2.1,run2.12", "loss", "--band", "seeds", *size).lines
    assert "(1) 1.2" in seeds[-1] + seeds[-2]
    by_job = xt("plot", "run1,run2.1,run2.12", "loss", "--group", "job", *size).lines
    assert "job=job2 (2) 0.65 [0.1, 1.2]" in by_job[-1]
    spread = xt("plot", "job2", "loss", "--band", "all", "--spread", "std", *size).lines
    assert spread[-1].strip() == "● mean of all runs (12) 0.65 ± 0.3606"
    sample = xt("plot", "job2", "loss", "--band", "all", "--max-runs", "3", *size)
    assert sample.err == "a sample of 3 of 12 runs; --max-runs takes more\n"
    assert "mean of all runs (3 of 12)" in sample.lines[-1]
    assert "not one column" in xt("plot", "job2", "--group", "hparams.*", code=2).err
    both = xt("plot", "job2", "--group", "job", "--band", "all", code=2)
    assert "--group with --band" in both.err


def test_the_best_of_many_runs(xt: Commands, filled: StatsStore) -> None:
    size = ("--width", "70", "--height", "12", "--max-runs", "2")
    answer = xt("plot", "job2", "loss", "--top", *size)
    assert answer.err == "the best 2 of 12 runs by loss\n"
    assert "run2.12 0.1" in answer.lines[-1]
    job = replace(filled.job("job1"), name="job9", primary_metric="")
    runs = [Run("ws1", f"run9{n}", "job9", "e", "node0", RunStatus.QUEUED, 1e9) for n in range(3)]
    filled.add_job(job, runs, [])
    assert "the job has no primary metric" in xt("plot", "job9", "--top", *size, code=2).err


def test_other_characters(xt: Commands, filled: StatsStore) -> None:
    size = ("--width", "60", "--height", "12")
    blocks = xt("plot", "run1", "loss", "--glyphs", "blocks", *size).out
    assert set(blocks) & set("▖▘▌▗▄▚▙▝▞▀▛▐▟▜█")
    assert xt("plot", "run1", "loss", "--glyphs", "ascii", *size).out.isascii()


def test_charts_are_saved_as_a_picture(
    xt: Commands, filled: StatsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_many(filled)
    svg = tmp_path / "curves.svg"
    answer = xt("plot", "run1", "loss,acc", "--smoothing", "0.5", "--save", str(svg))
    assert (answer.out, answer.err) == ("", f"saved {svg}\n")
    tree = ElementTree.fromstring(svg.read_text())
    texts = [element.text for element in tree.iter(f"{_SVG}text")]
    assert {"loss (smoothed 0.5)", "acc (smoothed 0.5)", "step"} <= set(texts)
    classes = [element.get("class") for element in tree.iter(f"{_SVG}path")]
    assert (classes.count("raw"), classes.count("line")) == (2, 4)
    xt("plot", "run2.1,run2.12", "loss", "--band", "all", "--save", str(svg))
    tree = ElementTree.fromstring(svg.read_text())
    assert [element.get("class") for element in tree.iter(f"{_SVG}path")].count("band") == 1

    monkeypatch.setitem(sys.modules, "cairosvg", None)
    png = str(tmp_path / "curves.png")
    refused = xt("plot", "run1", "loss", "--save", png, code=2).err
    assert "a PNG takes the package cairosvg" in refused
    assert f"pip install 'xt[png]', or --save {svg}" in refused
    assert "ends in .svg or .png" in xt("plot", "run1", "--save", "x.gif", code=2).err
    lost = str(tmp_path / "missing" / "x.svg")
    assert "No such file or directory" in xt("plot", "run1", "--save", lost, code=2).err


def test_several_runs_and_metrics_need_no_commas(xt: Commands, filled: StatsStore) -> None:
    runs = xt("plot", "run2.4", "run2.1,run2.2", "loss", "--json").json["runs"]
    assert sorted(runs) == ["run2.1", "run2.2", "run2.4"]
    lines = xt("plot", "run2.1", "run2.2", "--width", "60", "--height", "10", "loss", "acc").lines
    assert ("loss" in lines[0], "acc" in lines[10], len(lines)) == (True, True, 20)
    assert xt("plot", "run1", "run2.4", "--json").json["runs"].keys() == {"run1", "run2.4"}
