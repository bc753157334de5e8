"""Curves made ready to draw: sorted, freed of what cannot be drawn, smoothed, and decimated.

A curve grows: points that are appended are looked at, those before them are not again. The work per
point is done by the interpreter's own loops (`sum`, `sorted`, `min`, `max` on slices), never by a
loop in Python, unless smoothing asks for one: a million points take about 60 ms.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, islice, pairwise
from typing import NamedTuple

from xt_core.chart.axes import LEAST_LOGARITHMIC, Scale
from xt_core.chart.cursor import Cursor
from xt_core.chart.extremes import Extremes
from xt_core.chart.smoothing import Smoother

_FEW = 64
"""Points of which the least and greatest are found as quickly as they could be asked for."""


@dataclass(slots=True)
class Series:
    """One line: its points in any order, and its colour as a number (an index of the palette,
    taken modulo the palette's size). `x` and `y` are equally long. `scattered` points are not
    joined, nor smoothed; they are marks, and hollow ones if `is_open`; where they are `dense` each
    cell shows how many it has."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: int
    scattered: bool = False
    is_open: bool = False
    dense: bool = False


class Buckets(NamedTuple):
    """The points of one run, those on each column of dots reduced to four values of y: all lists
    are equally long."""

    columns: list[int]
    firsts: list[float]
    lows: list[float]
    highs: list[float]
    lasts: list[float]


@dataclass(frozen=True, slots=True)
class Form:
    """What becomes of logged points before they are drawn.

    `smoothing` is the weight of the past in [0, 1). `best` draws the greatest (1) or the least (-1)
    value so far. With `raw` a curve that is smoothed or the best so far also has its logged values.
    """

    log_x: bool = False
    log_y: bool = False
    smoothing: float = 0.0
    best: int = 0
    raw: bool = False


PLAIN = Form()


@dataclass(slots=True)
class Curve:
    """A series ready to draw.

    `logged_x` and `logged_y` are all points with a finite x, by x. `x` and `y` are those that can
    be drawn, in the curve's form; `runs` are the (start, stop) slices of them that have no gap
    inside. A y that is not finite, or not positive on a log axis, is a gap. `raw` is the curve of
    the logged values, if the form asks for one.
    """

    name: str
    color: int
    form: Form = PLAIN
    scattered: bool = False
    is_open: bool = False
    dense: bool = False
    logged_x: list[float] = field(default_factory=list)
    logged_y: list[float] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)
    taken: int = 0
    """Points that were appended, whatever became of them."""
    not_finite: int = 0
    not_positive: int = 0
    raw: "Curve | None" = None
    extremes: Extremes = field(init=False)
    memo: dict[object, object] = field(default_factory=dict)
    """What was last drawn of it, by all that it depends on."""
    _smoother: Smoother = field(init=False)
    _ends_in_gap: bool = True

    def __post_init__(self) -> None:
        self.extremes, self._smoother = Extremes(self.y), Smoother(self.form.smoothing)
        form = self.form
        if form.raw and (form.smoothing or form.best) and not self.scattered:
            self.raw = Curve(self.name, self.color, Form(form.log_x, form.log_y))

    def extend(self, x: Sequence[float], y: Sequence[float]) -> None:
        """Append points. Raises ValueError if x and y differ in length."""
        new_x, new_y = _as_list(x), _as_list(y)
        if len(new_x) != len(new_y):
            raise ValueError(
                f"series {self.name!r} has {len(new_x)} values of x and {len(new_y)} of y"
            )
        self.taken += len(new_x)
        if not _all_finite(new_x):
            kept = list(map(math.isfinite, new_x))
            new_x, new_y = list(compress(new_x, kept)), list(compress(new_y, kept))
        if not new_x:
            return
        if new_x != sorted(new_x) or (self.logged_x and new_x[0] < self.logged_x[-1]):
            new_x, new_y = _in_order(self.logged_x + new_x, self.logged_y + new_y)
            self._clear()
        self._append(new_x, new_y)
        if self.raw is not None:
            self.raw.color = self.color
            self.raw.extend(x, y)

    def _clear(self) -> None:
        for values in (self.logged_x, self.logged_y, self.x, self.y, self.runs):
            values.clear()
        self.not_finite = self.not_positive = 0
        self.extremes, self._smoother = Extremes(self.y), Smoother(self.form.smoothing)
        self._ends_in_gap = True

    def _append(self, x: list[float], y: list[float]) -> None:
        """Append points that are in order."""
        self.logged_x += x
        self.logged_y += y
        if self.form.log_x and (start := bisect_right(x, LEAST_LOGARITHMIC)):
            x, y = x[start:], y[start:]
        floor = LEAST_LOGARITHMIC if self.form.log_y else -math.inf
        if not y:
            return
        if _all_finite(y) and (not self.form.log_y or min(y) > floor):
            self._join(0, len(x))
            self._ends_in_gap = False
        else:
            # A NaN is not greater than the floor either.
            drawable = bytes(floor < value < math.inf for value in y)
            finite = sum(map(math.isfinite, y))
            self.not_finite += len(y) - finite
            self.not_positive += finite - sum(drawable)
            x, y = list(compress(x, drawable)), list(compress(y, drawable))
            self._join_parts(drawable)
        self.x += x
        self.y += self._formed(y)

    def _join_parts(self, drawable: bytes) -> None:
        """Note the runs among new points, of which some are gaps."""
        start = 0
        for place, stretch in enumerate(drawable.split(b"\0")):
            if place:
                self._ends_in_gap = True
            if stretch:
                self._join(start, start + len(stretch))
                self._ends_in_gap = False
                start += len(stretch)

    def _join(self, start: int, stop: int) -> None:
        """Note a stretch of new points without a gap, counted among those that can be drawn."""
        before = len(self.x)
        if self._ends_in_gap or not self.runs:
            self.runs.append((before + start, before + stop))
        else:
            self.runs[-1] = self.runs[-1][0], before + stop

    def _formed(self, y: list[float]) -> list[float]:
        if self.scattered or not y:
            return y
        if self.form.best:
            better = max if self.form.best > 0 else min
            return list(accumulate(self.y[-1:] + y, better))[1 if self.y else 0 :]
        return self._smoother.smooth(y)

    # Reading ----------------------------------------------------------------------------

    @property
    def spans_x(self) -> tuple[float, float] | None:
        """The least and greatest x to draw; None without points."""
        return (self.x[0], self.x[-1]) if self.x else None

    def value_at(self, cursor: Cursor) -> float | None:
        """The logged y at the nearest logged x (the last logged there); None where nothing is: off
        the ends of a line, or off scattered points."""
        nearest = self._nearest(cursor)
        return self.logged_y[nearest] if nearest >= 0 else None

    def nearest_x(self, x: float) -> float | None:
        """The logged x that is nearest; None without points."""
        return self.logged_x[self._last_at_nearest(x)] if self.logged_x else None

    def _nearest(self, cursor: Cursor) -> int:
        """The last point at the logged x that is nearest; -1 where nothing is."""
        if not self.logged_x:
            return -1
        nearest = self._last_at_nearest(cursor.x)
        first, last = (nearest, nearest) if self.scattered else (0, -1)
        is_there = self.logged_x[first] <= cursor.high and cursor.low <= self.logged_x[last]
        return nearest if is_there else -1

    def _last_at_nearest(self, x: float) -> int:
        """The last point at the logged x that is nearest."""
        after = bisect_right(self.logged_x, x)
        nearest = after - 1
        if after < len(self.logged_x) and (
            nearest < 0 or self.logged_x[after] - x < x - self.logged_x[nearest]
        ):
            nearest = bisect_right(self.logged_x, self.logged_x[after]) - 1
        return nearest

    def drawn_value_at(self, cursor: Cursor) -> float | None:
        """The drawn y, smoothed or the best so far, at the nearest logged x; None where nothing is,
        or the curve has a gap."""
        nearest = self._nearest(cursor)
        if nearest < 0:
            return None
        x = self.logged_x[nearest]
        place = bisect_right(self.x, x) - 1
        return self.y[place] if place >= 0 and self.x[place] == x else None

    def is_whole(self, low: float, high: float) -> bool:
        """Whether every x to draw within a range is an integer."""
        start, stop = bisect_left(self.x, low), bisect_right(self.x, high)
        return all(float(x).is_integer() for x in islice(self.x, start, stop))

    def next_x(self, x: float, step: int) -> float | None:
        """The nearest logged x that is greater, or for a negative step less; None if none is."""
        if step > 0:
            place = bisect_right(self.logged_x, x)
            return self.logged_x[place] if place < len(self.logged_x) else None
        place = bisect_left(self.logged_x, x)
        return self.logged_x[place - 1] if place else None

    def last_value(self) -> float | None:
        """The y logged at the greatest x; None without points."""
        return self.logged_y[-1] if self.logged_y else None

    def extent_y(self, low_x: float, high_x: float) -> tuple[float, float] | None:
        """Least and greatest y to draw within a range of x; None where it holds no point."""
        start, stop = bisect_left(self.x, low_x), bisect_right(self.x, high_x)
        return self.extremes.within(start, stop) if start < stop else None

    def drawn_at(self, edges: Sequence[float]) -> list[float | None]:
        """The y to draw between each of these values of x and the next: the mean of what is there,
        or what the line through the points on either side passes; None beyond the ends."""
        places = [bisect_left(self.x, edge) for edge in edges]
        return [
            self._drawn_between(start, stop, (low + high) / 2)
            for (start, stop), (low, high) in zip(pairwise(places), pairwise(edges), strict=True)
        ]

    def _drawn_between(self, start: int, stop: int, middle: float) -> float | None:
        if start < stop:
            part, count = self.y[start:stop], stop - start
            try:
                return math.fsum(part) / count
            except OverflowError:  # the sum of huge values
                return math.fsum(value / count for value in part)
        if not 0 < start < len(self.x):
            return None
        left, right = self.x[start - 1], self.x[start]
        share = (middle - left) / (right - left)
        return self.y[start - 1] * (1 - share) + self.y[start] * share


