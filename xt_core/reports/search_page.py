"""A search as text and charts: what the command line and the terminal UI show of it.

A page is a list of lines and charts, which each of them puts on screen in its own way. Invariant:
no chart is wider than asked for.
"""

from collections.abc import Mapping, Sequence

from xt_core.chart import ASCII_GLYPHS, UNICODE_GLYPHS, Chart, Series, render_chart
from xt_core.model.records import Job, Run, Value
from xt_core.model.shown import outcome
from xt_core.query.formats import counted
from xt_core.query.table import printable, render_table
from xt_core.reports.formats import bar, shown
from xt_core.reports.medians import MOST_MARKS, running_median
from xt_core.reports.search import (
    LEAST_FOR_IMPORTANCE,
    Outcome,
    Progress,
    best_so_far,
    completed,
    given_sets,
    needs_log_axis,
    objectives_of,
    parameter_importance,
    pareto_front,
    running,
)
from xt_core.reports.slices import slice_charts

Page = list[str | Chart]

_WIDEST_CURVE, CURVE_HEIGHT = 100, 12
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
    """The best value of the primary metric over the runs, and the value of each, or of many runs
    where they lie and their median; runs that go on are hollow marks, and named, the best first.
    Nothing as long as no run has a value."""
    objectives = objectives_of(job)
    going_on = running(job, found) if objectives else []
    progress = best_so_far(found, objectives[0].maximize) if objectives else Progress()
    if not progress.runs and not going_on:
        return []
    told = [_running_line(going_on, width)] if going_on else []
    best = Series("best so far", *_steps(progress), 1)
    index, values = progress.run_index, progress.value
    is_dense = len(values) > MOST_MARKS
    each = Series("completed", index, values, 0, scattered=True, dense=is_dense)
    x, y = running_median(index, values) if is_dense else ([], [])
    middle = Series("median", x, y, 5)
    live = Series("running", [outcome.trial.run_index for outcome, _ in going_on],
                  [value for _, value in going_on], 2, scattered=True, is_open=True)  # fmt: skip
    goal = "most" if objectives[0].maximize else "least"
    chart = render_chart(
        [one for one in (middle, best, each, live) if one.x],
        width,
        height - len(told),
        title=f"best so far ({goal} {objectives[0].metric})",
        x_label="run_index",
        log_y=needs_log_axis([*progress.value, *live.y]),
        glyphs=ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS,
    )
    return ["", *told, chart]


def _steps(progress: Progress) -> tuple[list[float], list[float]]:
    """The best value as a line: the old one holds until a run is better."""
    x, y = list[float](), list[float]()
    for index, value in zip(progress.run_index, progress.best, strict=True):
        if y:
            x.append(index)
            y.append(y[-1])
        x.append(index)
        y.append(value)
    return x, y


def _running_line(going_on: Sequence[tuple[Outcome, float]], width: int) -> str:
    """The runs that go on, with the values that they logged last: as many as fit."""
    texts = [f"{outcome.run.name} {shown(value)}" for outcome, value in going_on]
    head = "still running, best first: "
    for count in range(min(len(texts), width // len(texts[0])), 1, -1):
        more = f" and {len(texts) - count} more" if count < len(texts) else ""
        line = f"{head}{', '.join(texts[:count])}{more}"
        if len(line) <= width:
            return line
    return f"{head}{texts[0]}"[:width]


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
            outcome(run),
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
