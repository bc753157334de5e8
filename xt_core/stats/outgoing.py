"""What a node's stats store has that its team's does not have yet: the node's own runs, and those
of nodes beside it that were given up, which cannot tell of it themselves.

The marks of what was delivered are kept beside it; should some be lost in a crash, a little is
delivered twice, which harms nobody. Invariant: a run's state is delivered with the last of its
events and metrics, never before them, so that whoever sees a run ended sees all of it.
"""

import sqlite3
from dataclasses import dataclass

from xt_core.model.encoding import loads
from xt_core.model.names import run_numbers
from xt_core.model.records import Event, MetricRecord, Run
from xt_core.model.states import FINAL_RUN_STATES, RunStatus
from xt_core.stats.rows import RUN_COLUMNS, run_from_row
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import Delivery
from xt_core.stats.work_items import cancelled_items, item_of

_RUNS_AT_ONCE = 200
_RECORDS_AT_ONCE = 5_000
"""Events and metric records of one batch, at most: what bounds the memory that it takes."""
_MARKS = """
CREATE TABLE IF NOT EXISTS delivered (
    run_id INTEGER PRIMARY KEY, event INTEGER NOT NULL, position INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delivered_up_to (
    node TEXT PRIMARY KEY, revision INTEGER NOT NULL
) WITHOUT ROWID;
"""
_TAKE_RECORDS = (
    "INSERT INTO delivered VALUES (?,?,?) ON CONFLICT (run_id) DO UPDATE "
    "SET event = MAX(event, excluded.event), position = MAX(position, excluded.position)"
)
_TAKE_RUNS = (
    "INSERT INTO delivered_up_to VALUES (?,?) ON CONFLICT (node) DO UPDATE "
    "SET revision = MAX(revision, excluded.revision)"
)
_RUNS = f"""
SELECT runs.id, COALESCE(event, 0), COALESCE(position, -1), journal_end, {
    ", ".join(f"runs.{column}" for column in RUN_COLUMNS.split(", "))
}
FROM runs LEFT JOIN delivered ON run_id = runs.id
"""
_CHANGED = f"{_RUNS} WHERE revision > ? AND (node = ? OR status = 'lost') ORDER BY revision LIMIT ?"
_PARENT = f"{_RUNS} WHERE workspace = ? AND num = ? AND child = 0"


@dataclass(frozen=True)
class Cursor:
    """Up to where a batch goes."""

    marks: list[tuple[int, int, int]]
    """(run, event, journal position), each by its number in the node's own store."""
    revision: int


