"""What every stats store must do. Implementations are the parameters of `place`."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from stats_stores import StorePlace

from xt_core.errors import UnknownNameError
from xt_core.model.aggregates import Aggregate
from xt_core.model.records import Job, MetricRecord, Objective, Run, WorkItem
from xt_core.model.states import RUN_TRANSITIONS, RunStatus, WorkItemStatus
from xt_core.query import regexes
from xt_core.query.filters import parse_filter
from xt_core.query.names import parse_run_list
from xt_core.query.regexes import TooSlowError
from xt_core.query.registry import RUN_FIELDS
from xt_core.stats.store import JournalBatch, NodeRecord, RunChange, RunQuery, StatsStore


def a_run(name: str, job: str = "job1", **more: object) -> Run:
    run = Run("ws1", name, job, "e", "node0", RunStatus.QUEUED, 100.0)
    for field, value in more.items():
        setattr(run, field, value)
    return run


def a_job(name: str = "job1", items: int = 1, **more: object) -> Job:
    job = Job(name, "ws1", "e", "repeat", "local", "me", 100.0, items, 2, primary_metric="loss")
    for field, value in more.items():
        setattr(job, field, value)
    return job


def add_search(store: StatsStore, items: int) -> Run:
    """A job of so many items; its parent."""
    parent = a_run("run1", is_parent=True)
    unstarted = [WorkItem("job1", n, WorkItemStatus.UNSTARTED, "node0") for n in range(items)]
    store.add_job(a_job(items=items), [parent], unstarted)
    return parent


def add_single(store: StatsStore, name: str = "run1", job: str = "job1", **more: object) -> None:
    store.add_job(a_job(job, style="single"), [a_run(name, job, **more)], [])


def change(store: StatsStore, run: str, status: RunStatus | None = None, **more: object) -> Run:
    return store.change_run(RunChange("ws1", run, status, **more))  # type: ignore[arg-type]


# Jobs -----------------------------------------------------------------------------------


def test_a_job_comes_back_as_it_was_stored(store: StatsStore) -> None:
    job = a_job(
        items=3, search_type="grid", description="é\n", tags={"a": True, "x": 1.5}, seed=7,
        command="t.py --lr=[1,2]", maximize=False, notes="n", rerun_of="run35.2",
        is_metric_default=True,
    )  # fmt: skip
    store.add_job(job, [], [])
    assert store.job("job1") == job
    assert store.jobs() == [job]
    assert store.jobs(workspace="other") == []


def test_unknown_names_are_told(store: StatsStore) -> None:
    with pytest.raises(UnknownNameError, match="no job named job9"):
        store.job("job9")
    with pytest.raises(UnknownNameError, match="no run named run9 in workspace ws1"):
        store.run("ws1", "run9")
    with pytest.raises(UnknownNameError):
        store.change_run(RunChange("ws1", "run9", event="x"))
    with pytest.raises(UnknownNameError):
        store.update_job("job9", notes="x")


def test_names_are_numbered_per_team_and_workspace(store: StatsStore) -> None:
    assert [store.next_job_name() for _ in range(3)] == ["job1", "job2", "job3"]
    assert [store.next_run_name("a"), store.next_run_name("b"), store.next_run_name("a")] == [
        "run1", "run1", "run2",
    ]  # fmt: skip


def test_jobs_come_in_numeric_order(store: StatsStore) -> None:
    for number in (10, 9, 100):
        add_single(store, f"run{number}", f"job{number}")
    assert [job.name for job in store.jobs()] == ["job9", "job10", "job100"]


def test_a_job_can_be_annotated_and_flagged(store: StatsStore) -> None:
    add_single(store)
    store.update_job("job1", tags={"best": True}, notes="good", cancel_requested=True)
    job = store.job("job1")
    assert (job.tags, job.notes, job.cancel_requested) == ({"best": True}, "good", True)
    with pytest.raises(ValueError, match="style"):
        store.update_job("job1", style="x")


def test_a_rerun_and_all_its_runs_know_what_it_was_made_from(store: StatsStore) -> None:
    parent = a_run("run1", is_parent=True)
    items = [WorkItem("job1", 0, WorkItemStatus.UNSTARTED, "node0")]
    store.add_job(a_job(rerun_of="job12"), [parent], items)
    claimed = store.claim_child(store.run("ws1", "run1"), "node0")
    assert claimed is not None
    add_single(store, "run2", "job2")
    store.add_job(a_job("job3", style="single", rerun_of="run1.1"), [a_run("run3", "job3")], [])
    runs = store.find_runs(RunQuery(parents=None))[0]
    origins = {"run1": "job12", "run1.1": "job12", "run2": "", "run3": "run1.1"}
    assert {run.name: run.rerun_of for run in runs} == origins
    assert {run.name: run.rerun_of for run in store.changed_runs(0)} == origins
    for text, expected in (
        ("rerun_of=run1.1", ["run3"]),
        ("rerun_of=job12", ["run1", "run1.1"]),
        ("rerun_of=$none", ["run2"]),
        ("rerun_of!=job12", ["run2", "run3"]),
        ("rerun_of:regex:^run", ["run3"]),
    ):
        query = RunQuery(filters=[parse_filter(text, RUN_FIELDS)], parents=None)
        assert [run.name for run in store.find_runs(query)[0]] == expected
    ordered = store.find_runs(RunQuery(sort="-rerun_of", parents=None))[0]
    assert [run.name for run in ordered] == ["run3", "run1", "run1.1", "run2"]


def test_reruns_are_found_by_what_they_were_made_from(store: StatsStore) -> None:
    for number, (workspace, origin) in enumerate(
        [
            ("ws1", ""),
            ("ws1", "run1"),
            ("ws1", "run1.2"),
            ("ws1", "run10"),
            ("ws2", "run1"),  # of its own workspace
            ("ws2", "ws1/run1.2"),
            ("ws2", "job1"),
            ("ws1", "job10"),
        ],
        1,
    ):
        job = a_job(f"job{number}", style="single", workspace=workspace, rerun_of=origin)
        store.add_job(job, [], [])

    def found(*origins: str) -> list[str]:
        return [job.name for job in store.reruns(origins)]

    assert found("ws1/run1") == ["job2", "job3", "job6"]
    assert found("ws1/run1.2") == ["job3", "job6"]
    assert found("ws2/run1") == ["job5"]
    assert found("job1") == ["job7"]
    assert found("job10", "ws1/run10") == ["job4", "job8"]
    assert found("ws1/run9") == found() == []


# Work items -----------------------------------------------------------------------------


def test_items_are_claimed_in_order_and_make_queued_children(store: StatsStore) -> None:
    parent = add_search(store, 2)
    first, second = store.claim_child(parent, "node0"), store.claim_child(parent, "node0")
    assert first is not None
    assert second is not None
    assert (first[0].run_index, first[1].name, first[1].parent) == (0, "run1.1", "run1")
    assert (second[0].run_index, second[1].name) == (1, "run1.2")
    assert store.claim_child(parent, "node0") is None
    assert [event.event for event in store.events("ws1", "run1.1")] == ["created", "queued"]
    children = [e.data["child"] for e in store.events("ws1", "run1") if e.event == "child_created"]
    assert children == ["run1.1", "run1.2"]
    items = store.work_items("job1")
    assert [(item.status, item.run, item.node) for item in items] == [
        ("started", "run1.1", "node0"),
        ("started", "run1.2", "node0"),
    ]


def test_items_of_another_node_are_not_claimed(store: StatsStore) -> None:
    parent = add_search(store, 1)
    assert store.claim_child(parent, "node1") is None


def test_items_without_a_node_go_to_whoever_asks(store: StatsStore) -> None:
    items = [WorkItem("job1", 0, WorkItemStatus.UNSTARTED)]
    parent = a_run("run1", is_parent=True)
    store.add_job(a_job(), [parent], items)
    assert store.claim_child(parent, "node7") is not None
    assert store.work_items("job1")[0].node == "node7"


def test_what_nobody_claimed_can_be_cancelled(store: StatsStore) -> None:
    parent = add_search(store, 3)
    store.claim_child(parent, "node0")
    assert store.cancel_unstarted("job1") == 2
    assert store.claim_child(parent, "node0") is None
    counts = store.job_counts(["job1"])["job1"]
    assert (counts.queued, counts.cancelled, counts.unstarted) == (1, 2, 0)


def test_an_item_ends_with_its_run(store: StatsStore) -> None:
    parent = add_search(store, 3)
    ends = (RunStatus.COMPLETED, RunStatus.ERROR, RunStatus.CANCELLED)
    for end in ends:
        claim = store.claim_child(parent, "node0")
        assert claim is not None
        change(store, claim[1].name, RunStatus.RUNNING)
        change(store, claim[1].name, end)
    assert [item.status for item in store.work_items("job1")] == [
        "completed", "completed", "cancelled",
    ]  # fmt: skip


CLAIM = """
parent = store.run("ws1", "run1")
while (claim := store.claim_child(parent, "node0")) is not None:
    print(claim[0].run_index, claim[1].name, store.next_job_name())
