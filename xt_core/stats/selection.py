"""`RunQuery` as SQL: which runs, how many, in which order."""

import sqlite3
from typing import Any

from xt_core import clock
from xt_core.model.names import job_number
from xt_core.model.records import Run
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort
from xt_core.query.sql import to_sql, to_sql_order
from xt_core.stats.rows import RUN_COLUMNS, run_from_row
from xt_core.stats.store import RunQuery


def select_runs(connection: sqlite3.Connection, query: RunQuery) -> tuple[list[Run], int]:
    """The runs asked for, and how many there are without `first` and `last`."""
    now = clock.now()
    condition, values = _condition(query, now)
    total = connection.execute(f"SELECT COUNT(*) FROM runs WHERE {condition}", values).fetchone()[0]
    spec = parse_sort(query.sort, RUN_FIELDS)
    limit, offset = -1, 0
    if query.first is not None:
        limit = query.first
    elif query.last is not None:
        limit, offset = query.last, max(0, total - query.last)
    rows = _rows(
        connection, condition, values, to_sql_order(spec, query.reverse, now), limit, offset
    )
    return [run_from_row(row) for row in rows], int(total)


def _rows(
    connection: sqlite3.Connection,
    condition: str,
    values: list[object],
    order: str,
    limit: int,
    offset: int,
) -> list[tuple[Any, ...]]:
    """The ids are sorted first, so that only the rows wanted are read whole."""
    return connection.execute(
        f"SELECT {RUN_COLUMNS} FROM runs JOIN (SELECT id AS wanted, ROW_NUMBER() OVER () AS place "
        f"FROM (SELECT id FROM runs WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?)) "
        "ON runs.id = wanted ORDER BY place",
        [*values, limit, offset],
    ).fetchall()


def _condition(query: RunQuery, now: float) -> tuple[str, list[object]]:
    conditions, values = list[str](), list[object]()
    if query.workspace is not None:
        conditions.append("workspace = ?")
        values.append(query.workspace)
    if query.parents is not None:
        conditions.append("is_parent = ?")
        values.append(int(query.parents))
    if query.jobs:
        conditions.append(f"job_num IN ({','.join('?' * len(query.jobs))})")
        values += [job_number(name) for name in query.jobs]
    if query.statuses:
        conditions.append(f"status IN ({','.join('?' * len(query.statuses))})")
        values += [str(status) for status in query.statuses]
    condition, more = to_sql(query.filters, query.patterns, now)
    return " AND ".join([*conditions, condition]), [*values, *more]
