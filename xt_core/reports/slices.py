"""What each parameter of a search does: a chart a parameter, its values across and the primary
metric upwards.

The axes are those that the space declares: logarithmic where its distribution is, and divided by
its values where they are listed, whatever was tried of them so far.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xt_core.chart import (
    ASCII_GLYPHS,
    NUMBER,
    UNICODE_GLYPHS,
    Chart,
    Form,
    Look,
    Quantity,
    Series,
    beside,
    lay_out,
    only,
    prepare,
)
from xt_core.model.records import Job, Value
from xt_core.reports.medians import MOST_MARKS, median_of_each, running_median
from xt_core.reports.search import (
    Outcome,
    Slice,
    completed_slices,
    declared_space,
    needs_log_axis,
    objectives_of,
    running_slices,
    varies,
)
from xt_core.search.distributions import Choice, Discrete, Distribution, Normal, Uniform
from xt_core.search.space import Space
from xt_core.search.values import render_value

_LEAST_WIDTH, _HEIGHT = 38, 9
_MOST_NAMED = 8
"""Choices that are all named on their axis, at equal distances."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """The axis of a parameter: the place of each value, and what is written on it."""

    places: Mapping[str, float]
    """Of values that are named, as they are rendered; empty for an axis of numbers."""
    is_log: bool = False
    quantity: Quantity = NUMBER

    def x(self, values: Sequence[Value]) -> list[float]:
        if self.places:
            return [self.places[render_value(value)] for value in values]
        return as_numbers(values) or []


def slice_charts(
    job: Job, found: Sequence[Outcome], width: int, *, ascii_only: bool = False
) -> list[str | Chart]:
    """A chart of each parameter that varies, as many in a row as the width holds; runs that go on
    are hollow marks at their latest value. Of many runs it is shown where they lie, and their
    median."""
    if not objectives_of(job):
        return []
    space = declared_space(job) or Space()
    done, running = completed_slices(found), running_slices(job, found)
    names = dict.fromkeys([*done, *running])
    pairs = [(done.get(name, Slice(name)), running.get(name, Slice(name))) for name in names]
    varying = [pair for pair in pairs if varies([*pair[0].values, *pair[1].values])]
    if not varying:
        return []
    across = max(1, min(len(varying), (width + 1) // (_LEAST_WIDTH + 1)))
    each = min((width + 1) // across - 1, 2 * _LEAST_WIDTH) if across > 1 else width
    charts = [_chart(*pair, space.get(pair[0].name), each, ascii_only) for pair in varying]
    rows = [beside(charts[start : start + across]) for start in range(0, len(charts), across)]
    return ["", _title(job, pairs, ascii_only), *rows]


def _title(job: Job, pairs: Sequence[tuple[Slice, Slice]], ascii_only: bool) -> str:
    """What the charts show, and what their marks mean."""
    glyphs = ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS
    title = f"{objectives_of(job)[0].metric} by parameter: "
    if any(len(done.values) > MOST_MARKS for done, _ in pairs):
        title += f"{glyphs.shades[0]} few runs to {glyphs.shades[-1]} many, and their median"
    else:
        title += f"{glyphs.marks[0]} a run, {glyphs.marks[1]} several"
    is_live = any(going_on.values for _, going_on in pairs)
    return title + (f", {glyphs.open_mark} still running" if is_live else "")


def _chart(
    done: Slice, running: Slice, distribution: Distribution | None, width: int, ascii_only: bool
) -> Chart:
    axis = _axis(distribution, [*done.values, *running.values])
    look = Look(
        title=done.name,
        log_x=axis.is_log,
        log_y=needs_log_axis([*done.objective, *running.objective]),
        glyphs=ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS,
        legend=False,
        x_names=list(axis.places),
        quantity=axis.quantity,
    )
    form = Form(look.log_x, look.log_y)
    x, is_dense = axis.x(done.values), len(done.values) > MOST_MARKS
    series = [
        Series("running", axis.x(running.values), running.objective, 2, True, True),
        Series("completed", x, done.objective, 0, True, dense=is_dense),
    ]
    if is_dense:
        is_few = len(set(x)) <= _MOST_NAMED
        medians = median_of_each if is_few else running_median
        series.append(Series("median", *medians(x, done.objective), 5, scattered=is_few))
    return lay_out([prepare(one, form) for one in series if one.x], width, _HEIGHT, look)


def _axis(distribution: Distribution | None, tried: Sequence[Value]) -> _Axis:
    """The axis that a distribution asks for; without one, that of the values that were tried."""
    listed = list(distribution.values) if isinstance(distribution, Discrete) else []
    if isinstance(distribution, Choice) and len(listed) <= _MOST_NAMED:
        places = _places(_ordered(listed))
        if all(render_value(value) in places for value in tried):
            return _Axis(places)
    numbers = as_numbers(tried)
    if numbers is None:
        return _Axis(_places(tried))
    if listed and (ticks := as_numbers(listed)) is not None:
        return _Axis({}, needs_log_axis(ticks), only(sorted(ticks)))
    if distribution is None and len(tried) > len(few := sorted(set(numbers))) <= _MOST_NAMED:
        return _Axis({}, needs_log_axis(few), only(few))
    if isinstance(distribution, Uniform | Normal):
        return _Axis({}, distribution.log and min(numbers) > 0)
    return _Axis({}, needs_log_axis(numbers))


def _ordered(values: Sequence[Value]) -> list[Value]:
    """Numbers by size, others as they are listed."""
    numbers = as_numbers(values)
    if numbers is None:
        return list(values)
    return [value for _, value in sorted(zip(numbers, values, strict=True), key=lambda p: p[0])]


def _places(values: Iterable[Value]) -> dict[str, float]:
    names = dict.fromkeys(render_value(value) for value in values)
    return {name: float(place) for place, name in enumerate(names)}


def as_numbers(values: Iterable[Value]) -> list[float] | None:
    """The values as floats; None unless all are finite numbers that a float can hold."""
    numbers = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            numbers.append(float(value))
        except OverflowError:
            return None
    return numbers if all(map(math.isfinite, numbers)) else None
