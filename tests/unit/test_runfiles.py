"""The files of a run, copied to where a program can open them, up to a bound."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from xt_core.errors import UnknownNameError
from xt_core.home import Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.runfiles import CONSOLE, EVENTS, RECORD, copy_file, run_files
from xt_core.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(home=Home(tmp_path / "home"), cwd=tmp_path, environ={})
    job = Job("job1", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
    run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 1e9)
    opened.store.add_job(job, [run], [])
    opened.artifacts.put_bytes("ws1/runs/run1/logs/output.txt", b"0123456789")
    opened.artifacts.put_bytes("ws1/runs/run1/after/a/model.bin", b"abcdef")
    yield opened
    opened.close()


def test_records_come_before_what_was_stored(session: Session) -> None:
    found = run_files(session, session.store.run("ws1", "run1"))
    assert [file.name for file in found] == [
        "console", "record", "events", "metrics", "after/a/model.bin", "logs/output.txt",
    ]  # fmt: skip


def test_what_is_larger_than_the_bound_is_cut(session: Session, tmp_path: Path) -> None:
    run = session.store.run("ws1", "run1")
    key = "ws1/runs/run1/after/a/model.bin"

    def copied(key: str, most: int) -> bytes:
        return copy_file(session, run, key, tmp_path, most).read_bytes()

    assert copied(key, 6) == b"abcdef"
    assert copied(key, 4) == b"abcd\n[the rest is left out: 4 B are shown]\n"
    assert copied(CONSOLE, 100) == b"0123456789"
    assert json.loads(copied(RECORD, 100))["name"] == "run1"
    assert [event["event"] for event in json.loads(copied(EVENTS, 100))] == ["created", "queued"]
    with pytest.raises(UnknownNameError):
        copied("ws1/runs/run1/gone", 1)
