"""Sparklines of runs: the courses of their jobs' primary metrics, from their beginnings on.

Read in the background for the rows that are drawn, all that are due at once; of a run that goes on
what it has logged since.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget

from xt_core.chart.sparkline import sparkline
from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.reports.course import Course
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.looks import draws_ascii

WIDTH = 8
_MOST_KEPT = 2_000


@dataclass(frozen=True)
class _Wanted:
    run: Run
    metric: str


class Trends:
    """Texts by run; one that is missing or out of date is read after it was asked for."""

    @dataclass
    class Read(Message, bubble=False):
        """These runs' texts are others than before; those that were missed could not be read, and
        are read when they are drawn again."""

        keys: Sequence[str]
        missed: Collection[str]

    def __init__(self, owner: Widget, session: Session, metric: Callable[[Run], str]) -> None:
        """`owner` is sent what was read; `metric` names the metric of a run, "" if it has none."""
        self._session, self._metric, self._owner = session, metric, owner
        self._background = Background(owner, "trends")
        self._texts: dict[str, tuple[int, str]] = {}
        """By run: the revision that the text was read at, and the text."""
        self._wanted: dict[str, _Wanted] = {}
        self._courses: dict[str, Course] = {}
        """By living run, as far as they were read."""

    def text(self, run: Run) -> str:
        """The run's sparkline, as far as it is known."""
        revision, text = self._texts.get(run.full_name, (-1, ""))
        metric = self._metric(run)
        if revision < run.revision and metric:
            self._wanted[run.full_name] = _Wanted(run, metric)
            self._background.ask(self._read_wanted)
        return text

    def _read_wanted(self) -> Read:
        wanted: dict[str, _Wanted] = {}
        while self._wanted:  # the UI's thread may be adding
            key, one = self._wanted.popitem()
            wanted[key] = one
        is_ascii = draws_ascii(self._owner.app)
        if len(self._texts) > _MOST_KEPT:
            self._texts, self._courses = {}, {}
        read = self._read(wanted, is_ascii)
        news = [key for key, (_, text) in read.items() if text != self._texts.get(key, (-1, ""))[1]]
        self._texts |= read
        return self.Read(news, wanted.keys() - read.keys())

    def _read(self, wanted: Mapping[str, _Wanted], is_ascii: bool) -> dict[str, tuple[int, str]]:
        texts: dict[str, tuple[int, str]] = {}
        for key, one in wanted.items():
            course = self._courses.get(key)
            if course is None or course.metric != one.metric:
                course = self._courses[key] = Course(one.metric)
            try:
                course.update(self._session.store, one.run)
            except XTError:  # the feed says so
                continue
            values = course.values(WIDTH)
            text = sparkline(values, WIDTH, is_ascii=is_ascii) if values else ""
            texts[key] = (one.run.revision, text)
            if one.run.status.is_final:
                del self._courses[key]
        return texts
