"""The policies that judge a run by its own curve, or by the others' values at the same step.

Each is frozen data and a pure function of a `CurveStore`. Common to all:

* A run is judged at a new point whose step is at least `delay`. With an `interval` it must be the
  first point to reach or pass one of the interval's positive multiples (those from `delay` on).
* The others at step s are the runs that have reached s, whether they run, completed, failed or
  were stopped. A run that logged nothing at s itself counts with its last value before it.
* A value that is NaN or infinite ranks as the worst.

Optuna's pruners, which most of these agree with (`tests/unit/test_stopping_oracle.py`), differ in
this: they compare with completed trials only, match equal steps only, leave NaN out of a
comparison, and count intervals from the end of the delay, the first one included.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from xt_core.search.stopping.curves import Curve, CurveStore, Statistic

_PERCENT = 100.0
_MEDIAN = 50.0
_DIGITS = 9
"""Quotients of steps are rounded to so many decimals: 0.3 is the third multiple of 0.1."""
_LARGEST_QUOTIENT = 2.0**53
"""Multiples beyond this are not told apart."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """That a run should be stopped, and why, in one line for the user."""

    run: str
    step: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class StoppingPolicy(ABC):
    """When to stop a run. `delay` and `interval` are steps; without interval every point counts."""

    maximize: bool
    metric: str = "value"
    delay: float = 0.0
    interval: float | None = None

    def new_curves(self) -> CurveStore:
        """An empty store of curves as this policy wants them."""
        return CurveStore(self.maximize, self.group)

    def group(self, run_index: int) -> int:
        """The group within which a run is compared: a pure function of its index."""
        return 0

    def judge(self, run: str, curves: CurveStore, new: int = 1) -> Verdict | None:
        """Judge a run by its last `new` points in their order, as if each had come alone.

        None means that it may go on. Raises KeyError for a run that was not started.
        """
        curve = curves.curve(run)
        for position in range(max(0, len(curve) - new), len(curve)):
            if self._is_due(curve, position):
                reason = self.objection(curve, position, curves)
                if reason is not None:
                    return Verdict(run, curve.steps[position], reason)
        return None

    @abstractmethod
    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        """Why a run should stop at a point of its curve; None if it may go on."""

    def _is_due(self, curve: Curve, position: int) -> bool:
        step = curve.steps[position]
        if self.interval is None:
            return step >= self.delay
        previous = curve.steps[position - 1] if position else 0.0
        multiple = math.floor(_quotient(step, self.interval))
        passed = math.floor(_quotient(previous, self.interval))
        first = math.ceil(_quotient(self.delay, self.interval))
        return multiple > max(passed, 0) and multiple >= first

    def _value(self, loss: float) -> float:
        return -loss if self.maximize else loss

    def _shown(self, loss: float) -> str:
        return f"{self._value(loss):.6g}" if math.isfinite(loss) else "(not finite)"


@dataclass(frozen=True, kw_only=True)
class ComparingPolicy(StoppingPolicy):
    """A policy that needs at least `min_runs` others at the step, and never fewer than one."""

    min_runs: int = 1

    def _has_enough(self, others: int) -> bool:
        return others >= max(self.min_runs, 1)


@dataclass(frozen=True, kw_only=True)
class PercentileStopping(ComparingPolicy):
    """Stop a run whose best value so far is worse than the best `percentile` % of the others'
    values at that step; 50 is the median stopping rule.

    Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017,
    in the form of Optuna's `PercentilePruner`: the paper takes the others' running averages, this
    takes their values at the step, and interpolates between them linearly.
    """

    percentile: float = _MEDIAN
    min_runs: int = 5

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        step, best = curve.steps[position], curve.bests[position]
        others = curves.ranking(step, Statistic.LAST, curve.group)[:]
        del others[bisect_left(others, curve.losses[position])]
        if not self._has_enough(len(others)):
            return None
        cutoff = quantile(others, self.percentile / _PERCENT)
        if best <= cutoff:
            return None
        bar = f"the median {self._shown(cutoff)}"
        if self.percentile != _MEDIAN:
            bar = f"{self._shown(cutoff)}, the bound of the best {self.percentile:g}%"
        return (
            f"{self.metric} {self._shown(best)} is worse than {bar} "
            f"of {counted(len(others), 'run')} at step {step:g}"
        )


@dataclass(frozen=True, kw_only=True)
class TruncationStopping(ComparingPolicy):
    """Stop the worst `percentage` % of the runs that are running and have reached the step.

    Azure Machine Learning's truncation selection with `exclude_finished_jobs`, by the best values
    so far. The number of runs to stop is rounded down; runs that tie are stopped together or, if
    they are too many, not at all.
    """

    percentage: float

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        step, best = curve.steps[position], curve.bests[position]
        found = (other.at(step, Statistic.BEST) for other in curves.running() if other is not curve)
        others = [loss for loss in found if loss is not None]
        if not self._has_enough(len(others)):
            return None
        quota = math.floor(round((len(others) + 1) * self.percentage / _PERCENT, _DIGITS))
        if 1 + sum(loss >= best for loss in others) > quota:
            return None
        return (
            f"{self.metric} {self._shown(best)} is among the worst {quota} "
            f"of {counted(len(others) + 1, 'run')} running at step {step:g}"
        )


@dataclass(frozen=True, kw_only=True)
class BanditStopping(ComparingPolicy):
    """Stop a run whose best value so far is further than a slack from the best run's at that step.

    Azure Machine Learning's bandit policy: `slack_amount` is that distance; with `slack_factor` f a
    run must reach best / (1 + f) if larger is better, best · (1 + f) if smaller is. For a negative
    best value, where those formulas would stop the best run itself, the distance is that of its
    absolute value. Exactly one of the two is given.
    """

    slack_factor: float | None = None
    slack_amount: float | None = None

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        step, best = curve.steps[position], curve.bests[position]
        ranking = curves.ranking(step, Statistic.BEST, curve.group)
        leader = ranking[0]
        if not self._has_enough(len(ranking) - 1) or best <= leader + self._slack(leader):
            return None
        return (
            f"{self.metric} {self._shown(best)} is more than the slack of "
            f"{self._slack(leader):.6g} from the best {self._shown(leader)} "
            f"of {counted(len(ranking), 'run')} at step {step:g}"
        )

    def _slack(self, leader: float) -> float:
        if self.slack_factor is None:
            return self.slack_amount or 0.0
        share = (
            self.slack_factor / (1.0 + self.slack_factor) if self.maximize else self.slack_factor
        )
        return abs(leader) * share


@dataclass(frozen=True, kw_only=True)
class ThresholdStopping(StoppingPolicy):
    """Stop a run whose value is below `lower`, above `upper`, or not finite, as in Optuna's
    `ThresholdPruner` (for which an infinity may be within bounds)."""

    lower: float | None = None
    upper: float | None = None

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        step, loss = curve.steps[position], curve.losses[position]
        if not math.isfinite(loss):
            return f"{self.metric} is not finite at step {step:g}"
        value = self._value(loss)
        if self.lower is not None and value < self.lower:
            return f"{self.metric} {value:.6g} is below {self.lower:g} at step {step:g}"
        if self.upper is not None and value > self.upper:
            return f"{self.metric} {value:.6g} is above {self.upper:g} at step {step:g}"
        return None


@dataclass(frozen=True, kw_only=True)
class PatienceStopping(StoppingPolicy):
    """Stop a run whose last `patience` values are no improvement, by `min_delta` or more, on the
    best before them.

    Values that are not finite are no improvement. Optuna's `PatientPruner` differs: its window is
    one value longer, and its `min_delta` is how much worse the window may be.
    """

    patience: int
    min_delta: float = 0.0

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        if position < self.patience:
            return None
        before, best = curve.bests[position - self.patience], curve.bests[position]
        if best < before and before - best >= self.min_delta:
            return None
        least = f" by {self.min_delta:g}" if self.min_delta else ""
        return (
            f"{self.metric} has not improved{least} on {self._shown(before)} "
            f"in the last {counted(self.patience, 'value')} at step {curve.steps[position]:g}"
        )


def quantile(ascending: Sequence[float], share: float) -> float:
    """The quantile at a share from 0 to 1 by linear interpolation, as numpy's default is.

    Infinities may stand at the end. Raises IndexError for an empty sequence.
    """
    place = (len(ascending) - 1) * share
    below = math.floor(place)
    weight = place - below
    low = ascending[below]
    if weight == 0.0:
        return low
    high = ascending[below + 1]
    if math.isinf(high):
        return high
    gap = high - low
    return low + gap * weight if weight < 0.5 else high - gap * (1.0 - weight)


def _quotient(step: float, interval: float) -> float:
    bounded = min(max(step / interval, -_LARGEST_QUOTIENT), _LARGEST_QUOTIENT)
    return round(bounded, _DIGITS)


def counted(count: int, noun: str) -> str:
    """``1 run``, ``8 runs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
