"""Deliveries of nodes to SQLite: one run at a time, within a transaction of the caller."""

import sqlite3
from dataclasses import replace
from typing import Any

from xt_core.model.aggregates import aggregates_to_json
from xt_core.model.encoding import dumps
from xt_core.model.names import job_number, run_numbers
from xt_core.model.records import Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.stats import work_items
from xt_core.stats.client_tags import ClientTags
from xt_core.stats.rows import NEXT_REVISION, insert_run
from xt_core.stats.rules import CLIENT_RUN_FIELDS, LOGGED_RUN_FIELDS, NODE_RUN_FIELDS
from xt_core.stats.store import Delivery

_GIVES_WAY = (
    "DO UPDATE SET time = excluded.time, event = excluded.event, data = excluded.data "
    "WHERE (time, event, data) IS NOT (excluded.time, excluded.event, excluded.data)"
)
_ITEM_OF_CLAIM = (
    "job_num = ? AND run_index = ? AND (epoch < ? OR epoch = ? AND (run IS ? OR run IS NULL))"
)


def deliver(connection: sqlite3.Connection, delivery: Delivery) -> str | None:
    """Take one delivery; the run's full name if it was given up and its state is refused."""
    run = delivery.run
    name = (run.workspace, *run_numbers(run.name))
    row = connection.execute(
        "SELECT id, status, node_revision, client_tags FROM runs "
        "WHERE workspace = ? AND num = ? AND child = ?",
        name,
    ).fetchone()
    if row is None:
        row_id = _insert(connection, delivery)
        known_revision, is_lost, is_new = delivery.node_revision, False, True
    else:
        row_id, status, known_revision, _ = row
        is_lost, is_new = status == RunStatus.LOST and not delivery.rejoined, False
    news = _add_records(connection, row_id, delivery, is_lost=is_lost)
    if delivery.node_revision > known_revision:
        names = LOGGED_RUN_FIELDS if is_lost else NODE_RUN_FIELDS
        _set_state(connection, row_id, delivery, names, ClientTags.from_json(row[3]))
    elif news and not is_new:
        connection.execute(f"UPDATE runs SET revision = {NEXT_REVISION} WHERE id = ?", (row_id,))
    if delivery.item is not None and not is_lost and delivery.node_revision >= known_revision:
        _set_item(connection, delivery.item)
    return run.full_name if is_lost and run.status is not RunStatus.LOST else None


def _insert(connection: sqlite3.Connection, delivery: Delivery) -> int:
    run = delivery.run
    row_id = insert_run(connection, replace(run))  # which gives it a revision
    fields = (*NODE_RUN_FIELDS, *CLIENT_RUN_FIELDS)
    _assign(connection, row_id, _columns(run, fields) | {"node_revision": delivery.node_revision})
    num, child = run_numbers(run.name)
    if run.parent is None:  # children may have come first
        connection.execute(
            "UPDATE runs SET children = (SELECT MAX(child) FROM runs WHERE workspace = ? "
            "AND num = ?) WHERE id = ?",
            (run.workspace, num, row_id),
        )
    else:
        connection.execute(
            "UPDATE runs SET children = MAX(children, ?) "
            "WHERE workspace = ? AND num = ? AND child = 0",
            (child, run.workspace, num),
        )
    return row_id


def _add_records(
    connection: sqlite3.Connection, row_id: int, delivery: Delivery, *, is_lost: bool
) -> bool:
    """Whether there was anything new."""
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO events VALUES (?,?,?,?,?) ON CONFLICT (run_id, seq) "
        + ("DO NOTHING" if is_lost else _GIVES_WAY),
        ((row_id, e.seq, e.time, e.event, dumps(e.data)) for e in delivery.events),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO metrics VALUES (?,?,?,?,?)",
        ((row_id, m.offset, m.time, m.step, dumps(m.values)) for m in delivery.metrics),
    )
    last_event = max((event.seq for event in delivery.events), default=0)
    connection.execute(
        "UPDATE runs SET last_event = MAX(last_event, ?1), journal_end = MAX(journal_end, ?2) "
        "WHERE id = ?3 AND (last_event < ?1 OR journal_end < ?2)",
        (last_event, delivery.journal_end, row_id),
    )
    return connection.total_changes > before


def _set_state(
    connection: sqlite3.Connection,
    row_id: int,
    delivery: Delivery,
    names: tuple[str, ...],
    clients: ClientTags,
) -> None:
    columns = _columns(delivery.run, names) | {"node_revision": delivery.node_revision}
    if delivery.run.metrics and not delivery.run.aggregates:
        del columns["aggregates"]  # the node has not worked them out yet: what is known here stays
    _assign(connection, row_id, columns | {"tags": dumps(clients.over(delivery.run.tags))})


def _columns(run: Run, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in names}
    columns = {n: dumps(v) if isinstance(v, dict | list) else v for n, v in values.items()}
    if "aggregates" in columns:
        columns["aggregates"] = aggregates_to_json(run.aggregates)
    return columns | ({"job_num": job_number(run.job)} if "job" in columns else {})


def _assign(connection: sqlite3.Connection, row_id: int, columns: dict[str, Any]) -> None:
    assignments = "".join(f"{column} = ?, " for column in columns)
    connection.execute(
        f"UPDATE runs SET {assignments} revision = {NEXT_REVISION} WHERE id = ?",
        [*columns.values(), row_id],
    )


def _set_item(connection: sqlite3.Connection, item: WorkItem) -> None:
    """Of a newer epoch, or of the same claim."""
    key = (job_number(item.job), item.run_index)
    if work_items.item_of(connection, item.job, item.run_index) is None:
        work_items.add_items(connection, [item])
    hparams = None if item.hparams is None else dumps(item.hparams)
    connection.execute(
        "UPDATE work_items SET status = ?, node = ?, run = ?, epoch = ?, hparams = ?, notes = ? "
        f"WHERE {_ITEM_OF_CLAIM}",
        (item.status, item.node, item.run, item.epoch, hparams, dumps(item.notes), *key,
         item.epoch, item.epoch, item.run),
    )  # fmt: skip
