"""The app: one screen of panes, a feed that keeps them current, and the actions of the user."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segments
from rich.traceback import Traceback
from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from xt_core.errors import UsageError, XTError
from xt_core.query.formats import counted
from xt_core.resources import resource
from xt_core.services.team import Team, named_team, team_names
from xt_core.session import Session
from xt_core.submit.submission import Submission
from xt_tui.acting import steering
from xt_tui.actions import ACTIONS, bindings
from xt_tui.feed import Feed
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.output import MOST_RUNS, OutputPane
from xt_tui.panes.runs import RunsPane
from xt_tui.screens.main import NARROW_BELOW, MainScreen
from xt_tui.state import Batch, ViewState


class XtApp(App[int]):
    """XT's terminal UI. It keeps no truth: two of them agree, and killing one harms nothing."""

    TITLE = "XT"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (as Textual declares it)
        (0, "-narrow"),
        (NARROW_BELOW, "-wide"),
        (150, "-widest"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-short"),
        (30, "-tall"),
    ]

    @dataclass
    class Fed(Message):
        """A feed brought something."""

        feed: Feed
        batch: Batch

    def __init__(self, session: Session) -> None:
        super().__init__(css_path=resource("xt.tcss"))
        self.session, self.state = session, ViewState()
        self.main: MainScreen = MainScreen(session, self.state)
        """The screen with the panes, whatever dialog lies over it."""
        self._feed = self._new_feed()

    def _new_feed(self) -> Feed:
        return Feed(self.session, lambda feed, batch: self.post_message(self.Fed(feed, batch)))

    def on_mount(self) -> None:
        self.push_screen(self.main)
        self.main.call_when_open(self._feed.start)

    def on_unmount(self) -> None:
        self._feed.stop()

    def _fatal_error(self) -> None:
        """As Textual's, but values of variables, which may be secrets, are not printed."""
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    # Panes ------------------------------------------------------------------------------

    @property
    def jobs(self) -> JobsPane:
        return self.main.jobs

    @property
    def runs(self) -> RunsPane:
        return self.main.runs

    @property
    def metrics(self) -> MetricsPane:
        return self.main.metrics

    @property
    def output(self) -> OutputPane:
        return self.main.output

    @property
    def details(self) -> DetailsPane:
        return self.main.details

    @property
    def on_jobs(self) -> bool:
        """Whether the jobs pane has the keys."""
        return self.main.pane is self.jobs

    # News -------------------------------------------------------------------------------

    @on(Fed)
    def _take_batch(self, message: Fed) -> None:
        if self.main.is_open and message.feed is self._feed:
            self.state.apply(message.batch)
            self.main.take(message.batch)
            self._tell_search(message.batch)

    def _tell_search(self, batch: Batch) -> None:
        """An open search screen hears of its job."""
        from xt_tui.screens.search import SearchScreen

        if isinstance(self.screen, SearchScreen):
            for row in batch.jobs:
                if row.job.name == self.screen.job:
                    self.screen.take(row)

    @on(MainScreen.BoxChosen)
    def _check_chosen_box(self) -> None:
        self.action_perform("check_box")

    @on(steering.Acted)
    def _tell(self, message: steering.Acted) -> None:
        if self.main.is_open:
            steering.tell(self, message)

    @on(Worker.StateChanged)
    def _tell_of_failure(self, event: Worker.StateChanged) -> None:
        """What failed in the background is not kept from the user."""
        if event.state is WorkerState.ERROR and self.main.is_open:
            error = event.worker.error
            text = f"{type(error).__name__}: {error}"
            self.notify(text, title=event.worker.description, severity="error", markup=False)

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

    def attach(self) -> None:
        """Follow the output of the runs that are marked, or of the one under the cursor."""
        runs = self.runs.chosen
        self.output.attach(runs[:MOST_RUNS])
        self.main.focus_pane("output")
        if len(runs) > MOST_RUNS:
            text = f"the first {MOST_RUNS} of {len(runs)} runs"
            self.notify(text, title="attached", markup=False)

    def copy_names(self) -> None:
        """Put the chosen runs' names on the clipboard, as a run list."""
        names = [run.full_name for run in self.main.meant_runs]
        self.copy_to_clipboard(",".join(names))
        text = names[0] if len(names) == 1 else counted(len(names), "name")
        self.notify(text, title="copied", markup=False)

    def open_help(self) -> None:
        from xt_tui.screens.help import HelpScreen

        pane = self.main.pane
        self.push_screen(HelpScreen("" if pane is None else str(pane.id)))

    def open_search(self) -> None:
        """The search of the job that is meant."""
        from xt_tui.screens.search import SearchScreen

        row = self.state.jobs.get(self.main.meant_job or "")
        if row is not None:
            job = row.job.name
            self.push_screen(SearchScreen(self.session, row), lambda run: self._go_to_run(job, run))

    def _go_to_run(self, job: str, run: str | None) -> None:
        if run is not None:
            self.main.go_to_run(job, run)

    def choose_team(self) -> None:
        from xt_tui.screens.team import TeamScreen

        config = self.session.config
        teams: dict[str, Team | XTError] = {}
        for name in team_names(config):
            try:
                teams[name] = named_team(config, name)
            except XTError as error:  # that of one team hides no other
                teams[name] = error
        self.push_screen(TeamScreen(teams, self.session.team.name), self._switch_team)

    def _switch_team(self, name: str | None) -> None:
        """Show another team: with a session, a state and a feed of its own."""
        if name is None or name == self.session.team.name:
            return
        old = self.session
        self._feed.let_go()
        chosen = {**old.overrides, "general.xt-team-name": name}
        self.session, self.state = Session(old.home, old.cwd, old.environ, chosen), ViewState()
        if self.session.team.may_need_sign_in and not self.is_headless:
            with self.suspend():  # it asks on the terminal
                self.session.sign_in_beforehand()
        self.main, self._feed = MainScreen(self.session, self.state), self._new_feed()
        self.switch_screen(self.main)
        self.main.call_when_open(self._feed.start)
        old.close()

    def reload_config(self) -> None:
        """Take over what was changed in the configuration's boxes."""
        try:
            self.session.reload_config()
            self._feed.reload_config()
        except XTError as error:
            self.notify(error.message, title="configuration", severity="error", markup=False)
        if self.main.is_open:
            self.main.nodes.reload()

    def open_launch_form(self) -> None:
        from xt_tui.screens.launch import LaunchScreen

        self.push_screen(LaunchScreen(self.session), self._launched)

    def _launched(self, submission: Submission | None) -> None:
        if submission is not None:
            text = f"{submission.job}: {counted(submission.work_items, 'run')} ({submission.style})"
            self.notify(text, title="launched", markup=False)


def run_app(session: Session) -> int:
    """Run the UI until the user leaves; the exit code. Raises UsageError without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the terminal UI needs a terminal", "xt --help lists the commands")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    for variable in ("COLUMNS", "LINES"):  # exported, they would hide the terminal's true size
        os.environ.pop(variable, None)
    app = XtApp(session)
    try:
        app.run()
    finally:
        app.session.close()
    return app.return_code or 0
