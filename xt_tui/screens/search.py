"""The search of one job, whole: its progress, its parameters, its front, and all of its sets.

It is read in the background, only what is new of it, whenever the feed brings news of the job.
Invariant: charts that were drawn for another size or an older state are thrown away.
"""

from collections.abc import Mapping, Sequence
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
from textual.widgets import Input, Static, TabbedContent, TabPane

from xt_core.chart import Chart
from xt_core.errors import XTError
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.query.formats import counted
from xt_core.query.registry import JobRow
from xt_core.reports.early_stopping import early_stopping_of
from xt_core.reports.pages import search_facts
from xt_core.reports.search import (
    Outcome,
    completed,
    objectives_of,
    outcomes,
    parameter_importance,
    running,
)
from xt_core.reports.search_page import Page as Parts
from xt_core.reports.search_page import (
    curve,
    front_table,
    importance_lines,
)
from xt_core.reports.slices import slice_charts
from xt_core.session import Session
from xt_tui.acting.comparing import why_not_compared
from xt_tui.acting.steering import CancelWanted
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
_TALLEST_CURVE = 30
_ABOUT_FRONT = "the Pareto front, of several objectives"
PROGRESS, PARAMETERS, FRONT, SETS = "progress", "parameters", "front", "sets"


class SearchScreen(ModalScreen[str | None]):
    """Ends with the full name of the run to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "leave the filter, or close", show=False),
        Binding("q,S", "dismiss(None)", "close"),
        Binding("question_mark", "help", "help", tooltip="show and search these keys"),
        Binding("c", "cancel", "cancel", tooltip="cancel the runs marked, or under the cursor"),
        Binding("space", "mark", "mark", tooltip="mark or unmark the run, to act on several"),
        Binding("v", "mark_range", "mark range", show=False,
                tooltip="mark every run that the cursor passes, until v again"),
        Binding("asterisk", "mark_all", "mark all", show=False,
                tooltip="mark all runs shown, or none"),
        Binding("u", "unmark", "unmark all", show=False),
        Binding("equals_sign", "compare", "compare", tooltip="see the marked runs side by side"),
        Binding("slash", "filter", "filter", tooltip="show only sets that match, as hparams.lr<.1"),
        Binding("backspace", "unfilter", "no filter", show=False),
        Binding("1", f"show('{PROGRESS}', 1)", "progress",
                tooltip="the best value so far, and the value of each run"),
        Binding("2", f"show('{PARAMETERS}', 2)", "parameters",
                tooltip="what each parameter does, and how much it decides"),
        Binding("3", f"show('{FRONT}', 3)", "front",
                tooltip=_ABOUT_FRONT),
        Binding("3", f"show('{SETS}', 3)", "sets"),
        Binding("4", f"show('{SETS}', 4)", "sets"),
        Binding("greater_than_sign", "sort_by_next(1)", "sort by next",
                tooltip="sort by the column to the right"),
        Binding("less_than_sign", "sort_by_next(-1)", "sort by previous", show=False,
                tooltip="sort by the column to the left"),
        Binding("r", "reverse", "reverse", tooltip="turn the sort order round"),
        Binding("z", "zoom", "zoom", tooltip="the sets or the charts alone, or both again"),
    ]  # fmt: skip

    @dataclass
    class Found(Message):
        """What is new of the job's history."""

        pairs: Sequence[tuple[WorkItem, Run]]
        stopping: str | None = None
        """Its early stopping, when that was first read."""
        error: str = ""

    @dataclass
    class Drawn(Message):
        """A part of the charts is ready."""

        part: str
        of: object
        text: Text
        running: tuple[str, float] | None
        """The best run that has not ended, and its value."""

    def __init__(self, session: Session, row: JobRow, pending: Mapping[str, str]) -> None:
        """`pending` is what is being done about runs, by their full names."""
        super().__init__()
        self._session, self._row = session, row
        self._history = Background(self, "search")
        self._charts = Background(self, "charts of a search")
        self._pairs: dict[str, tuple[WorkItem, Run]] = {}
        self._revision = 0
        self._drawn: dict[str, object] = {}
        """Part -> the state that it shows."""
        self._asked: tuple[str, object] | None = None
        """The part that is drawn next, and for which state: a request that is overtaken is never
        met."""
        self._best_running: tuple[str, float] | None = None
        self._stopping: str | None = None
        """Its early stopping; None until that is read."""
        self.sets = SetsPane(row.job, len(self._parts()) + 1, pending)

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
        self.sets.hold_keys()
        self.take(self._row)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._wear())

    def on_unmount(self) -> None:
        self.app.theme_changed_signal.unsubscribe(self)  # or it would be kept in memory

    # News -------------------------------------------------------------------------------

    @property
    def job(self) -> str:
        return self._row.job.name

    def take(self, row: JobRow) -> None:
        """The job as it is now; its runs have changed."""
        self._row = row
        self.sets.judge(row.job)
        self._show_facts()
        self._history.ask(self._read)

    def show_pending(self) -> None:
        """Badges came or went."""
        for table in self.sets.query(Table):  # none while the screen opens
            table.redraw()

    def _show_facts(self) -> None:
        facts = self.query("#search-facts").results(Static)
        for static in facts:  # none while the screen closes
            static.update(_facts(self._row, self._best_running, self._stopping or ""))

    def _read(self) -> Found:
        try:
            pairs = self._session.store.search_history([self.job], self._revision)
        except XTError as error:
            return self.Found([], error=error.message)
        is_first = self._stopping is None
        stopping = early_stopping_of(self._session, self._row.job) if is_first else None
        return self.Found(pairs, stopping)

    @on(Found)
    def _take_history(self, message: Found) -> None:
        if not self.is_attached or not self.query(Table):
            return
        if message.error:
            self.notify(message.error, severity="error", markup=False)
        if message.stopping is not None:
            self._stopping = message.stopping
            self._show_facts()
        for item, run in message.pairs:
            self._pairs[run.full_name] = (item, run)
            self._revision = max(self._revision, run.revision)
        self.sets.take([_as_given(item, run) for item, run in message.pairs])
        self._draw()

    # Charts -----------------------------------------------------------------------------

    @property
    def part(self) -> str:
        """The part that is shown; none while the screen closes."""
        tabs = self.query(TabbedContent).results(TabbedContent)
        return next((each.active.removeprefix("tab-") for each in tabs), "")

    def _draw(self) -> None:
        """Draw what is shown, unless it is as it was."""
        if not (part := self.part):
            return
        pages = self.query(f"#tab-{part} Page").results(Page)
        size = next((page.scrollable_content_region.size for page in pages), Size(0, 0))
        judged_by = tuple(objectives_of(self._row.job))
        wanted = (self._revision, len(self._pairs), size, judged_by)
        if not size or wanted == self._drawn.get(part) or (part, wanted) == self._asked:
            return
        self._asked = (part, wanted)
        pairs = list(self._pairs.values())
        self._charts.ask(lambda: self._drawing(part, wanted, pairs, size))

    def _drawing(
        self, part: str, wanted: object, pairs: Sequence[tuple[WorkItem, Run]], size: Size
    ) -> Drawn:
        found = outcomes(self._row.job, pairs)
        live = running(self._row.job, found)
        best = (live[0][0].run.name, live[0][1]) if live else None
        return self.Drawn(part, wanted, self._text(part, found, size), best)

    def _text(self, part: str, found: Sequence[Outcome], size: Size) -> Text:
        job, is_ascii, width = self._row.job, draws_ascii(self.app), size.width
        parts: Parts
        if part == PROGRESS:
            height = min(size.height, _TALLEST_CURVE)
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
        self._best_running = message.running
        self._show_facts()
        self._drawn[message.part] = message.of
        if self._asked == (message.part, message.of):
            self._asked = None
        for static in self.query(f"#search-{message.part}").results(Static):
            static.update(message.text)

    def _wear(self) -> None:
        """Texts that have their colours in them are made anew in those of another theme."""
        self._drawn.clear()
        self._asked = None
        self._show_facts()
        self._draw()

    @on(TabbedContent.TabActivated)
    def _tab_changed(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # Acts -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a front only where there are several objectives; the parts are numbered as they
        stand."""
        if action != "show":
            return True
        numbered = {name: place for place, name in enumerate((*self._parts(), SETS), 1)}
        part, number = parameters
        return numbered.get(str(part)) == number

    def action_show(self, part: str, _number: int) -> None:
        """Show a part and give it the keys; what is zoomed gives way to it."""
        if self.maximized is not None and (self.maximized is self.sets) is not (part == SETS):
            self.minimize()
            self.call_after_refresh(self._draw)
        if part == SETS:
            self.sets.table.focus()
            return
        self.query_one(TabbedContent).active = f"tab-{part}"
        self.call_after_refresh(self.query_one(f"#tab-{part} Page", Page).focus)

    def action_leave(self) -> None:
        """Leave the filter, if it is typed; else the screen."""
        if isinstance(self.focused, Input):
            self.sets.close_filter()
        else:
            self.dismiss(None)

    def action_help(self) -> None:
        """The keys of this screen."""
        from xt_tui.screens.help import (
            EVERYWHERE,
            IN_LISTS,
            IN_PAGES,
            SEARCH,
            HelpScreen,
            fixed_lines,
        )

        lines = fixed_lines((SEARCH, IN_LISTS, IN_PAGES, EVERYWHERE))
        has_front = FRONT in self._parts()
        meant = [line for line in lines if has_front or line.text != _ABOUT_FRONT]
        self.app.push_screen(HelpScreen(meant))

    def action_cancel(self) -> None:
        self.post_message(CancelWanted(self.sets.chosen))

    def action_compare(self) -> None:
        """See the marked runs side by side; the one that is chosen there is gone to."""
        runs = self.sets.chosen
        if (reason := why_not_compared(len(runs))) is not None:
            self.notify(reason, title="compare: not possible", severity="warning", markup=False)
            return
        from xt_tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(self._session, runs), self._go_to)

    def _go_to(self, run: Run | None) -> None:
        if run is not None:
            self.dismiss(run.full_name)

    def action_mark(self) -> None:
        self.sets.toggle_mark()

    def action_mark_range(self) -> None:
        self.sets.toggle_range()

    def action_mark_all(self) -> None:
        self.sets.mark_all()

    def action_unmark(self) -> None:
        self.sets.clear_marks()

    @on(Table.CursorMoved)
    def _cursor_moved(self) -> None:
        self.sets.extend_range()

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
        self.call_after_refresh(self._draw)

    @on(Table.Chosen)
    def _chosen(self, message: Table.Chosen) -> None:
        self.dismiss(message.key)


def _facts(row: JobRow, running: tuple[str, float] | None, stopping: str) -> Text:
    """The head of the search; its first word is the job's name."""
    head, *others = search_facts(row, running, stopping)
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
    failed = sum(outcome.run.status == RunStatus.ERROR for outcome in found)
    if ended and not missing:
        names = ", ".join(each.metric for each in objectives_of(job))
        return (
            f"nothing to show: {counted(len(ended), 'run')} completed, none with a finite {names}"
        )
    if failed and not ended:
        return f"nothing to show: {counted(failed, 'run')} failed, none has completed"
    return "nothing to show yet: no run has completed with a value"
