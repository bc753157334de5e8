"""The one registry of fields: those of a run (over the SQL table `runs`), those of a job."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from xt_core.model.aggregates import KINDS, aggregate_value
from xt_core.model.names import job_number, run_numbers
from xt_core.model.records import Job, JobCounts, Run, Value
from xt_core.model.shown import CANCELLING, shown_state
from xt_core.model.states import JobStatus, RunStatus, SearchStyle
from xt_core.query.fields import Aggregates, Field, FieldSet, Kind, OrderKey
from xt_core.query.words import searched


class JobRow(NamedTuple):
    """A job with what is derived from its runs."""

    job: Job
    counts: JobCounts
    best_run: str | None = None
    best_value: Value = None
    leading_value: Value = None
    """The best value of a run that has not ended, where none has completed yet."""

    @property
    def is_cancelling(self) -> bool:
        """Whether it was cancelled, and has not ended yet."""
        return self.job.cancel_requested and not self.counts.status().is_final

    @property
    def done(self) -> float:
        """The share of its work that has ended, from 0 to 1."""
        counts = self.counts
        return self._share(counts.completed + counts.error + counts.cancelled)

    @property
    def progress(self) -> float:
        """The share of its work that completed: failed and cancelled work is no progress."""
        return self._share(self.counts.completed)

    def _share(self, number: int) -> float:
        return number / self.job.work_items if self.job.work_items else 0.0

    @property
    def shown_state(self) -> str:
        """The job's state, or that it is being cancelled."""
        return CANCELLING if self.is_cancelling else str(self.counts.status())


def _job_order(name: str) -> OrderKey:
    return (job_number(name),)


def _parent_order(name: str) -> OrderKey:
    return (run_numbers(name)[0],)


def _node_order(name: str) -> OrderKey:
    return (len(name), name)


def _run(name: str, kind: Kind, get: Callable[[Run], Value], **more: Any) -> Field[Run]:
    """A field that is a column of the table `runs`."""
    return Field(name, kind, lambda run, now: get(run), **{"sql": name, **more})


def _run_text(name: str, get: Callable[[Run], str | None], **more: Any) -> Field[Run]:
    return _run(name, Kind.TEXT, lambda run: get(run) or None, **more)


def _job(name: str, kind: Kind, get: Callable[[JobRow], Value], **more: Any) -> Field[JobRow]:
    return Field(name, kind, lambda row, now: get(row), **more)


def _job_text(name: str, get: Callable[[Job], str | None], **more: Any) -> Field[JobRow]:
    return _job(name, Kind.TEXT, lambda row: get(row.job) or None, **more)


def _job_count(name: str, get: Callable[[JobCounts], int]) -> Field[JobRow]:
    return _job(name, Kind.NUMBER, lambda row: get(row.counts), format="$bz")


def _metric(row: JobRow) -> str:
    """Nobody chose a metric, and no run has logged the one that XT has for that case: none."""
    is_idle = row.best_value is None and row.leading_value is None
    return "" if row.job.is_metric_default and is_idle else row.job.primary_metric


def _searched_job(job: Job, counts: JobCounts) -> str:
    texts = (job.name, job.experiment, job.description, job.notes)
    return searched(counts.status(), texts, job.tags)


def _words(states: type[StrEnum]) -> tuple[str, ...]:
    return tuple(str(state) for state in states)


_RUN_NAMES = [
    _run(
        "run",
        Kind.NAME,
        lambda r: r.name,
        sql="name",
        optional=False,
        name_order=run_numbers,
        order_sql=("num", "child"),
    ),
    _run_text("workspace", lambda r: r.workspace, optional=False),
    _run("job", Kind.NAME, lambda r: r.job or None, name_order=_job_order, order_sql=("job_num",)),
    _run(
        "parent",
        Kind.NAME,
        lambda r: r.parent or None,
        name_order=_parent_order,
        order_sql=("CASE WHEN parent <> '' THEN num END",),
    ),
    _run(
        "node",
        Kind.NAME,
        lambda r: r.node or None,
        name_order=_node_order,
        order_sql=("length(nullif(node, ''))", "node"),
    ),
]