def prepare(series: Series, form: Form) -> Curve:
    """The curve of a series. Raises ValueError if x and y differ in length."""
    curve = Curve(series.name, series.color, form, series.scattered, series.is_open, series.dense)
    curve.extend(series.x, series.y)
    return curve


def _in_order(x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    order = sorted(range(len(x)), key=x.__getitem__)
    return [x[place] for place in order], [y[place] for place in order]


def _as_list(values: Sequence[float]) -> list[float]:
    # Arrays (the standard library's, numpy's) would box a number at each access.
    to_list = getattr(values, "tolist", None)
    return list(values) if to_list is None else list(to_list())


def _all_finite(values: list[float]) -> bool:
    """False also where only the sum overflows: then each value is looked at."""
    return math.isfinite(sum(values))


def decimate(curve: Curve, scale: Scale, columns: int) -> list[Buckets]:
    """Every run of a curve as buckets in order of x, at most one a column of dots.

    First, least, greatest and last value draw the same dots as all points would (M4: Jugel et
    al., PVLDB 7(10), 2014). The nearest point on either side of the range is kept, at a column
    that is off the chart, so that a line leaves the chart where it should.
    """
    edges = scale.edges(columns)
    first = max(bisect_left(curve.x, scale.low) - 1, 0)
    last = min(bisect_right(curve.x, scale.high) + 1, len(curve.x))
    clipped = ((max(start, first), min(stop, last)) for start, stop in curve.runs)
    visible = [(start, stop) for start, stop in clipped if start < stop]
    runs = _without_narrow_gaps(curve.x, visible, edges)
    return [_buckets(curve, scale, edges, start, stop) for start, stop in runs]


def _without_narrow_gaps(
    x: list[float], runs: list[tuple[int, int]], edges: list[float]
) -> list[tuple[int, int]]:
    """The runs, made one where the gap between them leaves no column of dots empty."""
    wide: list[tuple[int, int]] = []
    last = len(edges) - 1
    for start, stop in runs:
        if wide and x[start] <= edges[min(bisect_left(edges, x[start - 1]) + 1, last)]:
            wide[-1] = wide[-1][0], stop
        else:
            wide.append((start, stop))
    return wide


def _buckets(curve: Curve, scale: Scale, edges: list[float], start: int, stop: int) -> Buckets:
    x, y, extremes = curve.x, curve.y, curve.extremes
    columns, firsts, lows, highs, lasts = buckets = Buckets([], [], [], [], [])
    while start < stop:
        if scale.low <= x[start] <= scale.high:
            column = bisect_left(edges, x[start])
            end = bisect_right(x, edges[column], start, stop)
        else:
            column = scale.dot(x[start], len(edges))
            end = start + 1
        if end - start <= _FEW:
            part = y[start:end]
            low, high = min(part), max(part)
        else:
            low, high = extremes.within(start, end)
        columns.append(column)
        firsts.append(y[start])
        lows.append(low)
        highs.append(high)
        lasts.append(y[end - 1])
        start = end
    return buckets
