"""Curves made ready to draw: sorted, freed of what cannot be drawn, smoothed, and decimated.

The work per point is done by the interpreter's own loops (`sum`, `sorted`, `min`, `max` on
slices), never by a loop in Python, unless smoothing asks for one: a million points take about
60 ms.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from xt_core.chart.axes import LEAST_LOGARITHMIC, Scale

_NEGLIGIBLE = 1e-16


@dataclass(slots=True)
class Series:
    """One line: its points in any order, and its colour as a number (an index of the palette,
    taken modulo the palette's size). `x` and `y` are equally long. `scattered` points are not
    joined, nor smoothed."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: int
    scattered: bool = False


class Bucket(NamedTuple):
    """The points of one run that fall on one column of dots, reduced to four values of y."""

    column: int
    first: float
    low: float
    high: float
    last: float


@dataclass(slots=True)
class Curve:
    """A series ready to draw.

    `logged_x` and `logged_y` are all points with a finite x, by x. `x` and `y` are those that can
    be drawn, with y smoothed; `runs` are the (start, stop) slices of them that have no gap inside.
    """

    name: str
    color: int
    logged_x: list[float]
    logged_y: list[float]
    x: list[float]
    y: list[float]
    runs: list[tuple[int, int]]
    scattered: bool = False

    def value_at(self, x: float) -> float | None:
        """The logged y at the nearest logged x (the last logged there); None without points."""
        after = bisect_right(self.logged_x, x)
        nearest = after - 1
        if after < len(self.logged_x) and (
            nearest < 0 or self.logged_x[after] - x < x - self.logged_x[nearest]
        ):
            nearest = bisect_right(self.logged_x, self.logged_x[after]) - 1
        return self.logged_y[nearest] if nearest >= 0 else None

    def last_value(self) -> float | None:
        """The y logged at the greatest x; None without points."""
        return self.logged_y[-1] if self.logged_y else None

    def extent_y(self, low_x: float, high_x: float) -> tuple[float, float] | None:
        """Least and greatest y to draw within a range of x; None where it holds no point."""
        visible = self.y[bisect_left(self.x, low_x) : bisect_right(self.x, high_x)]
        return (min(visible), max(visible)) if visible else None


def prepare(series: Series, *, log_x: bool, log_y: bool, smoothing: float) -> Curve:
    """The curve of a series. A y that is not finite, or not positive on a log axis, is a gap.

    Raises ValueError if x and y differ in length.
    """
    logged_x, logged_y = _sorted_points(series)
    start = bisect_right(logged_x, LEAST_LOGARITHMIC) if log_x else 0
    x, y = (logged_x[start:], logged_y[start:]) if start else (logged_x, logged_y)
    runs = [(0, len(x))] if x else []
    floor = LEAST_LOGARITHMIC if log_y else -math.inf
    if not _all_finite(y) or (log_y and y and min(y) <= floor):
        # A NaN is not greater than the floor either.
        drawable = bytes(floor < value < math.inf for value in y)
        x, y = list(compress(x, drawable)), list(compress(y, drawable))
        runs = _runs(drawable)
    drawn_y = y if series.scattered else ema(y, smoothing)
    return Curve(series.name, series.color, logged_x, logged_y, x, drawn_y, runs, series.scattered)


def _sorted_points(series: Series) -> tuple[list[float], list[float]]:
    x, y = _as_list(series.x), _as_list(series.y)
    if len(x) != len(y):
        raise ValueError(f"series {series.name!r} has {len(x)} values of x and {len(y)} of y")
    if not _all_finite(x):
        kept = list(map(math.isfinite, x))
        x, y = list(compress(x, kept)), list(compress(y, kept))
    if x != sorted(x):
        order = sorted(range(len(x)), key=x.__getitem__)
        x, y = [x[i] for i in order], [y[i] for i in order]
    return x, y


def _as_list(values: Sequence[float]) -> list[float]:
    # Arrays (the standard library's, numpy's) would box a number at each access.
    to_list = getattr(values, "tolist", None)
    return list(values) if to_list is None else list(to_list())


def _all_finite(values: list[float]) -> bool:
    """False also where only the sum overflows: then each value is looked at."""
    return math.isfinite(sum(values))


def _runs(drawable: bytes) -> list[tuple[int, int]]:
    """The (start, stop) of every stretch of ones, counted among the ones."""
    runs = []
    start = 0
    for stretch in drawable.split(b"\0"):
        if stretch:
            runs.append((start, start + len(stretch)))
            start += len(stretch)
    return runs


def ema(values: list[float], weight: float) -> list[float]:
    """The exponential moving average, where `weight` in [0, 1) is that of the past.

    The average starts from zero and is divided by the weight seen so far, so it has no bias
    towards its start (Kingma & Ba, "Adam", ICLR 2015, section 3).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"smoothing is from 0 up to but not including 1, not {weight}")
    if weight == 0:
        return values
    average, news = 0.0, 1.0 - weight
    smooth = [average := average * weight + value * news for value in values]
    biased = math.ceil(math.log(_NEGLIGIBLE) / math.log(weight))
    unseen = 1.0
    for index in range(min(biased, len(smooth))):
        unseen *= weight
        smooth[index] /= 1.0 - unseen
    return smooth


def decimate(curve: Curve, scale: Scale, columns: int) -> list[list[Bucket]]:
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


def _buckets(curve: Curve, scale: Scale, edges: list[float], start: int, stop: int) -> list[Bucket]:
    x, y = curve.x, curve.y
    buckets = []
    while start < stop:
        if scale.low <= x[start] <= scale.high:
            column = bisect_left(edges, x[start])
            end = bisect_right(x, edges[column], start, stop)
        else:
            column = scale.dot(x[start], len(edges))
            end = start + 1
        values = y[start:end]
        buckets.append(Bucket(column, values[0], min(values), max(values), values[-1]))
        start = end
    return buckets
