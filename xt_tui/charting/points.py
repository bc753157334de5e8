"""The points of runs as the UI has them, and how those that are new are read.

Whatever thread reads gives columns; the UI's thread alone joins them to what it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xt_core.errors import XTError
from xt_core.model.records import MetricRecord
from xt_core.reports.curves import RunPoints
from xt_tui.charting.drawn import Drawn

Source = Callable[[Drawn, int], Sequence[MetricRecord]]
"""The records that a run logged after a journal offset, in order; a part of them, if many.
Raises XTError."""

_MOST_RUNS_KEPT = 100


@dataclass(frozen=True)
class Part:
    """What a run logged after an offset."""

    run: str
    after: int
    points: RunPoints


def read(
    source: Source, wanted: Sequence[tuple[Drawn, int]]
) -> tuple[list[Part], dict[str, XTError]]:
    """What is new of runs, each with the offset up to which it is known; and why nodes told
    nothing. Of a node that does not answer one run is asked for, of the others all."""
    parts, silent = list[Part](), dict[str, XTError]()
    for run, after in wanted:
        if run.node in silent:
            continue
        try:
            records = source(run, after)
        except XTError as error:
            silent[run.node] = error
            continue
        if records:
            points = RunPoints()
            points.add(records)
            parts.append(Part(run.full_name, after, points))
    return parts, silent


class Points:
    """What is known of each run by its full name; of runs long out of sight nothing is kept."""

    def __init__(self) -> None:
        self._runs: dict[str, RunPoints] = {}

    def wanted(self, runs: Sequence[Drawn]) -> list[tuple[Drawn, int]]:
        """The runs, each with the offset up to which it is known."""
        return [(run, self.of(run.full_name).offset) for run in runs]

    def of(self, run: str) -> RunPoints:
        """What is known of a run."""
        known = self._runs.pop(run, None) or RunPoints()
        self._runs[run] = known  # at the end: the last to be forgotten
        while len(self._runs) > _MOST_RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        return known

    def take(self, part: Part) -> None:
        """Join what was read, unless it was joined or forgotten meanwhile."""
        known = self._runs.get(part.run)
        if known is not None and known.offset == part.after:
            known.join(part.points)
