"""The course of a metric: whole for a short run, told by a few records for a long one."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from xt_core.chart.sparkline import sparkline
from xt_core.home import Home
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.reports.course import Course
from xt_core.session import Session
from xt_core.stats.store import JournalBatch

RECORD_BYTES = 100


class Log:
    """A run of a store, its journal, and what is read of it."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = session.store
        self.run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.RUNNING, 1e9)
        job = Job("job1", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
        self.store.add_job(job, [self.run], [])
        self.read = 0
        metrics = self.store.metrics

        def counted(
            workspace: str, run: str, after: int = -1, limit: int | None = None
        ) -> list[MetricRecord]:
            found = metrics(workspace, run, after, limit)
            self.read += len(found)
            return found

        monkeypatch.setattr(self.store, "metrics", counted)

    def log(self, values: list[dict[str, float]]) -> None:
        start = self.store.journal_end("ws1", "run1")
        points = [
            MetricRecord(start + RECORD_BYTES * n, 1e9, float(n), {**each})
            for n, each in enumerate(values)
        ]
        end = start + RECORD_BYTES * len(values)
        self.store.add_journal(JournalBatch("ws1", "run1", start, end, points))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    session = Session(home=Home(tmp_path), cwd=tmp_path, environ={})
    yield Log(session, monkeypatch)
    session.close()


def falling(count: int) -> list[dict[str, float]]:
    """From 1 to 0, most of it at the beginning."""
    return [{"loss": math.exp(-8 * n / count), "lr": 1.0} for n in range(count)]


def shape(course: Course) -> str:
    return sparkline(course.values(8), 8)


def test_a_short_run_is_read_once_and_then_as_it_goes_on(log: Log) -> None:
    course = Course("loss")
    log.log([{"loss": 2.0}, {"lr": 1.0}, {"loss": 1.0}])
    course.update(log.store, log.run)
    assert course.values(8) == [2.0, 1.0]
    course.update(log.store, log.run)
    assert log.read == 3, "nothing is new"
    log.log([{"loss": float(n)} for n in range(14)])
    course.update(log.store, log.run)
    assert log.read == 17
    assert course.values(8) == [2.0, 0.5, 1.5, 3.5, 5.5, 7.5, 9.5, 12.0]


def test_the_whole_of_a_long_run_is_told_by_few_of_its_records(log: Log) -> None:
    log.log(falling(20_000))
    course = Course("loss")
    course.update(log.store, log.run)
    assert log.read <= 24 + 20
    assert shape(course) == "█▄▂▁▁▁▁▁"
    read = log.read
    log.log([{"loss": 1.0} for _ in range(20_000)])
    course.update(log.store, log.run)
    assert log.read - read <= 24 + 20
    assert shape(course) == "▅▁▁▁████"
    assert len(course.points) <= 128
    for _ in range(40):
        log.log([{"loss": 1.0} for _ in range(10)])
        course.update(log.store, log.run)
    assert len(course.points) <= 128
    assert shape(course) == "▄▁▁▁████"


def test_a_metric_that_is_logged_seldom_is_found_between_others(log: Log) -> None:
    values = falling(10_000)
    log.log(
        [{**each, "val": each["loss"]} if n % 50 == 0 else each for n, each in enumerate(values)]
    )
    course = Course("val")
    course.update(log.store, log.run)
    assert shape(course) == "█▄▂▁▁▁▁▁"
    assert Course("missing").values(8) == []


def test_what_is_no_number_leaves_a_gap_and_what_is_not_logged_none(log: Log) -> None:
    log.log([{"loss": value} for value in (3.0, 3.0, math.nan, math.nan, 1.0, 1.0, 1.0, 1.0)])
    course = Course("loss")
    course.update(log.store, log.run)
    assert sparkline(course.values(4), 4) == "█ ▁▁"
    assert len(course.values(3)) == 3
