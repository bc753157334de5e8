"""The event file of one run, and the cursor beside it: what of the run it holds.

A cursor is replaced once the events that it tells of are on disk. What lies in the event file
behind the cursor's size was cut off by a crash, and is taken away before the next events come: no
point is there twice, and none is missing.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event

from xt_core import clock
from xt_core.errors import UsageError
from xt_core.model.records import MetricRecord, Run
from xt_core.stats.store import StatsStore
from xt_core.tensorboard.events import (
    framed,
    metric_events,
    opening,
    session_end,
    session_start,
)

EVENT_FILE = "events.out.tfevents.0.xt"
CURSOR_FILE = ".xt-cursor.json"
_BATCH = 10_000
"""How many records are held in memory."""


@dataclass
class _Cursor:
    run: str
    """Team, workspace and name."""
    size: int = 0
    """Of the event file, in bytes."""
    offset: int = -1
    """Of the last metric record, in the run's journal."""
    steps: dict[str, float] = field(default_factory=dict)
    """Of the last point of each metric."""
    started: bool = False
    ended: bool = False
    """Whether the hyperparameters, and how the run ended, are written."""


class RunLog:
    """Writes what is new of one run into its log folder."""

    def __init__(self, folder: Path, team: str, run: Run) -> None:
        """Raises UsageError if the folder holds another run, or a cursor that is none."""
        self.folder = folder
        self.points = 0
        """How many points were written; a metric's value is one."""
        self._cursor = self._read_cursor(f"{team}/{run.full_name}")

    def write_news(self, store: StatsStore, run: Run) -> None:
        """Append what came since the last call, be it in another process; `run` as it is now.

        All of an ended run is written then. An interrupt leaves whole events only.
        """
        for records in self._batches(store, run):
            self._append(run, records)
        if run.status.is_final and not self._cursor.ended:
            self._append(run, [])

    def _batches(self, store: StatsStore, run: Run) -> Iterator[list[MetricRecord]]:
        while records := store.metrics(run.workspace, run.name, self._cursor.offset, _BATCH):
            yield records

    def _append(self, run: Run, records: list[MetricRecord]) -> None:
        cursor = self._cursor
        new = _Cursor(**(asdict(cursor) | {"steps": dict(cursor.steps)}))
        events, points = self._events(run, records, new)
        data = framed(events)
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / EVENT_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with open(descriptor, "r+b", buffering=0) as file:
            file.truncate(cursor.size)
            file.seek(cursor.size)
            try:
                _write_all(file.fileno(), data)
                os.fsync(file.fileno())
                new.size = cursor.size + len(data)
                self._write_cursor(new)
            except BaseException:
                with contextlib.suppress(OSError):
                    file.truncate(self._cursor.size)
                raise
        self.points += points

    def _events(
        self, run: Run, records: Iterable[MetricRecord], new: _Cursor
    ) -> tuple[list[Event], int]:
        """The next events, and how many of them are points; `new` is brought up to them."""
        now = clock.now()
        events = [] if new.size else [opening(run.created)]
        if not new.started:
            events.append(session_start(run, run.started or run.created))
            new.started = True
        before = len(events)
        for record in records:
            events += metric_events(record, new.steps)
            new.offset = record.offset
        points = len(events) - before
        if run.status.is_final and not new.ended and not records:
            events.append(session_end(run, run.ended or now))
            new.ended = True
        return events, points

    def _read_cursor(self, run: str) -> _Cursor:
        path = self.folder / CURSOR_FILE
        try:
            cursor = _Cursor(**json.loads(path.read_bytes()))
            is_whole = cursor.size <= (self.folder / EVENT_FILE).stat().st_size
        except FileNotFoundError:
            return _Cursor(run)  # nothing yet, or the events were removed: all is written anew
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{path} is damaged: {error}", f"remove {self.folder}: it is written anew"
            ) from error
        if cursor.run != run:
            raise UsageError(
                f"{self.folder} holds {cursor.run}, not {run}",
                "choose another folder by --to, or change tensorboard.template",
            )
        return cursor if is_whole else _Cursor(run)

    def _write_cursor(self, cursor: _Cursor) -> None:
        path = self.folder / CURSOR_FILE
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(cursor)))
        os.replace(draft, path)
        self._cursor = cursor


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
