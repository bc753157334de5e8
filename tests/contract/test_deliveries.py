"""What every stats store must do with deliveries of nodes."""

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from stats_stores import StorePlace

from xt_core import clock
from xt_core.model.aggregates import Aggregate, add_records
from xt_core.model.records import Event, Job, MetricRecord, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.store import Delivery, JournalBatch, NodeRecord, RunChange, StatsStore, new_items


def a_run(status: RunStatus = RunStatus.RUNNING, **more: object) -> Run:
    run = Run("ws1", "run1", "job1", "e", "node0", status, 100.0, username="ann")
    for field, value in more.items():
        setattr(run, field, value)
    return run


def points(first: int, count: int) -> list[MetricRecord]:
    """One record every ten bytes of the journal."""
    return [MetricRecord(10 * n, n / 8, float(n), {"loss": n / 2})
            for n in range(first, first + count)]  # fmt: skip


def events(*names: str, first: int = 1) -> list[Event]:
    return [Event(seq, 100.0 + seq, name, {"n": seq}) for seq, name in enumerate(names, first)]


def add_search(store: StatsStore, items: int = 3) -> tuple[Run, WorkItem, Run]:
    """A parent on node0, a claimed item and its child."""
    parent = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 100.0, is_parent=True)
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 100.0, items, 2, schedule="dynamic")
    store.add_job(job, [parent], new_items(job, 0, items))
    parent = store.change_run(RunChange("ws1", "run1", RunStatus.SPAWNING))
    store.put_node(NodeRecord("node0", "local", {}, clock.now()))
    claimed = store.claim_child(parent, "node0")
    assert claimed is not None
    return parent, *claimed


def look(store: StatsStore, name: str = "run1") -> tuple[object, ...]:
    """All that there is of a run."""
    return (
        store.run("ws1", name),
        store.events("ws1", name),
        store.metrics("ws1", name),
        store.journal_end("ws1", name),
    )


def test_a_delivered_run_is_as_the_node_has_it(store: StatsStore) -> None:
    run = a_run(
        RunStatus.COMPLETED, exit_code=0, started=101.0, ended=102.0, restarts=1, error="",
        hparams={"lr": 0.1}, metrics={"loss": 4.5}, tags={"best": True}, stopped_early=True,
        goals={"loss": False}, aggregates=add_records({}, points(0, 10)), rerun_of="run9.2",
    )  # fmt: skip
    told = events("created", "queued", "started", "ended")
    assert store.deliver([Delivery(run, 7, told, points(0, 10), None, 100)]) == []
    found = store.run("ws1", "run1")
    assert replace(found, revision=0) == run
    assert found.aggregates == {"loss": Aggregate(10, 2.25, 0.0, 0, 4.5, 9, 9)}
    assert store.events("ws1", "run1") == told
    assert store.metrics("ws1", "run1") == points(0, 10)
    assert store.journal_end("ws1", "run1") == 100
    assert [changed.name for changed in store.changed_runs(0)] == ["run1"]
    store.change_run(RunChange("ws1", "run1", event="noted"))
    assert store.events("ws1", "run1")[-1].seq == 5


def test_a_delivery_that_comes_twice_changes_nothing(store: StatsStore) -> None:
    told = Delivery(a_run(), 5, events("created"), points(0, 20), None, 200)
    store.deliver([told])
    before = look(store)
    assert store.deliver([told]) == []
    assert store.deliver([told, told]) == []
    assert look(store) == before
    assert store.changed_runs(store.run("ws1", "run1").revision) == []


def test_aggregates_that_a_node_has_not_worked_out_take_no_others_away(store: StatsStore) -> None:
    known = a_run(metrics={"loss": 4.5}, aggregates=add_records({}, points(0, 10)))
    store.deliver([Delivery(known, 5, [], points(0, 10), None, 100)])
    store.deliver([Delivery(a_run(RunStatus.COMPLETED, metrics={"loss": 4.5}), 6)])
    assert store.run("ws1", "run1").aggregates == known.aggregates
    assert store.run("ws1", "run1").status is RunStatus.COMPLETED


def test_an_older_delivery_after_a_newer_one_changes_nothing(store: StatsStore) -> None:
    older = Delivery(a_run(), 5, events("created", "started"), points(0, 10), None, 100)
    ended = a_run(RunStatus.COMPLETED, exit_code=0)
    told = events("created", "started", "ended")
    newer = Delivery(ended, 9, told, points(0, 20), None, 200)
    store.deliver([newer])
    before = look(store)
    store.deliver([older])
    assert look(store) == before
    store.deliver([newer, older])
    assert look(store) == before
    assert store.run("ws1", "run1").status is RunStatus.COMPLETED


