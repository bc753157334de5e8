"""The MongoDB store beside its contract: indexes, bounds, crashes, concurrent writers, schema."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database
from servers.mongod import Mongod
from stats_stores import StorePlace, mongo_place

from xt_core import clock
from xt_core.errors import UnavailableError
from xt_core.model.aggregates import Aggregate
from xt_core.model.records import Event, Job, MetricRecord, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.query.filters import parse_filter
from xt_core.query.names import parse_run_list
from xt_core.query.registry import RUN_FIELDS
from xt_core.stats.mongo import changes, claims, jobs, schema
from xt_core.stats.mongo.store import MongoStatsStore
from xt_core.stats.mongo.writes import bulk
from xt_core.stats.store import (
    Delivery,
    JournalBatch,
    NodeRecord,
    RunChange,
    RunQuery,
    StatsStore,
    new_items,
)


@pytest.fixture
def place(mongod: Mongod) -> StorePlace:
    return mongo_place(mongod)


@pytest.fixture
def store(place: StorePlace) -> Iterator[StatsStore]:
    opened = place.open()
    yield opened
    opened.close()


@pytest.fixture
def database(mongod: Mongod, store: MongoStatsStore) -> Iterator[Database[dict[str, Any]]]:
    """The store's database, seen from outside."""
    with mongod.client() as client:
        yield client[store._server.place.database]


class Crash(BaseException):
    """Ends an operation as the death of its process would."""


def add_search(store: StatsStore, items: int, name: str = "run1") -> Run:
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 100.0, items, 2, schedule="dynamic",
              primary_metric="loss")  # fmt: skip
    parent = Run("ws1", name, "job1", "e", "node0", RunStatus.QUEUED, 100.0, is_parent=True)
    store.add_job(job, [parent], new_items(job, 0, items))
    return store.change_run(RunChange("ws1", name, RunStatus.SPAWNING))


def add_single(store: StatsStore, name: str = "run1", job: str = "job1") -> None:
    run = Run("ws1", name, job, "e", "node0", RunStatus.QUEUED, 100.0)
    store.add_job(Job(job, "ws1", "e", "single", "local", "me", 1.0, 1, 1), [run], [])


def claim(store: StatsStore, parent: Run, node: str = "node0") -> tuple[WorkItem, Run]:
    claimed = store.claim_child(parent, node)
    assert claimed is not None
    return claimed


# Indexes and bounds ---------------------------------------------------------------------


