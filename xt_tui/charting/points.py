"""The points of runs as the UI has them, and how those that are new are read.

Whatever thread reads gives columns; the UI's thread alone joins them to what it has.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xt_core.errors import XTError
from xt_core.model.records import MetricRecord, Run
from xt_core.reports.curves import RunPoints
from xt_tui.charting.drawn import Drawn

Source = Callable[[Drawn, int], Sequence[MetricRecord]]
"""The records that a run logged after a journal offset, in order; a part of them, if many.
Raises XTError."""

_NEVER = -1
"""The revision of no run."""
_MOST_RUNS_KEPT = 700
"""More than twice what a band is made of."""
_PATIENCE_SECONDS = 0.1
"""How long runs are read in one go: then what was found is shown."""


@dataclass(frozen=True)
class Part:
    """What a run logged after an offset."""

    run: str
    after: int
    points: RunPoints


@dataclass(frozen=True)
class Found:
    """What was found in one go."""

    asked: Sequence[Drawn]
    """The runs that were looked at, the first of those that are wanted."""
    parts: Sequence[Part]
    silent: Mapping[str, XTError]
    """Why nodes told nothing."""


def read(
    source: Source,
    wanted: Sequence[tuple[Drawn, int]],
    silent: Mapping[str, XTError] | None = None,
    patience: float = _PATIENCE_SECONDS,
) -> Found:
    """What is new of runs, each with the offset up to which it is known; of as many as `patience`
    in seconds allows, but of one at least. A node that does not answer, or is known to be `silent`,
    is asked for no further run."""
    asked, parts, away = list[Drawn](), list[Part](), dict(silent or {})
    end = time.monotonic() + patience
    for run, after in wanted:
        if asked and time.monotonic() >= end:
            break
        asked.append(run)
        if run.node in away:
            continue
        try:
            records = source(run, after)
        except XTError as error:
            away[run.node] = error
            continue
        if records:
            points = RunPoints()
            points.add(records)
            parts.append(Part(run.full_name, after, points))
    return Found(asked, parts, away)


class Points:
    """What is known of each run by its full name; of runs long out of sight nothing is kept."""

    def __init__(self) -> None:
        self._runs: dict[str, RunPoints] = {}
        self._current: dict[str, int] = {}
        """Runs that were read to their end, with their revisions then."""
        self._asked: set[str] = set()
        """Runs of which nothing more is to be expected now."""

    def expect_news(self, *, of_all: bool = False) -> None:
        """Runs may have logged more: those that have changed since they were read to the end, and
        those that could not be read; or all of them."""
        self._asked.clear()
        if of_all:
            self._current = dict.fromkeys(self._current, _NEVER)

    def wanted(self, runs: Sequence[Drawn]) -> list[tuple[Drawn, int]]:
        """The runs that are not known to their end, each with the offset up to which it is."""
        return [
            (run, self.of(run.full_name).offset)
            for run in runs
            if run.full_name not in self._asked
            and self._current.get(run.full_name) != _revision(run)
        ]

    def unread(self, runs: Sequence[Drawn]) -> int:
        """How many of the runs were never read to their end."""
        return sum(run.full_name not in self._current for run in runs)

    def count(self, runs: Sequence[Drawn]) -> int:
        """How many points are kept of the runs."""
        known = (self._runs.get(run.full_name) for run in runs)
        return sum(points.count for points in known if points is not None)

    def of(self, run: str) -> RunPoints:
        """What is known of a run."""
        known = self._runs.pop(run, None) or RunPoints()
        self._runs[run] = known  # at the end: the last to be forgotten
        while len(self._runs) > _MOST_RUNS_KEPT:
            forgotten = next(iter(self._runs))
            del self._runs[forgotten]
            self._current.pop(forgotten, None)
        return known

    def take(self, found: Found) -> None:
        """Join what was read, unless it was joined or forgotten meanwhile."""
        for part in found.parts:
            known = self._runs.get(part.run)
            if known is not None and known.offset == part.after:
                known.join(part.points)
        has_more = {part.run for part in found.parts}
        for run in found.asked:
            name = run.full_name
            if run.node in found.silent:
                self._asked.add(name)
            elif name not in has_more and name in self._runs:
                self._current[name] = _revision(run)


def _revision(run: Drawn) -> int:
    """What changes when a run logs; of a machine nothing tells."""
    return run.revision if isinstance(run, Run) else 0