class Outgoing:
    """One node's changes, in batches, each to be delivered before the next one is asked for."""

    def __init__(self, store: SqliteStatsStore, node: str) -> None:
        self._store, self._node = store, node
        with store.database.transaction() as connection:
            for statement in filter(str.strip, _MARKS.split(";")):
                connection.execute(statement)
            row = connection.execute(
                "SELECT revision FROM delivered_up_to WHERE node = ?", (node,)
            ).fetchone()
        self._revision: int = row[0] if row else 0
        self._marks: list[tuple[int, int, int]] = []
        self._next_revision = self._revision

    def next_batch(self, share: int = 1) -> list[Delivery]:
        """What is to be delivered next, those with the oldest changes; nothing if all was.

        A run that was made after another comes after it, so that nobody sees it alone. A batch is
        as large as one may be, or an n-th of that for a `share` of n.
        """
        self._marks, self._next_revision = [], self._revision
        batch: list[Delivery] = []
        runs, room = max(1, _RUNS_AT_ONCE // share), max(10, _RECORDS_AT_ONCE // share)
        with self._store.database.reading() as connection:
            rows = connection.execute(_CHANGED, (self._revision, self._node, runs))
            for run_id, event, position, journal_end, *row in rows.fetchall():
                run = run_from_row(tuple(row))
                events = _events(connection, run_id, event, room)
                metrics = _metrics(connection, run_id, position, room - len(events))
                room -= len(events) + len(metrics)
                is_whole = room > 0
                delivery = Delivery(run, run.revision if is_whole else 0, events, metrics)
                delivery.rejoined = _has_rejoined(connection, run_id, run)
                batch.append(delivery)
                self._mark(run_id, delivery, event, position)
                if not is_whole:
                    break
                self._next_revision = run.revision
                delivery.journal_end = journal_end
                if run.parent is not None and run.run_index is not None:
                    delivery.item = item_of(connection, run.job, run.run_index)
                elif run.is_parent and run.status in FINAL_RUN_STATES:
                    batch += [
                        Delivery(run, run.revision, item=item, journal_end=journal_end)
                        for item in cancelled_items(connection, run.job, self._node)
                    ]
            self._add_parents(connection, batch)
        batch.sort(key=lambda delivery: (delivery.run.is_parent, run_numbers(delivery.run.name)))
        return batch

    def _add_parents(self, connection: sqlite3.Connection, batch: list[Delivery]) -> None:
        """A child that is made is told in an event of its parent, which changes nothing else."""
        runs = [delivery.run for delivery in batch]
        told = {run.full_name for run in runs}
        parents = dict.fromkeys((run.workspace, run.parent) for run in runs if run.parent)
        for workspace, name in parents:
            if f"{workspace}/{name}" in told:
                continue
            where = (workspace, run_numbers(name)[0])
            run_id, event, position, _, *row = connection.execute(_PARENT, where).fetchone()
            events = _events(connection, run_id, event, _RECORDS_AT_ONCE)
            if events:
                parent = run_from_row(tuple(row))
                delivery = Delivery(parent, 0, events)
                delivery.rejoined = _has_rejoined(connection, run_id, parent)
                batch.append(delivery)
                self._mark(run_id, delivery, event, position)

    @property
    def cursor(self) -> Cursor:
        """What `take` is to be told when the last batch has arrived."""
        return Cursor(list(self._marks), self._next_revision)

    def _mark(self, run_id: int, delivery: Delivery, event: int, position: int) -> None:
        if delivery.events:
            event = delivery.events[-1].seq
        if delivery.metrics:
            position = delivery.metrics[-1].offset
        self._marks.append((run_id, event, position))

    def delivered(self) -> None:
        """The last batch has arrived."""
        self.take(self.cursor)

    def take(self, cursor: Cursor) -> None:
        """A batch has arrived, maybe again, or after a later one."""
        with self._store.database.transaction(durable=False) as connection:
            connection.executemany(_TAKE_RECORDS, cursor.marks)
            connection.execute(_TAKE_RUNS, (self._node, cursor.revision))
        self._revision = max(self._revision, cursor.revision)

    def rewind(self) -> None:
        """Let nothing have arrived: all is delivered again."""
        with self._store.database.transaction() as connection:
            connection.execute("DELETE FROM delivered")
            connection.execute("DELETE FROM delivered_up_to WHERE node = ?", (self._node,))
        self._revision = 0


def _has_rejoined(connection: sqlite3.Connection, run_id: int, run: Run) -> bool:
    """Whether a parent is there again, after it was given up: no other run comes back."""
    if not run.is_parent or run.status is RunStatus.LOST:
        return False
    found = connection.execute(
        "SELECT 1 FROM events WHERE run_id = ? AND event = 'rejoined' LIMIT 1", (run_id,)
    )
    return found.fetchone() is not None


def _events(connection: sqlite3.Connection, run_id: int, after: int, limit: int) -> list[Event]:
    rows = connection.execute(
        "SELECT seq, time, event, data FROM events WHERE run_id = ? AND seq > ? "
        "ORDER BY seq LIMIT ?",
        (run_id, after, limit),
    )
    return [Event(seq, time, event, loads(data)) for seq, time, event, data in rows]


def _metrics(
    connection: sqlite3.Connection, run_id: int, after: int, limit: int
) -> list[MetricRecord]:
    rows = connection.execute(
        "SELECT position, time, step, data FROM metrics WHERE run_id = ? AND position > ? "
        "ORDER BY position LIMIT ?",
        (run_id, after, limit),
    )
    return [MetricRecord(offset, time, step, loads(data)) for offset, time, step, data in rows]
