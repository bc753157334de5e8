"""The files of a run as things to read: its console, its record, what it stored; copied to a place
where a program can open them, up to a bound."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xt_core import clock
from xt_core.console import present_console
from xt_core.errors import RefusedError
from xt_core.model.records import Run
from xt_core.query.formats import byte_text
from xt_core.reports.documents import event_documents, metric_series, run_document
from xt_core.session import Session

MOST_BYTES = 256 << 20
"""A larger file is cut: its end is what is shown of a console, its beginning of another file."""
_CHUNK = 1 << 20
CONSOLE, RECORD, EVENTS, METRICS = "console", "record", "events", "metrics"
_NAMES = {
    CONSOLE: "output.txt",
    RECORD: "run.json",
    EVENTS: "events.json",
    METRICS: "metrics.json",
}


@dataclass(frozen=True)
class RunFile:
    """One file. `key` is what `copy_file` takes."""

    key: str
    name: str
    about: str


def run_files(session: Session, run: Run) -> list[RunFile]:
    """The console and the records of a run, then the files that it stored. Raises
    UnavailableError."""
    folder = f"{run.workspace}/runs/{run.name}/"
    stored = [
        RunFile(info.key, info.key.removeprefix(folder), byte_text(info.size))
        for info in session.artifacts.list(folder.rstrip("/"))
    ]
    return [
        RunFile(CONSOLE, CONSOLE, "its output, as far as it is"),
        RunFile(RECORD, RECORD, "all that is known of the run, as JSON"),
        RunFile(EVENTS, EVENTS, "its life, in order"),
        RunFile(METRICS, METRICS, "what it logged, step by step"),
        *stored,
    ]


def copy_file(session: Session, run: Run, key: str, folder: Path, most: int = MOST_BYTES) -> Path:
    """Copy one of `run_files` into a folder; where it is then.

    Raises UnknownNameError if it is gone, UnavailableError, and RefusedError where it cannot be
    written.
    """
    target = folder / _NAMES.get(key, os.path.basename(key))
    try:
        with target.open("wb") as file:
            for data in _contents(session, run, key, most):
                file.write(data)
    except OSError as error:
        raise RefusedError(f"cannot write {target}: {error.strerror}") from error
    return target


def _contents(session: Session, run: Run, key: str, most: int) -> Iterator[bytes]:
    if key == CONSOLE:
        yield from _end_of_console(session, run, most)
    elif key in _NAMES:
        yield f"{json.dumps(_document(session, run, key), indent=1)}\n".encode()
    else:
        yield from _beginning_of(session, key, most)


def _document(session: Session, run: Run, key: str) -> object:
    if key == RECORD:
        return run_document(session.store.run(run.workspace, run.name), clock.now())
    if key == EVENTS:
        return event_documents(session.store.events(run.workspace, run.name))
    return metric_series(session.store.metrics(run.workspace, run.name))


def _end_of_console(session: Session, run: Run, most: int) -> Iterator[bytes]:
    """The console, or as much of its end as is asked for: it is read once, and what has become too
    much is dropped from the front."""
    kept: list[bytes] = []
    size = dropped = 0
    for data in present_console(session, run, "start"):
        kept.append(data)
        size += len(data)
        while size > most:
            gone = kept.pop(0)
            size -= len(gone)
            dropped += len(gone)
    if dropped:
        yield f"[the first {byte_text(dropped)} are left out]\n".encode()
    yield from kept


def _beginning_of(session: Session, key: str, most: int) -> Iterator[bytes]:
    left = most
    with session.artifacts.open(key) as stream:
        while left and (data := stream.read(min(_CHUNK, left))):
            left -= len(data)
            yield data
        if not left and stream.read(1):
            yield f"\n[the rest is left out: {byte_text(most)} are shown]\n".encode()