_STOPPED_EARLY = _run(
    "stopped_early", Kind.FLAG, lambda r: r.stopped_early, header="early?", optional=False
)
_RUN_STATE = [
    _run("run_index", Kind.NUMBER, lambda r: r.run_index, header="index"),
    _run_text(
        "status",
        lambda r: str(r.status),
        optional=False,
        choices=_words(RunStatus),
        flags=(("early-stop", _STOPPED_EARLY),),  # as it is shown
        shown=shown_state,
    ),
    _STOPPED_EARLY,
    _run("exit_code", Kind.NUMBER, lambda r: r.exit_code, header="exit"),
    _run("restarts", Kind.NUMBER, lambda r: r.restarts, optional=False, format="$bz"),
    _run("created", Kind.TIME, lambda r: r.created, optional=False),
    _run("queued", Kind.TIME, lambda r: r.queued),
    _run("started", Kind.TIME, lambda r: r.started),
    _run("ended", Kind.TIME, lambda r: r.ended),
    Field(
        "duration",
        Kind.DURATION,
        lambda run, now: run.duration(now),
        sql="max(0.0, coalesce(ended, {now}) - started)",
    ),
    _run("is_parent", Kind.FLAG, lambda r: r.is_parent, header="parent?", optional=False),
    _run(
        "is_child",
        Kind.FLAG,
        lambda r: bool(r.parent),
        header="child?",
        sql="(child > 0)",
        optional=False,
    ),
]

_RUN_TEXTS = [
    _run_text("experiment", lambda r: r.experiment),
    _run_text("rerun_of", lambda r: r.rerun_of, header="rerun of"),
    _run_text("target", lambda r: r.target),
    _run_text("username", lambda r: r.username, header="user"),
    _run_text("description", lambda r: r.description),
    _run_text("command", lambda r: r.command),
    _run_text("notes", lambda r: r.notes),
    _run_text("error", lambda r: r.error),
]

RUN_FIELDS: FieldSet[Run] = FieldSet(
    [*_RUN_NAMES, *_RUN_STATE, *_RUN_TEXTS],
    families={
        "hparams": lambda run: run.hparams,
        "metrics": lambda run: run.metrics,
        "tags": lambda run: run.tags,
    },
    aliases={"name": "run", "user": "username", "index": "run_index"},
    ties=("run", "workspace"),
    aggregates={
        "metrics": Aggregates(
            KINDS, lambda run, name, kind: aggregate_value(run.aggregates, run.goals, name, kind)
        )
    },
    words=_run(
        "words",
        Kind.TEXT,
        lambda r: searched(r.status, (r.name, r.job, r.experiment, r.description, r.notes), r.tags),
        sql="status, name, job, experiment, description, notes, tags",
        optional=False,
    ),
)
"""The fields of a run."""

JOB_FIELDS: FieldSet[JobRow] = FieldSet(
    [
        _job("name", Kind.NAME, lambda row: row.job.name, header="job", name_order=_job_order),
        _job_text("workspace", lambda job: job.workspace),
        _job_text("experiment", lambda job: job.experiment),
        _job(
            "status",
            Kind.TEXT,
            lambda row: str(row.counts.status()),
            shown=lambda row: row.shown_state,
            choices=_words(JobStatus),
        ),
        _job_text("style", lambda job: job.style, choices=_words(SearchStyle)),
        _job_text("search_type", lambda job: job.search_type, header="search"),
        _job_text("schedule", lambda job: job.schedule),
        _job("nodes", Kind.NUMBER, lambda row: len(row.job.nodes)),
        _job("work_items", Kind.NUMBER, lambda row: row.job.work_items, header="items"),
        _job_count("unstarted", lambda counts: counts.unstarted),
        _job_count("queued", lambda counts: counts.queued),
        _job_count("running", lambda counts: counts.running),
        _job_count("completed", lambda counts: counts.completed),
        _job_count("stopped_early", lambda counts: counts.stopped_early),
        _job_count("error", lambda counts: counts.error),
        _job_count("cancelled", lambda counts: counts.cancelled),
        _job("done", Kind.NUMBER, lambda row: row.done, format=".0%"),
        _job("progress", Kind.NUMBER, lambda row: row.progress, format=".0%"),
        _job("primary_metric", Kind.TEXT, lambda row: _metric(row) or None, header="metric"),
        _job("best", Kind.ANY, lambda row: row.best_value),
        _job(
            "best_run",
            Kind.NAME,
            lambda row: row.best_run or None,
            header="best run",
            name_order=run_numbers,
        ),
        _job("created", Kind.TIME, lambda row: row.job.created),
        _job_text("username", lambda job: job.username, header="user"),
        _job_text("target", lambda job: job.target),
        _job_text("rerun_of", lambda job: job.rerun_of, header="rerun of"),
        _job_text("description", lambda job: job.description),
        _job_text("command", lambda job: job.command),
        _job_text("notes", lambda job: job.notes),
    ],
    families={"tags": lambda row: row.job.tags},
    aliases={"job": "name", "user": "username"},
    ties=("name",),
    words=_job("words", Kind.TEXT, lambda row: _searched_job(row.job, row.counts)),
)
"""The fields of a job with its counts and its best run."""
