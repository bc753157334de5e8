"""The `early-stopping` settings, and what ``--early-stopping`` takes."""

from pathlib import Path

import pytest

from xt_core.config import load_config
from xt_core.config.properties import Section
from xt_core.config.schema import SCHEMA
from xt_core.errors import ConfigError, UsageError
from xt_core.home import Home
from xt_core.search.stopping import (
    parse_stopping_option,
    policy_from_settings,
    stopping_option,
)
from xt_core.search.stopping.halving import AshaStopping, HyperbandStopping
from xt_core.search.stopping.policies import (
    BanditStopping,
    PatienceStopping,
    PercentileStopping,
    StoppingPolicy,
    ThresholdStopping,
    TruncationStopping,
)


def policy(**settings: object) -> StoppingPolicy | None:
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    return policy_from_settings(named, maximize=True, seed=7, metric="acc")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"early_policy": "none", "slack_factor": 0.1}, None),
        (
            {"early_policy": "median", "delay_evaluation": 5, "evaluation_interval": 2},
            PercentileStopping(
                maximize=True, metric="acc", percentile=50, min_runs=5, delay=5, interval=2
            ),
        ),
        (
            {"early_policy": "percentile"},
            PercentileStopping(maximize=True, metric="acc", percentile=25, min_runs=5),
        ),
        (
            {"early_policy": "percentile", "percentile": 40, "min_runs": 0},
            PercentileStopping(maximize=True, metric="acc", percentile=40, min_runs=0),
        ),
        (
            {"early_policy": "truncation"},
            TruncationStopping(maximize=True, metric="acc", percentage=20, min_runs=1),
        ),
        (
            {"early_policy": "bandit", "slack_factor": 0.2},
            BanditStopping(maximize=True, metric="acc", slack_factor=0.2, min_runs=1),
        ),
        (
            {"early_policy": "bandit", "slack_amount": 0.2},
            BanditStopping(maximize=True, metric="acc", slack_amount=0.2, min_runs=1),
        ),
        (
            {"early_policy": "asha"},
            AshaStopping(maximize=True, metric="acc", min_steps=1, reduction_factor=3, min_runs=0),
        ),
        (
            {"early_policy": "hyperband", "max_steps": 27, "reduction_factor": 4},
            HyperbandStopping(
                maximize=True, metric="acc", max_steps=27, reduction_factor=4, seed=7
            ),
        ),
        (
            {"early_policy": "threshold", "lower": -1, "upper": "1e3"},
            ThresholdStopping(maximize=True, metric="acc", lower=-1, upper=1000),
        ),
        (
            {"early_policy": "patience", "min_delta": 0.01},
            PatienceStopping(maximize=True, metric="acc", patience=10, min_delta=0.01),
        ),
    ],
    ids=str,
)
def test_settings_make_a_policy(settings: dict[str, object], expected: object) -> None:
    assert policy(**settings) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"early_policy": "bandit"},
            "early-stopping.early-policy bandit needs early-stopping.slack-factor or slack-amount",
        ),
        (
            {"early_policy": "bandit", "slack_factor": 1, "slack_amount": 1},
            "early-stopping.slack-factor and early-stopping.slack-amount are both set",
        ),
        (
            {"early_policy": "hyperband"},
            "early-stopping.early-policy hyperband needs early-stopping.max-steps",
        ),
        (
            {"early_policy": "asha", "min_steps": 9, "max_steps": 9},
            "early-stopping.max-steps is 9, not more than min-steps, which is 9",
        ),
        (
            {"early_policy": "threshold", "lower": 2, "upper": 1},
            "early-stopping.lower is 2, above early-stopping.upper, which is 1",
        ),
        (
            {"early_policy": "percentile", "percentile": 101},
            "early-stopping.percentile must be from 0 to 100, not 101",
        ),
        (
            {"early_policy": "truncation", "truncation_percentage": 100.5},
            "early-stopping.truncation-percentage must be from 0 to 100, not 100.5",
        ),
        (
            {"early_policy": "median", "evaluation_interval": 0},
            "early-stopping.evaluation-interval must be from 1e-09 to 1e+15, not 0",
        ),
        (
            {"early_policy": "asha", "min_steps": 0},
            "early-stopping.min-steps must be from 1e-09 to 1e+15, not 0",
        ),
        (
            {"early_policy": "asha", "reduction_factor": 1},
            "early-stopping.reduction-factor must be a whole number of at least 2, not '1'",
        ),
        (
            {"early_policy": "patience", "patience": 2.5},
            "early-stopping.patience must be a whole number of at least 1, not 2.5",
        ),
        (
            {"early_policy": "medium"},
            "early-stopping.early-policy must be none, median, percentile, truncation, bandit, "
            "asha, hyperband, threshold or patience, not 'medium'",
        ),
        ({"slack": 1}, "unknown property 'slack' in early-stopping"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(**settings)
    assert caught.value.message == message
    assert caught.value.hint


def test_the_settings_of_other_policies_do_no_harm() -> None:
    assert policy(early_policy="median", lower=5, upper=1, min_steps=0, slack_factor=1) == policy(
        early_policy="median"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("median", {"early-policy": "median"}),
        ("none", {"early-policy": "none"}),
        (
            "asha,min-steps=1,reduction-factor=3",
            {"early-policy": "asha", "min-steps": 1.0, "reduction-factor": 3},
        ),
        (
            " threshold , lower = -2.5 ,upper=1e3 ",
            {"early-policy": "threshold", "lower": -2.5, "upper": 1000.0},
        ),
        (
            "bandit,slack-factor=0.1,delay-evaluation=5,evaluation-interval=2,min-runs=3",
            {
                "early-policy": "bandit",
                "slack-factor": 0.1,
                "delay-evaluation": 5.0,
                "evaluation-interval": 2.0,
                "min-runs": 3,
            },
        ),
    ],
)
def test_an_option_becomes_settings(text: str, expected: dict[str, object]) -> None:
    found = parse_stopping_option(text)
    assert found == {f"early-stopping.{name}": value for name, value in expected.items()}
    assert [type(value) for value in found.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("ahsa", "unknown policy 'ahsa'", "did you mean 'asha'?"),
        ("", "'' names no policy", "valid names: none, median, percentile, truncation, bandit, "
         "asha, hyperband, threshold, patience"),
        ("min-steps=1", "unknown policy 'min-steps=1'", "valid names: none, median, percentile, "
         "truncation, bandit, asha, hyperband, threshold, patience"),
        ("asha,min-stpes=1", "asha has no 'min-stpes'", "did you mean 'min-steps'?"),
        ("asha,min-steps", "'min-steps' is not of the form name=value",
         "as in asha,min-steps=1,reduction-factor=3"),
        ("asha,", "'' is not of the form name=value", "as in asha,min-steps=1,reduction-factor=3"),
        ("asha,min-steps=1,min-steps=2", "min-steps is given twice", "give it once"),
        ("median,slack-factor=1", "median does not use slack-factor",
         "it takes delay-evaluation, evaluation-interval, min-runs"),
        ("none,patience=3", "none does not use patience", "name a policy that does"),
        ("asha,early-policy=median", "early-policy is given twice", "give it once"),
        ("patience,patience=few", "patience must be a whole number of at least 1, not 'few'",
         "With patience: how many values in a row may be no improvement."),
        ("threshold,upper=null", "upper must be a number, not 'null'",
         "With threshold: the largest value that goes on; with null there is none."),
        ("threshold,upper=nan", "upper must be a number, not 'nan'",
         "With threshold: the largest value that goes on; with null there is none."),
        ("asha,min-steps=0", "min-steps must be from 1e-09 to 1e+15, not 0",
         "With asha and hyperband: the first step at which runs are judged."),
    ],
)  # fmt: skip
def test_a_wrong_option_is_explained(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_stopping_option(text)
    assert caught.value.message == f"--early-stopping: {message}"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("none", ""),
        ("median", "median"),
        ("asha,reduction-factor=3,min-steps=2", "asha,min-steps=2"),
        ("bandit,min-runs=3,slack-factor=0.1", "bandit,min-runs=3,slack-factor=0.1"),
        ("threshold,lower=-2.5,upper=1e3", "threshold,lower=-2.5,upper=1000"),
    ],
)
def test_settings_are_told_as_they_are_asked_for_without_the_defaults(
    text: str, shown: str
) -> None:
    settings = {
        path.removeprefix("early-stopping."): value
        for path, value in parse_stopping_option(text).items()
    }
    assert stopping_option(settings) == shown
    if shown:
        told = parse_stopping_option(shown)
        assert stopping_option({path.split(".")[1]: value for path, value in told.items()}) == shown


def test_each_policy_of_the_schema_can_be_asked_for() -> None:
    section = SCHEMA["early-stopping"]
    assert isinstance(section, Section)
    for name in section.properties["early-policy"].choices:
        assert parse_stopping_option(name) == {"early-stopping.early-policy": name}


def test_a_file_and_the_option_come_together_in_a_policy(tmp_path: Path) -> None:
    (tmp_path / "xt_config.yaml").write_text(
        "early-stopping: {early-policy: bandit, slack-amount: 0.5, delay-evaluation: 4}\n"
    )
    home = Home(tmp_path / "home")
    config = load_config(home, tmp_path, {})
    assert policy_from_settings(config.get("early-stopping"), False, 0) == BanditStopping(
        maximize=False, slack_amount=0.5, delay=4
    )
    config = load_config(home, tmp_path, {}, parse_stopping_option("asha,min-steps=2"))
    assert policy_from_settings(config.get("early-stopping"), False, 0) == AshaStopping(
        maximize=False, min_steps=2, delay=4
    )
