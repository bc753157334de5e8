"""The details pane: all there is to say of the cursor's run or job.

Invariant: a page that was read for what is no longer shown is thrown away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from xt_core.chart import Chart
from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.query.registry import JobRow
from xt_core.reports.jobs import best_runs
from xt_core.reports.pages import job_page, run_page
from xt_core.reports.search import outcomes
from xt_core.reports.search_page import Page as Parts
from xt_core.reports.search_page import search_page
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.panes.pane import Pane
from xt_tui.widgets.chart import chart_text

_BEST_SETS = 5
_UNSEEN_WIDTH = 80
"""Cells that a page is made for while the pane is not on screen."""


class Page(VerticalScroll):
    """Scrolls with vim's keys too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "bottom", show=False),
        Binding("ctrl+f", "page_down", "page down", show=False),
        Binding("ctrl+b", "page_up", "page up", show=False),
    ]


class DetailsPane(Pane):
    """The page of `xt view run` or `xt view job`, read in the background."""

    @dataclass
    class Read(Message):
        """A page is ready."""

        of: object
        text: Text

    def __init__(self, session: Session) -> None:
        super().__init__("", id="details")
        self._session = session
        self._background = Background(self, "details")
        self._shown: object = None
        """What the page is of, and in which state of it."""
        self._row: JobRow | None = None

    def compose(self) -> ComposeResult:
        with Page(id="details-page"):
            yield Static(id="details-text", markup=False)

    @property
    def target(self) -> Widget:
        return self.query_one(Page)

    def show_run(self, run: Run | None) -> None:
        """Show a run, unless that is what is shown."""
        self._row = None
        if run is not None:
            self._ask((run.full_name, run.revision), lambda: list(self._run_page(run)))
        elif self._shown is not None:
            self._shown = None
            self._update(Text("no run is chosen"))

    def show_job(self, row: JobRow) -> None:
        """Show a job and what its search found, unless that is what is shown."""
        self._row = row
        width = self.query_one(Page).scrollable_content_region.width or _UNSEEN_WIDTH
        self._ask((row, width), lambda: self._job_page(row, width))

    def on_resize(self) -> None:
        """Charts fit the pane."""
        if self._row is not None:
            self.show_job(self._row)

    def _ask(self, wanted: object, read: Callable[[], Parts]) -> None:
        if wanted != self._shown:
            self._shown = wanted
            self._background.ask(lambda: self.Read(wanted, _page_text(read)))

    def _run_page(self, run: Run) -> list[str]:
        events = self._session.store.events(run.workspace, run.name)
        files = list(self._session.artifacts.list(f"{run.workspace}/runs/{run.name}"))
        return run_page(run, events, files)

    def _job_page(self, row: JobRow, width: int) -> Parts:
        store, job = self._session.store, row.job
        found = outcomes(job, store.search_history([job.name]))
        best = best_runs(store, job, _BEST_SETS)
        page = search_page(job, found, best, width, table_width=width)
        more = ["", "S shows the whole search: all sets, importance, slices"] if page else []
        return [*job_page(row), *page, *more]

    @on(Read)
    def _show(self, message: Read) -> None:
        if self._shown == message.of:
            self._update(message.text)

    def _update(self, text: Text) -> None:
        for page in self.query("#details-text").results(Static):  # none while the app closes
            page.update(text)


def _page_text(read: Callable[[], Parts]) -> Text:
    """A page as text that does not wrap, or why there is none."""
    try:
        parts = read()
    except XTError as error:
        parts = [error.message, error.hint]
    lines = [chart_text(part) if isinstance(part, Chart) else Text(part) for part in parts]
    return Text("\n").join(lines)
