"""The controller's writer of the stats store: it outlives whatever goes wrong with the store."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controller import writer
from controller.writer import StoreWriter
from xt_core.errors import RefusedError, UnavailableError, UnknownNameError
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import StatsStore

OUTAGES = [
    UnavailableError("it is locked by another process"),
    RefusedError("cannot write to it"),
    OSError(5, "Input/output error"),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStatsStore]:
    monkeypatch.setattr(writer, "_RETRY_SECONDS", 0.0)
    opened = SqliteStatsStore(tmp_path / "stats.db")
    yield opened
    opened.close()


@pytest.fixture
async def running(store: SqliteStatsStore) -> AsyncIterator[StoreWriter]:
    started = StoreWriter(store, lambda: None)
    yield started
    await started.close()


def fail_to_begin(
    store: SqliteStatsStore, monkeypatch: pytest.MonkeyPatch, errors: list[Exception]
) -> None:
    """Its next transactions cannot be begun, each for another reason."""
    begin = store.database.transaction

    @contextlib.contextmanager
    def transaction(*, durable: bool = True) -> Iterator[sqlite3.Connection]:
        if errors:
            raise errors.pop(0)
        with begin(durable=durable) as connection:
            yield connection

    monkeypatch.setattr(store.database, "transaction", transaction)


async def test_operations_wait_for_a_store_that_cannot_be_written(
    store: SqliteStatsStore,
    running: StoreWriter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[Exception] = [*OUTAGES, *OUTAGES]
    fail_to_begin(store, monkeypatch, errors)
    troubles = set[str]()
    monkeypatch.setattr(time, "sleep", lambda _seconds: troubles.add(running.trouble))
    with caplog.at_level(logging.WARNING):
        names = [running.do(lambda store: store.next_job_name()) for _ in range(3)]
        assert await asyncio.gather(*names) == ["job1", "job2", "job3"]
    assert errors == []
    assert troubles == {str(error) for error in OUTAGES}
    assert running.trouble == ""
    told = [record.getMessage() for record in caplog.records]
    assert told == ["it is locked by another process; trying again until it works"]


async def test_what_fails_in_mid_transaction_is_done_once(
    running: StoreWriter, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[Exception] = [*OUTAGES]

    def count_up(store: SqliteStatsStore) -> str:
        name = store.next_job_name()
        if errors:
            raise errors.pop(0)
        return name

    assert await running.do(count_up) == "job1"
    assert await running.do(count_up) == "job2"


async def test_an_operation_that_raises_takes_no_other_with_it(running: StoreWriter) -> None:
    results = await asyncio.gather(
        running.do(lambda store: store.next_job_name()),
        running.do(lambda store: store.job("job7")),
        running.do(lambda store: store.next_job_name()),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == ("job1", "job2")
    assert isinstance(results[1], UnknownNameError)


async def test_a_read_waits_for_a_store_that_cannot_be_read(running: StoreWriter) -> None:
    errors: list[Exception] = OUTAGES[:2]

    def read(reader: StatsStore) -> int:
        if errors:
            raise errors.pop(0)
        return len(reader.jobs())

    assert await running.read(read) == 0
    with pytest.raises(UnknownNameError, match="no job named job7"):
        await running.read(lambda reader: reader.job("job7"))
