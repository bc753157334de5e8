"""The app: panes on one screen, a feed that keeps them current, and the actions of the user."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segments
from rich.traceback import Traceback
from textual import on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, TabbedContent, TabPane

from xt_core.errors import UsageError, XTError
from xt_core.model.records import Run
from xt_core.query.formats import counted
from xt_core.resources import resource
from xt_core.session import Session
from xt_core.submit.submission import Submission
from xt_tui.actions import ACTIONS
from xt_tui.feed import Feed
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.output import OutputPane
from xt_tui.panes.pane import Pane
from xt_tui.panes.runs import RunsPane
from xt_tui.panes.teams import TeamsPane
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.state import Batch, ViewState
from xt_tui.widgets.table import Table

_MOST_TOLD = 5
_PARTS = (
    "#team-facts",
    "#jobs-table",
    "#runs-table",
    "#charts",
    "#output-text",
    "#details-text",
)
_LOWER = ("metrics", "output", "details")


class XtApp(App[int]):
    """XT's terminal UI. It keeps no truth: two of them agree, and killing one harms nothing."""

    TITLE = "XT"
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS.values()]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (as Textual declares it)
        (0, "-narrow"),
        (90, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-short"),
        (30, "-tall"),
    ]

    @dataclass
    class Fed(Message):
        """The feed brought something."""

        batch: Batch

    @dataclass
    class Acted(Message):
        """An engine call ended; `error` tells how it failed. `names` were pending on it."""

        text: str
        names: list[str]
        error: XTError | None = None

    def __init__(self, session: Session) -> None:
        super().__init__(css_path=resource("xt.tcss"))
        self.session, self.state = session, ViewState()
        self._feed = Feed(session, lambda batch: self.post_message(self.Fed(batch)))

    def compose(self) -> ComposeResult:
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield TeamsPane(self.session, self.state)
                yield JobsPane(self.state)
            with Vertical(id="right"):
                yield RunsPane(self.state)
                with TabbedContent(id="lower"):
                    with TabPane("4 Metrics", id="tab-metrics"):
                        yield MetricsPane(self.session)
                    with TabPane("5 Output", id="tab-output"):
                        yield OutputPane(self.session)
                    with TabPane("6 Details", id="tab-details"):
                        yield DetailsPane(self.session)
        yield Footer()

    def on_mount(self) -> None:
        self.runs.table.focus()
        self.jobs.update_rows()
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.stop()

    def _fatal_error(self) -> None:
        """As Textual's, but values of variables, which may be secrets, are not printed."""
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    # Panes ------------------------------------------------------------------------------

    @property
    def main(self) -> Screen[object]:
        """The screen with the panes, whatever dialog lies over it."""
        return self.screen_stack[0]

    @property
    def teams(self) -> TeamsPane:
        return self.main.query_one(TeamsPane)

    @property
    def jobs(self) -> JobsPane:
        return self.main.query_one(JobsPane)

    @property
    def runs(self) -> RunsPane:
        return self.main.query_one(RunsPane)

    @property
    def metrics(self) -> MetricsPane:
        return self.main.query_one(MetricsPane)

    @property
    def output(self) -> OutputPane:
        return self.main.query_one(OutputPane)

    @property
    def details(self) -> DetailsPane:
        return self.main.query_one(DetailsPane)

    @property
    def on_jobs(self) -> bool:
        """Whether the jobs pane has the focus."""
        return self.main.focused is self.jobs.table

    @property
    def chosen_job(self) -> str | None:
        """The job that is meant: the one under the jobs pane's cursor, else the run's."""
        run = self.runs.run
        return self.jobs.job or (None if run is None else run.job)

    # News -------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        """Whether all panes are there: while the app closes they go one by one, and news come."""
        return bool(self.screen_stack) and all(self.main.query(part) for part in _PARTS)

    @on(Fed)
    def _take_batch(self, message: Fed) -> None:
        if not self._is_open:
            return
        batch = message.batch
        self.state.apply(batch)
        self.teams.update_facts()
        if batch.jobs:
            self.jobs.update_rows()
        if batch.runs:
            self.runs.update_rows()
            self._show_chosen()

    @on(Table.CursorMoved)
    def _cursor_moved(self, message: Table.CursorMoved) -> None:
        if not self._is_open:
            return
        if message.table is self.jobs.table:
            self.runs.show_job(self.jobs.job)
        else:
            self._show_chosen()

    @on(Table.Chosen)
    def _chosen(self, message: Table.Chosen) -> None:
        if not self._is_open:
            return
        if message.table is self.jobs.table:
            self.focus_pane("runs")
        else:
            self.focus_pane("details")

    def _show_chosen(self) -> None:
        runs = self.runs.chosen
        job = self.state.jobs.get(runs[0].job) if runs else None
        self.metrics.show_runs(runs, job.job.primary_metric if job else "")
        self.details.show_run(self.runs.run)

    # Actions ----------------------------------------------------------------------------

    def action_perform(self, name: str) -> None:
        """Do an action, or say why it cannot be done."""
        action = ACTIONS[name]
        reason = action.guard(self)
        if reason is not None:
            self.notify(reason, title=f"cannot {action.title}", severity="warning", markup=False)
        else:
            action.perform(self)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        for action in ACTIONS.values():
            yield SystemCommand(
                f"{action.group}: {action.title}",
                action.help,
                lambda a=action: self.action_perform(a.id),
            )

    def focus_pane(self, name: str) -> None:
        """Show a pane and give it the keys."""
        if self.main.maximized is not None:
            self.main.minimize()
        if name in _LOWER:
            self.main.query_one("#lower", TabbedContent).active = f"tab-{name}"
        self.main.set_class(name in ("teams", "jobs"), "-left")
        pane = self.main.query_one(f"#{name}", Pane)
        target = next((w for w in pane.query("*") if w.can_focus and w.display), pane)
        if target.focusable and pane.region:
            self.main.set_focus(target)  # at once: the next key may be on its way
        else:  # its tab is about to be shown
            self.call_after_refresh(target.focus)

    def toggle_zoom(self) -> None:
        """The focused pane alone, or all of them again."""
        if self.main.maximized is not None:
            self.main.minimize()
        elif (focused := self.main.focused) is not None:
            pane = next((a for a in focused.ancestors_with_self if isinstance(a, Pane)), None)
            if pane is not None:
                self.main.maximize(pane)

    def attach_chosen(self) -> None:
        """Follow the output of the run under the cursor."""
        if (run := self.runs.run) is not None:
            self.output.attach(run)
            self.focus_pane("output")

    def copy_name(self) -> None:
        if (run := self.runs.run) is not None:
            self.copy_to_clipboard(run.full_name)
            self.notify(run.full_name, title="copied", markup=False)

    def open_help(self) -> None:
        from xt_tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def open_launch_form(self) -> None:
        from xt_tui.screens.launch import LaunchScreen

        self.push_screen(LaunchScreen(self.session), self._launched)

    def _launched(self, submission: Submission | None) -> None:
        if submission is not None:
            text = f"{submission.job}: {counted(submission.work_items, 'run')} ({submission.style})"
            self.notify(text, title="launched", markup=False)

    def confirm_cancel(self) -> None:
        """Cancel a job, or the chosen runs that live."""
        if self.on_jobs and (job := self.jobs.job) is not None:
            self._confirm_cancel_job(job)
            return
        living = [run for run in self.runs.chosen if not run.status.is_final]
        count = f"{len(living)} runs" if len(living) > 1 else living[0].name
        screen = ConfirmScreen(
            f"Cancel {count}?",
            [run.name for run in living],
            "SIGTERM, the grace period, then SIGKILL to the whole process tree.",
            f"Cancel {count}",
            "Keep running",
        )
        self.push_screen(screen, lambda yes: self._cancel_runs(living) if yes else None)

    def _cancel_runs(self, runs: list[Run]) -> None:
        names = [run.full_name for run in runs]
        self._set_pending(names, "cancelling")
        pairs = [(run.workspace, run.name) for run in runs]

        def cancel(session: Session) -> str:
            session.controller.cancel(runs=pairs)
            ended = [session.store.run(*pair) for pair in pairs]
            return ", ".join(f"{run.name} {run.status}" for run in ended[:_MOST_TOLD])

        self._act(cancel, names)

    def _confirm_cancel_job(self, job: str) -> None:
        counts = self.state.jobs[job].counts
        waiting = counts.unstarted + counts.queued
        screen = ConfirmScreen(
            f"Cancel {job}?",
            [f"{counts.running} running and {waiting} waiting runs"],
            "What runs is stopped, what waits is never started.",
            f"Cancel {job}",
            "Keep running",
        )

        def cancel(yes: bool | None) -> None:
            if yes:
                self._set_pending([job], "cancelling")
                self._act(lambda s: s.controller.cancel(jobs=[job]) or f"{job} cancelled", [job])

        self.push_screen(screen, cancel)

    def confirm_restart(self) -> None:
        """Simulate a service restart of the chosen job."""
        job = self.chosen_job
        if job is None:
            return
        running = [r for r in self.state.runs.values() if r.job == job and r.status == "running"]
        screen = ConfirmScreen(
            f"Restart the running runs of {job}?",
            [run.name for run in running],
            "Each is stopped and started again: same name, hyperparameters and output directory.",
            "Restart",
            "Keep running",
        )

        def restart(yes: bool | None) -> None:
            if yes:
                names = [run.full_name for run in running]
                self._set_pending(names, "restarting")
                self._act(lambda s: f"{', '.join(s.controller.restart(job, 0.0))} restarted", names)

        self.push_screen(screen, restart)

    def _set_pending(self, names: list[str], what: str) -> None:
        self.state.pending |= dict.fromkeys(names, what)
        self.jobs.table.refresh()
        self.runs.table.refresh()

    @work(thread=True, group="act", exit_on_error=False)
    def _act(self, call: Callable[[Session], str], names: list[str]) -> None:
        """Call the engine; what became of it comes back as a message."""
        error: XTError | None = None
        text = ""
        try:
            self.session.controller.ensure_running()
            text = call(self.session)
        except XTError as problem:
            error = problem
        self.post_message(self.Acted(text, names, error))

    @on(Acted)
    def _acted(self, message: Acted) -> None:
        if not self._is_open:
            return
        for name in message.names:
            self.state.pending.pop(name, None)
        self.jobs.table.refresh()
        self.runs.table.refresh()
        if message.error is None:
            self.notify(message.text, markup=False)
        else:
            text = f"{message.error.message}\n{message.error.hint}".strip()
            self.notify(text, title="failed", severity="error", timeout=15, markup=False)


def run_app(session: Session) -> int:
    """Run the UI until the user leaves; the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the terminal UI needs a terminal", "xt --help lists the commands")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    for variable in ("COLUMNS", "LINES"):  # exported, they would hide the terminal's true size
        os.environ.pop(variable, None)
    app = XtApp(session)
    app.run()
    session.close()
    return app.return_code or 0
