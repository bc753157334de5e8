"""What every stats store must do for a search: sets, history, leases, extension."""

from dataclasses import replace
from pathlib import Path

import pytest

from xt_core import clock
from xt_core.model.records import Job, JobCounts, Run, WorkItem
from xt_core.model.states import JobStatus, RunStatus, WorkItemStatus
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import (
    GivenUpError,
    JournalBatch,
    NodeRecord,
    RunChange,
    RunQuery,
    StatsStore,
    new_items,
)

LEASE = 30.0


def add_search(store: StatsStore, items: int, schedule: str = "dynamic", nodes: int = 2) -> Job:
    """A job with a spawning parent on each of its nodes, all of which live."""
    names = [f"node{index}" for index in range(nodes)]
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 100.0, items, 2, schedule=schedule,
              nodes=names)  # fmt: skip
    parents = [
        Run("ws1", f"run{index + 1}", "job1", "e", name, RunStatus.QUEUED, 100.0, is_parent=True)
        for index, name in enumerate(names)
    ]
    store.add_job(job, parents, new_items(job, 0, items))
    for index, name in enumerate(names):
        store.change_run(RunChange("ws1", f"run{index + 1}", RunStatus.SPAWNING))
        store.put_node(NodeRecord(name, "local", {}, clock.now()))
    return job


def claim(store: StatsStore, node: int) -> tuple[WorkItem, Run]:
    claimed = store.claim_child(store.run("ws1", f"run{node + 1}"), f"node{node}")
    assert claimed is not None
    return claimed


def let_lease_run_out(store: StatsStore, node: str) -> None:
    store.put_node(NodeRecord(node, "local", {}, clock.now() - 2 * LEASE))


def counts(store: StatsStore) -> JobCounts:
    return store.job_counts(["job1"])["job1"]


def test_a_static_schedule_deals_the_items_out_in_turn(store: StatsStore) -> None:
    add_search(store, 5, "static")
    assert [item.node for item in store.work_items("job1")] == [
        "node0", "node1", "node0", "node1", "node0",
    ]  # fmt: skip
    assert claim(store, 1)[0].run_index == 1
    assert claim(store, 1)[0].run_index == 3
    assert store.claim_child(store.run("ws1", "run2"), "node1") is None
    assert not store.has_work("job1", "node1")
    assert store.has_work("job1", "node0")


def test_a_dynamic_schedule_leaves_them_to_whoever_is_free(store: StatsStore) -> None:
    add_search(store, 3)
    assert [claim(store, node)[0].run_index for node in (1, 1, 0)] == [0, 1, 2]


def test_a_set_belongs_to_its_item_and_its_run(store: StatsStore) -> None:
    add_search(store, 1)
    item, run = claim(store, 0)
    run = store.set_hparams(run, item, {"lr": 0.5}, {"generation": 2})
    assert run.hparams == {"lr": 0.5}
    kept = store.work_item("job1", 0)
    assert kept is not None
    assert (kept.hparams, kept.notes, kept.run) == ({"lr": 0.5}, {"generation": 2}, run.name)
    assert store.work_item("job1", 1) is None


def test_the_history_tells_what_was_given_not_what_was_logged(store: StatsStore) -> None:
    add_search(store, 2)
    for lr in (0.1, 0.2):
        item, run = claim(store, 0)
        store.set_hparams(run, item, {"lr": lr}, {})
    store.add_journal(JournalBatch("ws1", "run1.1", 0, 9, hparams={"lr": 7, "extra": 1}))
    pairs = store.search_history(["job1"])
    assert [(item.run_index, item.hparams) for item, _ in pairs] == [
        (1, {"lr": 0.2}), (0, {"lr": 0.1}),
    ]  # fmt: skip
    assert pairs[-1][1].hparams == {"lr": 7, "extra": 1}


def test_the_history_can_be_followed(store: StatsStore) -> None:
    add_search(store, 2)
    claim(store, 0)
    _, second = claim(store, 0)
    revision = store.search_history(["job1"])[-1][1].revision
    assert store.search_history(["job1"], revision) == []
    store.change_run(RunChange("ws1", second.name, RunStatus.RUNNING, "started"))
    assert [run.name for _, run in store.search_history(["job1"], revision)] == [second.name]


def test_a_living_node_keeps_what_it_claimed(store: StatsStore) -> None:
    add_search(store, 1)
    claim(store, 0)
    let_lease_run_out(store, "node0")
    store.renew_lease("node0")
    assert store.give_up_lost("job1", LEASE) == []
    assert counts(store).queued == 1