def exercise(store: StatsStore) -> None:
    """Every method, with every kind of query."""
    parent = add_search(store, 40)
    store.put_node(NodeRecord("node0", "local", {}, clock.now()))
    for number in range(1, 31):
        item, run = claim(store, parent)
        store.set_hparams(run, item, {"lr": number / 100}, {})
        store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING, "started"))
        metrics = [MetricRecord(0, 1.0, 0.0, {"loss": number})]
        store.add_journal(JournalBatch("ws1", run.name, 0, 50, metrics, tags={"t": number}))
        if number % 2:
            store.change_run(RunChange("ws1", run.name, RunStatus.COMPLETED, "ended"))
    for text in (
        "metrics.loss<9", "hparams.lr>=.02", "run>run1.3", "duration>0", "tags.t:exists:true",
        "status!=error", "node=node0", "description:regex:^x",
    ):  # fmt: skip
        for workspace in ("ws1", None):
            parsed = [parse_filter(text, RUN_FIELDS)]
            for parents in (False, None):
                query = RunQuery(workspace, filters=parsed, sort="-metrics.loss", parents=parents)
                store.find_runs(query)
    for pattern in ("run1.*", "run1.2,run1.3", "run*", "job1", "job*", "ws1/run1.?"):
        store.find_runs(RunQuery(patterns=parse_run_list([pattern]), parents=None))
    for sort in ("name", "metrics.loss", "-created", "exit_code", "duration", "node,-run"):
        store.find_runs(RunQuery("ws1", sort=sort, last=5))
        store.find_runs(RunQuery(sort=sort, first=5, parents=None))
    store.find_runs(RunQuery(jobs=["job1"], statuses=["running"], parents=None))
    store.changed_runs(0)
    store.search_history(["job1"], 5)
    for read in (store.jobs, store.workspaces, store.experiments, store.nodes):
        read()
    store.jobs(["job1"], "ws1")
    store.jobs(workspace="ws1")
    store.experiments("ws1")
    job = store.job("job1")
    store.job_counts(["job1"])
    store.best_runs([job])
    store.open_jobs("node0")
    store.open_runs("job1", "node0")
    store.work_items("job1")
    store.work_item("job1", 3)
    store.open_items("job1")
    store.has_work("job1", "node0")
    store.metrics("ws1", "run1.1", after=5)
    store.events("ws1", "run1.1")
    store.journal_end("ws1", "run1.1")
    store.renew_lease("node0")
    event, point = Event(9, 1.0, "e", {}), MetricRecord(60, 1.0, None, {"a": 1})
    run, first = store.run("ws1", "run1.1"), store.work_item("job1", 0)
    store.deliver([Delivery(run, 9, [event], [point], first)])
    store.extend_job("job1", 2)
    store.put_node(NodeRecord("node0", "local", {}, clock.now() - 100))
    assert len(store.give_up_lost("job1", 30.0)) == 16
    assert store.rejoin("node0") == ["job1"]
    store.cancel_unstarted("job1")
    store.update_job("job1", notes="n")
    store.reruns(["job1", "ws1/run1"])


def test_every_query_is_served_by_an_index(
    store: StatsStore, database: Database[dict[str, Any]]
) -> None:
    store.jobs()
    database.command("profile", 2, slowms=0)
    exercise(store)
    database.command("profile", 0)
    made = list(database["system.profile"].find({"ns": {"$ne": f"{database.name}.system.profile"}}))
    assert len(made) > 300
    plans = Counter(str(each.get("planSummary", "")).split(" ")[0] for each in made)
    scans = [each["command"] for each in made if "COLLSCAN" in each.get("planSummary", "")]
    assert scans == []
    assert plans["IXSCAN"] > 100


def test_no_document_grows_without_limit(
    store: StatsStore, database: Database[dict[str, Any]]
) -> None:
    add_single(store)
    for number in range(60):
        store.change_run(RunChange("ws1", "run1", event=f"e{number}"))
    end = 0
    for size in (1, 3, 1200, 1, 900):
        metrics = [MetricRecord(n, 1.0, None, {"loss": n}) for n in range(end, end + size)]
        store.add_journal(JournalBatch("ws1", "run1", end, end + size, metrics))
        end += size
    texts = [MetricRecord(end + n, 1.0, None, {"text": "x" * 30_000}) for n in range(10)]
    store.add_journal(JournalBatch("ws1", "run1", end, end + 10, texts))
    run = database["runs"].find_one({})
    assert run is not None
    assert len(run["outbox"]) <= 16
    assert len(run["recent"]) <= 16
    buckets = list(database["metrics"].find())
    assert max(len(bucket["points"]) for bucket in buckets) == 500
    assert max(sum(len(p[3]) for p in bucket["points"]) for bucket in buckets) <= 64 << 10
    assert len(buckets) == 10
    assert [m.offset for m in store.metrics("ws1", "run1")] == list(range(end + 10))
    names = [event.event for event in store.events("ws1", "run1")]
    assert names == ["created", "queued", *(f"e{n}" for n in range(60))]
    assert [e.event for e in store.events("ws1", "run1", after=60)] == ["e58", "e59"]


# Crashes --------------------------------------------------------------------------------


