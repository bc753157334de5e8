"""Between the rows of the SQLite store and the records of the model."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from sys import intern as same
from typing import Any

from xt_core.model.aggregates import aggregates_from_json
from xt_core.model.encoding import dumps, loads, loads_all
from xt_core.model.names import job_number, run_numbers
from xt_core.model.records import Goals, Job, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus

JOB_COLUMNS = (
    "num, workspace, experiment, style, target, username, created, work_items, concurrent, "
    "search_type, schedule, nodes, primary_metric, maximize, description, command, seed, "
    "tags, notes, cancel_requested, objectives, space, warm_start, priority, "
    "hosts, rerun_of, is_metric_default"
)
RUN_COLUMNS = (
    "workspace, name, job, experiment, node, status, created, parent, is_parent, run_index, "
    "target, username, description, queued, started, ended, exit_code, error, restarts, "
    "command, hparams, metrics, tags, notes, cancel_requested, retries, stopped_early, revision, "
    "goals, aggregates, rerun_of"
)
NEXT_REVISION = "(SELECT COALESCE(MAX(revision), 0) + 1 FROM runs)"
"""Of a run that changes: the feeds of all clients ask for what came after the last they know."""


def job_from_row(row: tuple[Any, ...]) -> Job:
    """A row of `JOB_COLUMNS`."""
    num, *rest = row
    job = Job(f"job{num}", rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6], rest[7])
    job.search_type, job.schedule, job.nodes = rest[8], rest[9], rest[10].split(",")
    job.primary_metric, job.maximize, job.description = rest[11], bool(rest[12]), rest[13]
    job.command, job.seed = rest[14], rest[15]
    job.tags, job.notes, job.cancel_requested = loads(rest[16]), rest[17], bool(rest[18])
    job.objectives = [Objective(metric, maximize) for metric, maximize in loads(rest[19])]
    job.space, job.warm_start, job.priority = loads(rest[20]), loads(rest[21]), rest[22]
    job.hosts, job.rerun_of = _hosts(rest[23], job.nodes), rest[24]
    job.is_metric_default = bool(rest[25])
    return job


def job_to_row(job: Job) -> tuple[Any, ...]:
    """Values for `JOB_COLUMNS`."""
    return (
        job_number(job.name),
        job.workspace,
        job.experiment,
        job.style,
        job.target,
        job.username,
        job.created,
        job.work_items,
        job.concurrent,
        job.search_type,
        job.schedule,
        ",".join(job.nodes),
        job.primary_metric,
        job.maximize,
        job.description,
        job.command,
        job.seed,
        dumps(job.tags),
        job.notes,
        job.cancel_requested,
        dumps([[objective.metric, objective.maximize] for objective in job.objectives]),
        dumps(job.space),
        dumps(job.warm_start),
        job.priority,
        dumps(job.hosts),
        job.rerun_of,
        job.is_metric_default,
    )


def _hosts(text: str, nodes: list[str]) -> dict[str, str]:
    """XT up to schema 5 knew one host for all nodes of a job."""
    if text.startswith("{"):
        hosts: dict[str, str] = loads(text)
        return hosts
    return dict.fromkeys(nodes, text) if text else {}


_STATUSES = {str(status): status for status in RunStatus}


def run_from_row(row: tuple[Any, ...]) -> Run:
    """A row of `RUN_COLUMNS`."""
    return _run(row, loads(row[20]), loads(row[21]), loads(row[22]), {})


def runs_from_rows(rows: Sequence[tuple[Any, ...]]) -> list[Run]:
    """Rows of `RUN_COLUMNS`; quicker and smaller than one by one, for names of hyperparameters,
    metrics and tags are read and kept once for all, and so are times that several have."""
    documents = (_loads_all([row[place] for row in rows]) for place in (20, 21, 22))
    return list(map(_run, rows, *documents, repeat({})))


def _loads_all(texts: Sequence[str]) -> list[dict[str, Any]]:
    """These documents, each as small as it can be kept."""
    return [_compact(document) if document else _EMPTY for document in loads_all(texts)]


_EMPTY: dict[str, Any] = {}
"""For all runs that have no tags, metrics or hyperparameters: nobody changes those of a `Run`."""
_LONGEST_SHARED = 32
"""Characters of a text that other documents are likely to have too."""
_MOST_SHARED, _OBJECTS_UNTIL_SMALL = 29, 32
"""CPython makes room for 30 attributes in the first object of a class, and for fewer in each that
follows, until it is as many as they have."""


def _compact(document: dict[str, Any]) -> dict[str, Any]:
    """An equal dict, in half of the memory where many have the same names: as the attributes of
    objects of one class, they keep the names once for all. Equal short texts are one string."""
    new_holder = _holder(tuple(document))
    if new_holder is None:
        return document
    for name, value in document.items():
        if isinstance(value, str) and len(value) <= _LONGEST_SHARED:
            document[name] = same(value)
    return _named(new_holder(), document)


@lru_cache(maxsize=256)
def _holder(names: tuple[str, ...]) -> type | None:
    """A class of its own for each list of names; none for so many that objects do not share them,
    and where one could mean an object's own."""
    if len(names) > _MOST_SHARED or any(name.startswith("__") for name in names):
        return None
    document: type = type("Document", (), {})
    for _ in range(_OBJECTS_UNTIL_SMALL):
        _named(document(), dict.fromkeys(names))
    return document


