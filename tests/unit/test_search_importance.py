"""Importance of parameters: what decides gets the largest share, whatever the order of trials."""

import math
import random

import pytest

from xt_core.search.importance import observed_space, ped_anova
from xt_core.search.space import Space
from xt_core.search.trials import Trial, TrialState

SPACE = Space.from_object(
    {
        "lr": "[$loguniform(-9, 0)]",
        "opt": ["adam", "sgd"],
        "noise": "[$uniform(0, 1)]",
        "constant": 3,
        "momentum": {"values": [0.8, 0.9, 0.99], "when": {"opt": "sgd"}},
    }
)


def trials(count: int) -> list[Trial]:
    """Random sets, judged by `lr` alone."""
    draw = random.Random(1)
    sets = [SPACE.draw(lambda _, values: values.sample(draw.random())) for _ in range(count)]
    return [
        Trial(
            "job1",
            n,
            hparams,
            TrialState.COMPLETED,
            ((math.log(float(str(hparams["lr"]))) + 4) ** 2,),
        )
        for n, hparams in enumerate(sets)
    ]


def test_the_parameter_that_decides_has_the_largest_share() -> None:
    shares = ped_anova(SPACE, trials(60), maximize=False)
    assert set(shares) == {"lr", "opt", "noise", "momentum"}
    assert next(iter(shares)) == "lr"
    assert shares["lr"] > 0.5
    assert sum(shares.values()) == pytest.approx(1)


def test_the_order_of_trials_does_not_matter() -> None:
    history = trials(30)
    assert ped_anova(SPACE, history[::-1], maximize=False) == ped_anova(
        SPACE, history, maximize=False
    )


def test_the_direction_decides_which_trials_are_the_best() -> None:
    history = trials(40)
    mirrored = [Trial(t.job, t.run_index, t.hparams, t.state, (-t.values[0],)) for t in history]
    least, most = ped_anova(SPACE, history, maximize=False), ped_anova(SPACE, mirrored, True)
    assert most == least
    assert ped_anova(SPACE, history, maximize=True) != least


def test_values_beyond_the_space_are_passed_over() -> None:
    history = trials(20)
    odd = Trial("job1", 99, {"lr": "high", "depth": 2}, TrialState.COMPLETED, (0.0,))
    assert ped_anova(SPACE, [*history, odd], False) == ped_anova(SPACE, history, False)
    assert ped_anova(SPACE, [odd, odd], maximize=False) == {}


def test_a_space_can_be_made_of_the_values_seen() -> None:
    space = observed_space([{"lr": 3, "opt": "b"}, {"lr": 1.5, "opt": "a", "flag": True}])
    assert space == Space.from_object({"lr": [1.5, 3], "opt": ["b", "a"], "flag": [True]})


def test_nothing_that_varies_has_no_shares() -> None:
    same = [Trial("job1", n, {"lr": 1}, TrialState.COMPLETED, (float(n),)) for n in range(20)]
    assert ped_anova(observed_space(t.hparams for t in same), same, maximize=False) == {}
