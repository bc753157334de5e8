"""How much each parameter of a search decides whether a run is among the best.

By Optuna's PED-ANOVA: Watanabe et al., IJCAI 2023 (arXiv:2304.10255), which compares the density of
a parameter among the best trials with that among all; of a conditional one where it is active
(arXiv:2601.20800). Invariant: the shares depend on the set of trials, not on their order, and sum
to 1.
"""

import math
import warnings
from collections.abc import Iterable, Mapping

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from xt_core.model.records import Value
from xt_core.search.axes import Axes, Coordinate
from xt_core.search.distributions import Choice, identity
from xt_core.search.samplers import optuna_distribution
from xt_core.search.space import Space
from xt_core.search.study import TrialView, frozen_trial
from xt_core.search.trials import Trial

_BEST_SHARE = 0.1
"""Of the trials, as the paper has it."""
_LEAST_BEST = 5
"""What Optuna advises to have among the best at least; of few trials, they are a larger share."""
_LARGEST_SHARE = 0.5


def ped_anova(space: Space, trials: Iterable[Trial], maximize: bool) -> dict[str, float]:
    """The share of each parameter with more than one value, the largest first.

    `trials` are completed ones, judged by their first value; what a set has beyond the space is
    passed over. Empty if fewer than two trials are left, or nothing varies.
    """
    read = _read_trials(Axes(space), trials)
    if len(read) < 2:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
    study = optuna.create_study(storage=TrialView(read), direction=direction)
    best = min(max(_BEST_SHARE, _LEAST_BEST / len(read)), _LARGEST_SHARE)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=best)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials, of which the caller decides
        shares = get_param_importances(study, evaluator=evaluator)
    return dict(sorted(shares.items(), key=lambda share: (-share[1], share[0])))


def _read_trials(axes: Axes, trials: Iterable[Trial]) -> list[FrozenTrial]:
    """The trials as Optuna sees them: the coordinates of their active parameters."""
    distributions = {name: optuna_distribution(axis) for name, axis in axes.free.items()}
    read = []
    for trial in sorted(trials, key=lambda trial: trial.order):
        point: dict[str, Coordinate] = {}
        for name, axis in axes.free.items():
            place = axis.coordinate(trial.hparams[name]) if name in trial.hparams else None
            if place is not None:
                point[name] = place
        if point:
            active = {name: distributions[name] for name in point}
            values = [trial.values[0]]
            read.append(frozen_trial(TrialState.COMPLETE, point, active, values, {}))
    return read


def observed_space(sets: Iterable[Mapping[str, Value]]) -> Space:
    """The space of the values that were seen, for a search whose own is not known. Numbers are in
    their order, all else as it came."""
    values: dict[str, dict[tuple[bool, Value], Value]] = {}
    for hparams in sets:
        for name, value in hparams.items():
            values.setdefault(name, {}).setdefault(identity(value), value)
    return Space({name: Choice(_ordered(seen.values())) for name, seen in values.items()})


def _ordered(values: Iterable[Value]) -> tuple[Value, ...]:
    listed = list(values)
    numbers = [v for v in listed if isinstance(v, int | float) and not isinstance(v, bool)]
    is_sortable = len(numbers) == len(listed) and all(map(math.isfinite, numbers))
    return tuple(sorted(numbers)) if is_sortable else tuple(listed)
