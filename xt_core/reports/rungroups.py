"""Runs in groups, each of which a chart takes together as one band."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from xt_core.model.records import Run
from xt_core.reports.replicates import replicates
from xt_core.search.trials import finite_number

MOST_RUNS = 300
"""More would take long to read, and hardly change a mean."""
ALL = "mean of all runs"
_LEAST_REPEATS = 2
"""Runs of a set, on average, from which on the sets are what is compared."""

Drawn = TypeVar("Drawn")
"""Runs, or what is drawn as runs are."""


@dataclass(frozen=True)
class RunGroup(Generic[Drawn]):
    """Runs that are taken together: all of a group, or of a large one a sample."""

    name: str
    runs: Sequence[Drawn]
    total: int
    """Runs of the whole group."""

    @property
    def is_sample(self) -> bool:
        return len(self.runs) < self.total

    def title(self, count: int) -> str:
        """``opt=adam (97)``, or ``opt=adam (150 of 1,003)``: `count` runs of it have a value."""
        of = f" of {self.total:,}" if count < self.total else ""
        return f"{self.name} ({count:,}{of})"


def all_together(runs: Sequence[Drawn], name: str = ALL) -> list[RunGroup[Drawn]]:
    """One group of all."""
    return [RunGroup(name, runs, len(runs))] if runs else []


def by_text(name: str, text: Callable[[Run], str], runs: Sequence[Run]) -> list[RunGroup[Run]]:
    """The runs by what is said of each, in the order of the first of each: ``opt=adam``."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(text(run), []).append(run)
    return [RunGroup(f"{name}={value or '–'}", r, len(r)) for value, r in groups.items()]


def by_set(runs: Sequence[Run]) -> list[RunGroup[Run]]:
    """The runs by their hyperparameters, if sets repeat with other seeds; else all together."""
    groups = replicates(runs)
    if len(groups) < 2 or len(runs) < _LEAST_REPEATS * len(groups):
        return all_together(runs)
    return [RunGroup(name, members, len(members)) for name, members in groups.items()]


def best_groups(
    groups: Sequence[RunGroup[Run]], metric: str, maximize: bool, count: int
) -> list[RunGroup[Run]]:
    """So many groups whose runs have the best mean of last values of a metric, in the order they
    were in."""

    def badness(group: RunGroup[Run]) -> tuple[bool, float]:
        found = (finite_number(run.metrics.get(metric)) for run in group.runs)
        values = [value for value in found if value is not None]
        mean = sum(values) / len(values) if values else 0.0
        return not values, -mean if maximize else mean

    best = {id(group) for group in sorted(groups, key=badness)[:count]}
    return [group for group in groups if id(group) in best]


def sampled(groups: Sequence[RunGroup[Run]], most: int = MOST_RUNS) -> list[RunGroup[Run]]:
    """The groups with so many runs in all: small ones whole, of large ones as many of each, evenly
    from its first to its last."""
    room, left = most, len(groups)
    counts = dict[int, int]()
    for place in sorted(range(len(groups)), key=lambda place: len(groups[place].runs)):
        counts[place] = min(len(groups[place].runs), max(1, room // left))
        room, left = room - counts[place], left - 1
    return [
        replace(group, runs=_evenly(group.runs, counts[place]))
        for place, group in enumerate(groups)
    ]


def _evenly(runs: Sequence[Run], count: int) -> Sequence[Run]:
    """So many of the runs, the first and the last among them."""
    if count >= len(runs):
        return runs
    last = len(runs) - 1
    return [runs[round(number * last / max(count - 1, 1))] for number in range(count)]
