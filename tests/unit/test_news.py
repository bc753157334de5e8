"""What a node tells the client that keeps its team's store: as JSON, once taken never again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.assignments import assign
from controller.news import News
from xt_core.home import Home
from xt_core.model.records import Job, MetricRecord, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.nodes.boxrecords import BoxRecord, BoxRecords
from xt_core.nodes.parcels import (
    Assignment,
    History,
    assignment_from_json,
    assignment_to_json,
    cursor_from,
    news_from_json,
)
from xt_core.stats.outgoing import Outgoing
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import JournalBatch, RunChange, StatsStore, new_items

HOSTS = {"gpu1": "a:/xt", "gpu2": "b:/xt"}


def a_job(name: str, style: str = "static") -> Job:
    return Job(name, "ws1", "e", style, "lab", "me", 1.0, 4, 1, nodes=list(HOSTS), hosts=HOSTS,
               objectives=[Objective("loss", False)])  # fmt: skip


def parents(job: Job, *numbers: int) -> list[Run]:
    return [
        Run("ws1", f"run{n}", job.name, "e", node, RunStatus.QUEUED, 1.0, is_parent=True)
        for n, node in zip(numbers, HOSTS, strict=True)
    ]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[SqliteStatsStore]:
    with closing(SqliteStatsStore(tmp_path / "home.db")) as store:
        job = a_job("job1")
        store.add_job(job, parents(job, 1, 2), new_items(job, 0, 4))
        yield store


@pytest.fixture
def box(tmp_path: Path, home: SqliteStatsStore) -> Iterator[SqliteStatsStore]:
    """The store of gpu1, which was assigned the job."""
    with closing(SqliteStatsStore(tmp_path / "box.db")) as store:
        text = assignment_to_json(Assignment(home.job("job1"), [home.run("ws1", "run1")], []))
        assign(store, assignment_from_json(text))
        yield store


def do_one(store: StatsStore, loss: float) -> str:
    """Claim an item, and bring its run to its end."""
    claimed = store.claim_child(store.run("ws1", "run1"), "gpu1")
    assert claimed is not None
    name = claimed[1].name
    store.change_run(RunChange("ws1", name, RunStatus.RUNNING, "started"))
    points = [MetricRecord(0, 2.0, 0.0, {"loss": loss, "odd": float("inf")})]
    store.add_journal(JournalBatch("ws1", name, 0, 9, points, tags={"\udcff": "ü"}))
    store.change_run(RunChange("ws1", name, RunStatus.COMPLETED, "ended"))
    return name


def test_a_node_does_its_own_part_and_home_learns_of_it(
    home: SqliteStatsStore, box: SqliteStatsStore
) -> None:
    assert [do_one(box, loss) for loss in (0.5, 0.25)] == ["run1.1", "run1.2"]
    assert box.claim_child(box.run("ws1", "run1"), "gpu1") is None
    news = News(Outgoing(box, "gpu1"))
    deliveries, cursor = news_from_json(news.next_batch(1))
    assert home.deliver(deliveries) == []
    news.take(cursor_from(cursor))
    assert news_from_json(news.next_batch(1))[0] == []
    for name in ("run1.1", "run1.2"):
        here, there = home.run("ws1", name), box.run("ws1", name)
        here.revision = there.revision = 0
        assert here == there
        assert home.events("ws1", name) == box.events("ws1", name)
        assert home.metrics("ws1", name) == box.metrics("ws1", name)
    counts = home.job_counts(["job1"])["job1"]
    assert (counts.completed, counts.unstarted) == (2, 2)


def test_two_clients_may_be_told_the_same_and_take_it_in_any_order(
    home: SqliteStatsStore, box: SqliteStatsStore
) -> None:
    news = News(Outgoing(box, "gpu1"))
    do_one(box, 0.5)
    early, first = news_from_json(news.next_batch(1))
    do_one(box, 0.25)
    late, second = news_from_json(news.next_batch(1))
    home.deliver(late)
    news.take(cursor_from(second))
    home.deliver(early)
    news.take(cursor_from(first))
    assert news_from_json(news.next_batch(1))[0] == []
    assert news_from_json(News(Outgoing(box, "gpu1")).next_batch(1))[0] == []
    assert home.job_counts(["job1"])["job1"].completed == 2
    events = home.events("ws1", "run1")
    news.rewind()
    again = news_from_json(news.next_batch(1))[0]
    assert {each.run.name for each in again} == {"run1", "run1.1", "run1.2"}
    home.deliver(again)
    assert home.events("ws1", "run1") == events


def test_a_search_elsewhere_is_there_to_learn_from(box: SqliteStatsStore) -> None:
    tried = WorkItem("job7", 0, WorkItemStatus.COMPLETED, "node0")
    tried.run, tried.epoch, tried.hparams = "run9.1", 1, {"lr": 0.5}
    run = Run("ws1", "run9.1", "job7", "e", "node0", RunStatus.COMPLETED, 1.0, "run9", run_index=0)
    run.metrics = {"loss": 0.125}
    job = a_job("job2")
    given = Assignment(job, parents(job, 3, 4)[:1], [History(a_job("job7"), [(tried, run)])])
    for _ in range(2):  # again does no harm
        assign(box, assignment_from_json(assignment_to_json(given)))
    pairs = box.search_history(["job7"])
    assert [(item.hparams, run.metrics) for item, run in pairs] == [({"lr": 0.5}, {"loss": 0.125})]
    assert News(Outgoing(box, "gpu1")).next_batch(1).count("run9.1") == 0


def test_what_is_known_of_boxes(tmp_path: Path) -> None:
    records = BoxRecords(Home(tmp_path))
    assert records.names() == []
    assert records.get("gpu1") == BoxRecord("gpu1")
    records.update("gpu1.lab", socket="/s", is_due=True)
    records.update("gpu1.lab", is_due=False)
    assert records.names() == ["gpu1.lab"]
    assert records.get("gpu1.lab") == BoxRecord("gpu1.lab", socket="/s")
    (tmp_path / "boxes" / "gpu1.lab.json").write_text("{damaged")
    assert records.get("gpu1.lab") == BoxRecord("gpu1.lab")


def test_a_home_is_known_by_a_name_of_its_own(tmp_path: Path) -> None:
    one, other = Home(tmp_path / "a"), Home(tmp_path / "b")
    assert one.identity() == Home(tmp_path / "a").of_team("lab").identity()
    assert one.identity() != other.identity()
