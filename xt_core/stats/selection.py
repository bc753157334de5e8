"""`RunQuery` as SQL: which runs, how many, in which order."""

import json
import sqlite3

from xt_core import clock
from xt_core.model.names import job_number
from xt_core.model.records import Run
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort
from xt_core.query.sql import slowness_told, to_sql, to_sql_order
from xt_core.stats.rows import RUN_COLUMNS, runs_from_rows
from xt_core.stats.store import RunQuery

_ROWS_AT_ONCE = 5_000


def select_runs(connection: sqlite3.Connection, query: RunQuery) -> tuple[list[Run], int]:
    """The runs asked for, and how many there are without `first` and `last`. Raises
    TooSlowError."""
    now = clock.now()
    condition, values = _condition(query, now)
    order = to_sql_order(parse_sort(query.sort, RUN_FIELDS), query.reverse, now)
    if query.filters:  # no index helps, so that counting apart would evaluate them twice
        sorted_ids = f"SELECT id FROM runs WHERE {condition} ORDER BY {order}"
        with slowness_told():
            ids = [row[0] for row in connection.execute(sorted_ids, values)]
        offset, limit = _window(query, len(ids))
        chosen = ids[offset : offset + limit]
        source = "SELECT value AS wanted, key AS place FROM json_each(?)"
        return _read(connection, source, [json.dumps(chosen)]), len(ids)
    counted = connection.execute(f"SELECT COUNT(*) FROM runs WHERE {condition}", values)
    total = int(counted.fetchone()[0])
    offset, limit = _window(query, total)
    source = (
        "SELECT id AS wanted, ROW_NUMBER() OVER () AS place "
        f"FROM (SELECT id FROM runs WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?)"
    )
    return _read(connection, source, [*values, limit, offset]), total


def _window(query: RunQuery, total: int) -> tuple[int, int]:
    """How many of the sorted runs to pass over, and how many to take."""
    if query.first is not None:
        return 0, query.first
    taken = total if query.last is None else min(query.last, total)
    return total - taken, taken


def _read(connection: sqlite3.Connection, source: str, values: list[object]) -> list[Run]:
    """The runs of a source of (wanted id, place): only rows wanted are read whole."""
    rows = connection.execute(
        f"SELECT {RUN_COLUMNS} FROM runs JOIN ({source}) ON runs.id = wanted ORDER BY place", values
    )
    runs: list[Run] = []
    while part := rows.fetchmany(_ROWS_AT_ONCE):  # all rows would be as large as all runs
        runs += runs_from_rows(part)
    return runs


def _condition(query: RunQuery, now: float) -> tuple[str, list[object]]:
    conditions, values = list[str](), list[object]()
    if query.workspace is not None:
        conditions.append("workspace = ?")
        values.append(query.workspace)
    if query.parents is not None:
        condition, more = _kind(query)
        conditions.append(condition)
        values += more
    if query.jobs:
        conditions.append(f"job_num IN ({','.join('?' * len(query.jobs))})")
        values += [job_number(name) for name in query.jobs]
    if query.statuses:
        conditions.append(f"status IN ({','.join('?' * len(query.statuses))})")
        values += [str(status) for status in query.statuses]
    condition, more = to_sql(query.filters, query.patterns, now)
    return " AND ".join([*conditions, condition]), [*values, *more]


def _kind(query: RunQuery) -> tuple[str, list[object]]:
    """Parents only, or the others; who names a parent wants to see it all the same."""
    named = [pattern for pattern in query.patterns if pattern.single]
    if query.parents or not named:
        return "is_parent = ?", [int(bool(query.parents))]
    is_named, values = to_sql([], named, 0.0)
    return f"(is_parent = 0 OR {is_named})", values