def test_a_lost_nodes_work_is_done_by_another_with_the_same_set(store: StatsStore) -> None:
    add_search(store, 2)
    item, run = claim(store, 0)
    store.set_hparams(run, item, {"lr": 0.5}, {"a": 1})
    let_lease_run_out(store, "node0")
    assert store.give_up_lost("job1", LEASE) == ["run1", "run1.1"]
    assert store.give_up_lost("job1", LEASE) == []
    assert (counts(store).unstarted, counts(store).error, counts(store).queued) == (2, 0, 0)
    again, heir = claim(store, 1)
    assert (again.run_index, again.hparams, again.notes) == (0, {"lr": 0.5}, {"a": 1})
    assert again.epoch > item.epoch
    assert (heir.name, heir.run_index, heir.node, heir.hparams) == (
        "run2.1", 0, "node1", {"lr": 0.5},
    )  # fmt: skip
    assert store.run("ws1", "run1.1").error == "node0 was lost"


def test_early_stops_are_counted_beside_what_completed(store: StatsStore) -> None:
    add_search(store, 3)
    ends = ((RunStatus.COMPLETED, True), (RunStatus.COMPLETED, False), (RunStatus.ERROR, True))
    for status, stopped_early in ends:
        _, run = claim(store, 0)
        store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING, "started"))
        fields = {"stopped_early": stopped_early}
        store.change_run(RunChange("ws1", run.name, status, "ended", fields=fields))
    assert (counts(store).completed, counts(store).stopped_early) == (2, 1)


def test_a_node_that_was_given_up_changes_no_state(store: StatsStore) -> None:
    add_search(store, 1)
    item, run = claim(store, 0)
    store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING, "started"))
    let_lease_run_out(store, "node0")
    store.give_up_lost("job1", LEASE)
    with pytest.raises(GivenUpError, match=r"run1\.1: lost may not become completed"):
        store.change_run(RunChange("ws1", run.name, RunStatus.COMPLETED, "ended"))
    with pytest.raises(GivenUpError, match=r"run1\.1 was handed on"):
        store.set_hparams(run, item, {"lr": 1}, {})
    with pytest.raises(GivenUpError, match="run1 is lost"):
        store.claim_child(store.run("ws1", "run1"), "node0")
    store.add_journal(JournalBatch("ws1", run.name, 0, 9, tags={"late": True}))
    assert store.run("ws1", run.name).tags == {"late": True}
    _, heir = claim(store, 1)
    for status in (RunStatus.RUNNING, RunStatus.COMPLETED):
        store.change_run(RunChange("ws1", heir.name, status))
    store.change_run(RunChange("ws1", "run2", RunStatus.COMPLETED))
    assert store.work_items("job1")[0].status is WorkItemStatus.COMPLETED
    assert (counts(store).completed, counts(store).status()) == (1, JobStatus.COMPLETED)


def test_a_node_that_comes_back_takes_new_work_while_there_is_some(store: StatsStore) -> None:
    add_search(store, 2)
    claim(store, 0)
    let_lease_run_out(store, "node0")
    store.give_up_lost("job1", LEASE)
    assert store.rejoin("node1") == []
    store.renew_lease("node0")
    assert store.rejoin("node0") == ["job1"]
    assert store.rejoin("node0") == []
    assert store.events("ws1", "run1")[-1].event == "rejoined"
    assert store.run("ws1", "run1").status is RunStatus.QUEUED  # its script may be due yet
    assert [claim(store, 0)[1].name for _ in range(2)] == ["run1.2", "run1.3"]
    assert store.run("ws1", "run1.1").status is RunStatus.LOST
    let_lease_run_out(store, "node0")
    store.give_up_lost("job1", LEASE)
    store.cancel_unstarted("job1")
    assert store.rejoin("node0") == []


def test_open_items_are_counted_over_all_nodes(store: StatsStore) -> None:
    add_search(store, 2)
    _, run = claim(store, 0)
    assert store.open_items("job1") == 2
    for status in (RunStatus.RUNNING, RunStatus.ERROR):
        store.change_run(RunChange("ws1", run.name, status))
    assert store.open_items("job1") == 1
    store.cancel_unstarted("job1")
    assert store.open_items("job1") == 0


def item_states(store: StatsStore) -> list[str]:
    return [str(item.status) for item in store.work_items("job1")]


def test_a_part_of_a_static_schedule_is_cancelled_with_what_was_dealt_out_to_it(
    store: StatsStore,
) -> None:
    add_search(store, 6, "static")
    claim(store, 1)
    store.cancel_part("job1", "node1")
    assert item_states(store) == [
        "unstarted", "started", "unstarted", "cancelled", "unstarted", "cancelled",
    ]  # fmt: skip
    assert [store.run("ws1", name).cancel_requested for name in ("run1", "run2")] == [False, True]
    assert store.job("job1").cancel_requested is False
    assert store.claim_child(store.run("ws1", "run2"), "node1") is None
    assert claim(store, 0)[0].run_index == 0


def test_a_part_of_a_dynamic_schedule_leaves_the_others_what_it_has_not_claimed(
    store: StatsStore,
) -> None:
    add_search(store, 3)
    claim(store, 1)
    store.cancel_part("job1", "node1")
    assert store.claim_child(store.run("ws1", "run2"), "node1") is None
    assert item_states(store) == ["started", "unstarted", "unstarted"]
    assert claim(store, 0)[0].run_index == 1
    assert store.has_work("job1", "node0")


