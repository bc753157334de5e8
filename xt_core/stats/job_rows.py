"""Jobs in SQLite: their rows, how many of their runs are in which state, and their best runs.

Functions over a connection, within a transaction of their caller where they write.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from xt_core.errors import UnknownNameError
from xt_core.model.encoding import dumps
from xt_core.model.names import job_number
from xt_core.model.records import Job, JobCounts
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.rows import JOB_COLUMNS, job_from_row, job_to_row
from xt_core.stats.rules import count_run, is_rerun_of, rerun_names

_SETTABLE = frozenset({"tags", "notes", "cancel_requested"})


def insert(connection: sqlite3.Connection, job: Job) -> None:
    """A new job, as it is."""
    row = job_to_row(job)
    marks = ",".join("?" * len(row))
    connection.execute(f"INSERT INTO jobs ({JOB_COLUMNS}) VALUES ({marks})", row)


def select(
    connection: sqlite3.Connection, names: Sequence[str] = (), workspace: str | None = None
) -> list[Job]:
    """The jobs of these names (none: all of them), of one workspace or of all, in order."""
    query, values = f"SELECT {JOB_COLUMNS} FROM jobs WHERE 1", list[Any]()
    if names:
        query += f" AND num IN ({','.join('?' * len(names))})"
        values += [job_number(name) for name in names]
    if workspace is not None:
        query += " AND workspace = ?"
        values.append(workspace)
    rows = connection.execute(query + " ORDER BY num", values).fetchall()
    return [job_from_row(row) for row in rows]


def one(connection: sqlite3.Connection, name: str) -> Job:
    """A job. Raises UnknownNameError."""
    found = select(connection, [name])
    if not found:
        raise unknown(name)
    return found[0]


def reruns(connection: sqlite3.Connection, origins: Sequence[str]) -> list[Job]:
    """See `StatsStore.reruns`."""
    names = rerun_names(origins)
    one = "rerun_of = ? OR (rerun_of > ? AND rerun_of < ?)"
    where = " OR ".join([one] * len(names)) or "0"
    values = [value for name in names for value in (name, f"{name}.", f"{name}/")]
    rows = connection.execute(  # not in order: SQLite would go through all jobs for that
        f"SELECT {JOB_COLUMNS} FROM jobs WHERE rerun_of > '' AND ({where})", values
    )
    found = [job for job in map(job_from_row, rows.fetchall()) if is_rerun_of(job, origins)]
    return sorted(found, key=lambda job: job_number(job.name))


def unknown(name: str) -> UnknownNameError:
    return UnknownNameError(f"no job named {name}", "xt list jobs shows those there are")


def counts(connection: sqlite3.Connection, names: Sequence[str]) -> dict[str, JobCounts]:
    """How many runs and work items of each job are in which state."""
    found = {name: JobCounts() for name in names}
    marks, nums = ",".join("?" * len(names)), [job_number(name) for name in names]
    runs = connection.execute(
        "SELECT job_num, is_parent, status, COUNT(*) FROM runs "
        f"WHERE job_num IN ({marks}) GROUP BY job_num, is_parent, status",
        nums,
    )
    for num, is_parent, status, number in runs:
        count_run(found[f"job{num}"], bool(is_parent), RunStatus(status), number)
    stopped = connection.execute(
        "SELECT job_num, COUNT(*) FROM runs WHERE stopped_early = 1 AND status = 'completed' "
        f"AND job_num IN ({marks}) GROUP BY job_num",
        nums,
    )
    for num, number in stopped:
        found[f"job{num}"].stopped_early = number
    items = connection.execute(
        "SELECT job_num, status, COUNT(*) FROM work_items WHERE job_num IN "
        f"({marks}) AND run IS NULL GROUP BY job_num, status",
        nums,
    )
    for num, status, number in items:
        if status == WorkItemStatus.CANCELLED:
            found[f"job{num}"].cancelled += number
        else:
            found[f"job{num}"].unstarted += number
    return found


def best_run(connection: sqlite3.Connection, job: Job) -> tuple[str, float] | None:
    """The completed run with the best value of the job's primary metric, and that value."""
    if "\0" in job.primary_metric:  # SQLite takes it for the end of the path
        return None
    path = '$."' + job.primary_metric.replace('"', '\\"') + '"'
    row = connection.execute(
        "SELECT name, json_extract(metrics, ?1) AS value FROM runs "
        "WHERE job_num = ?2 AND is_parent = 0 AND status = 'completed' "
        "AND json_type(metrics, ?1) IN ('integer', 'real') "
        "AND ABS(json_extract(metrics, ?1)) < 9e999 "  # an integer may be beyond all
        f"ORDER BY value {'DESC' if job.maximize else 'ASC'}, num, child LIMIT 1",
        (path, job_number(job.name)),
    ).fetchone()
    return None if row is None else (row[0], float(row[1]))


def update(connection: sqlite3.Connection, name: str, fields: dict[str, Any]) -> None:
    """Change what clients say of a job. Raises UnknownNameError."""
    if not set(fields) <= _SETTABLE:
        raise ValueError(f"a job's {sorted(fields)} cannot be changed")
    values = [dumps(value) if column == "tags" else value for column, value in fields.items()]
    assignments = ", ".join(f"{column} = ?" for column in fields)
    changed = connection.execute(
        f"UPDATE jobs SET {assignments} WHERE num = ?", [*values, job_number(name)]
    ).rowcount
    if not changed:
        raise unknown(name)
