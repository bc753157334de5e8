"""What a replicator brings to a team's store that takes little at once."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from controller import backoff
from controller.replicator import Replicator
from xt_core.errors import UnavailableError
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.stats.outgoing import Outgoing
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import Delivery, JournalBatch

RUNS, POINTS = 3, 400


class BadNetwork(SqliteStatsStore):
    """A team's store that large deliveries do not reach."""

    most = 50
    sizes: list[int]

    def deliver(self, deliveries: Sequence[Delivery]) -> list[str]:
        size = sum(len(each.metrics) + len(each.events) for each in deliveries)
        if size > self.most:
            raise UnavailableError("the connection broke")
        self.sizes.append(size)
        return super().deliver(deliveries)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SqliteStatsStore]:
    """A node's store with a few runs that have logged."""
    store = SqliteStatsStore(tmp_path / "own.db")
    runs = [
        Run("ws1", f"run{n}", "job1", "e", "node0", RunStatus.RUNNING, 1.0)
        for n in range(1, RUNS + 1)
    ]
    store.add_job(Job("job1", "ws1", "e", "repeat", "local", "me", 1.0, 0, RUNS), runs, [])
    records = [MetricRecord(10 * n, 1.0, float(n), {"a": n}) for n in range(POINTS)]
    for run in runs:
        store.add_journal(JournalBatch("ws1", run.name, 0, 10 * POINTS, records))
    yield store
    store.close()


def test_batches_shrink_until_they_pass_and_arrive_once(
    own: SqliteStatsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "_FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "_LONGEST_SECONDS", 0.001)
    team = BadNetwork(tmp_path / "team.db")
    team.sizes = []
    replicator = Replicator(Outgoing(own, "node0"), team, lambda: None)
    replicator.start()
    assert replicator.flush(60)
    replicator.close()
    for number in range(1, RUNS + 1):
        name = "ws1", f"run{number}"
        assert team.metrics(*name) == own.metrics(*name)
        assert team.events(*name) == own.events(*name)
        assert team.run(*name).metrics == {"a": POINTS - 1}
        assert team.journal_end(*name) == 10 * POINTS
    events = sum(len(own.events("ws1", f"run{n}")) for n in range(1, RUNS + 1))
    assert sum(team.sizes) == RUNS * POINTS + events
    team.close()


def test_a_share_of_a_batch_has_so_many_records(own: SqliteStatsStore) -> None:
    outgoing = Outgoing(own, "node0")
    for share, size in ((256, 19), (100, 50), (10, 500)):
        batch = outgoing.next_batch(share)
        assert sum(len(each.metrics) + len(each.events) for each in batch) == size


class SmallBatches(Outgoing):
    """What is to be delivered, in many batches."""

    def next_batch(self, share: int = 1) -> list[Delivery]:
        return super().next_batch(10**6)


def test_one_that_is_closed_in_mid_delivery_does_not_claim_that_all_has_arrived(
    own: SqliteStatsStore, tmp_path: Path
) -> None:
    team = BadNetwork(tmp_path / "team.db")
    team.sizes = []
    arrived: list[bool] = []

    def on_delivered() -> None:
        threading.Thread(target=replicator.close).start()
        arrived.append(replicator.flush(60))

    replicator = Replicator(SmallBatches(own, "node0"), team, on_delivered)
    replicator.start()
    replicator._thread.join(60)
    assert arrived == [False]
    assert not replicator.has_arrived()
    team.close()
