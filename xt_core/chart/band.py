"""Several runs as one: their mean, and a band about it, from the least to the greatest of them or
a standard deviation to either side.

What was worked out is remembered: a band that has not changed costs nothing, and one of whose runs
a few have grown costs those few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from xt_core.chart.axes import Scale
from xt_core.chart.cursor import Cursor
from xt_core.chart.series import Curve

_COLUMNS_FOR_EXTENT = 64
_MOST_REMEMBERED = 4
"""Widths for which a run's values are kept."""


class Spread(StrEnum):
    """How far a band reaches."""

    RANGE = "range"
    """From the least to the greatest."""
    STD = "std"
    """A sample standard deviation above and below the mean."""


class Level(NamedTuple):
    """The runs of a band at one place."""

    low: float
    mean: float
    high: float


Levels = list[Level | None]


@dataclass(slots=True)
class Band:
    """The runs that a band takes together; where some have no value that is finite, the others make
    it."""

    name: str
    color: int
    members: Sequence[Curve]
    spread: Spread = Spread.RANGE
    _levels: dict[int, tuple[object, Levels]] = field(default_factory=dict)
    """By the number of columns, with all else that they depend on."""

    @property
    def spans_x(self) -> tuple[float, float] | None:
        """The least and greatest x of all; None without points."""
        spans = [span for member in self.members if (span := member.spans_x)]
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None

    def extent_y(self, low_x: float, high_x: float) -> tuple[float, float] | None:
        """Least and greatest y of the band within a range of x, but not beyond those of its runs;
        None where it holds no point."""
        extents = [extent for one in self.members if (extent := one.extent_y(low_x, high_x))]
        if not extents:
            return None
        low, high = min(low for low, _ in extents), max(high for _, high in extents)
        if self.spread is Spread.STD and low_x < high_x:
            scale = Scale(low_x, high_x, log=False)
            levels = [level for level in self.levels(scale, _COLUMNS_FOR_EXTENT) if level]
            low = max(low, min((level.low for level in levels), default=low))
            high = min(high, max((level.high for level in levels), default=high))
        return low, high

    def levels(self, scale: Scale, columns: int) -> Levels:
        """The band at each column of dots."""
        place = (scale.low, scale.high, scale.log)
        state = (*place, [member.taken for member in self.members])
        known = self._levels.get(columns)
        if known is not None and known[0] == state:
            return known[1]
        inner = scale.edges(columns)[:-1]
        edges = [scale.low, *inner, math.nextafter(scale.high, math.inf)]
        drawn = [_drawn_at(member, edges, place) for member in self.members]
        levels = [self._level(values) for values in zip(*drawn, strict=True)]
        if len(self._levels) >= _MOST_REMEMBERED:
            self._levels.clear()
        self._levels[columns] = state, levels
        return levels

    def at(self, cursor: Cursor | None) -> Level | None:
        """What the runs logged nearest to the cursor, those that had begun and not ended there;
        without a cursor, what they logged last. Smoothed, or the best so far, as it is drawn."""
        return self._level(self._values_at(cursor))

    def count_at(self, cursor: Cursor | None) -> int:
        """How many runs there are in `at`."""
        return len(_finite(self._values_at(cursor)))

    def _values_at(self, cursor: Cursor | None) -> list[float | None]:
        return [_value_at(member, cursor) for member in self.members]

    def _level(self, values: Sequence[float | None]) -> Level | None:
        known = _finite(values)
        if not known:
            return None
        mean = sum(known) / len(known)
        if self.spread is Spread.RANGE:
            return Level(min(known), mean, max(known))
        std = _sample_std(known, mean)
        return Level(mean - std, mean, mean + std)


def _value_at(member: Curve, cursor: Cursor | None) -> float | None:
    """What a run has logged, or what is drawn of it where that is smoothed or the best so far: the
    band has no raw curve beside it."""
    if not (member.form.smoothing or member.form.best):
        return member.last_value() if cursor is None else member.value_at(cursor)
    if cursor is None:
        return member.y[-1] if member.y else None
    return member.drawn_value_at(cursor)


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _drawn_at(member: Curve, edges: Sequence[float], place: object) -> Sequence[float | None]:
    """What is drawn of a run at each column, worked out again only if it has changed."""
    key, state = ("columns", len(edges)), (place, member.taken)
    known = member.memo.get(key)
    if isinstance(known, tuple) and known[0] == state:
        values: Sequence[float | None] = known[1]
        return values
    drawn = member.drawn_at(edges)
    if len(member.memo) >= _MOST_REMEMBERED:
        member.memo.clear()
    member.memo[key] = state, drawn
    return drawn


def _sample_std(values: Sequence[float], mean: float) -> float:
    """The sample standard deviation; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    squares = sum([(value - mean) * (value - mean) for value in values])
    return math.sqrt(squares / (len(values) - 1))
