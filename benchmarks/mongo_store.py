"""The MongoDB store beside bare pymongo: listing 100,000 runs, delivering metrics.

    python benchmarks/mongo_store.py [RUNS] [POINTS]

Starts the `mongod` that the tests use. `list runs` takes a filter and a sort order, and answers
with the first 50 and the total; the bare way is a `find` and a `count_documents` that the same
index serves.
Metrics are delivered for 20 runs by turns, 1,000 records a run; the bare way is `insert_many` of
the same records, 1,000 a call, as durable. Medians; store and bare one by turns.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from pymongo.database import Database
from pymongo.write_concern import WriteConcern
from servers.mongod import Mongod

from xt_core.model.records import MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.query.filters import parse_filter
from xt_core.query.registry import RUN_FIELDS
from xt_core.stats.mongo.documents import run_to_document
from xt_core.stats.mongo.store import MongoStatsStore
from xt_core.stats.store import Delivery, RunQuery

_DATABASE = "benchmark"
_FIRST = 50
_RUNS_DELIVERED, _RECORDS = 20, 1_000
_ROUNDS = 7


def fill(database: Database[dict[str, Any]], runs: int) -> None:
    """So many runs of one workspace."""
    for start in range(0, runs, 10_000):
        documents = []
        for number in range(start, min(start + 10_000, runs)):
            status = RunStatus.ERROR if number % 10 == 0 else RunStatus.COMPLETED
            run = Run(
                "ws1", f"run{number}", f"job{number % 100}", "e", "node0", status, 1e9 + number
            )
            run.hparams = {"lr": number / runs, "opt": "adam" if number % 3 else "sgd"}
            run.metrics = {"loss": (number * 7919 % runs) / runs, "acc": number % 97 / 97}
            documents.append(run_to_document(run, "t") | {"dirty": None})
        database["runs"].insert_many(documents)


def seconds(*actions: Callable[[], object]) -> list[float]:
    """The median time of each, taken by turns."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(_ROUNDS):
        for action, taken in zip(actions, times, strict=True):
            began = time.perf_counter()
            action()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in times]


def list_runs(store: MongoStatsStore, database: Database[dict[str, Any]], runs: int) -> None:
    """A filter and a sort order over all runs, against the bare query."""
    collection = database["runs"]
    cases: list[tuple[str, str, dict[str, Any], list[tuple[str, int]]]] = [
        ("status=error", "-created", {"status": "error"}, [("created", -1)]),
        ("metrics.loss<.1", "metrics.loss", {"metrics.loss": {"$lt": 0.1}}, [("metrics.loss", 1)]),
        ("hparams.opt=sgd", "-metrics.acc", {"hparams.opt": "sgd"}, [("metrics.acc", -1)]),
    ]
    print(f"`list runs` of {runs} runs, the first {_FIRST} and the total:")
    for text, sort, condition, order in cases:
        filters = [parse_filter(text, RUN_FIELDS)]
        query = RunQuery("ws1", filters=filters, sort=sort, first=_FIRST)
        where = {"workspace": "ws1", "is_parent": False, **condition}

        def bare(where: Any = where, order: Any = order) -> tuple[list[Any], int]:
            found = list(collection.find(where).sort([*order, ("num", 1)]).limit(_FIRST))
            return found, collection.count_documents(where)

        runs_found, total = store.find_runs(query)
        assert ([r.name for r in runs_found], total) == ([r["name"] for r in bare()[0]], bare()[1])
        taken, bare_taken = seconds(partial(store.find_runs, query), bare)
        ratio = taken / bare_taken
        print(f"  {text}, {sort}: {taken * 1e3:.0f} ms; bare {bare_taken * 1e3:.0f}; {ratio:.2f}")


def deliver(store: MongoStatsStore, database: Database[dict[str, Any]], points: int) -> None:
    """Metrics of nodes, against bare inserts."""
    concern = WriteConcern("majority", j=True)
    bare = database.get_collection("bare_points", write_concern=concern)
    taken = {"store": 0.0, "bare": 0.0}
    rounds = max(1, points // (_RUNS_DELIVERED * _RECORDS))
    for number in range(rounds):
        told = [a_delivery(run, number) for run in range(_RUNS_DELIVERED)]
        began = time.perf_counter()
        store.deliver(told)
        taken["store"] += time.perf_counter() - began
        began = time.perf_counter()
        for each in told:
            run = each.run.full_name
            bare.insert_many(
                {"run": run, "offset": m.offset, "time": m.time, "step": m.step, "values": m.values}
                for m in each.metrics
            )
        taken["bare"] += time.perf_counter() - began
    total = rounds * _RUNS_DELIVERED * _RECORDS
    assert len(store.metrics("ws2", "run1")) == rounds * _RECORDS
    rates = {name: total / duration for name, duration in taken.items()}
    print(
        f"{total} metric records: {rates['store']:.0f}/s; bare insert_many {rates['bare']:.0f}/s; "
        f"ratio {rates['store'] / rates['bare']:.2f}"
    )


def a_delivery(run: int, number: int) -> Delivery:
    first = number * _RECORDS
    records = [
        MetricRecord(80 * n, 1e9 + n / 8, float(n), {"loss": 1 / (n + 1), "acc": n / 7})
        for n in range(first, first + _RECORDS)
    ]
    state = Run("ws2", f"run{run + 1}", "job1", "e", "node0", RunStatus.RUNNING, 1e9)
    state.metrics = records[-1].values
    return Delivery(state, number + 1, [], records, None, 80 * (first + _RECORDS))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        server = Mongod(Path(folder) / "mongod")
        store = MongoStatsStore(server.url, _DATABASE, setting="benchmark")
        with server.client() as client:
            database = client[_DATABASE]
            store.jobs()
            fill(database, runs)
            list_runs(store, database, runs)
            deliver(store, database, points)
        store.close()
        server.stop()


if __name__ == "__main__":
    main()