"""


def test_eight_processes_claim_each_item_exactly_once(store: StatsStore, place: StorePlace) -> None:
    items = 1000
    add_search(store, items)
    command = [sys.executable, "-c", place.source + CLAIM]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    lines = [line.split() for worker in workers for line in worker.communicate()[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0] * 8
    for column, expected in (
        (0, {str(n) for n in range(items)}),
        (1, {f"run1.{n}" for n in range(1, items + 1)}),
        (2, {f"job{n}" for n in range(1, items + 1)}),
    ):
        counted = Counter(line[column] for line in lines)
        assert set(counted) == expected
        assert set(counted.values()) == {1}


def test_a_job_is_added_whole_or_not_at_all(store: StatsStore) -> None:
    def items() -> Iterator[WorkItem]:
        yield WorkItem("job1", 0, WorkItemStatus.UNSTARTED, "node0")
        raise KeyError

    with pytest.raises(KeyError):
        store.add_job(a_job(items=2), [a_run("run1", is_parent=True)], items())
    assert store.jobs() == []
    assert store.work_items("job1") == []
    assert store.changed_runs(0) == []


def test_a_name_is_given_once(store: StatsStore) -> None:
    add_single(store)
    with pytest.raises(Exception, match="UNIQUE"):
        store.add_job(a_job("job1"), [], [])
    with pytest.raises(Exception, match="UNIQUE"):
        add_single(store, "run1", "job2")
    assert [job.name for job in store.jobs()] == ["job1"]


# Runs -----------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_stored(store: StatsStore) -> None:
    add_single(store, hparams={"lr": 0.1, "opt": "adam"}, tags={"t": None}, description="d")
    run = store.run("ws1", "run1")
    assert (run.hparams, run.tags, run.description) == (
        {"lr": 0.1, "opt": "adam"},
        {"t": None},
        "d",
    )
    assert (run.status, run.created, run.job) == (RunStatus.QUEUED, 100.0, "job1")


@pytest.mark.parametrize("before", list(RunStatus))
def test_only_allowed_transitions_are_made(store: StatsStore, before: RunStatus) -> None:
    for number, after in enumerate(RunStatus, 1):
        name = f"run{number}"
        add_single(store, name, f"job{number}", status=before)
        if after == before or after in RUN_TRANSITIONS[before]:
            assert change(store, name, after).status == after
        else:
            with pytest.raises(ValueError, match=f"{before} may not become {after}"):
                change(store, name, after, event="never")
            assert store.run("ws1", name).status == before
            assert "never" not in [event.event for event in store.events("ws1", name)]


def test_times_are_kept_of_the_first_start_and_the_end(store: StatsStore) -> None:
    add_single(store, queued=100.0)
    change(store, "run1", RunStatus.RUNNING, time=110.0)
    change(store, "run1", RunStatus.QUEUED, time=120.0, fields={"restarts": 1})
    change(store, "run1", RunStatus.RUNNING, time=130.0)
    change(store, "run1", event="ended", time=140.0, fields={"ended": 140.0, "exit_code": 0})
    run = change(store, "run1", RunStatus.COMPLETED, time=150.0)
    assert (run.queued, run.started, run.ended, run.restarts) == (100.0, 110.0, 140.0, 1)
    assert run.duration(999.0) == 30.0


def test_events_are_numbered_in_order_and_can_be_read_on(store: StatsStore) -> None:
    add_single(store)
    change(store, "run1", event="one", data={"x": math.inf, "y": [1, None]})
    change(store, "run1", event="two")
    events = store.events("ws1", "run1")
    assert [(e.seq, e.event) for e in events] == [
        (1, "created"), (2, "queued"), (3, "one"), (4, "two"),
    ]  # fmt: skip
    assert events[2].data == {"x": math.inf, "y": [1, None]}
    assert [e.event for e in store.events("ws1", "run1", after=3)] == ["two"]


def test_only_what_may_change_of_a_run_can_be_set(store: StatsStore) -> None:
    add_single(store)
    with pytest.raises(ValueError, match="name"):
        change(store, "run1", fields={"name": "run2"})


def test_changes_can_be_followed_by_revision(store: StatsStore) -> None:
    add_single(store, "run1", "job1")
    add_single(store, "run2", "job2")
    seen = store.changed_runs(0)
    assert [run.name for run in seen] == ["run1", "run2"]
    last = seen[-1].revision
    assert store.changed_runs(last) == []
    change(store, "run1", event="x")
    assert [run.name for run in store.changed_runs(last)] == ["run1"]
    assert [run.name for run in store.changed_runs(0, limit=1)] == ["run2"]


def test_open_work_is_found_by_node(store: StatsStore) -> None:
    add_single(store, "run1", "job1")
    add_single(store, "run2", "job2", status=RunStatus.COMPLETED)
    assert [job.name for job in store.open_jobs("node0")] == ["job1"]
    assert [run.name for run in store.open_runs("job1", "node0")] == ["run1"]
    assert store.open_jobs("node1") == []
    assert store.open_runs("job2", "node0") == []


def test_a_batch_that_fails_changes_nothing(store: StatsStore) -> None:
    add_single(store)

    def fail() -> None:
        with store.batch():
            change(store, "run1", event="lost")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [event.event for event in store.events("ws1", "run1")] == ["created", "queued"]


# Journals -------------------------------------------------------------------------------


def journal(start: int, end: int, *points: MetricRecord, **more: object) -> JournalBatch:
    batch = JournalBatch("ws1", "run1", start, end, list(points))
    for field, value in more.items():
        setattr(batch, field, value)
    return batch


def test_a_journal_updates_the_run_and_its_series(store: StatsStore) -> None:
    add_single(store, hparams={"lr": 1})
    one = MetricRecord(0, 1.0, 0.0, {"loss": 2.0, "acc": 0.1})
    two = MetricRecord(40, 2.0, None, {"loss": math.nan})
    store.add_journal(journal(0, 80, one, two, hparams={"depth": 2}, tags={"t": True}))
    store.add_journal(journal(80, 90, events=[(3.0, "saved", {"n": 1})]))
    run = store.run("ws1", "run1")
    assert (run.hparams, run.tags) == ({"lr": 1, "depth": 2}, {"t": True})
    assert run.metrics["acc"] == 0.1
    assert math.isnan(float(str(run.metrics["loss"])))
    records = store.metrics("ws1", "run1")
    assert records[0] == one
    assert (records[1].offset, records[1].step) == (40, None)
    assert store.metrics("ws1", "run1", after=0)[0].offset == 40
    assert len(store.metrics("ws1", "run1", limit=1)) == 1
    assert store.events("ws1", "run1")[-1].data == {"n": 1}
    assert store.journal_end("ws1", "run1") == 90


def test_a_journal_carries_aggregates_of_metrics_on(store: StatsStore) -> None:
    add_single(store)
    nan, inf = math.nan, math.inf
    store.add_journal(journal(0, 30,
        MetricRecord(0, 1.0, None, {"loss": 3.0, "acc.x": nan, "text": "a", "flag": True}),
        MetricRecord(9, 1.0, None, {"loss": nan, "acc.x": 0.5}),
        MetricRecord(19, 1.0, None, {"loss": 1.0, "big": 10**400}),
    ))  # fmt: skip
    store.add_journal(journal(30, 50,
        MetricRecord(30, 1.0, 10, {"loss": 1.0, "acc.x": inf}),
        MetricRecord(40, 1.0, 11, {"loss": 7.0, "acc.x": -1}),
    ))  # fmt: skip
    store.add_journal(journal(30, 50, MetricRecord(30, 1.0, 10, {"loss": -9.0})))
    found = store.run("ws1", "run1").aggregates
    assert found == {
        "loss": Aggregate(4, 3.0, 1.0, 2, 7.0, 11, 11),
        "acc.x": Aggregate(2, -0.25, -1, 11, 0.5, 1, 11),
        "big": Aggregate(0, None, None, None, None, None, 0),
    }
    assert store.run("ws1", "run1").goals == {"loss": True}
    assert names(store, filters=[parse_filter('metrics."acc.x".max=.5', RUN_FIELDS)]) == ["run1"]
    assert names(store, filters=[parse_filter("metrics.loss.best<7", RUN_FIELDS)]) == []
    assert names(store, filters=[parse_filter("metrics.loss.best_step=11", RUN_FIELDS)]) == ["run1"]


def test_children_have_the_goals_of_their_job(store: StatsStore) -> None:
    goals = [Objective("acc", True), Objective("latency", False)]
    parent = a_run("run1", is_parent=True)
    job = a_job(primary_metric="acc", maximize=True, objectives=goals)
    store.add_job(job, [parent], [WorkItem("job1", 0, WorkItemStatus.UNSTARTED, "node0")])
    claimed = store.claim_child(store.run("ws1", "run1"), "node0")
    assert claimed is not None
    assert claimed[1].goals == {"acc": True, "latency": False}
    assert store.run("ws1", "run1.1").goals == {"acc": True, "latency": False}


def test_a_second_delivery_changes_nothing(store: StatsStore) -> None:
    add_single(store)
    batch = journal(0, 50, MetricRecord(0, 1.0, 0.0, {"a": 1}), events=[(1.0, "once", {})])
    store.add_journal(batch)
    store.add_journal(batch)
    assert len(store.metrics("ws1", "run1")) == 1
    assert [event.event for event in store.events("ws1", "run1")].count("once") == 1
    assert store.journal_end("ws1", "run1") == 50


def test_a_delivery_that_overlaps_the_last_is_none(store: StatsStore) -> None:
    add_single(store)
    store.add_journal(journal(0, 50, MetricRecord(0, 1.0, 0.0, {"a": 1})))
    store.add_journal(journal(20, 70, MetricRecord(20, 1.0, 1.0, {"a": 2}), tags={"t": True}))
    run = store.run("ws1", "run1")
    assert (run.metrics, run.tags, store.journal_end("ws1", "run1")) == ({"a": 1}, {}, 50)


# Queries --------------------------------------------------------------------------------


def add_some(store: StatsStore) -> None:
    """Parent run1 with children run1.1 to run1.12, loss 12 down to 1; every third failed."""
    parent = add_search(store, 12)
    for number in range(1, 13):
        store.claim_child(parent, "node0")
        name = f"run1.{number}"
        change(store, name, RunStatus.RUNNING, time=100.0 + number)
        batch = JournalBatch("ws1", name, 0, 9, [MetricRecord(0, 1.0, 0.0, {"loss": 13 - number})])
        store.add_journal(batch)
        change(store, name, RunStatus.ERROR if number % 3 == 0 else RunStatus.COMPLETED)


def names(store: StatsStore, **query: object) -> list[str]:
    return [run.name for run in store.find_runs(RunQuery(workspace="ws1", **query))[0]]  # type: ignore[arg-type]


def test_runs_come_in_numeric_order_without_parents(store: StatsStore) -> None:
    add_some(store)
    assert names(store) == [f"run1.{n}" for n in range(1, 13)]
    assert names(store, parents=True) == ["run1"]
    assert len(names(store, parents=None)) == 13
    assert names(store, reverse=True)[0] == "run1.12"


def test_first_and_last_cut_but_the_total_is_that_of_all(store: StatsStore) -> None:
    add_some(store)
    runs, total = store.find_runs(RunQuery(last=2))
    assert ([run.name for run in runs], total) == (["run1.11", "run1.12"], 12)
    runs, total = store.find_runs(RunQuery(first=2))
    assert ([run.name for run in runs], total) == (["run1.1", "run1.2"], 12)
    assert names(store, last=0) == []
    assert len(names(store, last=99)) == 12


def test_runs_are_found_by_status_job_pattern_and_filter(store: StatsStore) -> None:
    add_some(store)
    assert names(store, statuses=["error"]) == ["run1.3", "run1.6", "run1.9", "run1.12"]
    assert len(names(store, jobs=["job1"])) == 12
    assert names(store, patterns=parse_run_list(["run1.2-run1.3,run1.11"])) == [
        "run1.2", "run1.3", "run1.11",
    ]  # fmt: skip
    low = parse_filter("metrics.loss<3", RUN_FIELDS)
    assert names(store, filters=[low], sort="metrics.loss") == ["run1.12", "run1.11"]
    assert names(store, filters=[low], statuses=["error"]) == ["run1.12"]


def test_the_ends_of_what_a_filter_selects(store: StatsStore) -> None:
    add_some(store)
    filters = [parse_filter("metrics.loss<7", RUN_FIELDS)]
    for more in (filters, [*filters, parse_filter("run:regex:^run", RUN_FIELDS)]):
        for sort, low, high in (("metrics.loss", 12, 11), ("-metrics.loss", 7, 8)):
            query = RunQuery("ws1", filters=more, sort=sort, first=2)
            runs, total = store.find_runs(query)
            assert ([run.name for run in runs], total) == ([f"run1.{low}", f"run1.{high}"], 6)
            query = RunQuery("ws1", filters=more, sort=sort, last=2, reverse=True)
            runs, total = store.find_runs(query)
            assert ([run.name for run in runs], total) == ([f"run1.{high}", f"run1.{low}"], 6)
        assert store.find_runs(RunQuery(filters=more, first=0)) == ([], 6)
        assert store.find_runs(RunQuery(filters=more, last=99, workspace="ws2")) == ([], 0)
        assert len(store.find_runs(RunQuery(filters=more, last=99))[0]) == 6


def test_a_regular_expression_that_takes_for_ever_is_told(
    store: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_single(store, "run2", "job2", description="x" * 5_000)
    monkeypatch.setattr(regexes, "_VALUE_SECONDS", 0.05)
    filters = [parse_filter("description:regex:(x+x+)+y", RUN_FIELDS)]
    with pytest.raises(TooSlowError, match=r"the regular expression \(x\+x\+\)\+y takes too long"):
        store.find_runs(RunQuery(filters=filters))
    assert names(store, filters=[parse_filter("description:regex:^x+$", RUN_FIELDS)]) == ["run2"]


def test_runs_without_the_sort_value_come_last_both_ways(store: StatsStore) -> None:
    add_some(store)
    add_single(store, "run2", "job2")
    assert names(store, sort="metrics.loss")[-1] == "run2"
    assert names(store, sort="metrics.loss", reverse=True)[-1] == "run2"


def test_counts_and_best_are_derived_from_the_runs(store: StatsStore) -> None:
    add_some(store)
    counts = store.job_counts(["job1"])["job1"]
    assert (counts.completed, counts.error, counts.queued, counts.open_parents) == (8, 4, 0, 1)
    job = store.job("job1")
    assert store.best_runs([job]) == {"job1": ("run1.1", 12.0)}
    job.maximize = False
    assert store.best_runs([job]) == {"job1": ("run1.11", 2.0)}, "run1.12 has 1.0, but failed"


def test_workspaces_and_experiments_are_counted(store: StatsStore) -> None:
    add_some(store)
    assert store.workspaces() == [("ws1", 12)]
    assert store.experiments("ws1") == [("e", 12)]
    assert store.experiments("ws2") == []


def test_nodes_say_what_they_are(store: StatsStore) -> None:
    store.put_node(NodeRecord("node0", "local", {"pid": 1}, 5.0))
    store.put_node(NodeRecord("node0", "local", {"pid": 2}, 6.0))
    assert store.nodes() == [NodeRecord("node0", "local", {"pid": 2}, 6.0)]


def test_odd_names_and_values_survive(store: StatsStore) -> None:
    values = {
        'a "quoted" name': 1,
        "é.dotted-name": "学",
        "": "empty",
        "big": 2**62,
        "inf": -math.inf,
    }
    add_single(store, hparams=dict(values))
    assert store.run("ws1", "run1").hparams == values
    assert json.loads(json.dumps(store.run("ws1", "run1").hparams["big"])) == 2**62


def test_texts_that_are_not_unicode_survive(store: StatsStore) -> None:
    odd = os.fsdecode(b"\xff\xfe \x00 ") + "\U0001f600 \x1b[31m\n"
    add_single(store, hparams={odd: odd}, tags={"t": odd})
    change(store, "run1", event="e", data={"nested": [{odd: odd}, math.nan]})
    store.add_journal(journal(0, 9, MetricRecord(0, 1.0, None, {odd: 1.5}), tags={odd: odd}))
    run = store.run("ws1", "run1")
    assert (run.hparams, run.tags) == ({odd: odd}, {"t": odd, odd: odd})
    assert run.metrics == {odd: 1.5}
    assert store.metrics("ws1", "run1")[0].values == {odd: 1.5}
    data = store.events("ws1", "run1")[-1].data
    assert data["nested"][0] == {odd: odd}
    assert math.isnan(data["nested"][1])


def test_two_stores_on_the_same_place_are_one(store: StatsStore, place: StorePlace) -> None:
    other = place.open()
    parent = add_search(store, 3)
    assert other.run("ws1", "run1") == store.run("ws1", "run1")
    seen = store.changed_runs(0)[-1].revision
    first, second = other.claim_child(parent, "node0"), store.claim_child(parent, "node0")
    assert first is not None
    assert second is not None
    assert (first[0].run_index, second[0].run_index) == (0, 1)
    assert [run.name for run in other.changed_runs(seen)] == ["run1.1", "run1.2"]
    assert [other.next_job_name(), store.next_job_name()] == ["job1", "job2"]
    other.close()
    assert store.run("ws1", "run1.1").name == "run1.1"


def test_a_closed_store_is_not_used_again(store: StatsStore) -> None:
    store.close()
    store.close()
    with pytest.raises(Exception, match="closed"):
        store.jobs()


def test_times_that_go_back_leave_the_order_of_events_alone(store: StatsStore) -> None:
    add_single(store)
    change(store, "run1", RunStatus.RUNNING, event="started", time=200.0)
    change(store, "run1", event="ended", time=150.0, fields={"ended": 150.0})
    run = change(store, "run1", RunStatus.COMPLETED, event="capture_after", time=90.0)
    assert [e.event for e in store.events("ws1", "run1")][-3:] == [
        "started", "ended", "capture_after",
    ]  # fmt: skip
    assert run.duration(0.0) == 0.0
