"""Successive halving: at a few steps, the rungs, only the best part of the runs goes on.

The form is the one that stops runs: no run is paused, so a run that reached a rung early goes on
although later ones turn out better there, and nothing waits for a rung to fill.
A run takes part in a rung with the first value that it logs at or after the rung's step.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from xt_core.search.static import uniform
from xt_core.search.stopping.curves import Curve, CurveStore, Statistic
from xt_core.search.stopping.policies import ComparingPolicy, counted


@dataclass(frozen=True, kw_only=True)
class AshaStopping(ComparingPolicy):
    """Asynchronous successive halving: rungs at `min_steps` · `reduction_factor`^k, all below
    `max_steps`; at each a run goes on if it is among the best 1 / `reduction_factor` of the rung.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020 (2018 as
    arXiv:1810.05934). As in Optuna's `SuccessiveHalvingPruner`, the first runs of a rung go on if
    they are the best there so far, and runs that tie go on together. A value that is not finite
    never goes on; unlike in Optuna it counts as a run of the rung, and while there are fewer than
    `min_runs` others a run goes on, where Optuna's `bootstrap_count` stops it.
    """

    min_runs: int = 0
    min_steps: float = 1.0
    reduction_factor: int = 3
    max_steps: float | None = None

    def rungs(self, bracket: int = 0) -> Iterator[float]:
        """The steps of the rungs, ascending; endless without `max_steps`."""
        step = self.min_steps * self.reduction_factor**bracket
        while self.max_steps is None or step < self.max_steps:
            yield step
            step *= self.reduction_factor

    def objection(self, curve: Curve, position: int, curves: CurveStore) -> str | None:
        step, loss = curve.steps[position], curve.losses[position]
        previous = curve.steps[position - 1] if position else -math.inf
        for rung in self.rungs(curve.group):
            if rung > step:
                break
            if rung > previous:
                ranking = curves.ranking(rung, Statistic.REACHED, curve.group)
                promoted = max(1, len(ranking) // self.reduction_factor)
                is_good = math.isfinite(loss) and loss <= ranking[promoted - 1]
                if not is_good and len(ranking) > self.min_runs:
                    return (
                        f"{self.metric} {self._shown(loss)} is not among the best {promoted} "
                        f"of {counted(len(ranking), 'run')} at step {rung:g}"
                    )
        return None


@dataclass(frozen=True, kw_only=True)
class HyperbandStopping(AshaStopping):
    """Hyperband: brackets of successive halving, each with a first rung `reduction_factor` times as
    far as the one before; in the last bracket nothing is stopped.

    Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18,
    2017. A run's bracket is a pure function of the seed and its index, with the probabilities that
    the sizes of Algorithm 1's brackets give; within a bracket it is `AshaStopping`.
    """

    max_steps: float
    seed: int = 0

    def group(self, run_index: int) -> int:
        place = uniform(self.seed, run_index, "hyperband bracket") * sum(self.bracket_sizes)
        for bracket, size in enumerate(self.bracket_sizes):
            place -= size
            if place < 0:
                return bracket
        return len(self.bracket_sizes) - 1

    @cached_property
    def bracket_sizes(self) -> tuple[int, ...]:
        """How many runs Algorithm 1 starts in each bracket, the one with the most rungs first."""
        brackets = 1
        while self.min_steps * self.reduction_factor**brackets <= self.max_steps:
            brackets += 1
        return tuple(
            math.ceil(brackets * self.reduction_factor**rungs / (rungs + 1))
            for rungs in reversed(range(brackets))
        )
