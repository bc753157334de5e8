"""Reading a run's journal: whole lines only, each known by its byte offset."""

import json
from pathlib import Path

import pytest

from controller.journal import JournalReader
from xt_core import clock
from xt_core.model.records import MetricRecord


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def reader(journal: Path, offset: int = 0) -> JournalReader:
    return JournalReader(journal, "ws1", "run1", offset)


def line(**record: object) -> bytes:
    return json.dumps(record).encode() + b"\n"


def test_metrics_are_known_by_the_offset_of_their_line(journal: Path) -> None:
    first = line(type="metrics", time=5.0, step=0, values={"loss": 1})
    second = line(type="metrics", time=6.0, values={"loss": 0.5, "ok": True})
    journal.write_bytes(first + second)
    batch = reader(journal).read()
    assert batch is not None
    assert batch.metrics == [
        MetricRecord(0, 5.0, 0.0, {"loss": 1}),
        MetricRecord(len(first), 6.0, None, {"loss": 0.5, "ok": True}),
    ]
    assert (batch.start, batch.end) == (0, len(first + second))


def test_hparams_tags_and_events_are_told_apart(journal: Path) -> None:
    journal.write_bytes(
        line(type="hparams", values={"lr": 0.1})
        + line(type="tags", values={"best": True})
        + line(type="event", time=7.0, event="checkpoint", data={"epoch": 3})
        + line(type="hparams", values={"lr": 0.2, "opt": "adam"})
    )
    batch = reader(journal).read()
    assert batch is not None
    assert batch.hparams == {"lr": 0.2, "opt": "adam"}
    assert batch.tags == {"best": True}
    assert batch.events == [(7.0, "checkpoint", {"epoch": 3})]


def test_a_line_is_read_once_it_is_whole(journal: Path) -> None:
    whole = line(type="metrics", time=1.0, values={"a": 1})
    journal.write_bytes(whole[:10])
    reads = reader(journal)
    assert reads.read() is None
    journal.write_bytes(whole + whole[:5])
    batch = reads.read()
    assert batch is not None
    assert [record.values for record in batch.metrics] == [{"a": 1}]
    assert reads.offset == len(whole)
    assert reads.read() is None


def test_at_the_end_a_last_line_without_a_newline_counts(journal: Path) -> None:
    journal.write_bytes(line(type="metrics", time=1.0, values={"a": 1}).rstrip())
    batch = reader(journal).read(at_end=True)
    assert batch is not None
    assert [record.values for record in batch.metrics] == [{"a": 1}]


def test_a_line_torn_by_the_death_of_its_writer_is_reported_not_believed(journal: Path) -> None:
    good = line(type="metrics", time=1.0, values={"a": 1})
    journal.write_bytes(good + b'{"type": "metrics", "val')
    batch = reader(journal).read(at_end=False)
    assert batch is not None
    rest = reader(journal, batch.end).read(at_end=True)
    assert rest is not None
    assert rest.metrics == []
    assert rest.end == journal.stat().st_size


@pytest.mark.parametrize(
    "bad",
    [
        b"garbage\n",
        b"\xff\xfe\n",
        b"[1, 2]\n",
        b"3\n",
        b"{}\n",
        b'{"type": "unknown", "values": {}}\n',
        b'{"type": "metrics"}\n',
        b'{"type": "metrics", "values": {"a": [1]}}\n',
        b'{"type": "metrics", "values": {"a": 1}, "step": "x"}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_bad_lines_are_reported_once_and_harm_no_other(journal: Path, bad: bytes) -> None:
    good = line(type="metrics", time=1.0, values={"a": 1})
    journal.write_bytes(bad + good + bad + b"\n" + good)
    batch = reader(journal).read()
    assert batch is not None
    assert [record.values for record in batch.metrics] == [{"a": 1}, {"a": 1}]
    assert [(name, data) for _, name, data in batch.events] == [("journal_error", {"offset": 0})]


def test_numbers_beyond_64_bits_become_floats(journal: Path) -> None:
    journal.write_bytes(line(type="metrics", time=1.0, values={"big": 2**70, "small": -5}))
    batch = reader(journal).read()
    assert batch is not None
    assert batch.metrics[0].values == {"big": float(2**70), "small": -5}


def test_a_journal_larger_than_one_read_comes_in_parts_and_whole(journal: Path) -> None:
    lines = [line(type="metrics", time=1.0, step=i, values={"a": i}) for i in range(30_000)]
    journal.write_bytes(b"".join(lines))
    reads, steps = reader(journal), list[float | None]()
    while (batch := reads.read()) is not None:
        steps += [record.step for record in batch.metrics]
    assert steps == list(range(30_000))
    assert reads.offset == journal.stat().st_size


def test_a_missing_journal_is_an_empty_one(journal: Path) -> None:
    assert reader(journal).read(at_end=True) is None


@pytest.mark.parametrize("time", ["1e300", "-5", "1760000000000", "Infinity"])
def test_a_time_of_no_calendar_is_taken_for_now(journal: Path, time: str) -> None:
    journal.write_text(f'{{"type": "metrics", "time": {time}, "values": {{"a": 1}}}}\n')
    before = clock.now()
    batch = reader(journal).read()
    assert batch is not None
    assert before <= batch.metrics[0].time <= clock.now()
