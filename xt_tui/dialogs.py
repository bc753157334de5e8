"""The app as actions know it: its panes by name, and the dialogs that it opens over them.

Dialogs are imported when they are opened: few of them are on any one day.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.widgets import Input

from xt_core.query.formats import counted
from xt_core.session import Session
from xt_tui.actions import ACTIONS
from xt_tui.actions.action import Action
from xt_tui.drafts import Drafts
from xt_tui.keymap import key_text
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.output import MOST_RUNS, OutputPane
from xt_tui.panes.runs import RunsPane
from xt_tui.screens.main import MainScreen
from xt_tui.state import ViewState
from xt_tui.typeahead import Typeahead

if TYPE_CHECKING:
    from xt_core.submit.submission import Submission
    from xt_tui.screens.search import SearchScreen


class Dialogs(Typeahead):
    """What it shows is that of `XtApp`, which says what is possible and does it."""

    session: Session
    state: ViewState
    main: MainScreen
    user_keys: Mapping[str, str]

    @cached_property
    def drafts(self) -> Drafts:
        """What was typed into launch forms that were left."""
        return Drafts()

    def why_not(self, action: Action, screen: Screen[Any]) -> str | None:
        raise NotImplementedError

    def action_perform(self, name: str) -> None:
        raise NotImplementedError

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

    def attach(self) -> None:
        """Follow the output of the runs that are marked, or of the one under the cursor; before
        there are runs, of the parent's script."""
        runs = self.main.output_of
        self.output.attach(runs[:MOST_RUNS])  # also one that was let go of
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

    def action_help_quit(self) -> None:
        """Ctrl-C stops no run. It copies what is selected, as in Textual; else it closes what is
        open as Esc does, and on the panes it says what leaves."""
        if self.screen is not self.main or isinstance(self.focused, Input):
            self.type_next("escape")
            return
        keys = key_text(self.user_keys.get("quit", ACTIONS["quit"].keys))
        self.notify(f"{keys} leaves; whatever runs goes on", title="still here", markup=False)

    def key_ctrl_c(self) -> None:
        """In dialogs, which see no key of the app's."""
        self.action_help_quit()

    def open_help(self) -> None:
        from xt_tui.screens.help import HelpScreen, action_lines, fixed_lines

        pane = "" if self.main.pane is None else str(self.main.pane.id)
        reasons = {name: self.why_not(a, self.main) or "" for name, a in ACTIONS.items()}
        lines = [*action_lines(pane, self.user_keys, reasons), *fixed_lines()]
        self.push_screen(HelpScreen(lines), self._do_found)

    def _do_found(self, action: str | None) -> None:
        if action:
            self.action_perform(action)

    @property
    def search_screens(self) -> "list[SearchScreen]":
        """Those that are open, also under a dialog."""
        if len(self.screen_stack) < 2:
            return []
        from xt_tui.screens.search import SearchScreen

        return [screen for screen in self.screen_stack if isinstance(screen, SearchScreen)]

    def open_search(self) -> None:
        """The search of the job that is meant."""
        from xt_tui.screens.search import SearchScreen

        row = self.state.jobs.get(self.main.meant_job or "")
        if row is not None:
            job = row.job.name
            screen = SearchScreen(self.session, row, self.state.pending)
            self.push_screen(screen, lambda run: self._go_to_run(job, run))

    def _go_to_run(self, job: str, run: str | None) -> None:
        if run is not None:
            self.main.go_to_run(job, run)

    def open_launch_form(self) -> None:
        from xt_tui.screens.launch import LaunchScreen

        self.push_screen(LaunchScreen(self.session, self.drafts), self.launched)

    def launched(self, submission: "Submission | None") -> None:
        """Say what was launched, and put the jobs pane's cursor on it as soon as it is there: no
        filter hides it."""
        if submission is not None:
            self.tell_launched(submission, self.session.team.name)

    def tell_launched(self, submission: "Submission", team: str) -> None:
        """The same, of a team that may no longer be shown: then it is only said."""
        text = f"{submission.job}: {counted(submission.work_items, 'run')} ({submission.style})"
        self.notify(text, title="launched", markup=False)
        if team != self.session.team.name:
            return
        for pane in (self.jobs, self.runs):
            if pane.is_filtered:
                pane.clear_filter()
        self.jobs.go_to(submission.job)
