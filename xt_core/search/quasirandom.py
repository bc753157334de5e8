"""Quasi-random search: points that fill the space more evenly than independent ones.

A Sobol' sequence, scrambled by the seed (Owen 1998, doi:10.1006/jcom.1998.0487), whose point
number is the run_index. Invariant: no trial changes what comes.
"""

from collections.abc import Iterable

from scipy.stats import qmc

from xt_core.search.axes import EDGE, Axes
from xt_core.search.spec import SearchSpec
from xt_core.search.suggest import Suggester, generator_seed
from xt_core.search.trials import Suggestion, Trial


class QuasirandomSuggester(Suggester):
    """One dimension of the sequence for each parameter that has more than one value."""

    def __init__(self, spec: SearchSpec) -> None:
        self._axes = Axes(spec.space)
        self._seed = generator_seed(spec.seed, 0, "scramble")

    def tell(self, trials: Iterable[Trial]) -> None:
        """Nothing is learnt."""

    def suggest(self, run_index: int) -> Suggestion:
        names = list(self._axes.free)
        quantiles = dict(zip(names, self._sequence_point(len(names), run_index), strict=True))
        return Suggestion(
            self._axes.choose(lambda name, axis: axis.at(quantiles[name])),
        )

    def _sequence_point(self, dimensions: int, number: int) -> list[float]:
        """Numbers above 0 and below 1, one a dimension."""
        if not dimensions:
            return []
        sequence = qmc.Sobol(dimensions, scramble=True, rng=self._seed)
        if number:
            sequence.fast_forward(number)
        return [min(max(float(u), EDGE), 1 - EDGE) for u in sequence.random(1)[0]]
