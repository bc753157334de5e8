"""What runs logged, in SQLite: events by number, metrics by byte offset, and how far each journal
was taken over.

Functions over a connection, within a transaction of their caller where they write.
Invariant: a journal's end and the records up to it are written together.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from xt_core.model.aggregates import add_records, aggregates_to_json
from xt_core.model.encoding import dumps, loads, loads_all
from xt_core.model.names import run_numbers
from xt_core.model.records import Event, MetricRecord
from xt_core.stats import aggregate_rows
from xt_core.stats.rows import NEXT_REVISION
from xt_core.stats.rules import unknown_run
from xt_core.stats.store import JournalBatch


def row_id(connection: sqlite3.Connection, workspace: str, run: str) -> int:
    """The number of a run's row. Raises UnknownNameError."""
    return int(_row(connection, workspace, run, "id")[0])


def end(connection: sqlite3.Connection, workspace: str, run: str) -> int:
    """The byte up to which a run's journal was taken over. Raises UnknownNameError."""
    return int(_row(connection, workspace, run, "journal_end")[0])


def _row(connection: sqlite3.Connection, workspace: str, run: str, columns: str) -> Any:
    row = connection.execute(
        f"SELECT {columns} FROM runs WHERE workspace = ? AND num = ? AND child = ?",
        (workspace, *run_numbers(run)),
    ).fetchone()
    if row is None:
        raise unknown_run(workspace, run)
    return row


def add_event(
    connection: sqlite3.Connection, run: int, time: float, event: str, data: Mapping[str, Any]
) -> None:
    """A new event of a run, known by its row."""
    seq = connection.execute(
        "UPDATE runs SET last_event = last_event + 1 WHERE id = ? RETURNING last_event", (run,)
    ).fetchone()[0]
    connection.execute(
        "INSERT INTO events VALUES (?,?,?,?,?)", (run, seq, time, event, dumps(data))
    )


def add(connection: sqlite3.Connection, batch: JournalBatch) -> None:
    """Take over a part of a journal, unless that was done. Raises UnknownNameError."""
    run, known_end, hparams, metrics, tags = _row(
        connection, batch.workspace, batch.run, "id, journal_end, hparams, metrics, tags"
    )
    if known_end > batch.start:  # a second delivery: the end and its records are one truth
        return
    aggregates = aggregate_rows.of_run(connection, run)
    connection.executemany(
        "INSERT OR IGNORE INTO metrics VALUES (?,?,?,?,?)",
        ((run, m.offset, m.time, m.step, dumps(m.values)) for m in batch.metrics),
    )
    for time, name, data in batch.events:
        add_event(connection, run, time, name, data)
    last = loads(metrics)
    for record in batch.metrics:
        last |= record.values
    connection.execute(
        "UPDATE runs SET hparams = ?, metrics = ?, aggregates = ?, tags = ?, "
        f"journal_end = ?, revision = {NEXT_REVISION} WHERE id = ?",
        (
            dumps(loads(hparams) | batch.hparams),
            dumps(last),
            aggregates_to_json(add_records(aggregates, batch.metrics)),
            dumps(loads(tags) | batch.tags),
            batch.end,
            run,
        ),
    )


def events(connection: sqlite3.Connection, run: int, after: int) -> list[Event]:
    """The events of a run, known by its row, whose numbers are higher."""
    rows = connection.execute(
        "SELECT seq, time, event, data FROM events WHERE run_id = ? AND seq > ? ORDER BY seq",
        (run, after),
    )
    return [Event(seq, time, event, loads(data)) for seq, time, event, data in rows]


def metrics(
    connection: sqlite3.Connection, run: int, after: int, limit: int | None
) -> list[MetricRecord]:
    """What a run, known by its row, logged after a byte of its journal; the first so many."""
    rows = connection.execute(
        "SELECT position, time, step, data FROM metrics WHERE run_id = ? "
        "AND position > ? ORDER BY position LIMIT ?",
        (run, after, -1 if limit is None else limit),
    ).fetchall()
    values = loads_all([data for _, _, _, data in rows])
    return [
        MetricRecord(offset, time, step, each)
        for (offset, time, step, _), each in zip(rows, values, strict=True)
    ]