def test_parts_may_come_in_any_order(store: StatsStore) -> None:
    parts = [(0, 4), (4, 700), (704, 3), (707, 900), (1607, 93)]
    deliveries = [
        Delivery(a_run(restarts=n), n, events(f"e{n}", first=n), points(*part), None,
                 10 * sum(part))
        for n, part in enumerate(parts, 1)
    ]  # fmt: skip
    for n in (3, 0, 4, 1, 2):
        store.deliver([deliveries[n]])
    assert store.metrics("ws1", "run1") == points(0, 1700)
    assert store.metrics("ws1", "run1", after=7030, limit=5) == points(704, 5)
    assert [event.event for event in store.events("ws1", "run1")] == ["e1", "e2", "e3", "e4", "e5"]
    assert (store.run("ws1", "run1").restarts, store.journal_end("ws1", "run1")) == (5, 17000)


def test_the_state_of_an_unfinished_telling_does_not_count(store: StatsStore) -> None:
    store.deliver([Delivery(a_run(), 5, events("created"))])
    ended = a_run(RunStatus.COMPLETED)
    store.deliver([Delivery(ended, 0, events("started", first=2), points(0, 5), None, 50)])
    assert store.run("ws1", "run1").status is RunStatus.RUNNING
    assert len(store.metrics("ws1", "run1")) == 5
    store.deliver([Delivery(ended, 6)])
    assert store.run("ws1", "run1").status is RunStatus.COMPLETED


def test_what_clients_set_lies_over_what_is_delivered(store: StatsStore) -> None:
    store.deliver([Delivery(a_run(tags={"logged": 1, "both": 1, "gone": 1}), 1)])
    tags = {"logged": 1, "both": "client", "mine": True}
    fields = {"tags": tags, "notes": "good", "cancel_requested": True}
    store.change_run(RunChange("ws1", "run1", fields=fields))
    logged = {"logged": 2, "both": 2, "gone": 2, "new": 2}
    store.deliver([Delivery(a_run(RunStatus.COMPLETED, tags=logged), 2)])
    run = store.run("ws1", "run1")
    assert run.tags == {"logged": 2, "both": "client", "mine": True, "new": 2}
    assert (run.notes, run.cancel_requested, run.status) == ("good", True, RunStatus.COMPLETED)


def test_a_run_that_was_given_up_logs_but_changes_no_state(store: StatsStore) -> None:
    _, item, child = add_search(store)
    store.put_node(NodeRecord("node0", "local", {}, clock.now() - 100))
    assert store.give_up_lost("job1", 30.0) == ["run1", "run1.1"]
    done = replace(item, status=WorkItemStatus.COMPLETED)
    ended = replace(child, status=RunStatus.COMPLETED, exit_code=0, metrics={"loss": 0.5})
    late = Delivery(ended, 99, events("started", first=9), points(0, 2), done, 20)
    assert store.deliver([late]) == ["ws1/run1.1"]
    assert store.deliver([late]) == ["ws1/run1.1"]
    run = store.run("ws1", "run1.1")
    assert (run.status, run.exit_code, run.metrics) == (RunStatus.LOST, None, {"loss": 0.5})
    assert len(store.metrics("ws1", "run1.1")) == 2
    waiting = store.work_items("job1")[item.run_index]
    assert (waiting.status, waiting.run) == (WorkItemStatus.WAITING, None)


def test_a_parent_that_was_given_up_and_rejoined_is_as_its_node_has_it(store: StatsStore) -> None:
    parent, _, _ = add_search(store)
    names = ("created", "queued", "child_created", "ended", "rejoined")
    lost = replace(parent, status=RunStatus.LOST, ended=104.0, error="node0 was lost")
    store.deliver([Delivery(lost, 3, events(*names[:4]))])
    assert store.run("ws1", "run1").status is RunStatus.LOST
    back = replace(parent, status=RunStatus.SPAWNING)
    assert store.deliver([Delivery(back, 4, events("rejoined", first=5))]) == ["ws1/run1"]
    assert store.run("ws1", "run1").status is RunStatus.LOST
    told = Delivery(back, 5, events("rejoined", first=5), rejoined=True)
    for _ in range(2):
        assert store.deliver([told]) == []
        found = store.run("ws1", "run1")
        assert (found.status, found.ended, found.error) == (RunStatus.SPAWNING, None, "")
        assert [event.event for event in store.events("ws1", "run1")] == list(names)
    assert store.deliver([Delivery(lost, 3, rejoined=False)]) == []
    assert store.run("ws1", "run1").status is RunStatus.SPAWNING
    store.deliver([Delivery(replace(lost, ended=106.0), 6, events("ended", first=6))])
    assert store.run("ws1", "run1").status is RunStatus.LOST


