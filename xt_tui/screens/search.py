"""The search of one job, whole: its progress, its parameters, its front, and all of its sets.

It is read in the background, only what is new of it, whenever the feed brings news of the job.
Invariant: charts that were drawn for another size or an older state are thrown away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static, TabbedContent, TabPane

from xt_core.chart import Chart
from xt_core.errors import XTError
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.query.registry import JobRow
from xt_core.reports.pages import search_facts
from xt_core.reports.search import Outcome, completed, objectives_of, outcomes, parameter_importance
from xt_core.reports.search_page import (
    CURVE_HEIGHT,
    curve,
    front_table,
    importance_lines,
    slice_charts,
)
from xt_core.reports.search_page import Page as Parts
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.looks import draws_ascii
from xt_tui.panes.details import Page
from xt_tui.panes.sets import SetsPane
from xt_tui.state import STYLES
from xt_tui.widgets.chart import chart_text
from xt_tui.widgets.key_footer import KeyFooter
from xt_tui.widgets.table import Table

_BARS = r"[█░]+"
_MOST_NAMES = 8
PROGRESS, PARAMETERS, FRONT, SETS = "progress", "parameters", "front", "sets"


class SearchScreen(ModalScreen[str | None]):
    """Ends with the full name of the run to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,S", "dismiss(None)", "close"),
        Binding("1", f"show('{PROGRESS}')", "progress"),
        Binding("2", f"show('{PARAMETERS}')", "parameters"),
        Binding("3", f"show('{FRONT}')", "front"),
        Binding("4", f"show('{SETS}')", "sets"),
        Binding("slash", "filter", "filter"),
        Binding("backspace", "unfilter", "no filter", show=False),
        Binding("greater_than_sign", "sort_by_next(1)", "sort by next"),
        Binding("less_than_sign", "sort_by_next(-1)", "sort by previous", show=False),
        Binding("r", "reverse", "reverse"),
        Binding("z", "zoom", "zoom"),
    ]

    @dataclass
    class Found(Message):
        """What is new of the job's history."""

        pairs: Sequence[tuple[WorkItem, Run]]
        error: str = ""

    @dataclass
    class Drawn(Message):
        """A part of the charts is ready."""

        part: str
        of: object
        text: Text

    def __init__(self, session: Session, row: JobRow) -> None:
        super().__init__()
        self._session, self._row = session, row
        self._history = Background(self, "search")
        self._charts = Background(self, "charts of a search")
        self._pairs: dict[str, tuple[WorkItem, Run]] = {}
        self._revision = 0
        self._drawn: dict[str, object] = {}
        """Part -> the state that it shows or is being drawn for."""
        self.sets = SetsPane(row.job)

    def compose(self) -> ComposeResult:
        with Vertical(id="search"):
            yield Static(id="search-facts", markup=False)
            with TabbedContent(id="search-charts"):
                for number, (part, title) in enumerate(self._parts().items(), 1):
                    with TabPane(f"{number} {title}", id=f"tab-{part}"), Page():
                        yield Static("…", id=f"search-{part}", markup=False)
            yield self.sets
            yield KeyFooter()

    def _parts(self) -> dict[str, str]:
        parts = {PROGRESS: "Progress", PARAMETERS: "Parameters"}
        if len(objectives_of(self._row.job)) > 1:
            parts[FRONT] = "Pareto front"
        return parts

    def on_mount(self) -> None:
        self.sets.table.focus()
        self.take(self._row)

    # News -------------------------------------------------------------------------------

    @property
    def job(self) -> str:
        return self._row.job.name

    def take(self, row: JobRow) -> None:
        """The job as it is now; its runs have changed."""
        self._row = row
        facts = self.query("#search-facts").results(Static)
        for static in facts:  # none while the screen closes
            static.update(_facts(row))
        self._history.ask(self._read)

    def _read(self) -> Found:
        try:
            return self.Found(self._session.store.search_history([self.job], self._revision))
        except XTError as error:
            return self.Found([], error.message)

    @on(Found)
    def _take_history(self, message: Found) -> None:
        if not self.is_attached or not self.query(Table):
            return
        if message.error:
            self.notify(message.error, severity="error", markup=False)
        for item, run in message.pairs:
            self._pairs[run.full_name] = (item, run)
            self._revision = max(self._revision, run.revision)
        self.sets.take([_as_given(item, run) for item, run in message.pairs])
        self._draw()

    # Charts -----------------------------------------------------------------------------

    @property
    def part(self) -> str:
        """The part that is shown."""
        return self.query_one(TabbedContent).active.removeprefix("tab-")

    def _draw(self) -> None:
        """Draw what is shown, unless it is as it was."""
        part = self.part
        pages = self.query(f"#tab-{part} Page").results(Page)
        size = next((page.scrollable_content_region.size for page in pages), Size(0, 0))
        wanted = (self._revision, len(self._pairs), size)
        if not part or not size or self._drawn.get(part) == wanted:
            return
        self._drawn[part] = wanted
        pairs = list(self._pairs.values())
        self._charts.ask(lambda: self.Drawn(part, wanted, self._text(part, pairs, size)))

    def _text(self, part: str, pairs: Sequence[tuple[WorkItem, Run]], size: Size) -> Text:
        job, is_ascii, width = self._row.job, draws_ascii(self.app), size.width
        found = outcomes(job, pairs)
        parts: Parts
        if part == PROGRESS:
            height = min(size.height, CURVE_HEIGHT)
            drawn = curve(job, found, width, height, ascii_only=is_ascii)
            parts = drawn or [_why_empty(job, found)]
        elif part == FRONT:
            parts = list(front_table(job, found, width)) or [_why_empty(job, found)]
        else:
            shares = parameter_importance(job, found)
            parts = [
                *importance_lines(shares, len(completed(found)), ascii_only=is_ascii),
                *slice_charts(job, found, width, ascii_only=is_ascii),
            ]
        lines = [chart_text(part) if isinstance(part, Chart) else Text(part) for part in parts]
        return Text("\n").join(lines[1:] if lines and not lines[0] else lines)

    @on(Drawn)
    def _show_drawn(self, message: Drawn) -> None:
        if self._drawn.get(message.part) == message.of:
            for static in self.query(f"#search-{message.part}").results(Static):
                static.update(message.text)

    @on(TabbedContent.TabActivated)
    def _tab_changed(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # Acts -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a front only where there are several objectives."""
        return action != "show" or parameters[0] == SETS or parameters[0] in self._parts()

    def action_show(self, part: str) -> None:
        """Show a part and give it the keys."""
        if part == SETS:
            self.sets.table.focus()
            return
        self.query_one(TabbedContent).active = f"tab-{part}"
        self.call_after_refresh(self.query_one(f"#tab-{part} Page", Page).focus)

    def action_filter(self) -> None:
        self.sets.open_filter()

    def action_unfilter(self) -> None:
        self.sets.close_filter()

    def action_sort_by_next(self, step: int) -> None:
        self.sets.sort_by_next(step)

    def action_reverse(self) -> None:
        self.sets.reverse()

    def action_zoom(self) -> None:
        """The sets or the charts alone, whichever have the keys; or both again."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            is_page = isinstance(self.focused, Page)
            self.maximize(self.focused if is_page else self.sets)

    @on(Table.Chosen)
    def _chosen(self, message: Table.Chosen) -> None:
        self.dismiss(message.key)


def _facts(row: JobRow) -> Text:
    """The head of the search; its first word is the job's name."""
    head, *others = search_facts(row)
    text = Text("\n".join([head, *others]))
    text.stylize("bold", 0, len(row.job.name))
    text.highlight_regex(_BARS, STYLES["picture"])
    return text


def _as_given(item: WorkItem, run: Run) -> Run:
    """The run with the set that it was given, whatever it logged."""
    return run if item.hparams is None else replace(run, hparams=item.hparams)


def _why_empty(job: Job, found: Sequence[Outcome]) -> str:
    """Why there is nothing to draw: runs that log another metric than the job's never change it."""
    ended = [outcome.run for outcome in found if outcome.run.status == RunStatus.COMPLETED]
    logged = dict.fromkeys(name for run in ended for name in run.metrics)
    missing = [each.metric for each in objectives_of(job) if each.metric not in logged]
    if logged and missing:
        names = ", ".join(list(logged)[:_MOST_NAMES])
        return f"no run has logged {missing[0]}, the primary metric of {job.name}; logged: {names}"
    return f"nothing to show yet: {len(completed(found))} runs have completed with a value"
