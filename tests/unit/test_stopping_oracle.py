"""Early-stopping policies against Optuna's pruners, where the two mean the same.

Values are random and finite, steps are 1, 2, …, and the others have completed their runs: the rest,
where the two differ on purpose, is in the policies' docstrings and in `test_stopping_policies.py`.
"""

import random
from collections.abc import Iterator

import optuna
import pytest
from optuna.pruners import (
    BasePruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
)

from xt_core.search.stopping import StoppingPolicy
from xt_core.search.stopping.halving import AshaStopping
from xt_core.search.stopping.policies import (
    PatienceStopping,
    PercentileStopping,
    ThresholdStopping,
)

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
DIRECTIONS = pytest.mark.parametrize("maximize", [False, True], ids=["minimize", "maximize"])
STEPS = 20
Curves = list[list[float]]


@pytest.fixture(autouse=True)
def quiet_optuna() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def random_curves(seed: int, count: int) -> Curves:
    """Curves that tend upwards or downwards, with noise."""
    source = random.Random(seed)
    curves = []
    for _ in range(count):
        level, slope = source.random(), source.uniform(-0.05, 0.05)
        curves.append([level + slope * i + source.gauss(0, 0.1) for i in range(STEPS)])
    return curves


def study_with(pruner: BasePruner, maximize: bool, completed: Curves) -> optuna.Study:
    study = optuna.create_study(direction="maximize" if maximize else "minimize", pruner=pruner)
    for values in completed:
        reported = dict(enumerate(values, 1))
        study.add_trial(optuna.trial.create_trial(value=values[-1], intermediate_values=reported))
    return study


def optuna_decisions(pruner: BasePruner, maximize: bool, others: Curves, mine: Curves) -> list[int]:
    """For each curve the step at which it is pruned, 0 for none; pruned trials are not compared."""
    found = []
    for values in mine:
        trial = study_with(pruner, maximize, others).ask()
        stop = 0
        for step, value in enumerate(values, 1):
            trial.report(value, step)
            if trial.should_prune():
                stop = step
                break
        found.append(stop)
    return found


def our_decisions(policy: StoppingPolicy, others: Curves, mine: Curves) -> list[int]:
    found = []
    for values in mine:
        curves = policy.new_curves()
        for number, other in enumerate(others):
            curves.start(f"other{number}")
            curves.add(f"other{number}", list(enumerate(other, 1)))
            curves.end(f"other{number}")
        curves.start("me")
        verdict = None
        for step, value in enumerate(values, 1):
            verdict = policy.judge("me", curves, curves.add("me", [(step, value)]))
            if verdict is not None:
                break
        found.append(0 if verdict is None else int(verdict.step))
    return found


def check(policy: StoppingPolicy, pruner: BasePruner, others: int = 9) -> None:
    """The same decisions on many curves, of which some are stopped and some are not."""
    ours: list[int] = []
    for seed in range(5):
        completed, mine = random_curves(seed, others), random_curves(100 + seed, 20)
        theirs = optuna_decisions(pruner, policy.maximize, completed, mine)
        decisions = our_decisions(policy, completed, mine)
        assert decisions == theirs
        ours += decisions
    assert 0 in ours
    assert len(set(ours)) > 3


@DIRECTIONS
def test_median(maximize: bool) -> None:
    check(PercentileStopping(maximize=maximize), MedianPruner(n_startup_trials=0, n_min_trials=5))


@DIRECTIONS
@pytest.mark.parametrize("percentile", [25.0, 60.0, 80.0])
def test_percentile_with_a_delay(maximize: bool, percentile: float) -> None:
    check(
        PercentileStopping(maximize=maximize, percentile=percentile, delay=3),
        PercentilePruner(percentile, n_startup_trials=0, n_min_trials=5, n_warmup_steps=3),
    )


@DIRECTIONS
def test_percentile_with_an_interval(maximize: bool) -> None:
    check(
        PercentileStopping(maximize=maximize, percentile=70, interval=4, delay=4),
        PercentilePruner(
            70, n_startup_trials=0, n_min_trials=5, n_warmup_steps=4, interval_steps=4
        ),
        others=10,
    )


@DIRECTIONS
def test_threshold(maximize: bool) -> None:
    check(
        ThresholdStopping(maximize=maximize, lower=-0.2, upper=1.2, delay=2),
        ThresholdPruner(lower=-0.2, upper=1.2, n_warmup_steps=2),
    )


@DIRECTIONS
@pytest.mark.parametrize("patience", [3, 5, 8])
def test_patience_without_a_least_improvement(maximize: bool, patience: int) -> None:
    check(
        PatienceStopping(maximize=maximize, patience=patience),
        PatientPruner(None, patience=patience - 1),
        others=0,
    )


@DIRECTIONS
@pytest.mark.parametrize(("min_steps", "factor"), [(1, 2), (1, 3), (2, 3), (3, 4)])
def test_asha_among_runs_that_arrive_interleaved(
    maximize: bool, min_steps: int, factor: int
) -> None:
    policy = AshaStopping(maximize=maximize, min_steps=min_steps, reduction_factor=factor)
    pruner = SuccessiveHalvingPruner(min_resource=min_steps, reduction_factor=factor)
    stops = []
    for seed in range(4):
        curves = random_curves(seed, 40)
        study, store = study_with(pruner, maximize, []), policy.new_curves()
        trials = [study.ask() for _ in curves]
        for number in range(len(curves)):
            store.start(str(number))
        source, alive = random.Random(seed), list(range(len(curves)))
        steps = [0] * len(curves)
        while alive:
            number = source.choice(alive[:4])  # four runs at once
            value = curves[number][steps[number]]
            steps[number] += 1
            trials[number].report(value, steps[number])
            new = store.add(str(number), [(steps[number], value)])
            verdict = policy.judge(str(number), store, new)
            assert (verdict is not None) == trials[number].should_prune()
            if verdict is not None or steps[number] == STEPS:
                alive.remove(number)
        stops += steps
    assert {min_steps, min_steps * factor, STEPS} <= set(stops)
