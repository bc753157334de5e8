"""Nodes in SQLite, and their leases, by a clock that all processes of the machine share.

That is the monotonic clock: the time of day may differ from one process to the next (it may be set
while they run), and a machine that slept has not let its nodes' leases run out. After another boot
it begins anew, so a lease that was renewed in the future is one of before the boot.
"""

import sqlite3
import time

from xt_core import clock
from xt_core.model.encoding import dumps, loads
from xt_core.model.names import job_number
from xt_core.model.records import Job
from xt_core.stats.rules import lease_of
from xt_core.stats.store import NodeRecord


def put(connection: sqlite3.Connection, node: NodeRecord) -> None:
    """Record what a node says of itself; its lease is as old as the record."""
    age = max(0.0, clock.now() - node.updated)
    connection.execute(
        "INSERT OR REPLACE INTO nodes (name, target, controller, updated, renewed) "
        "VALUES (?,?,?,?,?)",
        (node.name, node.target, dumps(node.controller), node.updated, time.monotonic() - age),
    )


def every(connection: sqlite3.Connection) -> list[NodeRecord]:
    """All nodes, by name."""
    rows = connection.execute(
        "SELECT name, target, controller, updated FROM nodes WHERE target != '' ORDER BY name"
    )
    return [NodeRecord(name, target, loads(data), at) for name, target, data, at in rows]


def renew(connection: sqlite3.Connection, lease: str) -> None:
    """Whose lease it is lives."""
    _begin(connection, lease)
    connection.execute(
        "UPDATE nodes SET updated = ?, renewed = ? WHERE name = ?",
        (clock.now(), time.monotonic(), lease),
    )


def _begin(connection: sqlite3.Connection, lease: str) -> None:
    """A lease of a part of a job, unless it is there: a row without a target."""
    if "/" in lease:
        connection.execute(
            "INSERT OR IGNORE INTO nodes VALUES (?, '', '{}', ?, ?)",
            (lease, clock.now(), time.monotonic()),
        )


def lapsed(connection: sqlite3.Connection, job: Job, lease_seconds: float) -> list[str]:
    """Nodes with open runs of a job whose leases have run out."""
    rows = connection.execute(
        "SELECT DISTINCT node FROM runs WHERE job_num = ? AND status IN "
        "('created', 'queued', 'spawning', 'running')",
        (job_number(job.name),),
    )
    nodes = {lease_of(job, node): node for (node,) in rows.fetchall()}
    for lease in nodes:
        _begin(connection, lease)
    now = time.monotonic()
    found = connection.execute(
        f"SELECT name FROM nodes WHERE name IN ({','.join('?' * len(nodes))}) "
        "AND renewed NOT BETWEEN ? AND ? ORDER BY name",
        (*nodes, now - lease_seconds, now),
    )
    return [nodes[lease] for (lease,) in found]
