"""From a search and its trials to the next set to try.

Invariant: a suggestion is a pure function of (spec, run_index, the set of trials told): the order
of arrival, earlier suggestions and restarts of the process change nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

from xt_core.model.records import Value
from xt_core.search.spec import CMAES, DGD, GAUSSIAN_PROCESS, NSGA2, QMC, TPE, SearchSpec
from xt_core.search.spec import check_algorithm as check_algorithm
from xt_core.search.static import UNIFORM_BITS, point, uniform
from xt_core.search.trials import Suggestion, Trial

SEED_BITS = 32
"""NumPy's generators take no longer seed."""


class Suggester(ABC):
    """One search with what it has learnt so far."""

    @abstractmethod
    def tell(self, trials: Iterable[Trial]) -> None:
        """Learn of trials, new or changed, in any order. A trial is known by its job and
        run_index, and telling it again replaces what was told."""

    @abstractmethod
    def suggest(self, run_index: int) -> Suggestion:
        """The set for a run, counted from 0."""


class StaticSuggester(Suggester):
    """Grid and random search: no trial changes what comes."""

    def __init__(self, spec: SearchSpec) -> None:
        self._spec = spec

    def tell(self, trials: Iterable[Trial]) -> None:
        """Nothing is learnt."""

    def suggest(self, run_index: int) -> Suggestion:
        spec = self._spec
        return Suggestion(point(spec.space, spec.algorithm, spec.seed, run_index))


def suggester(spec: SearchSpec) -> Suggester:
    """A search that has learnt nothing yet. Raises UsageError for a spec that does not fit."""
    check_algorithm(spec.algorithm, spec.space, len(spec.objectives))
    if spec.algorithm in (TPE, NSGA2, *GAUSSIAN_PROCESS):
        from xt_core.search.samplers import SamplerSuggester

        return SamplerSuggester(spec)
    if spec.algorithm == CMAES:
        from xt_core.search.evolution import EvolutionSuggester

        return EvolutionSuggester(spec)
    if spec.algorithm == QMC:
        from xt_core.search.quasirandom import QuasirandomSuggester

        return QuasirandomSuggester(spec)
    if spec.algorithm == DGD:
        from xt_core.search.dgd import GridDescent

        return GridDescent(spec)
    return StaticSuggester(spec)


def generator_seed(seed: int, run_index: int, purpose: str) -> int:
    """A seed for a random generator, of 32 bits, that depends on the arguments only."""
    return int(uniform(seed, run_index, purpose) * 2**UNIFORM_BITS) >> (UNIFORM_BITS - SEED_BITS)


def first_unlike(
    running: Sequence[Mapping[str, Value]], draw: Callable[[int], Suggestion], attempts: int
) -> Suggestion:
    """The first suggestion of `draw(0)`, `draw(1)`, … that no run is trying now; the last one if
    all are tried, as in a space with fewer sets than nodes."""
    suggestion = draw(0)
    for attempt in range(1, attempts):
        if not any(_is_of(suggestion.hparams, hparams) for hparams in running):
            break
        suggestion = draw(attempt)
    return suggestion


def _is_of(chosen: Mapping[str, Value], hparams: Mapping[str, Value]) -> bool:
    return all(name in hparams and hparams[name] == value for name, value in chosen.items())
