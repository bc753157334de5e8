"""Processor time from the stats store to a band of many runs, beside the plainest way to read them.

A band is made of all that its runs logged: 100 runs of 9,000 records with two metrics. The baseline
reads the same rows with `sqlite3` and `json.loads`, one by one, and keeps them as lists of tuples.
Run: ``python benchmarks/tui_bands.py [RUNS]``.
"""

import json
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import TypeVar

from xt_core.chart import Band, Curve, Form, Look, lay_out
from xt_core.model.encoding import dumps
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.reports.curves import XKind
from xt_core.stats.rows import insert_run
from xt_core.stats.sqlite import SqliteStatsStore
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Points, read

RECORDS = 9_000
RECORDS_A_READ = 20_000
WIDTH, HEIGHT = 140, 44
Result = TypeVar("Result")


def fill(store: SqliteStatsStore, count: int) -> list[Run]:
    """Runs that have logged a loss and an accuracy for each step."""
    dice = random.Random(0)
    store.add_job(Job("job1", "ws1", "e", "repeat", "local", "me", 1e9, count, 8), [], [])
    runs = [
        Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.COMPLETED, 1e9)
        for number in range(1, count + 1)
    ]
    with store.database.transaction() as connection:
        for run in runs:
            row = insert_run(connection, run)
            values = ({"loss": dice.random(), "acc": dice.random()} for _ in range(RECORDS))
            connection.executemany(
                "INSERT INTO metrics VALUES (?,?,?,?,?)",
                (
                    (row, 60 * step, 1e9 + step, float(step), dumps(each))
                    for step, each in enumerate(values)
                ),
            )
    return runs


def read_points(store: SqliteStatsStore, runs: Sequence[Run]) -> Points:
    """All points, in parts as the UI asks for them."""

    def source(run: Drawn, after: int) -> Sequence[MetricRecord]:
        assert isinstance(run, Run)
        return store.metrics(run.workspace, run.name, after, RECORDS_A_READ)

    points = Points()
    while wanted := points.wanted(runs):
        points.take(read(source, wanted))
    return points


def read_plainly(file: Path) -> list[tuple[int, float, dict[str, float]]]:
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT run_id, step, data FROM metrics ORDER BY run_id, step")
        return [(run, step, json.loads(data)) for run, step, data in rows]


def band_of(points: Points, runs: Sequence[Run]) -> Band:
    """The band of the losses."""
    members = []
    for run in runs:
        curve, known = Curve(run.name, 0, Form()), points.of(run.full_name)
        curve.extend(known.x("loss", XKind.STEP), known.metrics["loss"].values)
        members.append(curve)
    return Band("all", 0, members)


def measured(work: Callable[[], Result]) -> tuple[Result, float]:
    """What some work gives, and its processor time in milliseconds."""
    began = process_time()
    result = work()
    return result, 1_000 * (process_time() - began)


def main() -> None:
    """Print a row for each step."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stats.db"
        store = SqliteStatsStore(file)
        runs = fill(store, count)
        plain = measured(lambda: len(read_plainly(file)))[1]
        points, took = measured(lambda: read_points(store, runs))
        band, made = measured(lambda: band_of(points, runs))
        drawn = measured(lambda: lay_out([band], WIDTH, HEIGHT, Look(title="loss")))[1]
        again = measured(lambda: lay_out([band], WIDTH, HEIGHT, Look(title="loss")))[1]
        store.close()
    print(f"{count} runs of {RECORDS:,} records, {points.count(runs):,} points: ms of processor")
    print(f"{'read, plainly (baseline)':<40}{plain:>10.0f}")
    print(f"{'read, as columns':<40}{took:>10.0f}{took / plain:>10.2f} of the baseline")
    print(f"{'curves of one metric':<40}{made:>10.0f}")
    print(f"{'drawn as a band, first':<40}{drawn:>10.0f}")
    print(f"{'drawn as a band, again':<40}{again:>10.1f}")


if __name__ == "__main__":
    main()
