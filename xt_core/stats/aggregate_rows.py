"""Aggregates of metrics in the SQLite store, and those that a database of before them lacks.

`runs.aggregates` is null where they are not worked out yet: a database is brought to this schema
without a look at its metric records, which may be many. They are worked out run by run, when a
journal goes on or when `complete` is called: by the controller beside its work, and by whoever is
asked for one.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping

from xt_core.model.aggregates import (
    Aggregate,
    add_records,
    aggregates_from_json,
    aggregates_to_json,
)
from xt_core.model.encoding import loads
from xt_core.model.records import MetricRecord
from xt_core.stats.database import Database
from xt_core.stats.rows import NEXT_REVISION

_SET = (
    f"UPDATE runs SET aggregates = ?, revision = {NEXT_REVISION} "
    "WHERE id = ? AND aggregates IS NULL AND journal_end = ?"
)
"""Unless the journal went on meanwhile: then `of_run` has been faster."""
_ROWS_AT_ONCE = 2_000
_RUNS_AT_ONCE, _RECORDS_AT_ONCE = 100, 20_000
"""Of one transaction."""
_Row = tuple[int, float, float | None, str]


def of_run(connection: sqlite3.Connection, row_id: int) -> Mapping[str, Aggregate]:
    """Those of a run; of its records where they are not worked out yet. Within a transaction."""
    text = connection.execute("SELECT aggregates FROM runs WHERE id = ?", (row_id,)).fetchone()[0]
    if text is not None:
        return aggregates_from_json(text)
    aggregates: dict[str, Aggregate] = {}
    for part in _records(lambda after: _rows(connection, row_id, after)):
        aggregates = add_records(aggregates, part)
    return aggregates


def complete(database: Database, records: int | None) -> int:
    """See `StatsStore.complete_aggregates`. Writers do not wait while records are read."""
    read = 0
    while records is None or read < records:
        with database.reading() as connection:
            lacking = connection.execute(
                "SELECT id, journal_end FROM runs WHERE aggregates IS NULL "
                "ORDER BY id DESC LIMIT ?",
                (_RUNS_AT_ONCE,),
            ).fetchall()
        if not lacking:
            return 0
        worked_out, part = [], 0
        for row_id, journal_end in lacking:
            aggregates, count = _worked_out(database, row_id)
            worked_out.append((aggregates_to_json(aggregates), row_id, journal_end))
            part += max(1, count)
            if part >= _RECORDS_AT_ONCE or (records is not None and read + part >= records):
                break
        with database.transaction(durable=False) as connection:
            connection.executemany(_SET, worked_out)
        read += part
    with database.reading() as connection:
        left = connection.execute("SELECT COUNT(*) FROM runs WHERE aggregates IS NULL")
        return int(left.fetchone()[0])


def _worked_out(database: Database, row_id: int) -> tuple[dict[str, Aggregate], int]:
    """A run's aggregates, and how many records it has."""

    def rows(after: int) -> list[_Row]:
        with database.reading() as connection:
            return _rows(connection, row_id, after)

    aggregates, count = dict[str, Aggregate](), 0
    for part in _records(rows):
        aggregates = add_records(aggregates, part)
        count += len(part)
    return aggregates, count


def _rows(connection: sqlite3.Connection, row_id: int, after: int) -> list[_Row]:
    return connection.execute(
        "SELECT position, time, step, data FROM metrics WHERE run_id = ? AND position > ? "
        "ORDER BY position LIMIT ?",
        (row_id, after, _ROWS_AT_ONCE),
    ).fetchall()


def _records(rows: Callable[[int], list[_Row]]) -> Iterator[list[MetricRecord]]:
    """All records of a run in parts, given those after a position."""
    after = -1
    while found := rows(after):
        yield [MetricRecord(at, time, step, loads(data)) for at, time, step, data in found]
        after = found[-1][0]
