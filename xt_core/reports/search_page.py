"""A search as text and charts: what the command line and the terminal UI show of it.

A page is a list of lines and charts, which each of them puts on screen in its own way. Invariant:
no chart is wider than asked for.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from xt_core.chart import ASCII_GLYPHS, UNICODE_GLYPHS, Chart, Series, beside, render_chart
from xt_core.model.records import Job, Run, Value
from xt_core.query.formats import counted
from xt_core.query.table import printable, render_table
from xt_core.reports.formats import bar, shown
from xt_core.reports.search import (
    LEAST_FOR_IMPORTANCE,
    Outcome,
    Slice,
    best_so_far,
    completed,
    given_sets,
    needs_log_axis,
    objectives_of,
    parameter_importance,
    parameter_slices,
    pareto_front,
)
from xt_core.search.values import render_value

Page = list[str | Chart]

STOPPED_EARLY = "stopped early"
LEAST_FOR_CURVE = 3
_WIDEST_CURVE, CURVE_HEIGHT = 100, 12
_LEAST_SLICE, _SLICE_HEIGHT = 38, 9
_BAR_CELLS = 30
_WIDEST_CELL = 30
_INDENT = "  "


def search_page(
    job: Job,
    found: Sequence[Outcome],
    best: Sequence[Run],
    width: int,
    *,
    importance: bool = False,
    slices: bool = False,
    ascii_only: bool = False,
    table_width: int | None = None,
) -> Page:
    """The curve of the best value, the Pareto front of several objectives, and the best sets, in
    charts of at most `width` cells; with `importance` (for which Optuna is loaded) and `slices`
    what the parameters do. Tables leave out what is beyond `table_width` cells, if given."""
    page = [
        *curve(job, found, min(width, _WIDEST_CURVE), ascii_only=ascii_only),
        *front_table(job, found, table_width),
    ]
    if importance:
        shares = parameter_importance(job, found)
        page += importance_lines(shares, len(completed(found)), ascii_only=ascii_only)
    if slices:
        page += slice_charts(job, found, width, ascii_only=ascii_only)
    return page + sets_table(job, best, given_sets(found), table_width)


def curve(
    job: Job,
    found: Sequence[Outcome],
    width: int,
    height: int = CURVE_HEIGHT,
    *,
    ascii_only: bool = False,
) -> Page:
    """The best value of the primary metric over the runs; nothing of fewer than 3 of them."""
    objectives = objectives_of(job)
    if not objectives or len(completed(found)) < LEAST_FOR_CURVE:
        return []
    progress = best_so_far(found, objectives[0].maximize)
    x, y = list[float](), list[float]()
    for index, value in zip(progress.run_index, progress.best, strict=True):
        if y:  # a step: the old best holds until this run
            x.append(index)
            y.append(y[-1])
        x.append(index)
        y.append(value)
    goal = "most" if objectives[0].maximize else "least"
    chart = render_chart(
        [Series(objectives[0].metric, x, y, 0)],
        width,
        height,
        title=f"best so far ({goal} {objectives[0].metric})",
        x_label="run_index",
        log_y=needs_log_axis(y),
        glyphs=ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS,
        legend=False,
    )
    return ["", chart]


def front_table(job: Job, found: Sequence[Outcome], width: int | None = None) -> list[str]:
    """The Pareto front; nothing with a single objective."""
    objectives = objectives_of(job)
    front = pareto_front(found, objectives) if len(objectives) > 1 else []
    if not front:
        return []
    title = f"Pareto front: {len(front)} of {counted(len(completed(found)), 'completed run')}"
    rows = [(outcome.run, outcome.trial.hparams) for outcome in front]
    return ["", title, *_table(job, rows, width)]


def sets_table(
    job: Job,
    best: Sequence[Run],
    sets: Mapping[str, Mapping[str, Value]],
    width: int | None = None,
) -> list[str]:
    """Runs in their order with the sets they were given, or else have logged."""
    rows = [(run, sets.get(run.full_name, run.hparams)) for run in best]
    return ["", *_table(job, rows, width)] if rows else []


def _table(
    job: Job, rows: Sequence[tuple[Run, Mapping[str, Value]]], width: int | None
) -> list[str]:
    metrics = [objective.metric for objective in objectives_of(job)]
    used = dict.fromkeys(name for _, hparams in rows for name in hparams)
    names = [
        *(name for name in job.space if name in used),
        *(n for n in used if n not in job.space),
    ]
    cells = [
        [
            run.name,
            STOPPED_EARLY if run.stopped_early else str(run.status),
            *(shown(run.metrics.get(metric)) for metric in metrics),
            *(shown(hparams.get(name)) for name in names),
        ]
        for run, hparams in rows
    ]
    headers = ["run", "status", *metrics, *names]
    alignments = ["left", "left"] + ["right"] * (len(headers) - 2)
    room = None if width is None else width - len(_INDENT)
    lines = render_table(headers, cells, alignments, _WIDEST_CELL, room)
    return [f"{_INDENT}{line}" for line in lines]


def importance_lines(
    shares: Mapping[str, float] | None, done: int, *, ascii_only: bool = False
) -> list[str]:
    """The importance of each parameter as a bar, or why there is none; `done` runs are complete."""
    title = "importance of the parameters"
    if shares is None:
        return ["", f"{title}: it takes {LEAST_FOR_IMPORTANCE} completed runs, there are {done}"]
    if not shares:
        return ["", f"{title}: none has more than one value"]
    width = max(len(printable(name)) for name in shares)
    return ["", title] + [
        f"  {printable(name):<{width}}  "
        f"{bar(round(share * _BAR_CELLS), _BAR_CELLS, ascii_only=ascii_only)} {share:.2f}"
        for name, share in shares.items()
    ]


def slice_charts(
    job: Job, found: Iterable[Outcome], width: int, *, ascii_only: bool = False
) -> Page:
    """A chart of each parameter that varies, its values across and the primary metric upwards;
    as many in a row as the width holds."""
    columns = parameter_slices(found)
    if not columns:
        return []
    across = max(1, min(len(columns), (width + 1) // (_LEAST_SLICE + 1)))
    each = min((width + 1) // across - 1, 2 * _LEAST_SLICE) if across > 1 else width
    charts = [_slice_chart(column, each, ascii_only) for column in columns]
    rows = [beside(charts[start : start + across]) for start in range(0, len(charts), across)]
    page: Page = ["", f"{objectives_of(job)[0].metric} by parameter"]
    return [*page, *rows]


def _slice_chart(column: Slice, width: int, ascii_only: bool) -> Chart:
    numbers = _numbers(column.values)
    names: dict[str, int] = {}
    x = numbers or [
        float(names.setdefault(render_value(value), len(names))) for value in column.values
    ]
    return render_chart(
        [Series(column.name, x, column.objective, 0, scattered=True)],
        width,
        _SLICE_HEIGHT,
        title=column.name,
        log_x=not names and needs_log_axis(x),
        log_y=needs_log_axis(column.objective),
        glyphs=ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS,
        legend=False,
        x_names=list(names),
    )


def _numbers(values: Iterable[Value]) -> list[float] | None:
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
