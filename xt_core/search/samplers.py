"""Search by Optuna's samplers: TPE, Gaussian process, NSGA-II.

Every ask has a sampler of its own, seeded by (seed, run_index), so that a sampler remembers nothing
but what the trials tell. Running trials are told as running, failed ones as completed with the
worst value seen: evidence against their region, where Optuna would learn nothing from them.
Invariant: that of `suggest`.

Sources: multivariate TPE, Watanabe 2023 (arXiv:2304.11127), with running trials counted as bad
ones; Gaussian process with log expected improvement, Ament et al. 2023 (arXiv:2310.20708), which
integrates over the running trials; NSGA-II, Deb et al. 2002 (doi:10.1109/4235.996017).
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import (
    BaseGASampler,
    BaseSampler,
    GPSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from xt_core.model.records import Objective
from xt_core.search.axes import Axes, Axis, Continuous, Coordinate, Listed
from xt_core.search.history import History, worst_values
from xt_core.search.spec import BAYESIAN, GAUSSIAN_PROCESS, GP, NSGA2, TPE, SearchSpec
from xt_core.search.study import TrialView, frozen_trial
from xt_core.search.suggest import Suggester, first_unlike, generator_seed
from xt_core.search.trials import Suggestion, Trial, TrialState

POPULATION = 20
"""Individuals in a generation of NSGA-II: Optuna's 50 would be all of many a search."""
SAMPLER_ATTEMPTS = 3
"""How often a sampler may repeat a running trial before random points are tried."""
ATTEMPTS = 20
BEARABLE = 3
"""A value further beyond the median than the best is before it, times this, is cut for a Gaussian
process: else a few diverged runs would be all that its scale shows."""
NOTES = "optuna"
"""What a genetic sampler wants to know again of a trial: its generation."""


def _tpe(seed: int) -> BaseSampler:
    return TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)


def _gaussian_process(seed: int) -> BaseSampler:
    return GPSampler(seed=seed, warn_independent_sampling=False)


def _nsga2(seed: int) -> BaseSampler:
    return NSGAIISampler(population_size=POPULATION, seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    TPE: _tpe,
    GP: _gaussian_process,
    BAYESIAN: _gaussian_process,
    NSGA2: _nsga2,
}


@dataclass(slots=True)
class Entry:
    """A trial beside what Optuna sees of it."""

    trial: Trial
    frozen: FrozenTrial


