"""The main screen: the panes, which of them have the keys, and what they show of the news."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, ScreenResume
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from xt_core import clock
from xt_core.model.records import Run
from xt_core.session import Session
from xt_tui import layout as layouts
from xt_tui.charting.sampled import sampled
from xt_tui.eventlog import EventLog
from xt_tui.freshness import freshness
from xt_tui.layout import LEFT, LOWER, PANES, Layout
from xt_tui.lineage import reruns_of_job, reruns_of_run
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.nodes import NodesPane
from xt_tui.panes.output import OutputPane
from xt_tui.panes.pane import Pane
from xt_tui.panes.runs import RunsPane
from xt_tui.panes.teams import TeamsPane
from xt_tui.state import Batch, ViewState
from xt_tui.widgets.key_footer import KeyFooter
from xt_tui.widgets.status import Status
from xt_tui.widgets.tab_strip import Tab, TabStrip
from xt_tui.widgets.table import Table

if TYPE_CHECKING:
    from xt_tui.panes.records import RecordsPane

_FIRST = ("runs", "metrics", "jobs", "details", "output", "nodes", "teams")
"""The order that panes are shown in before any had the keys."""
_CLOCK_SECONDS = 1.0
_REST_SECONDS = 0.1
"""How long the cursor rests before charts and details follow it: not to each row on its way."""
_MOST_OF_JOB = 500
"""Runs of a job among which the metrics pane chooses those that it draws."""
WELCOME = """XT runs scripts and hyperparameter searches, here and on machines over SSH,
and shows how they go. Nothing has been run yet.

  n   launch a script, or a search, from a form
  ?   all keys; : finds any action by typing
  q   leave; then  xt demo  runs a real search"""


class MainScreen(Screen[None]):
    """Jobs decide about runs, runs about metrics and details."""

    AUTO_FOCUS = "#runs-table"  # also where a browser says at first that it has not the focus

    @dataclass
    class BoxChosen(Message):
        """Enter was pressed on a node."""

    @dataclass
    class LayoutChanged(Message):
        """The user hid, zoomed or resized a pane."""

        layout: Layout

    def __init__(
        self, session: Session, state: ViewState, layout: Layout, log: EventLog, *, read_only: bool
    ) -> None:
        super().__init__()
        self._session, self._state, self._log = session, state, log
        self._is_read_only = read_only
        self.layout_of_panes = layout
        self._recent: tuple[str, ...] = _FIRST
        self.teams, self.jobs, self.runs = (
            TeamsPane(session, state),
            JobsPane(session, state),
            RunsPane(session, state),
        )
        self.metrics, self.output = MetricsPane(session, sampled(session)), OutputPane(session)
        self.details = DetailsPane(session)
        self.nodes: NodesPane = NodesPane(session, state)
        self._status = Status()
        self._details_of_job = False
        self._resting: Timer | None = None
        """Runs while charts and details wait for the cursor to rest."""
        self._goal: tuple[str, bool] | None = None
        """The metric that charts begin with, and whether it is to be maximised."""
        self._is_composed = self._was_seen = False
        self._when_open: list[Callable[[], object]] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="status-line"):
            yield TabStrip(self._tabs, id="pane-strip")
            yield self._status
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield self.teams
                yield self.jobs
            with Vertical(id="right"):
                yield self.runs
                yield Static(WELCOME, id="welcome", markup=False)
                with Horizontal(id="lower"):
                    yield self.metrics
                    yield self.output
                    yield self.details
                    yield self.nodes
        yield KeyFooter()

    def on_mount(self) -> None:
        for number, name in enumerate(PANES, 1):
            self.query_one(f"#{name}", Pane).border_title = f"{number} {name.capitalize()}"
        self._arrange()
        self._show_status()
        self.set_interval(_CLOCK_SECONDS, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._wear())
        self._is_composed = True
        for callback in self._when_open:
            self.call_later(callback)  # behind what lays the screen out and draws it first

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Before Textual's: what has just been made was styled when it was, and is not again."""
        event.refresh_styles &= self._was_seen
        self._was_seen = True

    def on_resize(self) -> None:
        self._arrange()
        self._show_status()

    def _wear(self) -> None:
        """Texts that have their colours in them are made anew in those of another theme."""
        self.teams.update_facts()
        if self.is_open:
            self._show_details()

    # Layout -----------------------------------------------------------------------------

    @property
    def panes_shown(self) -> frozenset[str]:
        """The panes that are on screen."""
        return layouts.panes_shown(self.layout_of_panes, *self.app.size, self._recent)

    def _arrange(self) -> None:
        """Show the panes that have room, as large as the layout has them."""
        chosen, shown = self.layout_of_panes, self.panes_shown
        width, height = self.app.size
        for name in PANES:
            self.query_one(f"#{name}", Pane).display = name in shown
        left, right = self.query_one("#left"), self.query_one("#right")
        left.display = any(name in shown for name in LEFT)
        right.display = any(name not in LEFT for name in shown)
        left.styles.width = layouts.left_width(chosen, width) if right.display else "1fr"
        lower = [name for name in LOWER if name in shown]
        self.query_one("#lower").display = bool(lower) and not self._is_welcome
        self.query_one("#welcome").display = self._is_welcome
        share = layouts.upper_share(chosen)
        self.runs.styles.height = f"{share}fr"
        self.query_one("#lower").styles.height = f"{100 - share}fr"
        beside = layouts.beside_share(chosen)
        for place, name in enumerate(lower):
            points = beside if place == 0 else 100 - beside
            self.query_one(f"#{name}").styles.width = f"{points}fr"
        self._size_teams(chosen.teams)
        self.query_one(KeyFooter).display = height >= layouts.BARE_BELOW
        self.query_one(TabStrip).refresh()

    @property
    def _is_welcome(self) -> bool:
        """Whether nothing has been run yet: the place of curves explains what to do."""
        state = self._state
        is_empty = state.loaded and not state.runs and not state.error
        return is_empty and self._recent[0] not in LOWER

    def _size_teams(self, rows: int) -> None:
        styles = self.teams.styles
        styles.height = rows or ("auto" if self.jobs.display else "1fr")
        styles.max_height = rows or (12 if self.jobs.display else "100%")

    def change_layout(self, chosen: Layout) -> None:
        """Take over another layout, which is remembered."""
        if chosen != self.layout_of_panes:
            self.layout_of_panes = chosen
            self._arrange()
            self.post_message(self.LayoutChanged(chosen))

    def resize_pane(self, across: int, down: int) -> None:
        """Make the pane that has the keys wider or higher, by cells and rows."""
        self.change_layout(
            layouts.grown(
                self.layout_of_panes,
                self._recent[0],
                self.panes_shown,
                self.app.size,
                across,
                down,
            )
        )

    def hide_pane(self) -> None:
        """Take the pane that has the keys off the screen; the one before gets them."""
        name = self._recent[0]
        hidden = self.layout_of_panes.hidden | {name}
        others = [other for other in self._recent[1:] if other not in hidden]
        self.change_layout(replace(self.layout_of_panes, hidden=hidden, is_zoomed=False))
        self.focus_pane(others[0])

    def toggle_zoom(self) -> None:
        """The pane that has the keys alone, or all of them again."""
        zoomed = not self.layout_of_panes.is_zoomed
        self.change_layout(replace(self.layout_of_panes, is_zoomed=zoomed))

    @on(Pane.Dragged)
    def _drag_border(self, message: Pane.Dragged) -> None:
        room = self.query_one("#right").size
        name = str(message.pane.id)
        self.change_layout(
            layouts.dragged(
                self.layout_of_panes, name, message.width, message.height, room, self.size.width
            )
        )

    def _tabs(self) -> tuple[Sequence[Tab], str]:
        shown, hidden = self.panes_shown, self.layout_of_panes.hidden
        tabs = [
            Tab(name, f"{number} {name.capitalize()}", str(number), name in shown)
            for number, name in enumerate(PANES, 1)
            if name not in hidden or name in shown
        ]
        return tabs, self._recent[0]

    @on(TabStrip.Chosen, "#pane-strip")
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        self.focus_pane(message.tab)

    # Which pane -------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether all panes are there. While the app closes news still come, and panes go one by
        one, but not before the screen takes no more messages."""
        return self._is_composed and self.is_running

    def call_when_open(self, callback: Callable[[], object]) -> None:
        """Call as soon as all panes are there: news that came before would be lost."""
        if self.is_open:
            callback()
        else:
            self._when_open.append(callback)

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
        """The runs that an action is about: those chosen, or those whose output has the keys."""
        attached = [self._state.runs.get(run.full_name, run) for run in self.output.runs]
        if self.pane is self.output and attached:
            return attached
        return self.runs.chosen

    @property
    def meant_job(self) -> str | None:
        """The job that an action is about: the cursor's, or that of the run."""
        if self.pane is self.jobs:
            return self.jobs.job
        return self.meant_runs[0].job if self.meant_runs else self.jobs.job

    def focus_pane(self, name: str) -> None:
        """Show a pane and give it the keys; one that was hidden is not hidden any more."""
        hidden = self.layout_of_panes.hidden - {name}
        self.change_layout(replace(self.layout_of_panes, hidden=hidden))
        self._recent = layouts.most_recent_first(self._recent, name)
        pane = self.query_one(f"#{name}", Pane)
        if pane is self.output:
            self.output.follow_choice(self.runs.chosen)
        for widget in (pane, *pane.ancestors):
            if isinstance(widget, Widget):
                widget.display = True  # what is not shown takes no keys
        self.set_focus(pane.target)  # at once: the next key may be on its way
        self._arrange()

    def go_to_job(self, job: str) -> None:
        """Put the cursor on a job, which no filter hides."""
        if self.jobs.is_filtered:
            self.jobs.clear_filter()
        self.jobs.go_to(job)
        self.focus_pane("jobs")

    def go_to_run(self, job: str, run: str) -> None:
        """Put the cursors on a job and on a run of it, which no filter hides."""
        for pane, key in ((self.jobs, job), (self.runs, run)):
            if pane.is_filtered:
                pane.clear_filter()
            pane.go_to(key)
        self.focus_pane("runs")

    # News -------------------------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        """Show what the feed brought, which the state has already taken over."""
        self._show_status()
        if self.query_one("#welcome").display != self._is_welcome:
            self._arrange()
        if batch.is_last:
            self.teams.update_facts()
            self.nodes.update_rows()
        if batch.jobs:
            self.jobs.note(batch.jobs)
        elif self.jobs.is_new:
            self.jobs.update_rows()
        runs = [run for run in batch.runs if not run.is_parent]
        if runs:
            self.output.note(runs)
        is_drawn = self.runs.note(runs, is_last=batch.is_last)
        if self._drawn_job is not None:
            is_drawn = any(run.job == self._drawn_job for run in runs)
        if is_drawn or (batch.jobs and self._chosen_goal() != self._goal):
            self._show_chosen()
        elif batch.jobs or (self.details.has_failed and not batch.error):
            self._show_details()

    def toggle_pause(self) -> None:
        """Let jobs and runs stand still, or go on."""
        is_paused = self.jobs.is_paused or self.runs.is_paused
        for pane in (self.jobs, self.runs):
            if is_paused:
                pane.go_on()
            else:
                pane.pause()

    def show_pending(self) -> None:
        """Badges came or went."""
        self.jobs.table.redraw()
        self.runs.table.redraw()

    def _tick(self) -> None:
        """Durations grow, and what is shown grows old."""
        self._show_status()
        if self.is_open and any(node["running"] for node in self._state.nodes):
            self.runs.age()

    def _show_status(self) -> None:
        """How fresh what is shown is."""
        if self._status.is_attached:  # not while the app closes
            fresh, team = freshness(self._state, clock.now()), self._session.team.name
            self._status.show(fresh, team, self._log.errors, self._is_read_only)

    @on(Table.CursorMoved)
    def _cursor_moved(self, message: Table.CursorMoved) -> None:
        if not self.is_open:
            return
        if message.table is self.jobs.table:
            self.jobs.extend_range()
            self.runs.show_job(self.jobs.job)
        else:
            self.runs.extend_range()
        if self._resting is None:
            self._show_at_rest()

    def _show_at_rest(self) -> None:
        """Show what is under the cursors, as soon as keys have left them alone."""
        self._resting = None
        moved = max(self.jobs.table.moved_at, self.runs.table.moved_at)
        left = moved + _REST_SECONDS - time.monotonic()
        if left > 0:
            self._resting = self.set_timer(left, self._show_at_rest)
        elif self.is_open:
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
        job = self._drawn_job
        runs = self.runs.chosen if job is None else self.runs.first(_MOST_OF_JOB)
        self._goal = self._chosen_goal()
        self.metrics.show_runs(runs, *self._goal)
        self._show_output()
        self._show_details()

    def _show_output(self) -> None:
        """Output follows the cursor and the marks while it is in sight; not while it is read: a
        filter may take the run away from under the cursor."""
        if "output" in self.panes_shown and self.pane is not self.output:
            self.output.follow_choice(self.runs.chosen)

    @property
    def _drawn_job(self) -> str | None:
        """The job of which all runs are drawn that the table shows; None where the chosen ones
        are."""
        return self.jobs.job if self._details_of_job else None

    def _chosen_goal(self) -> tuple[str, bool]:
        """The primary metric of the drawn runs' job, and whether it is to be maximised."""
        run = self.runs.first_chosen
        row = self._state.jobs.get(self._drawn_job or (run.job if run else ""))
        return (row.job.primary_metric, row.job.maximize) if row else ("", True)

    @on(DescendantFocus)
    def _pane_changed(self) -> None:
        """Details are of the job or the run whose pane had the keys last."""
        if self.pane is not None and self.pane.id != self._recent[0]:
            self._recent = layouts.most_recent_first(self._recent, str(self.pane.id))
            self._arrange()
        if self.pane in (self.jobs, self.runs):
            self._details_of_job = self.pane is self.jobs
            if self.is_open:
                self.metrics.show_nodes(())
                self._show_chosen()

    def _show_details(self) -> None:
        row = self._state.jobs.get(self.jobs.job or "") if self._details_of_job else None
        run = self.runs.run
        if row is not None:
            self.details.show_job(row, reruns_of_job(self._state, row.job))
        else:
            self.details.show_run(run, reruns_of_run(self._state, run) if run else ())
