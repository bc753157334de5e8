"""How points get to the charts: in the background, one reader at a time, and bit by bit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget

from xt_core.errors import XTError
from xt_core.model.records import MetricRecord, Run
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.charting.choice import MOST_CURVES
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Found, Points, Source, read

_RECORDS_A_READ = 20_000
_REST_SHARE = 1.0
"""So reading takes half of a processor at most: somebody waits for it."""
_MOST_POINTS_OF_BANDS = 3_000_000
"""About 400 MB; then bands are of the runs that were read."""


class Reading:
    """Reads what is new of runs and machines, and keeps it: what was logged, and what is
    sampled."""

    @dataclass
    class Read(Message, bubble=False):
        """New points are there."""

        found: Found
        of_system: bool

    def __init__(self, owner: Widget, session: Session, system: Source) -> None:
        """`owner` is sent what was read, for it to `take`; `system` gives what is sampled of runs'
        processes and of machines, as metrics."""
        self._session, self.system = session, system
        self._background = Background(owner, "metrics", _REST_SHARE)
        self._logged, self._sampled = Points(), Points()
        self.silent: Mapping[str, XTError] = {}
        """Why nodes told nothing when they were asked last."""
        self._away: Mapping[str, XTError] = {}
        """Those of them that are not asked again before there is news."""

    def points(self, *, of_system: bool) -> Points:
        """What is known of what was sampled, or of what was logged."""
        return self._sampled if of_system else self._logged

    def expect_news(self, *, of_system: bool) -> None:
        """There may be more to read, and a node that was silent may answer now."""
        self.points(of_system=of_system).expect_news()
        self._away = {}

    def read_on(self, runs: Sequence[Drawn], *, of_system: bool) -> None:
        """Read what there is more, for a while: a chart of hundreds of runs grows meanwhile."""
        if self.is_full(runs, of_system=of_system):
            return
        source = self.system if of_system else self._read_logged
        away, wanted = self._away, self.points(of_system=of_system).wanted(runs)
        if wanted:
            self._background.ask(lambda: self.Read(read(source, wanted, away), of_system))

    def take(self, message: Read, runs: Sequence[Drawn]) -> bool:
        """Join what was read; whether that is seen in the curves of these runs, or in which nodes
        are silent."""
        points = self.points(of_system=message.of_system)
        points.take(message.found)
        self._away = message.found.silent
        is_done = not points.wanted(runs)
        silent = self._away if is_done else {**self.silent, **self._away}
        is_told = silent.keys() == self.silent.keys()
        self.silent = silent
        return bool(message.found.parts) or not is_told

    def is_full(self, runs: Sequence[Drawn], *, of_system: bool) -> bool:
        """Whether as many points of hundreds of runs are read as may be kept."""
        is_many = len(runs) > MOST_CURVES
        return is_many and self.points(of_system=of_system).count(runs) > _MOST_POINTS_OF_BANDS

    def _read_logged(self, run: Drawn, after: int) -> Sequence[MetricRecord]:
        assert isinstance(run, Run)
        return self._session.store.metrics(run.workspace, run.name, after, _RECORDS_A_READ)