class SamplerSuggester(Suggester):
    """A search by the sampler that `SAMPLERS` has for the algorithm."""

    def __init__(self, spec: SearchSpec) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._spec = spec
        self._axes = Axes(spec.space)
        self._distributions = {name: optuna_distribution(a) for name, a in self._axes.free.items()}
        self._directions = [
            StudyDirection.MAXIMIZE if o.maximize else StudyDirection.MINIMIZE
            for o in spec.objectives
        ]
        self._history = History(len(spec.objectives), self._read)

    def tell(self, trials: Iterable[Trial]) -> None:
        self._history.tell(trials)

    def suggest(self, run_index: int) -> Suggestion:
        if not self._axes.free:
            return Suggestion(self._axes.choose(lambda name, axis: axis.at(0.5)))
        running = [e.trial.hparams for e in self._history if e.trial.state is TrialState.RUNNING]
        trials = self._visible()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return first_unlike(
                running, lambda attempt: self._ask(run_index, attempt, trials), ATTEMPTS
            )

    def _read(self, trial: Trial) -> Entry | None:
        point = self._axes.read(trial.hparams)
        if point is None:
            return None
        distributions = {name: self._distributions[name] for name in point}
        is_running = trial.state is TrialState.RUNNING
        state = optuna.trial.TrialState.RUNNING if is_running else optuna.trial.TrialState.COMPLETE
        values = list(trial.values) if trial.state is TrialState.COMPLETED else None
        return Entry(
            trial, frozen_trial(state, point, distributions, values, _attributes(trial.notes))
        )

    def _visible(self) -> list[FrozenTrial]:
        """The trials that a sampler sees; failed ones only once there is a worst value."""
        completed = [e.trial.values for e in self._history if e.trial.state is TrialState.COMPLETED]
        worst = worst_values(self._spec.objectives, completed)
        if worst is not None and self._spec.algorithm in GAUSSIAN_PROCESS:
            worst = _bearable(self._spec.objectives, completed, worst)
        visible = []
        for entry in self._history:
            if entry.trial.state is not TrialState.RUNNING:
                if worst is None:
                    continue
                entry.frozen.values = _at_worst(self._spec.objectives, entry.trial.values, worst)
            visible.append(entry.frozen)
        return visible

    def _ask(self, run_index: int, attempt: int, trials: list[FrozenTrial]) -> Suggestion:
        seed = generator_seed(self._spec.seed, run_index, f"sampler {attempt}")
        make = SAMPLERS[self._spec.algorithm] if attempt < SAMPLER_ATTEMPTS else RandomSampler
        sampler = make(seed)
        storage = TrialView(trials.copy())
        study = optuna.create_study(storage=storage, sampler=sampler, directions=self._directions)
        if isinstance(sampler, BaseGASampler):
            _select_parents(sampler, study, trials)
        asked = study.ask()
        hparams = self._axes.choose(lambda name, axis: _suggest(asked, name, axis))
        noted = isinstance(sampler, BaseGASampler)
        return Suggestion(hparams, {NOTES: storage.asked.system_attrs} if noted else {})


def optuna_distribution(axis: Axis) -> BaseDistribution:
    """The distribution of an axis' coordinates."""
    if isinstance(axis, Listed):
        if axis.ordered:
            return IntDistribution(0, len(axis.values) - 1)
        return CategoricalDistribution(range(len(axis.values)))
    assert isinstance(axis, Continuous)
    return FloatDistribution(axis.low, axis.high)


def _suggest(asked: optuna.Trial, name: str, axis: Axis) -> Coordinate:
    if isinstance(axis, Listed):
        if axis.ordered:
            return asked.suggest_int(name, 0, len(axis.values) - 1)
        return asked.suggest_categorical(name, range(len(axis.values)))
    assert isinstance(axis, Continuous)
    return asked.suggest_float(name, axis.low, axis.high)


def _at_worst(
    objectives: Sequence[Objective], values: Sequence[float], worst: Sequence[float]
) -> list[float]:
    """The values, none worse than `worst`; that itself if there are none."""
    return [
        max(value, limit) if objective.maximize else min(value, limit)
        for objective, value, limit in zip(objectives, values or worst, worst, strict=True)
    ]


def _bearable(
    objectives: Sequence[Objective], completed: Sequence[Sequence[float]], worst: Sequence[float]
) -> tuple[float, ...]:
    """The worst values that a Gaussian process is told, by objective."""
    limits = []
    for objective, column, last in zip(
        objectives, zip(*completed, strict=True), worst, strict=True
    ):
        middle = median(column)
        best = max(column) if objective.maximize else min(column)
        limits.append(last if best == middle else middle + BEARABLE * (middle - best))
    return tuple(_at_worst(objectives, limits, worst))


def _attributes(notes: Mapping[str, Any]) -> dict[str, Any]:
    noted = notes.get(NOTES)
    return noted if isinstance(noted, dict) else {}


def _select_parents(sampler: BaseGASampler, study: optuna.Study, trials: list[FrozenTrial]) -> None:
    """Select the parents of all generations so far, the oldest first: Optuna would recurse from
    the youngest, and Python's stack ends at some hundreds of them."""
    generations = (sampler.get_trial_generation(study, t) for t in trials if t.system_attrs)
    for generation in range(1, max(generations, default=0) + 1):
        sampler.get_parent_population(study, generation)
