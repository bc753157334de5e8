"""Aggregates of metrics in the SQLite store, and those that a database of before them lacks.

`runs.aggregates` is null where they are not worked out yet: a database is brought to this schema
without a look at its metric records, which may be many. They are worked out run by run, when a
journal goes on or when `complete` is called: by the controller beside its work, and by whoever is
asked for one.
"""

import sqlite3
from collections.abc import Callable, Iterator

from xt_core.model.aggregates import Aggregate, add_records
from xt_core.model.encoding import loads
from xt_core.model.records import MetricRecord
from xt_core.stats.database import Database
from xt_core.stats.rows import aggregates_from_json, aggregates_to_json

_NEXT_REVISION = "(SELECT MAX(revision) + 1 FROM runs)"
_ROWS_AT_ONCE = 2_000
_Row = tuple[int, float, float | None, str]


def of_run(connection: sqlite3.Connection, row_id: int) -> dict[str, Aggregate]:
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
            row = connection.execute(
                "SELECT id, journal_end FROM runs WHERE aggregates IS NULL ORDER BY id DESC LIMIT 1"
            ).fetchone()
        if row is None:
            return 0
        read += max(1, _complete_run(database, *row))
    with database.reading() as connection:
        lacking = connection.execute("SELECT COUNT(*) FROM runs WHERE aggregates IS NULL")
        return int(lacking.fetchone()[0])


def _complete_run(database: Database, row_id: int, journal_end: int) -> int:
    """How many records it has. If its journal goes on meanwhile, `of_run` has been faster."""

    def rows(after: int) -> list[_Row]:
        with database.reading() as connection:
            return _rows(connection, row_id, after)

    aggregates, count = dict[str, Aggregate](), 0
    for part in _records(rows):
        aggregates = add_records(aggregates, part)
        count += len(part)
    with database.transaction(durable=False) as connection:
        connection.execute(
            f"UPDATE runs SET aggregates = ?, revision = {_NEXT_REVISION} "
            "WHERE id = ? AND aggregates IS NULL AND journal_end = ?",
            (aggregates_to_json(aggregates), row_id, journal_end),
        )
    return count


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
