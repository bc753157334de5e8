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
    rows = connection.execute("SELECT name, target, controller, updated FROM nodes ORDER BY name")
    return [NodeRecord(name, target, loads(data), at) for name, target, data, at in rows]


def renew(connection: sqlite3.Connection, node: str) -> None:
    """The node lives."""
    connection.execute(
        "UPDATE nodes SET updated = ?, renewed = ? WHERE name = ?",
        (clock.now(), time.monotonic(), node),
    )


def lapsed(connection: sqlite3.Connection, job: str, lease_seconds: float) -> list[str]:
    """Nodes with open runs of a job whose leases have run out."""
    now = time.monotonic()
    rows = connection.execute(
        "SELECT DISTINCT runs.node FROM runs JOIN nodes ON nodes.name = runs.node "
        "WHERE runs.job_num = ? AND nodes.renewed NOT BETWEEN ? AND ? AND runs.status IN "
        "('created', 'queued', 'spawning', 'running')",
        (job_number(job), now - lease_seconds, now),
    )
    return [node for (node,) in rows]