def test_with_the_last_part_all_that_remains_is_cancelled(store: StatsStore) -> None:
    add_search(store, 3)
    claim(store, 1)
    for node in ("node1", "node0"):
        store.cancel_part("job1", node)
    assert item_states(store) == ["started", "cancelled", "cancelled"]
    store.change_run(RunChange("ws1", "run2.1", RunStatus.CANCELLED))
    for parent in ("run1", "run2"):
        store.change_run(RunChange("ws1", parent, RunStatus.CANCELLED))
    assert counts(store).status() is JobStatus.CANCELLED


def test_a_part_that_has_ended_or_was_lost_is_no_part_to_go_on(store: StatsStore) -> None:
    add_search(store, 3, nodes=3)
    store.change_run(RunChange("ws1", "run3", RunStatus.ERROR))
    let_lease_run_out(store, "node1")
    assert store.give_up_lost("job1", LEASE) == ["run2"]
    store.cancel_part("job1", "node0")
    assert item_states(store) == ["cancelled"] * 3
    assert store.rejoin("node1") == []


def test_a_lost_part_that_was_to_be_cancelled_does_not_come_back(store: StatsStore) -> None:
    add_search(store, 2)
    store.cancel_part("job1", "node1")
    let_lease_run_out(store, "node1")
    assert store.give_up_lost("job1", LEASE) == ["run2"]
    assert store.has_work("job1", "node1")
    assert store.rejoin("node1") == []
    store.extend_job("job1", 1)
    assert store.run("ws1", "run2").cancel_requested is False
    assert claim(store, 1)[0].run_index == 0


def test_a_job_that_has_ended_can_be_extended(store: StatsStore) -> None:
    add_search(store, 1, nodes=1)
    _, run = claim(store, 0)
    for status in (RunStatus.RUNNING, RunStatus.COMPLETED):
        store.change_run(RunChange("ws1", run.name, status))
    store.change_run(RunChange("ws1", "run1", RunStatus.COMPLETED, "ended"))
    assert counts(store).status() is JobStatus.COMPLETED
    assert store.extend_job("job1", 2).work_items == 3
    assert store.run("ws1", "run1").status is RunStatus.SPAWNING
    assert store.run("ws1", "run1").ended is None
    assert [item.run_index for item in store.work_items("job1")] == [0, 1, 2]
    assert [claim(store, 0)[0].run_index for _ in range(2)] == [1, 2]
    assert store.events("ws1", "run1")[-3].data == {"work_items": 2}


def test_a_schema_of_before_is_brought_up(tmp_path: Path) -> None:
    store = SqliteStatsStore(tmp_path / "stats.db")
    add_search(store, 1)
    columns = {
        "jobs": ("objectives", "space", "warm_start", "priority", "hosts", "rerun_of",
                 "is_metric_default"),
        "work_items": ("hparams", "notes"),
        "runs": ("retries", "stopped_early", "client_tags", "node_revision", "goals", "aggregates",
                 "rerun_of"),
        "nodes": ("renewed",),
    }  # fmt: skip
    with store.database.transaction() as connection:
        connection.execute("DROP INDEX jobs_by_origin")
        connection.execute("DROP INDEX runs_of_job_by_revision")
        connection.execute("DROP INDEX runs_without_aggregates")
        connection.execute("DROP INDEX runs_stopped_early")
        for table, names in columns.items():
            for name in names:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.execute("PRAGMA user_version=1")
    store.close()
    reopened = SqliteStatsStore(tmp_path / "stats.db")
    assert reopened.job("job1").objectives == []
    assert (reopened.job("job1").rerun_of, reopened.run("ws1", "run1").rerun_of) == ("", "")
    assert reopened.reruns(["job1", "ws1/run1"]) == []
    item, run = claim(reopened, 0)
    assert reopened.set_hparams(run, item, {"a": 1}, {}).hparams == {"a": 1}
    reopened.close()


def test_the_schema_before_reruns_knew_their_origin_is_brought_up(tmp_path: Path) -> None:
    store = SqliteStatsStore(tmp_path / "stats.db")
    add_search(store, 2)
    before = store.job("job1"), store.find_runs(RunQuery(parents=None))[0]
    with store.database.transaction() as connection:
        connection.execute("DROP INDEX jobs_by_origin")
        connection.execute("DROP INDEX runs_stopped_early")
        connection.execute("ALTER TABLE jobs DROP COLUMN is_metric_default")
        for table in ("jobs", "runs"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN rerun_of")
        connection.execute("PRAGMA user_version=7")
    store.close()
    reopened = SqliteStatsStore(tmp_path / "stats.db")
    assert (reopened.job("job1"), reopened.find_runs(RunQuery(parents=None))[0]) == before
    reopened.add_job(replace(before[0], name="job2", rerun_of="job1"), [], [])
    assert [job.name for job in reopened.reruns(["job1"])] == ["job2"]
    reopened.close()
