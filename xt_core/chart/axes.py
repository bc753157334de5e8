"""Scales from values to dots, and the ticks and labels of an axis.

Invariant: a scale's low is less than its high, both are finite, and both positive if it is
logarithmic, whatever the data were.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import chain, count

LARGEST = 8e307
"""What is further from zero has no place on a scale: the length of one is finite."""
_SMALLEST = 1e-300
LEAST_LOGARITHMIC = _SMALLEST
"""What is not greater counts as zero on a log axis: products of it might well be zero."""

_GREATEST_EXPONENT = 308.0
_GREATEST_DECADE = 307

_SAME = 1e-12
"""Values whose relative difference is less are one value to a reader."""

_FAR = 10**9
"""Lengths of a scale; a point further off than this is taken to be there."""

_SUFFIXES = ("", "k", "M", "G", "T")
_MAX_DECIMALS = 8


class Scale:
    """A linear or logarithmic map of the values `low` to `high` onto a row or column of dots."""

    def __init__(self, low: float, high: float, log: bool) -> None:
        self.low, self.high, self.log = low, high, log
        self._origin = self._along(low)
        self._length = self._along(high) - self._origin

    def _along(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def value(self, fraction: float) -> float:
        """The value at a fraction of the way from `low` to `high`."""
        along = self._origin + fraction * self._length
        return 10.0 ** min(along, _GREATEST_EXPONENT) if self.log else along

    def fraction(self, value: float) -> float:
        """How far a value is on the way from `low` to `high`."""
        return (self._along(value) - self._origin) / self._length

    def dot(self, value: float, dots: int) -> int:
        """The dot nearest to a value, of `dots` in a line, the first of them on `low` and the last
        on `high`; less than 0 or beyond the last for a value out of range."""
        return self.dots((value,), dots)[0]

    def dots(self, values: Sequence[float], dots: int) -> list[int]:
        """The dot of each of one or more values, as `dot` says."""
        places = list(map(math.log10, values)) if self.log else values
        origin, density, floor = self._origin, (dots - 1) / self._length, math.floor
        reach = min(self._length * _FAR, LARGEST)
        least, greatest = origin - reach, origin + reach
        if min(places) < least or max(places) > greatest:
            places = [max(least, min(place, greatest)) for place in places]
        return [floor((place - origin) * density + 0.5) for place in places]

    def edges(self, dots: int) -> list[float]:
        """The greatest value that falls on each of the dots in a line."""
        inner = [self.value((dot + 0.5) / (dots - 1)) for dot in range(dots - 1)]
        return [*inner, self.high]


def fit_scale(
    extent: tuple[float, float], wanted: tuple[float, float] | None, *, log: bool
) -> Scale:
    """A scale for data within `extent`, or for the `wanted` range as far as it makes sense.

    An empty range is widened around its value. On a log axis a wanted range that starts at or
    below zero starts three decades below its end; one that lies there wholly is ignored, as is one
    that is not finite. The extent is finite, and positive if `log`.
    """
    low, high = extent
    if wanted is not None and all(map(math.isfinite, wanted)):
        wanted_low, wanted_high = sorted(wanted)
        if not log:
            low, high = wanted_low, wanted_high
        elif wanted_high > 0:
            low, high = wanted_low if wanted_low > 0 else wanted_high / 1000, wanted_high
    least = _SMALLEST if log else -LARGEST
    low, high = max(least, min(low, LARGEST)), max(least, min(high, LARGEST))
    size = max(abs(low), abs(high))
    if high - low <= max(size * _SAME, _SMALLEST):
        if log:
            low, high = max(low / 2, _SMALLEST / 2), high * 2
        else:
            margin = size / 10 if size > 1e10 * _SMALLEST else 1.0
            low, high = low - margin, high + margin
    return Scale(low, high, log)


def tick_labels(scale: Scale, limit: int) -> list[tuple[float, str]]:
    """At most `limit` values of a scale that are round in decimal notation, with their labels."""
    return _ticks(scale, limit, whole=False)


def whole_tick_labels(scale: Scale, limit: int) -> list[tuple[float, str]]:
    """As `tick_labels`, of integers alone where there are any."""
    return _ticks(scale, limit, whole=True) or _ticks(scale, limit, whole=False)


def _ticks(scale: Scale, limit: int, *, whole: bool) -> list[tuple[float, str]]:
    if limit < 1:
        return []
    if scale.log:
        ticks = _decade_ticks(scale.low, scale.high, limit)
        ticks = [tick for tick in ticks if not whole or tick >= 1]
        # Even steps would crowd at the end of an axis that spans much.
        if len(ticks) >= min(2, limit) or scale.high > 100 * scale.low:
            return [(tick, format_tick(tick, tick)) for tick in ticks]
    ticks, step = _even_ticks(scale.low, scale.high, limit, 1.0 if whole else 0.0)
    return [(tick, format_tick(tick, step)) for tick in ticks]


def _even_ticks(low: float, high: float, limit: int, least: float) -> tuple[list[float], float]:
    """Multiples of the smallest 1, 2 or 5 × 10ⁿ, not less than `least`, that has no more than
    `limit` in the range."""
    exponent = math.floor(math.log10((high - low) / limit)) - 1
    while True:
        exponent += 1
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            if step < least:
                continue
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first < limit:
                return [_times_power(n * digit, exponent) for n in range(first, last + 1)], step


def _times_power(number: int, exponent: int) -> float:
    """number × 10^exponent, correctly rounded."""
    return float(number * 10**exponent) if exponent >= 0 else number / 10**-exponent


def _decade_ticks(low: float, high: float, limit: int) -> list[float]:
    """1, 2 and 5 times powers of ten where there is room, else powers of ten, else every nth."""
    lowest = math.floor(math.log10(low))
    highest = min(math.ceil(math.log10(high)), _GREATEST_DECADE)
    every_nth: Iterable[tuple[int, tuple[int, ...]]] = ((n, (1,)) for n in count(1))
    for stride, digits in chain([(1, (1, 2, 5))], every_nth):
        decades = range(lowest - lowest % stride, highest + 1, stride)
        ticks = [_times_power(digit, decade) for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) <= limit:
            return ticks
    raise AssertionError("one tick in a thousand decades always fits")


def format_tick(value: float, step: float) -> str:
    """A value in as few characters as tell it from its neighbours at `step`: 0.05, 1.2k, 3e-4."""
    if value == 0:
        return "0"
    scale, suffix = _notation(value)
    decimals = -math.floor(math.log10(step / scale) + 1e-9)
    return _trimmed(f"{value / scale:.{max(0, min(decimals, _MAX_DECIMALS))}f}") + suffix


def format_number(value: float | None, *, digits: int = 4) -> str:
    """A value to `digits` significant digits: 0.1235, 12.5k, 3e-4, nan; ``-`` for none."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(float(value))
    if abs(value) < _SMALLEST:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")  # infinite for the greatest of all
    scale, suffix = _notation(rounded if math.isfinite(rounded) else value)
    mantissa = value / scale
    decimals = digits - 1 - math.floor(math.log10(abs(mantissa)) + 1e-9)
    return _trimmed(f"{mantissa:.{max(0, decimals)}f}") + suffix


def _notation(value: float) -> tuple[float, str]:
    """The power of ten to divide a value by, and what to write after it."""
    exponent = math.floor(math.log10(abs(value)) + 1e-12)
    if -3 <= exponent < 3 * len(_SUFFIXES):
        thousands = max(0, exponent // 3)
        return 1000.0**thousands, _SUFFIXES[thousands]
    return 10.0**exponent, f"e{exponent}"


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number
