"""The learning curves of a job's runs, and how their values rank at a step.

Values are kept as losses: negated where larger is better, infinity where they are not finite, so
that smaller is better everywhere and a diverged run ranks last.
Invariant: whatever the store answers is a function of each run's points in the order it logged
them. Neither the order between runs, nor how points came in batches, nor what was asked before
changes it. So a store that is fed again after a restart answers as the one before did.
"""

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto

Point = tuple[float, float]
"""Step and value."""

MOST_RANKED_STEPS = 4096
"""How many steps have their ranking kept; others are ranked again when they are asked for."""


class Statistic(Enum):
    """What stands for a run's curve at a step that it has reached."""

    LAST = auto()
    """The last value at or before the step."""
    BEST = auto()
    """The best value at or before the step."""
    REACHED = auto()
    """The first value at or after the step."""


class Curve:
    """The points of one run, steps ascending; `bests[i]` is the least of `losses[:i + 1]`."""

    __slots__ = ("bests", "group", "is_running", "losses", "steps")

    def __init__(self, group: int) -> None:
        self.group = group
        self.is_running = True
        self.steps = array("d")  # doubles: a job may have 10,000 curves of 1,000 points
        self.losses = array("d")
        self.bests = array("d")

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def reached(self) -> float:
        """The furthest step; minus infinity before the first point."""
        return self.steps[-1] if self.steps else -math.inf

    def append(self, step: float, loss: float) -> None:
        """Add a point beyond the furthest step."""
        self.steps.append(step)
        self.losses.append(loss)
        self.bests.append(min(loss, self.bests[-1]) if self.bests else loss)

    def at(self, step: float, statistic: Statistic) -> float | None:
        """The loss at a step; None if the run has not reached it, or has no value for it."""
        steps = self.steps
        if not steps or steps[-1] < step:
            return None
        if statistic is Statistic.REACHED:
            return self.losses[bisect_left(steps, step)]
        position = bisect_right(steps, step) - 1
        if position < 0:
            return None
        return (self.losses if statistic is Statistic.LAST else self.bests)[position]


class CurveStore:
    """The curves of a job's runs. Runs may be put in groups, within which they are ranked.

    A value joins every ranking that was asked for as it arrives, so that judging a run does not
    read the other runs' curves.
    """

    def __init__(
        self,
        maximize: bool,
        group_of: Callable[[int], int] = lambda run_index: 0,
        most_ranked_steps: int = MOST_RANKED_STEPS,
    ) -> None:
        self._sign = -1.0 if maximize else 1.0
        self._group_of = group_of
        self._most_ranked_steps = most_ranked_steps
        self._curves: dict[str, Curve] = {}
        self._rankings: dict[tuple[int, Statistic], _Rankings] = {}

    def start(self, run: str, run_index: int = 0) -> None:
        """Take up a run, or one that ended and runs again: it keeps its curve."""
        curve = self._curves.get(run)
        if curve is None:
            self._curves[run] = Curve(self._group_of(run_index))
        else:
            curve.is_running = True

    def end(self, run: str) -> None:
        """Note that a run ended, however; its curve stays in every comparison but those of
        running runs. Raises KeyError for a run that was not started."""
        self._curves[run].is_running = False

    def add(self, run: str, points: Iterable[Point]) -> int:
        """Add points of a run in the order it logged them; returns how many were new.

        Only a point beyond the furthest step is new: a restarted run logs again what it logged
        after its last checkpoint, and the first value at a step counts. Raises KeyError for a run
        that was not started.
        """
        curve = self._curves[run]
        before = len(curve)
        for step, value in points:
            if math.isfinite(step) and step > curve.reached:
                curve.append(step, self._sign * value if math.isfinite(value) else math.inf)
                for (group, _), rankings in self._rankings.items():
                    if group == curve.group:
                        rankings.take_up_last_point(curve)
        return len(curve) - before

    def curve(self, run: str) -> Curve:
        """A run's curve. Raises KeyError for a run that was not started."""
        return self._curves[run]

    def running(self) -> Iterator[Curve]:
        """The curves of the runs that have not ended."""
        return (curve for curve in self._curves.values() if curve.is_running)

    def ranking(self, step: float, statistic: Statistic, group: int = 0) -> "array[float]":
        """The losses at a step of all runs of a group that have one, ascending; not to be changed.

        The first time a step is asked for costs a look at each run, later times a look-up.
        """
        rankings = self._rankings.get((group, statistic))
        if rankings is None:
            rankings = _Rankings(statistic, self._most_ranked_steps)
            self._rankings[group, statistic] = rankings
        losses = rankings.find(step)
        if losses is None:
            curves = (curve for curve in self._curves.values() if curve.group == group)
            losses = rankings.make(step, curves)
        return losses


class _Rankings:
    """The rankings of one group by one statistic, at the steps that were asked for of late."""

    def __init__(self, statistic: Statistic, most_steps: int) -> None:
        self._statistic = statistic
        self._most_steps = most_steps
        self._steps: list[float] = []  # ascending
        self._by_step: dict[float, array[float]] = {}  # the least recently used first

    def find(self, step: float) -> "array[float] | None":
        losses = self._by_step.pop(step, None)
        if losses is not None:
            self._by_step[step] = losses
        return losses

    def make(self, step: float, curves: Iterable[Curve]) -> "array[float]":
        found = (curve.at(step, self._statistic) for curve in curves)
        losses = array("d", sorted(loss for loss in found if loss is not None))
        if len(self._steps) >= self._most_steps:
            oldest = next(iter(self._by_step))
            del self._by_step[oldest]
            del self._steps[bisect_left(self._steps, oldest)]
        insort(self._steps, step)
        self._by_step[step] = losses
        return losses

    def take_up_last_point(self, curve: Curve) -> None:
        """Rank a curve at the steps that it reached with its last point."""
        first = bisect_right(self._steps, curve.steps[-2]) if len(curve) > 1 else 0
        for step in self._steps[first : bisect_right(self._steps, curve.reached)]:
            loss = curve.at(step, self._statistic)
            if loss is not None:
                insort(self._by_step[step], loss)
