"""Search by CMA-ES: a normal distribution that moves towards the better points.

The distribution is computed anew for every ask, from the generations that the trials' notes tell:
no pickled optimiser is ever stored or loaded. Numbers evolve in the unit cube, ordered lists among
them with a margin that keeps each place reachable; unordered choices are drawn at random. A
generation is complete with as many finished trials as it needs, whichever those are; nodes that
ask meanwhile get more points of it. When the distribution has collapsed, a larger population starts
at another place. Trials of other searches, if there are enough, give the first distribution.
Invariant: that of `suggest`.

Sources: Hansen 2016 (arXiv:1604.00772); margin: Hamano et al. 2022 (arXiv:2205.13482); restarts:
Auger & Hansen 2005 (doi:10.1109/CEC.2005.1554902); warm start: Nomura et al. 2021
(arXiv:2012.06932).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cmaes import CMAwM, get_warm_start_mgd

from xt_core.model.encoding import dumps
from xt_core.search.axes import Axes, Axis, Continuous, Coordinate, Listed
from xt_core.search.history import History, worst_values
from xt_core.search.spec import SearchSpec
from xt_core.search.static import uniform
from xt_core.search.suggest import Suggester, first_unlike, generator_seed
from xt_core.search.trials import Suggestion, Trial, TrialState

NOTES = "cmaes"
INITIAL_SIGMA = 0.2
"""Of the range of a parameter. Of 0.3, 0.2 and 1/6 the best in benchmarks/search_quality.py."""
POPULATION_GROWTH = 2
SOURCE_TRIALS = 20
"""A warm start needs as many, of which it takes the best tenth."""
ATTEMPTS = 20


@dataclass(slots=True)
class Individual:
    """A trial as CMA-ES knows it: where it lies, and the generation it is of; -1 for none."""

    trial: Trial
    x: Sequence[float]
    generation: int


class EvolutionSuggester(Suggester):
    """A search of one objective by CMA-ES."""

    def __init__(self, spec: SearchSpec) -> None:
        self._spec = spec
        self._axes = Axes(spec.space)
        self._numbers = {name: a for name, a in self._axes.free.items() if _is_number(a)}
        identity = dumps(spec.to_json()).encode()
        self._search = hashlib.blake2b(identity, digest_size=8).hexdigest()
        self._history = History(len(spec.objectives), self._read)

    def tell(self, trials: Iterable[Trial]) -> None:
        self._history.tell(trials)

    def suggest(self, run_index: int) -> Suggestion:
        if not self._numbers:
            return Suggestion(self._axes.choose(lambda name, axis: axis.at(0.5)))
        generation, evolved = self._evolve()
        running = [i.trial.hparams for i in self._history if i.trial.state is TrialState.RUNNING]

        def draw(attempt: int) -> Suggestion:
            evolved.reseed_rng(generator_seed(self._spec.seed, run_index, f"cmaes {attempt}"))
            encoded, x = evolved.ask()
            notes = {"search": self._search, "generation": generation, "x": x.tolist()}
            return Suggestion(self._hparams(encoded, run_index, attempt), {NOTES: notes})

        return first_unlike(running, draw, ATTEMPTS)

    def _hparams(self, encoded: Sequence[float], run_index: int, attempt: int) -> dict[str, Any]:
        places = dict(zip(self._numbers, map(float, encoded), strict=True))

        def pick(name: str, axis: Axis) -> Coordinate:
            if name in places:
                return _from_unit(axis, places[name])
            return axis.at(uniform(self._spec.seed, run_index, f"{name} {attempt}"))

        return self._axes.choose(pick)

    def _read(self, trial: Trial) -> Individual | None:
        point = self._axes.read(trial.hparams)
        if point is None:
            return None
        noted = trial.notes.get(NOTES)
        if isinstance(noted, dict) and noted.get("search") == self._search:
            return Individual(trial, noted["x"], noted["generation"])
        centre = {name: _to_unit(axis, point.get(name)) for name, axis in self._numbers.items()}
        return Individual(trial, list(centre.values()), -1)

    def _evolve(self) -> tuple[int, CMAwM]:
        """The generation that is being tried, and its distribution."""
        generations, others = self._losses()
        evolved = self._start(others)
        restarts = 0
        generation = 0
        while len(solutions := generations.get(generation, [])) >= evolved.population_size:
            evolved.tell(solutions[: evolved.population_size])
            generation += 1
            if evolved.should_stop():
                restarts += 1
                evolved = self._restart(restarts, evolved.population_size * POPULATION_GROWTH)
        return generation, evolved

    def _losses(
        self,
    ) -> tuple[dict[int, list[tuple[np.ndarray, float]]], list[tuple[np.ndarray, float]]]:
        """Points with their losses: those of each generation, and those of other searches."""
        states = [(i, i.trial.state) for i in self._history]
        worst = worst_values(
            self._spec.objectives,
            (i.trial.values for i, state in states if state is TrialState.COMPLETED),
        )
        sign = -1.0 if self._spec.objectives[0].maximize else 1.0
        generations: dict[int, list[tuple[np.ndarray, float]]] = {}
        others = []
        for individual, state in states:
            values = individual.trial.values if state is TrialState.COMPLETED else worst
            if state is TrialState.RUNNING or values is None:
                continue
            solution = (np.asarray(individual.x, dtype=float), sign * values[0])
            if individual.generation < 0:
                others.append(solution)
            else:
                generations.setdefault(individual.generation, []).append(solution)
        return generations, others

    def _start(self, others: list[tuple[np.ndarray, float]]) -> CMAwM:
        if len(others) < SOURCE_TRIALS:
            return self._optimiser(np.full(len(self._numbers), 0.5), INITIAL_SIGMA)
        mean, sigma, covariance = get_warm_start_mgd(others)
        return self._optimiser(mean, sigma, covariance=covariance)

    def _restart(self, number: int, population: int) -> CMAwM:
        mean = [uniform(self._spec.seed, number, f"restart {name}") for name in self._numbers]
        return self._optimiser(np.array(mean), INITIAL_SIGMA, population)

    def _optimiser(
        self,
        mean: np.ndarray,
        sigma: float,
        population: int | None = None,
        covariance: np.ndarray | None = None,
    ) -> CMAwM:
        return CMAwM(
            mean=mean,
            sigma=sigma,
            bounds=np.tile([0.0, 1.0], (len(mean), 1)),
            steps=np.array([_step(axis) for axis in self._numbers.values()]),
            population_size=population,
            cov=covariance,
        )


def _is_number(axis: Axis) -> bool:
    return isinstance(axis, Continuous) or (isinstance(axis, Listed) and axis.ordered)


def _step(axis: Axis) -> float:
    """The distance of neighbours in the unit interval; 0 if there are none."""
    return 1 / (len(axis.values) - 1) if isinstance(axis, Listed) else 0.0


def _from_unit(axis: Axis, x: float) -> Coordinate:
    return round(x / _step(axis)) if isinstance(axis, Listed) else axis.at(x)


def _to_unit(axis: Axis, coordinate: Coordinate | None) -> float:
    """The inverse of `_from_unit`; the middle for a parameter that is not active."""
    if coordinate is None:
        return 0.5
    if isinstance(axis, Continuous):
        return (coordinate - axis.low) / (axis.high - axis.low)
    return coordinate * _step(axis)
