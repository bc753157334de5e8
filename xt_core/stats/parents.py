"""The parts of jobs on nodes, in SQLite: parents that spawn again, and which parts will go on.

Functions over a connection, within a transaction of their caller where they write.
"""

import sqlite3

from xt_core import clock
from xt_core.model.names import job_number
from xt_core.model.states import FINAL_RUN_STATES, RunStatus
from xt_core.stats import journals
from xt_core.stats.rows import NEXT_REVISION

_REOPEN = (
    "UPDATE runs SET status = ?, ended = NULL, error = '', cancel_requested = 0, "
    f"revision = {NEXT_REVISION} WHERE id = ?"
)


def lost(connection: sqlite3.Connection, node: str) -> list[tuple[int, str]]:
    """The parents that were given up with a node, and that nobody has cancelled: the row of each,
    and its job."""
    return connection.execute(
        "SELECT runs.id, runs.job FROM runs JOIN jobs ON jobs.num = runs.job_num "
        "WHERE runs.node = ? AND runs.is_parent = 1 AND runs.status = 'lost' "
        "AND jobs.cancel_requested = 0 AND runs.cancel_requested = 0",
        (node,),
    ).fetchall()


def rejoin(connection: sqlite3.Connection, row_id: int) -> None:
    """Let a parent that was given up spawn again."""
    connection.execute(_REOPEN, (RunStatus.QUEUED, row_id))
    journals.add_event(connection, row_id, clock.now(), "rejoined", {})


def extend(connection: sqlite3.Connection, job: str, count: int) -> None:
    """A job has so many work items more: a parent that has ended spawns again; its script, if that
    succeeded, is not run again."""
    rows = connection.execute(
        "SELECT id, status FROM runs WHERE job_num = ? AND is_parent = 1", (job_number(job),)
    ).fetchall()
    for row_id, status in rows:
        if RunStatus(status) in FINAL_RUN_STATES:
            again = RunStatus.SPAWNING if status == RunStatus.COMPLETED else RunStatus.QUEUED
            connection.execute(_REOPEN, (again, row_id))
        journals.add_event(connection, row_id, clock.now(), "extended", {"work_items": count})


def lives_elsewhere(connection: sqlite3.Connection, job: str, node: str) -> bool:
    """Whether another node than this one has a part of the job that will go on."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM runs WHERE job_num = ? AND is_parent = 1 AND node != ? "
        "AND cancel_requested = 0 AND status IN ('created', 'queued', 'spawning', 'running'))",
        (job_number(job), node),
    ).fetchone()
    return bool(row[0])
