"""What is wrong with a launch form, by its fields."""

from pathlib import Path

import pytest

from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.presets import Preset
from xt_tui.faults import Fault, faults_of
from xt_tui.launching import Launching


@pytest.fixture
def launching(tmp_path: Path) -> Launching:
    (tmp_path / "train.py").touch()
    return Launching(Session(Home(tmp_path / ".xt"), tmp_path, {"PATH": "/usr/bin:/bin"}))


def faults(launching: Launching, content: Preset) -> list[Fault]:
    return faults_of(content, launching.planned)


def test_all_mistakes_are_told_each_with_its_field(launching: Launching) -> None:
    options = {"runs": "abc", "concurrent": "0", "setup": "none", "nodes": "2", "seed": "1.5"}
    content = Preset("train.py", options, [("lr", "[.1, .2]"), ("opt", "$normal(1)")])
    assert faults(launching, content) == [
        Fault("runs", "--runs abc is not a number"),
        Fault("seed", "--seed 1.5 is not a number"),
        Fault(
            "concurrent",
            "--concurrent must be a whole number of at least 1, not '0' "
            "(it sets hyperparameter-search.concurrent)",
        ),
        Fault(
            "",
            "hyperparameter opt: $normal with 1 arguments, in '[$normal(1)]' "
            "(write it as [$normal(mu, sigma)])",
        ),
        Fault("setup", "there is no setup 'none' (none is defined)"),
    ]


def test_settings_of_a_policy_are_fields_of_their_own(launching: Launching) -> None:
    stopping = "asha,min-steps=x,reduction-factor=0"
    content = Preset("train.py --lr=[.1,.2]", {"early-stopping": stopping})
    found = faults(launching, content)
    assert [fault.field for fault in found] == [
        "early-stopping.min-steps",
        "early-stopping.reduction-factor",
    ]
    assert found[0].text.startswith("--early-stopping: min-steps must be a number")


def test_fields_that_are_at_odds_are_one_mistake(launching: Launching) -> None:
    """Without the algorithm, the jobs to learn from would be a mistake too."""
    content = Preset("train.py --lr=[.1,.2]", {"search-type": "tpe", "warm-start": "job1"})
    wrong = "a tpe search without a number of runs (say how many, as in --runs 50)"
    assert faults(launching, content) == [Fault("search-type", wrong)]


def test_a_wrong_command_is_a_field_too(launching: Launching) -> None:
    wrong = "there is no script or program nothing.py (did you mean train.py?)"
    assert faults(launching, Preset("nothing.py", {"runs": "2"})) == [Fault("command", wrong)]
    assert faults(launching, Preset("train.py", {"runs": "2"})) == []


def test_a_missing_script_hides_no_other_mistake(launching: Launching) -> None:
    command = "nothing.py --out 'a b'"
    content = Preset(command, {"concurrent": "0", "runs": "0"}, [("opt", "$normal(1)")])
    found = faults(launching, content)
    assert [fault.field for fault in found] == ["command", "concurrent", "", "runs"]
    assert found[0].text == "there is no script or program nothing.py (did you mean train.py?)"
    assert found[3].text == "--runs is 0 (give --runs a number of 1 or more)"


def test_on_an_unknown_target_a_script_is_not_missed(launching: Launching) -> None:
    found = faults(launching, Preset("nothing.py", {"target": "nowhere"}))
    assert [fault.field for fault in found] == ["target", "command"]
