"""Why a run failed, from what is kept of it."""

import signal
from pathlib import Path

import pytest

from xt_core import failures
from xt_core.errors import UnavailableError
from xt_core.failures import failure_facts, signal_of
from xt_core.home import Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange


def failed(exit_code: int | None, error: str) -> Run:
    return Run(
        "ws1", "run1", "job1", "e", "node0", RunStatus.ERROR, 1e9, exit_code=exit_code, error=error
    )


@pytest.mark.parametrize(
    ("exit_code", "error", "expected"),
    [
        (137, "killed by signal 9", signal.SIGKILL),
        (137, "exit code 137", signal.SIGKILL),  # of what its shell ran
        (139, "killed by signal 11", signal.SIGSEGV),
        (1, "exit code 1", None),
        (128, "exit code 128", None),
        (255, "exit code 255", None),
        (127, "no such file", None),
        (None, "it could not start", None),
    ],
)
def test_the_signal_is_known_by_its_number_or_by_the_exit_code(
    exit_code: int | None, error: str, expected: signal.Signals | None
) -> None:
    assert signal_of(failed(exit_code, error)) is expected


def test_the_signal_and_the_first_error_near_the_end_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "_TAIL_BYTES", 200)
    session = Session(home=Home(tmp_path / "home"), cwd=tmp_path, environ={})
    job = Job("job1", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
    run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 1e9)
    session.store.add_job(job, [run], [])
    assert failure_facts(session, run) == {}
    for status, fields, data in (
        (RunStatus.RUNNING, {}, {}),
        (
            RunStatus.ERROR,
            {"exit_code": 137, "error": "killed by signal 9"},
            {"peak_memory_bytes": 31_250_000_000},
        ),
    ):
        event = "ended" if status.is_final else "started"
        session.store.change_run(RunChange("ws1", "run1", status, event, data, fields))
    run = session.store.run("ws1", "run1")
    killed = (
        "SIGKILL: often the system's, when memory is full (dmesg tells); it used 31.2 GB at most"
    )
    assert failure_facts(session, run) == {"signal": killed}

    old = b"Traceback (most recent call last):\n  File x\nKeyError: 'long ago'\n"
    new = b"\x1b[31mTraceback (most recent call last):\r\n  File x\r\nValueError: \x1b[1mnow\r\n"
    session.artifacts.put_bytes(
        "ws1/runs/run1/logs/output.txt", old + b"epoch\n" * 100 + new + b"Killed\n"
    )
    assert failure_facts(session, run)["first_error"] == "ValueError: now"

    def away(*_: object) -> None:
        raise UnavailableError("the store is away")

    monkeypatch.setattr(failures, "stored_console", away)
    assert failure_facts(session, run) == {"signal": killed}
    session.close()
