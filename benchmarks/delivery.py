"""From a node to its team: how late what is logged is seen, and how fast much of it is brought.

    python benchmarks/delivery.py [SECONDS] [POINTS]

Starts the `mongod` that the tests use, with a team whose stats are there. First 50 runs log 1,000
points a second in all, each with the time of its `log_metrics`, and a reader that asks the team's
store again and again notes when it sees them; beside it, the time between a bare `insert_many` of
as many points as a node gathers and a bare read of them. Then a replicator brings POINTS that a
node's own store has; the bare way is `insert_many` of the same points, 1,000 a call, as durable,
before and after.
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern
from servers.mongod import Mongod
from support import Xt

from controller.replicator import Replicator
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.stats.mongo.store import MongoStatsStore
from xt_core.stats.outgoing import Outgoing
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import JournalBatch, StatsStore

_RUNS, _POINTS_A_SECOND = 50, 20
_SERVICES = """
external-services:
  stats: {{type: mongo, mongo-connection-string: "{url}"}}
xt-services: {{mongo: stats}}
"""
_WORK = f"""
import sys, time
from xt_core import Run
run, begun = Run(), time.monotonic()
for step in range(int(float(sys.argv[1]) * {_POINTS_A_SECOND})):
    time.sleep(max(0.0, begun + step / {_POINTS_A_SECOND} - time.monotonic()))
    run.log_metrics({{"loss": 1 / (step + 1), "logged": time.time()}}, step=step)
"""
_GATHERED = 50  # points of a twentieth of a second, the node's and the replicator's gathering
Bare = Collection[dict[str, Any]]


class Reader(threading.Thread):
    """Asks the team's store what is new, and notes how late each point is."""

    def __init__(self, store: StatsStore) -> None:
        super().__init__(daemon=True)
        self._store = store
        self.delays: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        revision, offsets = 0, dict[str, int]()
        while not self.over.is_set():
            for run in self._store.changed_runs(revision):
                revision = max(revision, run.revision)
                points = self._store.metrics(run.workspace, run.name, offsets.get(run.name, -1))
                seen = time.time()
                for point in points:
                    self.delays.append(seen - float(str(point.values["logged"])))
                if points:
                    offsets[run.name] = points[-1].offset
            self.over.wait(0.02)


def delays(folder: Path, mongod: Mongod, seconds: float, bare: Bare) -> None:
    """How late points are seen, in milliseconds."""
    xt = Xt(folder / "home", folder / "code", _SERVICES.format(url=mongod.url))
    try:
        xt.script("work.py", _WORK)
        reader = Reader(xt.session.store)
        reader.start()
        xt.submit("--runs", str(_RUNS), "--concurrent", str(_RUNS), "work.py", str(seconds))
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(1.0)
        expected = int(seconds * _POINTS_A_SECOND) * _RUNS
        while len(reader.delays) < expected:
            time.sleep(0.2)
        reader.over.set()
        reader.join()
        assert len(reader.delays) == expected
        found = sorted(1000 * delay for delay in reader.delays)
        direct = sorted(1000 * delay for delay in bare_delays(bare))
        print(f"{expected} points of {_RUNS} runs, {_RUNS * _POINTS_A_SECOND} a second:")
        print(f"  logged until seen in MongoDB: {told(found)}")
        print(f"  bare insert of {_GATHERED} until read: {told(direct)}")
    finally:
        xt.close()


def bare_delays(bare: Bare) -> list[float]:
    taken = []
    for number in range(200):
        began = time.time()
        bare.insert_many([{"n": number, "loss": 0.5} for _ in range(_GATHERED)])
        assert len(list(bare.find({"n": number}))) == _GATHERED
        taken.append(time.time() - began)
        time.sleep(0.01)
    return taken


def told(milliseconds: list[float]) -> str:
    percentiles = statistics.quantiles(milliseconds, n=100)
    return f"p50 {percentiles[49]:.0f} ms, p99 {percentiles[98]:.0f} ms"


def throughput(folder: Path, mongod: Mongod, points: int, bare: Bare) -> None:
    """Points a second, of a replicator and of bare inserts."""
    own = SqliteStatsStore(folder / "stats.db")
    share = points // _RUNS
    records = [
        MetricRecord(80 * n, 1e9 + n / 8, float(n), {"loss": 1 / (n + 1), "acc": n / 7})
        for n in range(share)
    ]
    runs = [
        Run("ws1", f"run{n}", "job1", "e", "node0", RunStatus.RUNNING, 1e9)
        for n in range(1, _RUNS + 1)
    ]
    job = Job("job1", "ws1", "e", "repeat", "local", "me", 1e9, 0, _RUNS)
    own.add_job(job, runs, [])
    for run in runs:
        own.add_journal(JournalBatch("ws1", run.name, 0, 80 * share, records))
    bare_seconds = [insert_bare(bare, runs, records)]
    team = MongoStatsStore(mongod.url, "replicated", setting="benchmark")
    team.jobs()
    replicator = Replicator(Outgoing(own, "node0"), team, lambda: None)
    began = time.perf_counter()
    replicator.start()
    assert replicator.flush(3600)
    taken = time.perf_counter() - began
    bare_seconds.append(insert_bare(bare, runs, records))
    assert all(len(team.metrics("ws1", run.name)) == share for run in runs[::10])
    replicator.close()
    team.close()
    own.close()
    total, bare_taken = share * _RUNS, statistics.mean(bare_seconds)
    print(
        f"{total} points: replicator {total / taken:.0f}/s; bare insert_many "
        f"{total / bare_taken:.0f}/s; ratio {bare_taken / taken:.2f}"
    )


def insert_bare(bare: Bare, runs: list[Run], records: list[MetricRecord]) -> float:
    began = time.perf_counter()
    for run in runs:
        for first in range(0, len(records), 1000):
            bare.insert_many(
                {"run": run.name, "offset": m.offset, "time": m.time, "step": m.step} | m.values
                for m in records[first : first + 1000]
            )
    return time.perf_counter() - began


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    with tempfile.TemporaryDirectory() as name:
        mongod = Mongod(Path(name) / "mongod")
        with mongod.client() as client:
            concern = WriteConcern("majority", j=True)
            bare = client["bare"].get_collection("points", write_concern=concern)
            bare.create_index("n")
            delays(Path(name), mongod, seconds, bare)
            throughput(Path(name), mongod, points, client["bare"].get_collection(
                "more_points", write_concern=concern))  # fmt: skip
        mongod.stop()


if __name__ == "__main__":
    main()
