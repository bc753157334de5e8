"""`xt run`: presets of the launch form without the form, and what was hardly meant."""

from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.cli.run import read_command_line
from xt_core.errors import UsageError
from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.presets import Preset, save_preset


def test_a_preset_is_run_as_it_is_or_changed(xt: Commands, home: Home) -> None:
    Path("t.py").touch()
    preset = Preset("t.py --opt=adam", {"search-type": "grid"}, [("lr", ".1, .2")])
    save_preset(home, "small one", preset)
    plan = xt("run", "--preset", "small one", "--dry-run", "--json").json
    assert (plan["style"], plan["search_type"], plan["work_items"]) == ("static", "grid", 2)
    assert plan["items"][1]["command"][-3:] == ["t.py", "--opt=adam", "--lr=0.2"]
    changed = ("--max-runs", "1", "--dry-run", "--json", "--", "--opt=sgd")
    plan = xt("run", "--preset", "small one", *changed).json
    assert (plan["work_items"], plan["items"][0]["command"][-2]) == (1, "--opt=sgd")
    error = xt("run", "--preset", "large", "--dry-run", code=3).err
    assert "there is no preset 'large'" in error
    assert "there are: small one" in error


def test_what_is_hardly_meant_is_warned_of_and_xt_does_not_run_itself(xt: Commands) -> None:
    Path("t.py").touch()
    done = xt("run", "--dry-run", "t.py", "--lr=[$loguniform(.1, 1)]", "--n=[1")
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert [line.split(":")[1] for line in warnings] == [
        " lr", " --n=[1", " a search of 1 run",
    ]  # fmt: skip
    assert "static random: 1 run" in done.out
    error = xt("run", "xt", "run", "--runs", "4", "t.py", code=2).err
    assert "the command to run begins with xt run itself" in error


def test_a_search_by_a_metric_that_nobody_chose_is_warned_of(xt: Commands) -> None:
    Path("t.py").touch()
    search = ("run", "--dry-run", "--runs", "4", "t.py", "--lr=[.1, .2]")
    learning, stopping = ("--search-type", "tpe"), ("--early-stopping", "median")
    about = "test-acc, for want of a --primary-metric: is that what is logged?"
    for options, who in (
        (learning, "tpe goes"),
        (stopping, "early stopping goes"),
        ((*learning, *stopping), "tpe and early stopping go"),
    ):
        assert f"warning: {who} by {about}" in xt(*search[:2], *options, *search[2:]).err
        chosen = (*options, "--primary-metric", "loss:min")
        assert "warning" not in xt(*search[:2], *chosen, *search[2:]).err
    assert "warning" not in xt(*search).err


def test_a_loss_is_minimised_unless_anything_says_otherwise(xt: Commands, home: Home) -> None:
    Path("t.py").touch()
    search = ("t.py", "--lr=[.1, .2]")

    def goals(metric: str, *, maximize: bool | None = None) -> list[bool]:
        request = RunRequest(list(search), runs=2, primary_metric=metric, maximize=maximize)
        session = Session(home=home, overrides=request.overrides())
        return [each.maximize for each in prepare(session, request).objectives]

    assert goals("val/loss,test-acc,speed") == [False, True, True]
    assert goals("loss:max,acc:min") == [True, False]
    assert goals("loss", maximize=True) == [True]
    told = xt("run", "--dry-run", "--runs", "2", "--primary-metric", "val/loss,acc", *search).err
    hint = "val/loss is minimised, as its name says; else write val/loss:max"
    assert [line for line in told.splitlines() if "warning" in line] == [f"warning: {hint}"]
    for said in (("--minimize",), ("--maximize",)):
        words = ("--primary-metric", "val/loss", *said)
        assert "warning" not in xt("run", "--dry-run", "--runs", "2", *words, *search).err


def test_runs_beyond_a_grid_are_warned_of(xt: Commands) -> None:
    Path("t.py").touch()
    grid = ("run", "--dry-run", "--search-type", "grid", "--runs")
    listed = ("t.py", "--lr=[.1, .2, .3]", "--n=[1, 2]")
    assert "warning: the grid has 6 sets: 4 of 10 runs repeat one\n" in xt(*grid, "10", *listed).err
    assert "warning" not in xt(*grid, "6", *listed).err
    sampled = ("t.py", "--lr=[.1, .2]", "--n=[$uniform(0, 1)]")
    assert "warning" not in xt(*grid, "10", *sampled).err


def test_a_command_line_is_read_without_being_run(home: Home) -> None:
    save_preset(home, "small", Preset("t.py --opt=adam", {"runs": "3"}, [("lr", ".1, .2")]))
    session = Session(home=home)
    words = ["--preset", "small", "--attach", "--dry-run", "--", "--opt=sgd"]
    request, others = read_command_line(session, words)
    assert request.command == ["t.py", "--opt=sgd", "--lr=[.1, .2]"]
    assert (request.given(), others) == ({"runs": 3}, ["--attach", "--dry-run"])
    with pytest.raises(UsageError, match="--help submits nothing"):
        read_command_line(session, ["--help"])
    session.close()