def test_a_submission_that_died_after_its_commit_is_completed(
    store: StatsStore, place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_complete", crash)
        with pytest.raises(Crash):
            add_search(store, 3)
    other = place.open()
    assert [job.name for job in other.open_jobs("node0")] == ["job1"]
    assert [run.name for run in other.open_runs("job1", "node0")] == ["run1"]
    assert len(other.work_items("job1")) == 3
    assert [event.event for event in other.events("ws1", "run1")] == ["created", "queued"]
    other.close()


def test_an_extension_that_died_is_completed_once(
    store: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_search(store, 1)

    def crash(*_: object) -> None:
        raise Crash

    for step in ("_reopen_parents", "_complete"):
        with monkeypatch.context() as patched:
            patched.setattr(jobs, step, crash)
            with pytest.raises(Crash):
                store.extend_job("job1", 2)
    assert store.job("job1").work_items == 5
    assert [item.run_index for item in store.work_items("job1")] == [0, 1, 2, 3, 4]
    assert [e.event for e in store.events("ws1", "run1")].count("extended") == 2


@pytest.mark.parametrize("step", ["_complete", "_insert_child", "changes.finish"])
def test_a_claim_that_died_is_completed_by_its_node(
    store: StatsStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    parent = add_search(store, 2)

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        owner, name = (changes, "finish") if step == "changes.finish" else (claims, step)
        patched.setattr(owner, name, crash)
        with pytest.raises(Crash):
            store.claim_child(parent, "node0")
    counts = store.job_counts(["job1"])["job1"]
    assert (counts.queued, counts.unstarted) == (1, 1)
    assert store.open_items("job1") == 2
    children = [run for run in store.open_runs("job1", "node0") if run.parent]
    assert [run.run_index for run in children] == [0]
    item = store.work_items("job1")[0]
    assert (item.status, item.run) == (WorkItemStatus.STARTED, children[0].name)
    told = [e.data["child"] for e in store.events("ws1", "run1") if e.event == "child_created"]
    assert told == [children[0].name]
    assert claim(store, parent)[0].run_index == 1


def test_a_claim_that_died_with_its_node_goes_to_another(
    store: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = add_search(store, 1)
    store.put_node(NodeRecord("node0", "local", {}, clock.now() - 100))

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(claims, "_complete", crash)
        with pytest.raises(Crash):
            store.claim_child(parent, "node0")
    assert store.give_up_lost("job1", 30.0) == ["run1"]
    item = store.work_items("job1")[0]
    assert (item.status, item.node, item.run) == (WorkItemStatus.WAITING, None, None)


def test_what_follows_a_runs_end_is_not_forgotten(
    store: StatsStore, place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = add_search(store, 1)
    _, run = claim(store, parent)
    store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING))
    seen = store.changed_runs(0)[-1].revision

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(changes, "finish", crash)
        with pytest.raises(Crash):
            store.change_run(RunChange("ws1", run.name, RunStatus.COMPLETED, "ended"))
    other = place.open()
    assert [r.status for r in other.changed_runs(seen)] == [RunStatus.COMPLETED]
    assert other.open_items("job1") == 0
    assert other.work_items("job1")[0].status is WorkItemStatus.COMPLETED
    assert [e.event for e in other.events("ws1", run.name)][-1] == "ended"
    other.close()


def test_an_unfinished_change_is_finished_by_who_follows(
    store: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_single(store)
    seen = store.changed_runs(0)[-1].revision

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(changes, "finish", crash)
        with pytest.raises(Crash):
            store.change_run(RunChange("ws1", "run1", event="e"))
    for _ in range(2):
        assert [run.name for run in store.changed_runs(seen)] == ["run1"]
    last = store.changed_runs(seen)[-1].revision
    assert last > seen
    assert store.changed_runs(last) == []


CLAIM = """
parent = store.run("ws1", "run1")
print("ready", flush=True)
while (claimed := store.claim_child(parent, "node0")) is not None:
    print(claimed[0].run_index, claimed[1].name, flush=True)
"""


def test_claimers_that_are_killed_lose_no_item_and_double_none(
    store: StatsStore, place: StorePlace
) -> None:
    items = 250
    parent = add_search(store, items)
    rng = random.Random(5)
    for _ in range(8):
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", place.source + CLAIM], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            for _ in range(rng.randint(2, 12)):
                worker.stdout.readline()
            os.kill(worker.pid, signal.SIGKILL)
        for worker in workers:
            worker.communicate()
    store.open_runs("job1", "node0")  # as a controller that comes back does
    while store.claim_child(parent, "node0") is not None:
        pass
    children = [run for run in store.open_runs("job1", "node0") if run.parent]
    assert sorted(run.run_index or 0 for run in children) == list(range(items))
    named = {item.run_index: item.run for item in store.work_items("job1")}
    assert named == {run.run_index: run.name for run in children}
    told = [e.data["child"] for e in store.events("ws1", "run1") if e.event == "child_created"]
    assert Counter(told) == Counter(run.name for run in children)


# Following changes ----------------------------------------------------------------------


def deliver_running(store: StatsStore, *names: str) -> None:
    runs = [Run("ws1", name, "job1", "e", "node0", RunStatus.RUNNING, 1.0) for name in names]
    store.deliver([Delivery(run, 1) for run in runs])


WRITE = """
import sys
from xt_core.stats.store import RunChange
worker = int(sys.argv[1])
for number in range(1, 61):
    for run in range(1, 5):
        name = f"run{4 * worker + run}"
        store.change_run(RunChange("ws1", name, fields={"restarts": number}))
"""


def test_no_change_is_missed_while_eight_processes_write(
    store: StatsStore, place: StorePlace
) -> None:
    names = [f"run{n}" for n in range(1, 33)]
    deliver_running(store, *names)
    command = [sys.executable, "-c", place.source + WRITE]
    writers = [subprocess.Popen([*command, str(worker)]) for worker in range(8)]
    position, seen = 0, dict.fromkeys(names, 0)
    looks = 0
    while True:
        alive = any(writer.poll() is None for writer in writers)
        for run in store.changed_runs(position, limit=5):
            assert run.revision >= position
            assert run.restarts >= seen[run.name], "a run went back"
            seen[run.name], position, is_new = run.restarts, run.revision, True
            looks += is_new
        if not alive and store.changed_runs(position) == []:
            break
    assert [writer.returncode for writer in writers] == [0] * 8
    assert seen == dict.fromkeys(names, 60)
    assert looks > len(names)


def test_a_change_whose_revision_comes_late_is_seen(
    store: StatsStore, place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A takes the lower revision, B is done first, the reader looks, then A is done."""
    deliver_running(store, "run1", "run2")
    position = store.changed_runs(0)[-1].revision
    slow, reader = place.open(), place.open()
    looked = []

    def late_bulk(*args: Any) -> int:
        monkeypatch.setattr(changes, "bulk", bulk)
        store.change_run(RunChange("ws1", "run2", event="b"))
        looked.append(reader.changed_runs(position))
        return bulk(*args)

    monkeypatch.setattr(changes, "bulk", late_bulk)
    slow.change_run(RunChange("ws1", "run1", fields={"notes": "a"}))
    assert {run.name: run.notes for run in looked[0]} == {"run1": "a", "run2": ""}
    assert reader.changed_runs(looked[0][-1].revision) == []
    slow.close()
    reader.close()


def test_two_clients_that_tag_at_once_do_not_undo_each_other(
    store: StatsStore, place: StorePlace
) -> None:
    add_single(store)
    store.change_run(RunChange("ws1", "run1", fields={"tags": {"old": 1, "kept": 1}}))
    other = place.open()
    with store.batch():
        tags = store.run("ws1", "run1").tags | {"mine": 1}
        del tags["old"]
        job_tags = store.job("job1").tags | {"mine": 1}
        with other.batch():
            theirs = other.run("ws1", "run1").tags | {"theirs": 1}
            other.change_run(RunChange("ws1", "run1", fields={"tags": theirs}))
            other.update_job("job1", tags=other.job("job1").tags | {"theirs": 1})
        store.change_run(RunChange("ws1", "run1", fields={"tags": tags}))
        store.update_job("job1", tags=job_tags)
    assert store.run("ws1", "run1").tags == {"kept": 1, "mine": 1, "theirs": 1}
    assert store.job("job1").tags == {"mine": 1, "theirs": 1}
    other.close()


def test_a_batch_is_checked_before_anything_of_it_is_written(store: StatsStore) -> None:
    add_single(store)

    def write() -> None:
        with store.batch():
            store.update_job("job1", notes="n")
            store.change_run(RunChange("ws1", "run1", fields={"name": "run2"}))

    with pytest.raises(ValueError, match="name"):
        write()
    assert store.job("job1").notes == ""


# Schema ---------------------------------------------------------------------------------


def test_a_newer_schema_asks_for_an_upgrade(
    store: StatsStore, place: StorePlace, database: Database[dict[str, Any]]
) -> None:
    store.jobs()
    database["schema"].update_one({"_id": "schema"}, {"$set": {"version": 999}})
    other = place.open()
    with pytest.raises(UnavailableError, match=r"written by a newer XT \(schema 999") as caught:
        other.jobs()
    assert caught.value.hint == "upgrade XT"
    other.close()


def test_an_older_schema_is_migrated_by_whoever_comes(
    store: StatsStore,
    place: StorePlace,
    database: Database[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_single(store)

    def add_field(found: Database[dict[str, Any]]) -> None:
        found["jobs"].update_many({"color": None}, {"$set": {"color": "red"}})

    monkeypatch.setattr(schema, "SCHEMA_VERSION", 4)
    monkeypatch.setitem(schema.MIGRATIONS, 3, add_field)
    monkeypatch.setitem(schema.INDEXES, "jobs", [schema._index("color")])
    other = place.open()
    assert other.job("job1") == store.job("job1")
    found = database["jobs"].find_one({})
    version = database["schema"].find_one({})
    assert found is not None
    assert version is not None
    assert (found["color"], version["version"]) == ("red", 4)
    assert "color_1" in database["jobs"].index_information()
    other.close()


def test_runs_of_before_aggregates_get_goals_at_once_and_aggregates_when_asked(
    store: StatsStore, place: StorePlace, database: Database[dict[str, Any]]
) -> None:
    job = Job("job1", "ws1", "e", "single", "local", "me", 1.0, 1, 1, primary_metric="loss")
    store.add_job(job, [Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 1.0)], [])
    add_single(store, "run2", "job2")
    for end in (10, 20):
        point = MetricRecord(end - 10, 1.0, None, {"loss": float(end)})
        store.add_journal(JournalBatch("ws1", "run1", end - 10, end, metrics=[point]))
    runs = [store.run("ws1", name) for name in ("run1", "run2")]
    database["runs"].update_many(
        {}, {"$unset": {"goals": "", "aggregates": "", "lacks_aggregates": ""}}
    )
    database["schema"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    other = place.open()
    assert other.run("ws1", "run1").goals == runs[0].goals == {"loss": True}
    assert other.run("ws1", "run1").aggregates == {}
    assert other.complete_aggregates() == 0
    assert [other.run("ws1", run.name).aggregates for run in runs] == [
        {"loss": Aggregate(2, 15.0, 10.0, 0, 20.0, 1, 1)}, {},
    ]  # fmt: skip
    database["runs"].update_one({"name": "run1"}, {"$set": {"lacks_aggregates": True}})
    last = MetricRecord(20, 1.0, None, {"loss": 0.0})
    other.add_journal(JournalBatch("ws1", "run1", 20, 30, metrics=[last]))
    assert other.run("ws1", "run1").aggregates == {"loss": Aggregate(3, 10.0, 0.0, 2, 20.0, 1, 2)}
    other.close()
