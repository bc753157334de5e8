"""Claiming work: 100,000 work items from 8 processes, and proof that each went once.

    python benchmarks/claims.py [ITEMS]

The baseline is a counter in a bare SQLite file (WAL, synchronous=FULL, one writer). A claim marks
the item, creates the child run and logs its first events, all durable.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.sqlite import SqliteStatsStore

_PROCESSES = 8


def fill(path: Path, items: int) -> None:
    """A job with so many unstarted items."""
    store = SqliteStatsStore(path)
    job = Job("job1", "ws1", "e", "repeat", "local", "me", time.time(), items, 8)
    parent = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, time.time(), is_parent=True)
    unstarted = (WorkItem("job1", i, WorkItemStatus.UNSTARTED, "node0") for i in range(items))
    store.add_job(job, [parent], unstarted)
    store.close()


def claim_all(path: Path) -> None:
    """Claim until nothing is left, and print what was got."""
    store = SqliteStatsStore(path)
    parent = store.run("ws1", "run1")
    while (claim := store.claim_child(parent, "node0")) is not None:
        print(claim[0].run_index)


def bare_rate(folder: Path, count: int = 3000) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE c (n INTEGER)")
    connection.execute("INSERT INTO c VALUES (0)")
    began = time.perf_counter()
    for _ in range(count):
        connection.execute("UPDATE c SET n = n + 1")
    return count / (time.perf_counter() - began)


def main() -> None:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "stats.db"
        fill(path, items)
        bare = bare_rate(folder)
        began = time.perf_counter()
        command = [sys.executable, __file__, "--claim", str(path)]
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(_PROCESSES)]
        got = Counter(line for worker in workers for line in worker.communicate()[0].split())
        rate = items / (time.perf_counter() - began)
    assert len(got) == items, f"{items - len(got)} items were not claimed"
    assert set(got.values()) == {1}, "an item was claimed twice"
    print(f"{items} items, {_PROCESSES} processes: {rate:.0f} claims/s, each exactly once")
    print(f"bare durable counter, 1 process: {bare:.0f}/s; ratio {bare / rate:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--claim"]:
        claim_all(Path(os.fspath(sys.argv[2])))
    else:
        main()
