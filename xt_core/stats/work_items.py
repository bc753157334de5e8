"""Work items in SQLite: claims, the sets that items were given, what a lost node leaves behind.

Functions over a connection, within a transaction of their caller where they write.
Invariant: an item that is `started` names the one run that may complete it; a run that was given
up (`lost`) is named by no item, so its late end changes nothing.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from xt_core.model.encoding import dumps
from xt_core.model.names import job_number
from xt_core.model.records import Run, Value, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.rows import ITEM_COLUMNS, RUN_COLUMNS, item_from_row, run_from_row

_CLAIM = f"""
UPDATE work_items SET status = 'started', node = ?2, epoch = epoch + 1
WHERE job_num = ?1 AND run_index = (
    SELECT run_index FROM work_items INDEXED BY work_items_by_status
    WHERE job_num = ?1 AND status = ?3 AND (node IS NULL OR node = ?2)
    ORDER BY run_index LIMIT 1)
RETURNING {ITEM_COLUMNS}
"""
_CLAIMED_FIRST = (WorkItemStatus.WAITING, WorkItemStatus.UNSTARTED)
_ITEM_STATUS_AFTER = {
    RunStatus.COMPLETED: WorkItemStatus.COMPLETED,
    RunStatus.ERROR: WorkItemStatus.COMPLETED,
    RunStatus.CANCELLED: WorkItemStatus.CANCELLED,
}


def add_items(connection: sqlite3.Connection, items: Iterable[WorkItem]) -> None:
    """New items, as they are."""
    connection.executemany(
        "INSERT INTO work_items (job_num, run_index, status, node) VALUES (?,?,?,?)",
        ((job_number(item.job), item.run_index, item.status, item.node) for item in items),
    )


def claim(connection: sqlite3.Connection, job: str, node: str) -> WorkItem | None:
    """The next item for a node: one that waits to be done again before one never started."""
    for status in _CLAIMED_FIRST:
        row = connection.execute(_CLAIM, (job_number(job), node, status)).fetchone()
        if row is not None:
            return item_from_row(job, row)
    return None


def is_claimable(connection: sqlite3.Connection, job: str, node: str) -> bool:
    """Whether `claim` would give the node an item."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM work_items WHERE job_num = ? "
        "AND status IN ('waiting', 'unstarted') AND (node IS NULL OR node = ?))",
        (job_number(job), node),
    ).fetchone()
    return bool(row[0])


def items_of(connection: sqlite3.Connection, job: str) -> list[WorkItem]:
    """A job's items by run_index."""
    rows = connection.execute(
        f"SELECT {ITEM_COLUMNS} FROM work_items WHERE job_num = ? ORDER BY run_index",
        (job_number(job),),
    )
    return [item_from_row(job, row) for row in rows]


def item_of(connection: sqlite3.Connection, job: str, run_index: int) -> WorkItem | None:
    """One item."""
    row = connection.execute(
        f"SELECT {ITEM_COLUMNS} FROM work_items WHERE job_num = ? AND run_index = ?",
        (job_number(job), run_index),
    ).fetchone()
    return None if row is None else item_from_row(job, row)


def set_hparams(
    connection: sqlite3.Connection, item: WorkItem, hparams: dict[str, Value], notes: dict[str, Any]
) -> bool:
    """Give an item its set, unless it was handed on to another run meanwhile."""
    return (
        connection.execute(
            "UPDATE work_items SET hparams = ?, notes = ? "
            "WHERE job_num = ? AND run_index = ? AND run = ?",
            (dumps(hparams), dumps(notes), job_number(item.job), item.run_index, item.run),
        ).rowcount
        == 1
    )


def follow_run(
    connection: sqlite3.Connection, job_num: int, run_index: int | None, run: str, status: RunStatus
) -> None:
    """A run came to its end, and with it the item that names it."""
    if run_index is not None and status in _ITEM_STATUS_AFTER:
        connection.execute(
            "UPDATE work_items SET status = ? WHERE job_num = ? AND run_index = ? AND run = ?",
            (_ITEM_STATUS_AFTER[status], job_num, run_index, run),
        )


def put_back(connection: sqlite3.Connection, job: str, nodes: Sequence[str]) -> None:
    """What these nodes had started of a job waits for another one, with the sets it has."""
    connection.executemany(
        "UPDATE work_items SET status = 'waiting', node = NULL, run = NULL, epoch = epoch + 1 "
        "WHERE job_num = ? AND node = ? AND status = 'started'",
        [(job_number(job), node) for node in nodes],
    )


def cancel_unstarted(connection: sqlite3.Connection, job: str, node: str | None = None) -> int:
    """Cancel what is not claimed, of a node what only that one may claim; how many items."""
    return connection.execute(
        "UPDATE work_items SET status = 'cancelled' WHERE job_num = ?1 "
        "AND status IN ('unstarted', 'waiting') AND (?2 IS NULL OR node = ?2)",
        (job_number(job), node),
    ).rowcount


def cancelled_items(connection: sqlite3.Connection, job: str, node: str) -> list[WorkItem]:
    """Items that this node, maybe among others, could have claimed and that were cancelled."""
    rows = connection.execute(
        f"SELECT {ITEM_COLUMNS} FROM work_items WHERE job_num = ? AND status = 'cancelled' "
        "AND run IS NULL AND (node IS NULL OR node = ?) ORDER BY run_index",
        (job_number(job), node),
    )
    return [item_from_row(job, row) for row in rows]


def count_open(connection: sqlite3.Connection, job: str) -> int:
    """How many items of a job have not ended, on whatever node."""
    row = connection.execute(
        "SELECT COUNT(*) FROM work_items WHERE job_num = ? "
        "AND status IN ('unstarted', 'started', 'waiting')",
        (job_number(job),),
    ).fetchone()
    return int(row[0])


def history(
    connection: sqlite3.Connection, jobs: Sequence[str], after: int
) -> list[tuple[WorkItem, Run]]:
    """Items of jobs with the runs they name, of runs changed after a revision, oldest first."""
    items = ", ".join(f"item.{column}" for column in ITEM_COLUMNS.split(", "))
    runs = ", ".join(f"run.{column}" for column in RUN_COLUMNS.split(", "))
    rows = connection.execute(
        f"SELECT {items}, {runs} FROM runs AS run JOIN work_items AS item "
        "ON item.job_num = run.job_num AND item.run_index = run.run_index AND item.run = run.name "
        f"WHERE run.job_num IN ({','.join('?' * len(jobs))}) AND run.revision > ? "
        "ORDER BY run.revision",
        [*(job_number(job) for job in jobs), after],
    ).fetchall()
    width = len(ITEM_COLUMNS.split(", "))
    pairs = []
    for row in rows:
        run = run_from_row(row[width:])
        pairs.append((item_from_row(run.job, row[:width]), run))
    return pairs
