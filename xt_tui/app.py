"""The app: one screen of panes, a feed that keeps them current, and the actions of the user."""

import gc
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from xt_core.errors import UsageError, XTError
from xt_core.query.formats import counted
from xt_core.resources import resource
from xt_core.session import Session
from xt_tui import remembered
from xt_tui.acting import steering
from xt_tui.actions import ACTIONS, bindings
from xt_tui.eventlog import EventLog
from xt_tui.feed import Feed
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.output import OutputPane
from xt_tui.panes.runs import RunsPane
from xt_tui.screens.main import MainScreen
from xt_tui.state import Batch, ViewState

if TYPE_CHECKING:
    from xt_core.submit.submission import Submission

_SWITCH_SECONDS = 0.001


class XtApp(App[int]):
    """XT's terminal UI. It keeps no truth: two of them agree, and killing one harms nothing."""

    TITLE = "XT"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (as Textual declares it)
        (0, "-narrow"),
        (100, "-wide"),
        (160, "-widest"),
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
        self.session, self.state, self.events = session, ViewState(), EventLog()
        self._remembered, self._problem = remembered.read(session.home.ui_file)
        self.main: MainScreen = MainScreen(session, self.state, self._remembered.layout)
        """The screen with the panes, whatever dialog lies over it."""
        self.feed = self._new_feed()

    def _new_feed(self) -> Feed:
        return Feed(self.session, lambda feed, batch: self.post_message(self.Fed(feed, batch)))

    def on_mount(self) -> None:
        self.push_screen(self.main)
        self.main.call_when_open(self.feed.start)
        if self._problem:
            self.notify(self._problem, severity="warning", markup=False)

    def on_unmount(self) -> None:
        self.feed.stop()

    def _fatal_error(self) -> None:
        """As Textual's, but values of variables are not printed."""
        from xt_tui import crash  # late: it takes long to import

        self._exit_renderables.append(crash.trace(self.console))
        self._close_messages_no_wait()

    def show_session(self, session: Session) -> None:
        """Show what another session sees, with a state and a feed of its own."""
        self.feed.let_go()
        self.session, self.state = session, ViewState()
        self.main = MainScreen(session, self.state, self.main.layout_of_panes)
        self.feed = self._new_feed()
        self.switch_screen(self.main)
        self.main.call_when_open(self.feed.start)

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
        if self.main.is_open and message.feed is self.feed:
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

    @on(MainScreen.LayoutChanged)
    def _remember_layout(self, message: MainScreen.LayoutChanged) -> None:
        self._remembered = replace(self._remembered, layout=message.layout)
        remembered.write(self.session.home.ui_file, self._remembered)

    @on(steering.Acted)
    def _tell(self, message: steering.Acted) -> None:
        if self.main.is_open:
            steering.tell(self, message)

    @on(steering.Progressed)
    def _show_progress(self, message: steering.Progressed) -> None:
        if self.main.is_open:
            steering.show_progress(self, message)

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
        """Follow the output of the run under the cursor."""
        if (run := self.runs.run) is not None:
            self.output.attach(run)
            self.main.focus_pane("output")

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

    def reload_config(self) -> None:
        """Take over what was changed in the configuration's boxes."""
        try:
            self.session.reload_config()
            self.feed.reload_config()
        except XTError as error:
            self.notify(error.message, title="configuration", severity="error", markup=False)
        if self.main.is_open:
            self.main.nodes.reload()

    def open_launch_form(self) -> None:
        from xt_tui.screens.launch import LaunchScreen

        self.push_screen(LaunchScreen(self.session), self.launched)

    def launched(self, submission: "Submission | None") -> None:
        """Say what was launched."""
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
    # Threads that sort 100,000 runs let the UI's have its turn; and few of what the garbage
    # collector would look through again and again is garbage.
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(50_000, 20, 50)
    app = XtApp(session)
    try:
        app.run()
    finally:
        app.session.close()
    return app.return_code or 0
