"""Leases in every stats store: no node's time of day counts, be it minutes wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from stats_stores import StorePlace

from xt_core import clock
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import GivenUpError, NodeRecord, RunChange, StatsStore, new_items

LEASE = 30.0
Wrong = Callable[[float], AbstractContextManager[None]]


@pytest.fixture
def wrong_by(monkeypatch: pytest.MonkeyPatch) -> Wrong:
    """What is done within has a time of day that is wrong by so many seconds."""
    right = clock.now

    @contextmanager
    def wrong(seconds: float) -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda: right() + seconds)
            yield

    return wrong


def add_search(store: StatsStore) -> None:
    """job1 of two items: run1 spawns on node0, run2 on node1, neither of which is known yet."""
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 100.0, 2, 2, schedule="dynamic",
              nodes=["node0", "node1"])  # fmt: skip
    parents = [
        Run("ws1", f"run{index + 1}", "job1", "e", node, RunStatus.QUEUED, 100.0, is_parent=True)
        for index, node in enumerate(job.nodes)
    ]
    store.add_job(job, parents, new_items(job, 0, 2))
    for parent in parents:
        store.change_run(RunChange("ws1", parent.name, RunStatus.SPAWNING))


def put_node(store: StatsStore, name: str, age: float = 0.0) -> None:
    """The node says of itself, by its own clock, that it was alive so many seconds ago."""
    store.put_node(NodeRecord(name, "local", {}, clock.now() - age))


@pytest.mark.parametrize("seconds", [-600.0, 600.0])
def test_nodes_whose_clocks_differ_do_not_give_each_other_up(
    place: StorePlace, wrong_by: Wrong, seconds: float
) -> None:
    with closing(place.open()) as first, closing(place.open()) as second:
        add_search(first)
        put_node(first, "node0")
        with wrong_by(seconds):
            put_node(second, "node1")
            assert second.give_up_lost("job1", LEASE) == []
        assert first.give_up_lost("job1", LEASE) == []  # before node1 has renewed its lease
        first.renew_lease("node0")
        with wrong_by(seconds):
            second.renew_lease("node1")
            assert second.give_up_lost("job1", LEASE) == []
        assert first.give_up_lost("job1", LEASE) == []


@pytest.mark.parametrize("seconds", [-600.0, 600.0])
def test_a_dead_node_is_given_up_whatever_its_clock_was(
    place: StorePlace, wrong_by: Wrong, seconds: float
) -> None:
    with closing(place.open()) as first, closing(place.open()) as second:
        add_search(first)
        put_node(first, "node0")
        with wrong_by(seconds):
            put_node(second, "node1", age=2 * LEASE)
        assert first.give_up_lost("job1", LEASE) == ["run2"]


@pytest.mark.parametrize("seconds", [-600.0, 600.0])
def test_who_looks_by_a_wrong_clock_gives_up_the_dead_alone(
    store: StatsStore, wrong_by: Wrong, seconds: float
) -> None:
    add_search(store)
    put_node(store, "node0", age=2 * LEASE)
    put_node(store, "node1")
    with wrong_by(seconds):
        assert store.give_up_lost("job1", LEASE) == ["run1"]


def test_a_lease_that_was_renewed_is_as_good_as_new(store: StatsStore) -> None:
    add_search(store)
    put_node(store, "node0", age=2 * LEASE)
    put_node(store, "node1", age=2 * LEASE)
    store.renew_lease("node1")
    assert store.give_up_lost("job1", LEASE) == ["run1"]


def test_a_lease_of_before_the_machine_restarted_has_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteStatsStore(tmp_path / "stats.db")) as store:
        add_search(store)
        put_node(store, "node0")
        put_node(store, "node1")
        monkeypatch.setattr(time, "monotonic", lambda: 5.0)  # it began anew
        store.renew_lease("node1")
        assert store.give_up_lost("job1", LEASE) == ["run1"]


def test_what_the_node_of_a_lost_run_still_tells_is_not_kept(store: StatsStore) -> None:
    add_search(store)
    put_node(store, "node0", age=2 * LEASE)
    claimed = store.claim_child(store.run("ws1", "run1"), "node0")
    assert claimed is not None
    name = ("ws1", claimed[1].name)
    store.change_run(RunChange(*name, RunStatus.RUNNING, "started"))
    assert store.give_up_lost("job1", LEASE) == ["run1", "run1.1"]
    before, told = store.run(*name), store.events(*name)
    for change in (
        RunChange(*name, event="ended", fields={"exit_code": 0, "error": "", "ended": 1.0}),
        RunChange(*name, event="stopping_early"),
        RunChange(*name, fields={"exit_code": 0, "tags": {"a": 1}}),
    ):
        with pytest.raises(GivenUpError, match=r"run1\.1 is lost"):
            store.change_run(change)
    assert (store.run(*name), store.events(*name)) == (before, told)
    store.change_run(RunChange(*name, fields={"tags": {"mine": 1}, "notes": "what a pity"}))
    assert (store.run(*name).tags, store.run(*name).notes) == ({"mine": 1}, "what a pity")


# Jobs that several machines share -------------------------------------------------------


def add_shared(store: StatsStore, job: str, hosts: dict[str, str], first_run: int) -> None:
    """A job of two items that the machines of `hosts` share, with a parent on each."""
    nodes = list(hosts)
    shared = Job(job, "ws1", "e", "dynamic", "lab", "me", 100.0, 2, 2, schedule="dynamic",
                 nodes=nodes, hosts=hosts)  # fmt: skip
    parents = [
        Run("ws1", f"run{first_run + index}", job, "e", node, RunStatus.QUEUED, 100.0,
            is_parent=True)
        for index, node in enumerate(nodes)
    ]  # fmt: skip
    store.add_job(shared, parents, new_items(shared, 0, 2))


def test_machines_that_are_called_the_same_have_leases_of_their_own(store: StatsStore) -> None:
    add_shared(store, "job1", {"gpu1": "a:/xt", "gpu2": "b:/xt"}, 1)
    add_shared(store, "job2", {"gpu1": "c:/xt", "gpu2": "d:/xt"}, 3)
    put_node(store, "gpu1", age=2 * LEASE)  # a third one, which neither job has
    store.renew_lease("job1/gpu1")
    for job in ("job1", "job2"):
        assert store.give_up_lost(job, LEASE) == []  # a lease begins with the first look
    assert store.give_up_lost("job1", -LEASE) == ["run1", "run2"]
    assert [store.run("ws1", name).status for name in ("run3", "run4")] == ["queued"] * 2
    assert [node.name for node in store.nodes()] == ["gpu1"]


def test_only_the_machine_at_its_place_rejoins(store: StatsStore) -> None:
    add_shared(store, "job1", {"gpu1": "a:/xt", "gpu2": "b:/xt"}, 1)
    add_shared(store, "job2", {"gpu1": "c:/xt", "gpu2": "d:/xt"}, 3)
    for job in ("job1", "job2"):
        store.give_up_lost(job, -LEASE)
    assert store.rejoin("gpu1", "elsewhere:/xt") == []
    assert store.rejoin("gpu1", "c:/xt") == ["job2"]
    states = {name: store.run("ws1", name).status for name in ("run1", "run2", "run3", "run4")}
    assert states == {"run1": "lost", "run2": "lost", "run3": "queued", "run4": "lost"}
    assert store.events("ws1", "run3")[-1].event == "rejoined"
