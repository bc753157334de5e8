"""The main screen: the panes, which of them have the keys, and what they show of the news."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, TabbedContent, TabPane

from xt_core.model.records import Run
from xt_core.session import Session
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.nodes import NodesPane
from xt_tui.panes.output import OutputPane
from xt_tui.panes.pane import Pane
from xt_tui.panes.runs import RunsPane
from xt_tui.panes.teams import TeamsPane
from xt_tui.state import Batch, ViewState
from xt_tui.widgets.table import Table

if TYPE_CHECKING:
    from xt_tui.panes.records import RecordsPane

_PARTS = (
    "#team-facts",
    "#jobs-table",
    "#runs-table",
    "#charts",
    "#output-text",
    "#details-text",
    "#nodes-table",
)
_LOWER = ("metrics", "output", "details", "nodes")
_CLOCK_SECONDS = 1.0
NARROW_BELOW = 90
"""Cells; narrower terminals show one side at a time."""


class MainScreen(Screen[None]):
    """Jobs decide about runs, runs about metrics and details."""

    @dataclass
    class BoxChosen(Message):
        """Enter was pressed on a node."""

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__()
        self._state = state
        self.teams, self.jobs, self.runs = (
            TeamsPane(session, state),
            JobsPane(state),
            RunsPane(state),
        )
        self.metrics, self.output = MetricsPane(session), OutputPane(session)
        self.details, self.nodes = DetailsPane(session), NodesPane(session, state)
        self._details_of_job = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield self.teams
                yield self.jobs
            with Vertical(id="right"):
                yield self.runs
                with TabbedContent(id="lower"):
                    with TabPane("4 Metrics", id="tab-metrics"):
                        yield self.metrics
                    with TabPane("5 Output", id="tab-output"):
                        yield self.output
                    with TabPane("6 Details", id="tab-details"):
                        yield self.details
                    with TabPane("7 Nodes", id="tab-nodes"):
                        yield self.nodes
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.runs.table.focus()
        self.jobs.update_rows()
        self.set_interval(_CLOCK_SECONDS, self._tick)

    def on_resize(self) -> None:
        """Where the left side is out of sight, the title says how to come to it."""
        is_narrow = self.size.width < NARROW_BELOW
        self.runs.border_title = "3 Runs" + (" · 1 Teams · 2 Jobs" if is_narrow else "")

    # Which pane -------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether all panes are there: while the app closes they go one by one, and news come."""
        return all(self.query(part) for part in _PARTS)

    def call_when_open(self, callback: Callable[[], object]) -> None:
        """Call as soon as all panes are there: news that came before would be lost."""
        if self.is_open:
            callback()
        else:
            self.call_after_refresh(self.call_when_open, callback)

    @property
    def pane(self) -> Pane | None:
        """The pane that has the keys."""
        focused = self.focused
        if focused is None:
            return None
        return next((w for w in focused.ancestors_with_self if isinstance(w, Pane)), None)

    @property
    def records(self) -> "RecordsPane[Run] | JobsPane":
        """The pane that is filtered, sorted and marked: jobs if it has the keys, else runs."""
        return self.jobs if self.pane is self.jobs else self.runs

    @property
    def meant_runs(self) -> list[Run]:
        """The runs that an action is about: those chosen, or the one whose output has the keys."""
        attached = self.output.attached_to
        if self.pane is self.output and attached in self._state.runs:
            return [self._state.runs[attached]]
        return self.runs.chosen

    @property
    def meant_job(self) -> str | None:
        """The job that an action is about: the cursor's, or that of the run."""
        if self.pane is self.jobs:
            return self.jobs.job
        return self.meant_runs[0].job if self.meant_runs else self.jobs.job

    def focus_pane(self, name: str) -> None:
        """Show a pane and give it the keys."""
        if self.maximized is not None:
            self.minimize()
        if name in _LOWER:
            self.query_one("#lower", TabbedContent).active = f"tab-{name}"
        self.set_class(name in ("teams", "jobs"), "-left")
        pane = self.query_one(f"#{name}", Pane)
        if pane.target.focusable and pane.region:
            self.set_focus(pane.target)  # at once: the next key may be on its way
        else:  # its tab is about to be shown
            self.call_after_refresh(pane.target.focus)

    def go_to_run(self, job: str, run: str) -> None:
        """Put the cursors on a job and on a run of it, which no filter hides."""
        for pane, key in ((self.jobs, job), (self.runs, run)):
            if pane.is_filtered:
                pane.close_filter()
            pane.go_to(key)
        self.focus_pane("runs")

    def toggle_zoom(self) -> None:
        """The pane that has the keys alone, or all of them again."""
        if self.maximized is not None:
            self.minimize()
        elif self.pane is not None:
            self.maximize(self.pane)

    # News -------------------------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        """Show what the feed brought, which the state has already taken over."""
        self.teams.update_facts()
        self.nodes.update_rows()
        if batch.jobs:
            self.jobs.note(batch.jobs)
            self._show_details()
        runs = [run for run in batch.runs if not run.is_parent]
        if runs:
            self.runs.note(runs)
            self._show_chosen()

    def show_pending(self) -> None:
        """Badges came or went."""
        self.jobs.table.refresh()
        self.runs.table.refresh()

    def _tick(self) -> None:
        """Durations grow."""
        if self.is_open and any(node["running"] for node in self._state.nodes):
            self.runs.table.refresh()

    @on(Table.CursorMoved)
    def _cursor_moved(self, message: Table.CursorMoved) -> None:
        if not self.is_open:
            return
        if message.table is self.jobs.table:
            self.jobs.extend_range()
            self.runs.show_job(self.jobs.job)
            self._show_details()
        else:
            self.runs.extend_range()
            self._show_chosen()

    @on(Table.Chosen)
    def _chosen(self, message: Table.Chosen) -> None:
        if not self.is_open:
            return
        if message.table is self.nodes.table:
            self.post_message(self.BoxChosen())
        else:
            self.focus_pane("runs" if message.table is self.jobs.table else "details")

    def _show_chosen(self) -> None:
        runs = self.runs.chosen
        row = self._state.jobs.get(runs[0].job) if runs else None
        job = row.job if row else None
        self.metrics.show_runs(
            runs, job.primary_metric if job else "", job.maximize if job else True
        )
        self._show_details()

    @on(DescendantFocus)
    def _pane_changed(self) -> None:
        """Details are of the job or the run whose pane had the keys last."""
        if self.pane in (self.jobs, self.runs):
            self._details_of_job = self.pane is self.jobs
            if self.is_open:
                self._show_details()

    def _show_details(self) -> None:
        row = self._state.jobs.get(self.jobs.job or "") if self._details_of_job else None
        if row is None:
            self.details.show_run(self.runs.run)
        else:
            self.details.show_job(row)
