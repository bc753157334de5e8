"""`xt compare`: what differs between runs, and by how much."""

import sqlite3

from cli_support import Commands

from xt_core.home import Home
from xt_core.model.records import MetricRecord
from xt_core.stats.store import JournalBatch, RunChange, StatsStore


def rows(document: dict[str, object]) -> dict[str, list[object]]:
    found = document["rows"]
    assert isinstance(found, list)
    return {f"{row['group']}.{row['name']}": row["values"] for row in found}


def test_only_what_differs_is_shown(xt: Commands, filled: StatsStore) -> None:
    filled.change_run(RunChange("ws1", "run2.2", fields={"tags": {"good": True}}))
    document = xt("compare", "run2.1-run2.2", "--json").json
    assert (document["baseline"], document["runs"]) == ("run2.1", ["run2.1", "run2.2"])
    found = rows(document)
    found.pop("run.duration", None)
    assert [type(value) for value in found.pop("last.acc")] == [float, float]
    assert found == {
        "hparams.lr": [0.01, 0.02],
        "hparams.opt": ["adam", "sgd"],
        "last.loss": [1.2, 1.1],
        "best.loss": [1.2, 1.1],
        "tags.good": [None, True],
    }
    every = rows(xt("compare", "run2.1-run2.2", "--all", "--json").json)
    assert every["run.status"] == ["completed", "completed"]
    assert "run.notes" not in every
    assert rows(xt("compare", "run2.1-run2.2", "--match", "LR", "--json").json).keys() == {
        "hparams.lr"
    }


def test_the_baseline_comes_first_and_numbers_are_told_against_it(
    xt: Commands, filled: StatsStore
) -> None:
    out = xt("compare", "run2.1-run2.3", "--baseline", "run2.2", "--match", "loss").lines
    assert out[0].split() == ["run2.2", "run2.1", "run2.3"]
    assert [line.split() for line in out[2:]] == [
        ["metrics,", "last", "loss", "(min)", "1.1", "1.2", "▲0.1", "1.0", "▼0.1"],
        ["metrics,", "best", "loss", "(min)", "1.1", "1.2", "▲0.1", "1.0", "▼0.1"],
    ]


def test_the_best_value_is_that_of_the_whole_run(xt: Commands, filled: StatsStore) -> None:
    end = filled.journal_end("ws1", "run2.1")
    points = [
        MetricRecord(end, 2e9, 5.0, {"loss": 0.01}),
        MetricRecord(end + 1, 2e9, 6.0, {"loss": 3.0}),
    ]
    filled.add_journal(JournalBatch("ws1", "run2.1", end, end + 2, points))
    found = rows(xt("compare", "run2.1,run2.2", "--json").json)
    assert (found["last.loss"], found["best.loss"]) == ([3.0, 1.1], [0.01, 1.1])


def test_of_a_run_that_an_older_xt_recorded_all_that_it_logged_is_read(
    xt: Commands, filled: StatsStore, home: Home
) -> None:
    before = rows(xt("compare", "run2.1,run2.2", "--json").json)
    with sqlite3.connect(home.stats_file) as database:
        database.execute("UPDATE runs SET aggregates = NULL WHERE name = 'run2.1'")
    assert rows(xt("compare", "run2.1,run2.2", "--json").json) == before


def test_what_is_no_finite_number_differs_by_no_number(xt: Commands, filled: StatsStore) -> None:
    for run, value in (("run2.1", 10**400), ("run2.2", float("nan"))):
        end = filled.journal_end("ws1", run)
        points = [MetricRecord(end, 2e9, 5.0, {"loss": value})]
        filled.add_journal(JournalBatch("ws1", run, end, end + 1, points))
    out = xt("compare", "run2.1-run2.3", "--match", "loss").lines
    assert [line.split() for line in out[2:]] == [
        ["metrics,", "last", "loss", "(min)", "1" + "0" * 38 + "…", "nan", "1.0"],
        ["metrics,", "best", "loss", "(min)", "1.2", "1.1", "▼0.1", "1.0", "▼0.2"],
    ]


def test_what_cannot_be_compared_is_told(xt: Commands, filled: StatsStore) -> None:
    assert "nothing to compare" in xt("compare", "run1", code=2).err
    assert "no run named run9" in xt("compare", "run1,run9", code=3).err
    error = xt("compare", "run2.1-run2.2", "--baseline", "run1", code=3).err
    assert "run1 is not among the runs" in error
    same = xt("compare", "run2.1-run2.2", "--match", "status")
    assert "2 runs: nothing differs" in same.err


def test_a_command_that_only_repeats_hyperparameters_is_among_all_lines(
    xt: Commands, filled: StatsStore
) -> None:
    commands = [f"t.py --lr={lr} --opt {opt} -n 3" for lr, opt in ((1e-2, "adam"), ("2e-2", "sgd"))]
    for run, command in zip(("run2.1", "run2.2"), commands, strict=True):
        filled.change_run(RunChange("ws1", run, fields={"command": command}))
    assert "run.command" not in rows(xt("compare", "run2.1,run2.2", "--json").json)
    every = rows(xt("compare", "run2.1,run2.2", "--all", "--json").json)
    assert every["run.command"] == commands
    other = commands[1].replace("-n 3", "-n 4")
    filled.change_run(RunChange("ws1", "run2.2", fields={"command": other}))
    found = rows(xt("compare", "run2.1,run2.2", "--json").json)
    assert found["run.command"] == [commands[0], other]


def test_runs_come_as_they_are_named_and_the_first_is_the_baseline(
    xt: Commands, filled: StatsStore
) -> None:
    document = xt("compare", "run2.4", "run2.1-run2.2", "run1", "--json").json
    assert document["runs"] == ["run2.4", "run2.1", "run2.2", "run1"]
    assert document["baseline"] == "run2.4"
    document = xt("compare", "run2.4", "--json", "run2.*", "--baseline", "run2.2").json
    assert (document["runs"][:2], document["baseline"]) == (["run2.4", "run2.1"], "run2.2")
