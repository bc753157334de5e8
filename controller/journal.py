"""Ships a run's journal: reads what is new, up to the last whole line, and hands it on.

The byte offset of a line is its identity, so shipping a line twice does no harm.
"""

import os
import time
from pathlib import Path
from typing import Any

from xt_core.model.encoding import loads
from xt_core.model.records import MetricRecord
from xt_core.stats.store import JournalBatch

_LARGEST_READ = 1 << 20
_LONGEST_LINE = 16 << 20
_LATEST_TIME = 253_402_300_800.0  # the year 10,000


class JournalReader:
    """Reads one journal from a byte offset on."""

    def __init__(self, path: Path, workspace: str, run: str, offset: int) -> None:
        self._path, self._workspace, self._run = path, workspace, run
        self.offset = offset
        self._reported_bad_line = offset > 0

    def read(self, *, at_end: bool = False) -> JournalBatch | None:
        """The next batch of whole lines (about 1 MiB), or None if there is nothing new.

        With `at_end` (the run has ended) a last line without a newline counts too, unless it was
        torn by the death of its writer.
        """
        data = self._next_lines(at_end)
        if not data:
            return None
        batch = JournalBatch(self._workspace, self._run, self.offset, self.offset + len(data))
        position = self.offset
        for line in data.splitlines(keepends=True):
            self._add(batch, position, line)
            position += len(line)
        self.offset = batch.end
        return batch

    def _next_lines(self, at_end: bool) -> bytes:
        try:
            with open(self._path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size <= self.offset:
                    return b""
                file.seek(self.offset)
                data = file.read(_LARGEST_READ)
                while b"\n" not in data and len(data) < _LONGEST_LINE:
                    more = file.read(_LARGEST_READ)
                    if not more:
                        break
                    data += more
        except OSError:
            return b""
        whole = data.rfind(b"\n") + 1
        if whole:
            return data[:whole]
        return data if at_end or len(data) >= _LONGEST_LINE else b""

    def _add(self, batch: JournalBatch, position: int, line: bytes) -> None:
        line = line.strip()
        if not line:
            return
        try:
            record = loads(line)
            self._add_record(batch, position, _moment(record.get("time")), record)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError):
            self._report_bad_line(batch, position)

    def _add_record(
        self, batch: JournalBatch, position: int, moment: float, record: dict[str, Any]
    ) -> None:
        kind = record["type"]
        if kind == "event":
            data = record.get("data") or {}
            name = str(record["event"]).encode("utf-8", "backslashreplace").decode()
            batch.events.append((moment, name, dict(data)))
            return
        values = {str(name): _checked(value) for name, value in record["values"].items()}
        if kind == "metrics":
            step = record.get("step")
            batch.metrics.append(
                MetricRecord(position, moment, None if step is None else float(step), values)
            )
        elif kind == "hparams":
            batch.hparams |= values
        elif kind == "tags":
            batch.tags |= values
        else:
            raise ValueError(kind)

    def _report_bad_line(self, batch: JournalBatch, position: int) -> None:
        if not self._reported_bad_line:
            self._reported_bad_line = True
            batch.events.append((time.time(), "journal_error", {"offset": position}))


def _moment(value: Any) -> float:
    """When it was logged (seconds since 1970); now, where that is no time of a calendar, such as
    milliseconds."""
    moment = float(value or time.time())
    return moment if 0 <= moment < _LATEST_TIME else time.time()


def _checked(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return float(value)
        return value
    raise ValueError("a journal value must be a number, text, true, false or null")
