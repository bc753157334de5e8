"""Distributed grid descent: from the best configuration so far to its neighbours on a grid.

XT's own, after a few random points. Trials are grouped by configuration; the best mean is the
centre, its neighbours differ in one parameter, by one step if it is ordered and by anything if not.
The next set is one of these, the likelier the fewer its visits (running and failed trials are
visits too). So any number of nodes descend together, and none needs to know of another.

When the whole neighbourhood has been visited, a share of the sets are random ones not yet visited:
restarts. The others go on around the next best configuration that has unvisited neighbours; or, if
repeated trials have differed, stay and measure the neighbourhood again. A grid that has been
visited entirely is measured again around its best.
Invariants: that of `suggest`; maximising is minimising the negative; no configuration is given to
two running trials while there is another choice.
"""

import math
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from statistics import fmean

from xt_core.model.records import Value
from xt_core.search.axes import Axes, Listed, stepped_axis
from xt_core.search.history import History
from xt_core.search.space import Space
from xt_core.search.spec import SearchSpec
from xt_core.search.static import uniform
from xt_core.search.suggest import Suggester
from xt_core.search.trials import Suggestion, Trial, TrialState

STEPS = 10
"""Values of a continuous parameter, with equal probability between them."""
RANDOM_STARTS = 6
RESTART_SHARE = 0.25
VISIT_POWER = 2
"""A configuration visited n times has the weight 1 / (1 + n) ** 2."""
LONGEST_SCAN = 20_000
"""Configurations that are looked at to find one not yet visited."""

Configuration = tuple[int, ...]
"""A place on each axis; 0 for a parameter that is not active."""
Draw = Callable[[str], float]
"""A number in (0, 1) for each purpose."""


@dataclass(slots=True)
class Visit:
    """One trial on the grid; its loss is None unless it is completed."""

    configuration: Configuration
    loss: float | None
    is_running: bool


class Grid:
    """The configurations of a space and what lies beside them."""

    def __init__(self, space: Space) -> None:
        self._axes = Axes(space, partial(stepped_axis, steps=STEPS))
        self._lists = {name: a for name, a in self._axes.free.items() if isinstance(a, Listed)}
        self._lengths = [len(one.values) for one in self._lists.values()]

    def hparams(self, configuration: Configuration) -> dict[str, Value]:
        places = dict(zip(self._lists, configuration, strict=True))
        return self._axes.choose(lambda name, axis: places[name])

    def read(self, hparams: Mapping[str, Value]) -> Configuration | None:
        """The configuration of a set, or the one next to it; None for an impossible one."""
        point = self._axes.read(hparams)
        return None if point is None else tuple(int(point.get(name, 0)) for name in self._lists)

    def neighbours(self, centre: Configuration) -> list[Configuration]:
        found: dict[Configuration, None] = {}
        for position, (axis, place) in enumerate(zip(self._lists.values(), centre, strict=True)):
            last = len(axis.values) - 1
            near = (place - 1, place + 1) if axis.ordered else range(last + 1)
            for other in near:
                if 0 <= other <= last and other != place:
                    moved = (*centre[:position], other, *centre[position + 1 :])
                    found[self._canonical(moved)] = None
        found.pop(centre, None)
        return list(found)

    def unvisited(self, visited: Container[Configuration], draw: Draw) -> Configuration | None:
        """A configuration that was not visited: the first one from a random place on; None if
        there is none, or none within a long way."""
        start = [int(draw(name) * len(axis.values)) for name, axis in self._lists.items()]
        for configuration in islice(self._onwards(start), LONGEST_SCAN):
            if self._canonical(configuration) not in visited:
                return self._canonical(configuration)
        return None

    def _onwards(self, places: list[int]) -> Iterator[Configuration]:
        """All configurations, counted up from one and around."""
        for _ in range(math.prod(self._lengths)):
            yield tuple(places)
            for position, length in enumerate(self._lengths):
                places[position] = (places[position] + 1) % length
                if places[position]:
                    break

    def _canonical(self, configuration: Configuration) -> Configuration:
        return self.read(self.hparams(configuration)) or configuration


class Descent:
    """What the trials tell of a grid, and where to go from there."""

    def __init__(self, grid: Grid, trials: Iterable[Visit]) -> None:
        self._grid = grid
        losses: dict[Configuration, list[float]] = {}
        self._visits: Counter[Configuration] = Counter()
        self._running: set[Configuration] = set()
        for trial in trials:
            self._visits[trial.configuration] += 1
            if trial.loss is not None:
                losses.setdefault(trial.configuration, []).append(trial.loss)
            if trial.is_running:
                self._running.add(trial.configuration)
        means = {configuration: fmean(seen) for configuration, seen in losses.items()}
        self._ranked = sorted(
            means, key=lambda configuration: (means[configuration], configuration)
        )
        self._is_noisy = any(min(seen) < max(seen) for seen in losses.values())

    def next(self, draw: Draw) -> Configuration:
        """The configuration to try; `draw` makes the choices that chance makes."""
        if not self._ranked or len(self._visits) < RANDOM_STARTS:
            return self._anywhere(draw)
        around = [self._ranked[0], *self._grid.neighbours(self._ranked[0])]
        if any(configuration not in self._visits for configuration in around):
            return self._weighted(around, draw)
        if draw("restart") < RESTART_SHARE:
            return self._anywhere(draw)
        if self._is_noisy:
            return self._weighted(around, draw)
        for centre in self._ranked[1:]:
            fresh = [c for c in self._grid.neighbours(centre) if c not in self._visits]
            if fresh:
                return self._weighted(fresh, draw)
        return self._anywhere(draw)

    def _anywhere(self, draw: Draw) -> Configuration:
        found = self._grid.unvisited(self._visits, draw)
        if found is not None:
            return found
        best = self._ranked[:1]
        around = [*best, *(c for centre in best for c in self._grid.neighbours(centre))]
        return self._weighted(around or sorted(self._visits), draw)

    def _weighted(self, configurations: list[Configuration], draw: Draw) -> Configuration:
        """One of some configurations, rather one that was visited less and is not running."""
        idle = [c for c in configurations if c not in self._running] or configurations
        weights = [1 / (1 + self._visits[c]) ** VISIT_POWER for c in idle]
        reached = list(accumulate(weights))
        return idle[min(bisect(reached, draw("step") * reached[-1]), len(idle) - 1)]


class GridDescent(Suggester):
    """A search of one objective by distributed grid descent."""

    def __init__(self, spec: SearchSpec) -> None:
        self._seed = spec.seed
        self._sign = -1.0 if spec.objectives[0].maximize else 1.0
        self._grid = Grid(spec.space)
        self._history = History(len(spec.objectives), self._read)

    def tell(self, trials: Iterable[Trial]) -> None:
        self._history.tell(trials)

    def suggest(self, run_index: int) -> Suggestion:
        descent = Descent(self._grid, self._history)
        configuration = descent.next(partial(uniform, self._seed, run_index))
        return Suggestion(self._grid.hparams(configuration))

    def _read(self, trial: Trial) -> Visit | None:
        configuration = self._grid.read(trial.hparams)
        if configuration is None:
            return None
        is_completed = trial.state is TrialState.COMPLETED
        loss = self._sign * trial.values[0] if is_completed else None
        return Visit(configuration, loss, trial.state is TrialState.RUNNING)
