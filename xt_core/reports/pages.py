"""One run or one job on a page of text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xt_core import clock
from xt_core.artifacts.store import ArtifactInfo
from xt_core.model.records import Event, Job, JobCounts, Run, Value
from xt_core.query.fields import Kind
from xt_core.query.formats import exact_time, format_value
from xt_core.query.registry import RUN_FIELDS, JobRow
from xt_core.query.table import printable, render_table
from xt_core.reports.documents import Document
from xt_core.reports.formats import bar, shown
from xt_core.reports.jobs import outcome_text
from xt_core.reports.reruns import reruns_text

_FACTS = ("status", "exit_code", "error", "job", "parent", "experiment", "node", "run_index")
_TIMES = ("created", "queued", "started", "ended", "duration", "restarts")
_BAR_CELLS = 20
NOTHING: Mapping[str, str] = {}


def run_page(
    run: Run,
    events: Sequence[Event],
    files: Iterable[ArtifactInfo],
    summaries: Mapping[str, Document] | None = None,
    failure: Mapping[str, str] = NOTHING,
    reruns: Sequence[Job] = (),
) -> list[str]:
    """All there is to say of a run; with `summaries` of its metrics their extremes too, with its
    `failure` (of `failures.py`) why it failed; `reruns` are the jobs that were made from it."""
    lines = run_facts(run, failure, reruns, events) + _values("hyperparameters", run.hparams)
    lines += _summary_table(summaries) if summaries else _values("metrics (last)", run.metrics)
    lines += _values("tags", run.tags)
    lines += ["", "events", *(f"  {line}" for line in event_lines(events))]
    listed = [f"  {line}" for line in file_lines(files)]
    return lines + (["", "files", *listed] if listed else [])


def run_facts(
    run: Run,
    failure: Mapping[str, str] = NOTHING,
    reruns: Sequence[Job] = (),
    events: Sequence[Event] = (),
) -> list[str]:
    """What a run is, where and when, how it ended, and why; what it was made from, and what was
    made from it. Its times are those of its first start to its end; its events tell the last start.
    """
    now = clock.now()
    lines = [f"{run.full_name}: {printable(run.command)}" if run.command else run.full_name]
    for name in (*_FACTS, *_TIMES, "username", "description", "notes"):
        field = RUN_FIELDS.find(name)
        text = format_value(field.get(run, now), field.kind, field.format)
        for number, line in enumerate(text.splitlines()):
            lines.append(f"  {'' if number else field.name:<12} {printable(line)}")
        if name == "error":
            lines += [f"  {what:<12} {printable(why)}" for what, why in failure.items()]
        if name == "restarts":
            lines += _last_start(run, events, now)
        if name == _FACTS[-1]:
            lines += _kin(run, run.full_name, reruns)
    return lines


def _last_start(run: Run, events: Sequence[Event], now: float) -> list[str]:
    """When a restarted run was started last, and how long that took it."""
    starts = [event.time for event in events if event.event == "restarted"]
    if not starts:
        return []
    lived = max(0.0, (now if run.ended is None else run.ended) - starts[-1])
    start, duration = format_value(starts[-1], Kind.TIME), format_value(lived, Kind.DURATION)
    return [f"  {'last start':<12} {start}, {duration} of the duration"]


def _kin(record: Run | Job, name: str, reruns: Sequence[Job]) -> list[str]:
    """What a run or a job was made from, and what was made from it."""
    facts = (("rerun of", record.rerun_of), ("rerun as", reruns_text(name, reruns)))
    return [f"  {what:<12} {printable(text)}" for what, text in facts if text]


def run_overview(
    run: Run, failure: Mapping[str, str] = NOTHING, reruns: Sequence[Job] = ()
) -> list[str]:
    """The facts of a run with its tags and the last values of its metrics."""
    facts = run_facts(run, failure, reruns)
    return facts + _values("tags", run.tags) + _values("metrics (last)", run.metrics)


def hyperparameter_lines(run: Run) -> list[str]:
    """A line a hyperparameter."""
    return _values("hyperparameters", run.hparams)[2:]


def summary_lines(summaries: Mapping[str, Document]) -> list[str]:
    """A line a metric: its last value, its extremes, and of how many points."""
    return [line[2:] for line in _summary_table(summaries)[1:]] if summaries else []


def file_lines(files: Iterable[ArtifactInfo]) -> list[str]:
    """A line a file: its size in bytes and its place in the artifact store."""
    return [f"{info.size:>12,}  {printable(info.key)}" for info in files]


def _summary_table(summaries: Mapping[str, Document]) -> list[str]:
    columns = ("last", "min", "max", "points")
    rows = [
        [name, *(shown(summary[column]) for column in columns)]
        for name, summary in summaries.items()
    ]
    alignments = ["left"] + ["right"] * len(columns)
    return ["", *(f"  {line}" for line in render_table(["metric", *columns], rows, alignments, 40))]


def job_page(
    row: JobRow,
    reruns: Sequence[Job] = (),
    parents: Sequence[str] = (),
    stopping: str = "",
    *,
    ascii_only: bool = False,
) -> list[str]:
    """A job, its progress, and its best run so far; `reruns` are the jobs that were made from it
    or its runs, `parents` the lines of `parents.py`, `stopping` its early stopping."""
    job = row.job
    facts: list[tuple[str, object]] = [
        ("status", outcome_text(row.counts)),
        ("command", job.command),
        ("style", f"{job.style} {job.search_type or ''}".strip()),
        ("experiment", job.experiment),
        ("workspace", job.workspace),
        ("target", f"{job.target}: {', '.join(job.nodes)}"),
        ("concurrent", job.concurrent),
        ("seed", job.seed),
        ("early stop", stopping),
        ("created", f"{format_value(job.created, Kind.TIME)} by {job.username}"),
        ("description", job.description),
        ("notes", job.notes),
        ("tags", ", ".join(f"{name}={value}" for name, value in job.tags.items())),
    ]
    lines = [job.name]
    lines += [
        f"  {name:<12} {printable(str(value))}" for name, value in facts if value not in ("", None)
    ]
    lines += [*_kin(job, job.name, reruns), *parents]
    return [*lines, "", *(f"  {line}" for line in _progress(row, ascii_only))]


def search_facts(
    row: JobRow, running: tuple[str, float] | None = None, stopping: str = ""
) -> list[str]:
    """The head of a search in two or three lines: what it is, how far it is, its best run.
    `running` is the best of those that have not ended, and its value; `stopping` its early
    stopping."""
    job = row.job
    kind = f"{job.style} {job.search_type or ''}".strip()
    seed = "" if job.seed is None else f", seed {job.seed}"
    early = f", early stop {stopping}" if stopping else ""
    head = f"{job.name} {outcome_text(row.counts)}: {kind}{seed}{early}, {printable(job.command)}"
    bar_line, *best = _progress(row, ascii_only=False)
    if running is None:
        return [head, bar_line, *best]
    live = f"those running: {running[0]}, {running[1]:.6g}"
    if row.best_run is None:
        return [head, bar_line, f"best {_goal(job)} of {live}"]
    return [head, bar_line, f"{best[0]} · of {live}"]


def _goal(job: Job) -> str:
    return f"({'most' if job.maximize else 'least'} {job.primary_metric})"


def _progress(row: JobRow, ascii_only: bool) -> list[str]:
    """How far a job is, and its best run so far."""
    job, counts = row.job, row.counts
    waiting = counts.unstarted + counts.queued
    lines = [
        f"{_progress_bar(counts.completed, job.work_items, ascii_only)} "
        f"{counts.completed} completed{_early(counts)}, "
        f"{counts.running} running, {waiting} waiting, {counts.error} failed, "
        f"{counts.cancelled} cancelled, of {job.work_items}",
    ]
    if row.best_run is not None:
        lines.append(f"best {_goal(job)}: {row.best_run}, {row.best_value:.6g}")
    elif row.leading_value is not None:
        lines.append(f"best of what runs ({job.primary_metric}): {row.leading_value:.6g}")
    return lines


def _early(counts: JobCounts) -> str:
    return f" ({counts.stopped_early} of them by an early stop)" if counts.stopped_early else ""


def event_lines(events: Iterable[Event]) -> Iterator[str]:
    """A line an event: its local time, name and data, of a text the first line."""
    for event in events:
        known = {name: value for name, value in event.data.items() if value is not None}
        data = ", ".join(f"{name}={shown(_first_line(value))}" for name, value in known.items())
        yield f"{exact_time(event.time)}  {event.event:<16} {printable(data)}".rstrip()


def _first_line(value: object) -> object:
    if not isinstance(value, str):
        return value
    first, _, rest = value.partition("\n")
    return f"{first} …" if rest else first


def metric_table(series: Mapping[str, Mapping[str, list[Any]]]) -> list[str]:
    """Steps down, metrics across. Of values logged for one step the last is shown."""
    cells: dict[float, dict[str, str]] = {}
    for name, points in series.items():
        for step, value in zip(points["step"], points["value"], strict=True):
            cells.setdefault(step, {})[name] = shown(value)
    rows = [
        [f"{step:.15g}", *(cells[step].get(name, "") for name in series)] for step in sorted(cells)
    ]
    return render_table(["step", *series], rows, ["right"] * (len(series) + 1), 30)


def _values(title: str, values: dict[str, Value]) -> list[str]:
    if not values:
        return []
    width = max(len(name) for name in values)
    return ["", title, *(f"  {printable(n):<{width}}  {shown(v)}" for n, v in values.items())]


def _progress_bar(done: int, total: int, ascii_only: bool) -> str:
    filled = _BAR_CELLS * done // total if total else _BAR_CELLS
    return bar(filled, _BAR_CELLS, ascii_only=ascii_only)
