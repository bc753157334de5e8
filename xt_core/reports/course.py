"""The course of one metric over a whole run, in a few values: read in parts, as the run goes on.

A place in the run's journal stands for a time of the run. A long stretch of it is not read whole: a
record at each of some places, evenly spread, tells of it. So the cost of a course does not grow
with the run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from xt_core.model.records import MetricRecord, Run
from xt_core.reports.curves import as_number

if TYPE_CHECKING:
    from xt_core.stats.store import StatsStore

_WHOLE_BYTES = 16_000
"""A stretch of a journal that is no longer is read whole: some 150 records."""
_PLACES = 24
"""Of a longer one so many places are looked at."""
_RECORDS_A_PLACE = 1
_MOST_RECORDS_A_PLACE = 64
"""Where the metric is logged seldom: its next value has to be among so many records."""
_LAST_BYTES = 2_000
"""The end of a longer one is read whole: it tells how it goes now."""
_MOST_POINTS = 128


@dataclass
class Course:
    """What is known of a run's metric so far. `update` is for one thread at a time."""

    metric: str
    points: list[tuple[int, float]] = field(default_factory=list)
    """(place in the journal, value), in order; of too many, neighbours become one."""
    end: int = 0
    """Up to which byte the journal was looked at."""
    _after: int = -1
    """The last record that was read."""

    def update(self, store: "StatsStore", run: Run) -> None:
        """Look at what was logged since. Raises XTError where the store does."""
        end = store.journal_end(run.workspace, run.name)
        if end <= self.end:
            return
        if end - self.end <= _WHOLE_BYTES:
            self._take(store.metrics(run.workspace, run.name, self._after))
        else:
            self._look_around(store, run, end)
        self.end = end
        if len(self.points) > _MOST_POINTS:
            self.points = _thinned(self.points, end * 2 // _MOST_POINTS + 1)

    def _look_around(self, store: "StatsStore", run: Run, end: int) -> None:
        """Read some records at each of the places between the last end and this one."""
        step, records = (end - self.end) / _PLACES, _RECORDS_A_PLACE
        for number in range(_PLACES):
            after = max(self._after, round(self.end + number * step) - 1)
            found = store.metrics(run.workspace, run.name, after, records)
            if found and not any(self.metric in record.values for record in found):
                records = _MOST_RECORDS_A_PLACE  # it is not in each of them
                found = store.metrics(run.workspace, run.name, after, records)
            self._take(found)
        last = max(self._after, end - _LAST_BYTES)
        self._take(store.metrics(run.workspace, run.name, last))

    def _take(self, records: Sequence[MetricRecord]) -> None:
        for record in records:
            number = as_number(record.values.get(self.metric))
            if number is not None:
                self.points.append((record.offset, number))
        if records:
            self._after = records[-1].offset

    def values(self, parts: int) -> list[float]:
        """The values as they are, if there are no more than so many; else the means of as many
        equal stretches of the run, what has no value in between as before it."""
        if len(self.points) <= parts:
            return [value for _, value in self.points]
        first, last = self.points[0][0], self.points[-1][0]
        stretches: list[list[float]] = [[] for _ in range(parts)]
        for place, value in self.points:
            stretches[min(parts - 1, (place - first) * parts // (last - first))].append(value)
        means, before = [], math.nan
        for stretch in stretches:
            before = _mean(stretch) if stretch else before
            means.append(before)
        return means


def _mean(values: Sequence[float]) -> float:
    """Of those that are finite; NaN without any."""
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite) if finite else math.nan


def _thinned(points: list[tuple[int, float]], stretch: int) -> list[tuple[int, float]]:
    """Those of the same so many bytes as one, at the place of the first."""
    groups = groupby(points, key=lambda point: point[0] // stretch)
    together = (list(group) for _, group in groups)
    return [(group[0][0], _mean([value for _, value in group])) for group in together]