def test_an_item_that_has_ended_is_not_started_by_what_comes_late(store: StatsStore) -> None:
    _, item, child = add_search(store)
    completed = replace(item, status=WorkItemStatus.COMPLETED)
    store.deliver([Delivery(replace(child, status=RunStatus.COMPLETED), 4, item=completed)])
    store.deliver([Delivery(replace(child, status=RunStatus.RUNNING), 3, item=item)])
    assert store.work_items("job1")[0] == completed


def test_a_nodes_events_have_the_nodes_numbers(store: StatsStore) -> None:
    add_search(store)
    parent = store.run("ws1", "run1")
    told = events("created", "queued", "parent_script_started", "child_created")
    store.deliver([Delivery(parent, 1, told)])
    assert store.events("ws1", "run1") == told
    store.extend_job("job1", 2)
    assert [e.event for e in store.events("ws1", "run1")][4:] == ["extended"]
    more = events("child_created", "extended", first=5)
    for _ in range(2):
        store.deliver([Delivery(store.run("ws1", "run1"), 2, more)])
        assert store.events("ws1", "run1") == [*told, *more]
    store.change_run(RunChange("ws1", "run1", event="own"))
    assert [e.seq for e in store.events("ws1", "run1")][-1] == 7


def test_the_event_of_a_runs_loss_stays(store: StatsStore) -> None:
    _, _, child = add_search(store)
    store.put_node(NodeRecord("node0", "local", {}, clock.now() - 100))
    store.give_up_lost("job1", 30.0)
    kept = store.events("ws1", "run1.1")
    assert [(e.seq, e.event) for e in kept] == [(1, "created"), (2, "queued"), (3, "ended")]
    store.deliver([Delivery(child, 9, events("started", "ended", first=3))])
    assert store.events("ws1", "run1.1")[:3] == kept
    assert store.events("ws1", "run1.1")[3].event == "ended"


def test_an_item_is_the_runs_that_claimed_it(store: StatsStore) -> None:
    _, item, child = add_search(store)
    running = replace(child, status=RunStatus.RUNNING)
    chosen = replace(item, hparams={"lr": 0.5}, notes={"generation": 1})
    store.deliver([Delivery(running, 3, item=chosen)])
    assert store.work_items("job1")[0] == chosen
    ended = replace(child, status=RunStatus.ERROR)
    completed = replace(chosen, status=WorkItemStatus.COMPLETED)
    store.deliver([Delivery(ended, 4, item=completed)])
    store.deliver([Delivery(running, 3, item=chosen)])
    assert store.work_items("job1")[0] == completed
    stranger = replace(completed, run="run7.1", status=WorkItemStatus.CANCELLED)
    older = replace(stranger, epoch=completed.epoch - 1)
    store.deliver([Delivery(a_run(name="run7.1"), 1, item=stranger)])
    store.deliver([Delivery(a_run(name="run7.2"), 1, item=older)])
    assert store.work_items("job1")[0] == completed
    assert store.open_items("job1") == 2


def test_a_run_that_ended_ends_its_item_also_if_it_is_not_told(store: StatsStore) -> None:
    _, item, child = add_search(store)
    completed = replace(item, status=WorkItemStatus.COMPLETED)
    ended = replace(child, status=RunStatus.COMPLETED)
    store.deliver([Delivery(ended, 3, item=completed)])
    assert [each.status for each in store.work_items("job1")] == [
        "completed", "unstarted", "unstarted",
    ]  # fmt: skip
    assert [run.name for _, run in store.search_history(["job1"])] == ["run1.1"]


