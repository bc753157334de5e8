"""What an x axis measures: plain numbers, durations, or times of day."""

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xt_core.chart.axes import Scale, format_number, tick_labels, whole_tick_labels

Ticks = list[tuple[float, str]]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)),
)
_DIGITS_OF_SECONDS = 6
_LATEST = 9e10
"""Seconds since the epoch (in the year 4821); what is later has no date."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How the axis of a quantity is divided, and how one value of it is written."""

    ticks: Callable[[Scale, int], Ticks]
    """At most so many round values of a scale, with their labels."""
    text: Callable[[float], str]


def format_duration(seconds: float) -> str:
    """Seconds to two units: 0.25s, 45s, 1m30s, 2h05m, 3d04h."""
    if not math.isfinite(seconds) or abs(seconds) >= _LATEST:
        return f"{format_number(seconds)}s"
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < _MINUTE:
        return f"{format_number(seconds, digits=3)}s"
    whole = round(seconds)
    for unit, name, lower, lower_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "m"),
        (_MINUTE, "m", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // lower
            return f"{whole // unit}{name}" + (f"{rest:02}{lower_name}" if rest else "")
    return f"{whole}s"


def format_time(seconds: float) -> str:
    """Seconds since the epoch as the user's date and time of day."""
    return _local("%Y-%m-%d %H:%M:%S", seconds)


def _local(pattern: str, seconds: float) -> str:
    if not abs(seconds) < _LATEST:
        return format_number(seconds)
    return time.strftime(pattern, time.localtime(seconds))


def _step(scale: Scale, limit: int) -> int | None:
    """The seconds between ticks; None where the range is too short or too long for round times."""
    length = scale.high - scale.low
    if scale.log or limit < 1 or not length / limit > 0.5 or length / limit > _STEPS[-1]:
        return None
    place = bisect_left(_STEPS, length / limit)
    return _STEPS[min(place, len(_STEPS) - 1)]


def _multiples(scale: Scale, step: int, offset: float, limit: int) -> list[float]:
    first = math.ceil((scale.low + offset) / step)
    last = math.floor((scale.high + offset) / step)
    return [number * step - offset for number in range(first, last + 1)][:limit]


def _duration_ticks(scale: Scale, limit: int) -> Ticks:
    step = _step(scale, limit)
    if step is None:
        return [(value, format_duration(value)) for value, _ in tick_labels(scale, limit)]
    return [(value, format_duration(value)) for value in _multiples(scale, step, 0, limit)]


def _time_ticks(scale: Scale, limit: int) -> Ticks:
    step = _step(scale, limit)
    if max(abs(scale.low), abs(scale.high)) >= _LATEST:
        return tick_labels(scale, limit)
    if step is None:
        plain = tick_labels(scale, limit)
        return _parts_of_seconds(plain) if scale.high - scale.low < limit else plain
    offset = time.localtime(scale.low).tm_gmtoff
    ticks = _multiples(scale, step, offset, limit)
    return [(tick, _local(_pattern(tick + offset, step), tick)) for tick in ticks]


def _parts_of_seconds(ticks: Ticks) -> Ticks:
    """Ticks at times that differ by less than a second or not much more, labelled as such."""
    times = [time_ for time_, _ in ticks]
    least = min((after - before for before, after in pairwise(times)), default=1.0)
    digits = min(max(0, math.ceil(-math.log10(least) - 0.01)), _DIGITS_OF_SECONDS)
    return [(time_, _local_with_parts(round(time_, digits), digits)) for time_ in times]


def _local_with_parts(seconds: float, digits: int) -> str:
    whole = math.floor(seconds)
    return _local("%H:%M:%S", whole) + f"{seconds - whole:.{digits}f}"[1:]


def _pattern(local: float, step: int) -> str:
    """How a tick is labelled: by the day at midnight, else by the time of day."""
    if step >= 200 * _DAY:
        return "%Y-%m-%d"
    if local % _DAY == 0:
        return "%m-%d"
    return "%H:%M" if step >= _MINUTE else "%H:%M:%S"


def only(values: Sequence[float], text: Callable[[float], str] = format_number) -> Quantity:
    """A quantity that has these values alone, in order; on its axis every nth, if not all fit."""

    def ticks(scale: Scale, limit: int) -> Ticks:
        seen = [value for value in values if scale.low <= value <= scale.high]
        every = -(-len(seen) // limit) if limit > 0 else 0
        return [(value, text(value)) for value in seen[::every]] if every else []

    return Quantity(ticks, text)


NUMBER = Quantity(tick_labels, format_number)
INTEGER = Quantity(whole_tick_labels, format_number)
DURATION = Quantity(_duration_ticks, format_duration)
TIME = Quantity(_time_ticks, format_time)
