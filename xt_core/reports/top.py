"""The best of many runs."""

import math
from collections.abc import Sequence

from xt_core.model.records import Run


def best_runs(runs: Sequence[Run], metric: str, maximize: bool, count: int) -> Sequence[Run]:
    """So many runs with the best last value of a metric, in the order they were in."""

    def badness(place: int) -> float:
        value = runs[place].metrics.get(metric)
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return math.inf
        return -value if maximize else value

    best = sorted(range(len(runs)), key=badness)[:count]
    return [runs[place] for place in sorted(best)]