@pytest.mark.parametrize("parent_first", [True, False])
def test_parents_count_the_children_that_are_delivered(
    store: StatsStore, parent_first: bool
) -> None:
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 100.0, 3, 2, schedule="dynamic")
    store.add_job(job, [], new_items(job, 0, 3))
    parent = a_run(RunStatus.SPAWNING, is_parent=True)
    children = [
        a_run(RunStatus.COMPLETED, name=f"run1.{n}", parent="run1", run_index=n - 1) for n in (1, 2)
    ]
    items = [
        WorkItem("job1", n, WorkItemStatus.COMPLETED, "node0", f"run1.{n + 1}", 1, {"lr": n})
        for n in (0, 1)
    ]
    told = [Delivery(child, 1, item=item) for child, item in zip(children, items, strict=True)]
    own = Delivery(parent, 1)
    store.deliver([own, *told] if parent_first else [*told, own])
    assert store.work_items("job1")[:2] == items
    claimed = store.claim_child(store.run("ws1", "run1"), "node0")
    assert claimed is not None
    assert (claimed[0].run_index, claimed[1].name) == (2, "run1.3")


def test_ten_thousand_points_come_in_several_deliveries(store: StatsStore) -> None:
    for first in range(0, 10_000, 1_250):
        part = points(first, 1_250)
        run = a_run(metrics={"loss": part[-1].values["loss"]})
        store.deliver([Delivery(run, first + 1, [], part, None, 10 * (first + 1_250))])
    assert store.metrics("ws1", "run1") == points(0, 10_000)
    assert store.metrics("ws1", "run1", after=49_990, limit=3) == points(5_000, 3)
    assert store.run("ws1", "run1").metrics == {"loss": 4999.5}
    assert store.journal_end("ws1", "run1") == 100_000


def test_many_runs_are_delivered_at_once(store: StatsStore) -> None:
    runs = [a_run(name=f"run{n}", metrics={"n": n}) for n in range(1, 301)]
    told = [Delivery(run, n, events("created"), points(0, 2)) for n, run in enumerate(runs, 1)]
    store.deliver(told)
    assert [run.name for run in store.changed_runs(0)] == [run.name for run in runs]
    assert store.deliver(told) == []
    assert sum(len(store.metrics("ws1", run.name)) for run in runs[:10]) == 20
    assert store.run("ws1", "run300").metrics == {"n": 300}


def test_a_delivered_run_can_be_logged_to_and_annotated_here(store: StatsStore) -> None:
    store.deliver([Delivery(a_run(), 1, events("created"), points(0, 3), None, 30)])
    store.add_journal(JournalBatch("ws1", "run1", 30, 60, points(3, 3), tags={"t": 1}))
    assert store.metrics("ws1", "run1") == points(0, 6)
    assert store.run("ws1", "run1").tags == {"t": 1}


DELIVER = """
import sys
from xt_core.model.aggregates import Aggregate, add_records
from xt_core.model.records import Event, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.stats.store import Delivery
for n in range(int(sys.argv[1]), 10_000):
    records = [MetricRecord(10 * p, 0.0, float(p), {"loss": p}) for p in range(40 * n, 40 * n + 40)]
    told = []
    for number in range(1, 4):
        run = Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.RUNNING, 100.0)
        run.metrics, run.restarts = {"loss": 40 * n + 39}, n
        event = Event(n + 1, 1.0, f"e{n}", {})
        told.append(Delivery(run, n + 1, [event], records, None, 400 * (n + 1)))
    print(n, flush=True)
    store.deliver(told)
"""


def test_a_killed_process_leaves_what_the_next_delivery_completes(
    store: StatsStore, place: StorePlace
) -> None:
    begun = 0
    for _ in range(8):
        command = [sys.executable, "-c", place.source + DELIVER, str(begun)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                if int(line) >= begun + 5:
                    break
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            begun = int([line, *worker.stdout][-1])
    command = [sys.executable, "-c", place.source + DELIVER.replace("10_000", str(begun + 1))]
    subprocess.run([*command, str(begun)], check=True, stdout=subprocess.DEVNULL)
    for name in ("run1", "run2", "run3"):
        assert [m.offset for m in store.metrics("ws1", name)] == [
            10 * p for p in range(40 * (begun + 1))
        ]
        assert [e.event for e in store.events("ws1", name)] == [f"e{n}" for n in range(begun + 1)]
        run = store.run("ws1", name)
        assert (run.restarts, run.metrics) == (begun, {"loss": 40 * begun + 39})
        assert store.journal_end("ws1", name) == 400 * (begun + 1)