def _named(holder: object, values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        setattr(holder, name, value)
    kept: dict[str, Any] = vars(holder)
    return kept


def _run(
    row: tuple[Any, ...],
    hparams: dict[str, Any],
    metrics: dict[str, Any],
    tags: dict[str, Any],
    times: dict[Any, Any],
) -> Run:
    """What many runs have in common is kept once, which halves the memory of 100,000. `times` are
    those that other runs have."""
    created, queued, started, ended = (times.setdefault(t, t) for t in (row[6], *row[13:16]))
    return Run(
        same(row[0]),
        row[1],
        same(row[2]),
        same(row[3]),
        same(row[4]),
        _STATUSES[row[5]],
        created,
        parent=None if row[7] is None else same(row[7]),
        is_parent=bool(row[8]),
        run_index=row[9],
        target=same(row[10]),
        username=same(row[11]),
        description=same(row[12]),
        queued=queued,
        started=started,
        ended=ended,
        exit_code=row[16],
        error=row[17],
        restarts=row[18],
        command=same(row[19]),
        hparams=hparams,
        metrics=metrics,
        tags=tags,
        notes=row[23],
        cancel_requested=bool(row[24]),
        retries=row[25],
        stopped_early=bool(row[26]),
        revision=row[27],
        goals=_goals(row[28]),
        aggregates=aggregates_from_json(row[29]),
        rerun_of=same(row[30]),
    )


@lru_cache(maxsize=256)
def _goals(text: str) -> Goals:
    """One object for all the runs that have the same ones."""
    goals: dict[str, bool] = loads(text)
    return goals


_INSERT_RUN = f"""
INSERT INTO runs (workspace, name, num, child, job, job_num, parent, is_parent, node, run_index,
    status, created, queued, experiment, target, username, description, command, hparams, tags,
    goals, rerun_of, aggregates, revision)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'{{}}',
    {NEXT_REVISION})
RETURNING id, revision
"""


def insert_run(connection: sqlite3.Connection, run: Run) -> int:
    """Add a run; its row id. Sets `run.revision`."""
    num, child = run_numbers(run.name)
    values = (
        run.workspace,
        run.name,
        num,
        child,
        run.job,
        job_number(run.job),
        run.parent,
        run.is_parent,
        run.node,
        run.run_index,
        run.status,
        run.created,
        run.queued,
        run.experiment,
        run.target,
        run.username,
        run.description,
        run.command,
        dumps(run.hparams),
        dumps(run.tags),
        dumps(run.goals),
        run.rerun_of,
    )
    row_id, run.revision = connection.execute(_INSERT_RUN, values).fetchone()
    return int(row_id)


ITEM_COLUMNS = "run_index, status, node, run, epoch, hparams, notes"


def item_from_row(job: str, row: tuple[Any, ...]) -> WorkItem:
    """A row of `ITEM_COLUMNS`."""
    hparams = None if row[5] is None else loads(row[5])
    return WorkItem(
        job, row[0], WorkItemStatus(row[1]), row[2], row[3], row[4], hparams, loads(row[6])
    )
