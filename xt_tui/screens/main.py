"""The main screen: what its panes show of the news, and of what is under the cursors."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.timer import Timer

from xt_core import clock
from xt_core.model.records import Run
from xt_core.session import Session
from xt_tui.eventlog import EventLog
from xt_tui.freshness import age_of_job, age_of_run, freshness
from xt_tui.layout import Layout
from xt_tui.lineage import reruns_of_job, reruns_of_run
from xt_tui.screens.panes import PanesScreen
from xt_tui.state import Batch, ViewState
from xt_tui.widgets.table import Table

if TYPE_CHECKING:
    from xt_tui.panes.jobs import JobsPane
    from xt_tui.panes.records import RecordsPane
    from xt_tui.panes.runs import RunsPane

_CLOCK_SECONDS = 1.0
_REST_SECONDS = 0.1
"""How long the cursor rests before charts and details follow it: not to each row on its way."""


class MainScreen(PanesScreen):
    """Jobs decide about runs, runs about metrics and details."""

    @dataclass
    class BoxChosen(Message):
        """Enter was pressed on a node."""

    def __init__(
        self, session: Session, state: ViewState, layout: Layout, log: EventLog, *, read_only: bool
    ) -> None:
        super().__init__(session, state, layout)
        self._session, self._log = session, log
        self._is_read_only = read_only
        self._said = (frozenset[str](), frozenset[str]())
        """The nodes with work that say nothing, and the runs that are being cancelled, as drawn."""
        self._details_of_job = False
        self._output_waits = False
        """Whether the keys went to the output before the run was there that it is of."""
        self._resting: Timer | None = None
        """Runs while charts and details wait for the cursor to rest."""
        self._goal: tuple[str, bool] | None = None
        """The metric that charts begin with, and whether it is to be maximised."""

    def on_mount(self) -> None:
        self._show_status()
        self.set_interval(_CLOCK_SECONDS, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._wear())

    def on_unmount(self) -> None:
        self.app.theme_changed_signal.unsubscribe(self)  # or it would be kept in memory

    def on_resize(self) -> None:
        self._show_status()

    def _wear(self) -> None:
        """Texts that have their colours in them are made anew in those of another theme."""
        self.teams.update_facts()
        if self.is_open:
            self._show_details()

    # What actions are about -------------------------------------------------------------

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
        super().focus_pane(name)
        if name == "output":
            self._output_waits = self._resting is not None or self.runs.is_awaited

    def go_to_job(self, job: str) -> None:
        """Put the cursor on a job, which no filter hides; of one that is archived, say that."""
        row = self._state.jobs.get(job)
        if row is not None and self.jobs.leaves_out(row):
            self._say_archived(job)
            return
        self._go_to(self.jobs, job)
        self.focus_pane("jobs")

    def go_to_run(self, job: str, run: str) -> None:
        """Put the cursors on a job and on a run of it, which no filter hides; of one that is
        archived, say that."""
        record = self._state.runs.get(run)
        if record is not None and self.runs.leaves_out(record):
            self._say_archived(record.name)
            return
        if self.jobs.job is not None:  # else the runs of all jobs are there
            self._go_to(self.jobs, job)
        self._go_to(self.runs, run)
        self.focus_pane("runs")

    def _say_archived(self, name: str) -> None:
        self.notify(f"{name} is archived: A shows what is", severity="warning", markup=False)

    def _go_to(self, pane: "RunsPane | JobsPane", key: str) -> None:
        if pane.is_filtered:
            pane.clear_filter()
        pane.go_to(key)

    # News -------------------------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        """Show what the feed brought, which the state has already taken over."""
        self._show_status()
        if self.query_one("#welcome").display != self._is_welcome:
            self._arrange()
        if batch.is_last:
            self.teams.update_facts()
            self.nodes.update_rows()
        self.jobs.note(batch.jobs, is_last=batch.is_all)
        if self.jobs.is_new:
            self.jobs.update_rows()
        runs = [run for run in batch.runs if not run.is_parent]
        if batch.runs:
            self.output.note(batch.runs)
        is_drawn = self.runs.note(runs, is_last=batch.is_all)
        if not batch.error:
            self.runs.draw_missed_trends()
        self._show_what_nodes_say()
        if self._drawn_job is not None:
            is_drawn = any(run.job == self._drawn_job for run in runs)
        is_drawn |= self.runs.is_empty and len(runs) < len(batch.runs)  # parents have changed
        if is_drawn or (batch.jobs and self._chosen_goal() != self._goal):
            self._show_chosen()
        elif batch.jobs or (self.details.has_failed and not batch.error):
            self._show_details()

    def _show_what_nodes_say(self) -> None:
        """What the records do not tell: which nodes say nothing, so that what there is may be old,
        and what is being cancelled."""
        said = (frozenset(self._state.last_known), frozenset(self._state.cancels))
        for pane in (self.jobs, self.runs):
            pane.tell_why_empty()
            if said != self._said:
                pane.table.redraw()
        self._said = said

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
            self._tell_age_of_details()

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
        runs = self.runs.chosen if job is None else self.runs.listed
        self._goal = self._chosen_goal()
        self.metrics.show_runs(runs, *self._goal, self.runs.groups)
        self._show_output()
        self._show_details()

    def _show_output(self) -> None:
        """Output follows the cursor and the marks while it is in sight; not while it is read: a
        filter may take the run away from under the cursor."""
        is_read = self.pane is self.output and not self._output_waits
        if "output" in self.panes_shown and not is_read:
            self._output_waits = self.runs.is_awaited
            self.output.follow_choice(self.output_of)

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

    def pane_entered(self) -> None:
        """Details are of the job or the run whose pane had the keys last."""
        if self.pane in (self.jobs, self.runs):
            self._details_of_job = self.pane is self.jobs
            if self.is_open:
                self.metrics.show_nodes(())
                self._show_chosen()

    def _show_details(self) -> None:
        row = self._state.jobs.get(self.jobs.job or "") if self._details_of_job else None
        run = self.runs.run or next(iter(self.output_of), None)
        if row is not None:
            self.details.show_job(row, reruns_of_job(self._state, row.job))
        else:
            self.details.show_run(run, reruns_of_run(self._state, run) if run else ())
        self._tell_age_of_details()

    def _tell_age_of_details(self) -> None:
        """That nobody says anything of what they are of."""
        run, row, now = self.details.run, self.details.row, clock.now()
        age = age_of_job(self._state, row, now) if row else ""
        self.details.border_subtitle = age_of_run(self._state, run, now) if run else age
