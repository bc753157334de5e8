"""The app: one screen of panes, a feed that keeps them current, and the actions of the user."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen

from xt_core.choices import Choices
from xt_core.errors import UsageError, XTError
from xt_core.reports.nodes import state_text
from xt_core.resources import resource
from xt_core.session import Session
from xt_tui.acting import steering
from xt_tui.actions import ACTIONS, bindings
from xt_tui.actions.action import Action
from xt_tui.dialogs import Dialogs
from xt_tui.eventlog import EventLog
from xt_tui.feed import Feed
from xt_tui.keytable import user_keymap
from xt_tui.layout import Layout
from xt_tui.leaving import run_to_the_end
from xt_tui.looks import Looks
from xt_tui.panes.rows import RowsPane
from xt_tui.screens.main import MainScreen
from xt_tui.state import Batch, ViewState
from xt_tui.telling import Telling
from xt_tui.terminal import TerminalDriver, draws_ascii_only

_LAYOUT = "layout"

_SWITCH_SECONDS = 0.001
_NEW_OBJECTS = 5_000
"""Among which garbage is looked for at a time."""


class XtApp(Telling, Looks, Dialogs):
    """XT's terminal UI. It keeps no truth: two of them agree, and killing one harms nothing."""

    TITLE = "XT"
    ENABLE_COMMAND_PALETTE = False  # Textual's; XT has its own
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
        self.session, self.state, self.events = session, _state_of(session), EventLog()
        session.waiting = self._tell_waiting
        self.choices = Choices(session.home.root)
        self.layout_of_panes, problem = Layout.remembered(self.choices.get(_LAYOUT))
        self.read_only = session.config.boolean("tui.read-only")
        self.user_keys, problems = user_keymap(session.config.mapping("tui.keys"))
        """The keys that the user has changed, by action."""
        config = session.config
        is_ascii = config.boolean("tui.ascii") or draws_ascii_only(session.environ)
        theme = self.dress(config.optional_string("tui.theme"), is_ascii=is_ascii)
        self._problems = [self.choices.problem, problem, *problems, theme]
        self.main: MainScreen = self._new_screen()
        """The screen with the panes, whatever dialog lies over it."""
        self.feed = self._new_feed()
        self.when_loaded: Callable[[], object] = lambda: None
        """Called when all that the store has is there; and where it does not answer at first."""

    def _new_screen(self) -> MainScreen:
        return MainScreen(
            self.session,
            self.state,
            self.layout_of_panes,
            self.events,
            read_only=self.read_only,
        )

    def get_driver_class(self) -> type[Driver]:
        """Textual's, but for one that ends the app with its terminal."""
        usual = super().get_driver_class()
        return TerminalDriver if issubclass(TerminalDriver, usual) else usual

    def _new_feed(self) -> Feed:
        return Feed(self.session, lambda feed, batch: self.post_message(self.Fed(feed, batch)))

    def on_mount(self) -> None:
        self.set_keymap({f"xt.{name}": keys for name, keys in self.user_keys.items()})
        self.main.add_class(*self._classes_of_size())
        self.main.call_when_open(self._open)
        self.call_later(self._show_main)  # what is drawn before Textual has started is lost
        for problem in self._problems:
            if problem:
                self.notify(problem, severity="warning", markup=False)

    def _show_main(self) -> None:
        self.push_screen(self.main)

    def _classes_of_size(self) -> list[str]:
        """What Textual gives a screen of this size: one that has it is not styled twice."""
        both = (
            (self.size.width, self.HORIZONTAL_BREAKPOINTS),
            (self.size.height, self.VERTICAL_BREAKPOINTS),
        )
        return [max(step for step in steps if cells >= step[0])[1] for cells, steps in both]

    def _open(self) -> None:
        """All panes are there: once they are drawn, what was typed meanwhile finds them."""
        self.feed.start()
        self.main.call_after_refresh(self.take_keys)

    def on_unmount(self) -> None:
        self.feed.stop()

    def show_session(self, session: Session) -> None:
        """Show what another session sees, with a state and a feed of its own."""
        self.feed.let_go()
        self.session, self.state = session, _state_of(session)
        session.waiting = self._tell_waiting
        self.main = self._new_screen()
        self.feed = self._new_feed()
        self.main.add_class(*self._classes_of_size())
        self.switch_screen(self.main)
        self.main.call_when_open(self.feed.start)

    # News -------------------------------------------------------------------------------

    @on(Fed)
    def _take_batch(self, message: Fed) -> None:
        if self.main.is_open and message.feed is self.feed:
            was_loaded, was_answered = self.state.loaded, not self.state.error
            self.state.apply(message.batch)
            self.main.take(message.batch)
            is_refused = bool(self.state.error) and was_answered
            if not was_loaded and (self.state.loaded or is_refused):
                self.when_loaded()
            self.events.note("connection", self.state.error)
            silent = [f"{node['name']}: {state_text(node)}" for node in self.state.deserted]
            self.events.note("controller", ", ".join(silent))
            troubles = ", ".join(self.state.troubles)
            if troubles or self.state.all_answer:  # one that is gone cannot write again
                self.events.note("node", troubles, "can write again")
            if self.screen is not self.main:
                self._tell_search(message.batch)

    @on(RowsPane.Arranged)
    def _let_feed_go_on(self, message: RowsPane.Arranged) -> None:
        """Rows are about to be drawn."""
        self.call_after_refresh(self.feed.seen)

    def _tell_search(self, batch: Batch) -> None:
        """A search screen hears of its job, also while a dialog lies over it."""
        for screen in self.search_screens:
            for row in batch.jobs:
                if row.job.name == screen.job:
                    screen.take(row)

    def show_pending(self) -> None:
        """Badges came or went."""
        if self.main.is_open:
            self.main.show_pending()
        for screen in self.search_screens:
            screen.show_pending()

    @on(MainScreen.BoxChosen)
    def _check_chosen_box(self) -> None:
        self.action_perform("check_box")

    @on(MainScreen.LayoutChanged)
    def _remember_layout(self, message: MainScreen.LayoutChanged) -> None:
        self.layout_of_panes = message.layout
        self.choices.put(_LAYOUT, message.layout.as_dict())

    @on(steering.Acted)
    def _tell(self, message: steering.Acted) -> None:
        if self.main.is_open:
            steering.tell(self, message)

    def _tell_waiting(self, text: str) -> None:
        """An action waits for a controller that does not answer; called in its thread."""
        self.post_message(steering.Acted(text, []))

    @on(steering.Progressed)
    def _show_progress(self, message: steering.Progressed) -> None:
        if self.main.is_open:
            steering.show_progress(self, message)

    # Actions ----------------------------------------------------------------------------

    def action_perform(self, name: str) -> None:
        """Do an action, or say why it cannot be done."""
        action = ACTIONS[name]
        if action.pane and self.screen is self.main:
            self.main.focus_pane(action.pane)
        reason = self.why_not(action, self.screen)
        if reason is not None:
            self._refuse(action, reason)
        else:
            action.perform(self)

    def why_not(self, action: Action, screen: Screen[Any]) -> str | None:
        """Why an action is not possible on a screen now; None if it is."""
        if screen is not self.main and not action.is_everywhere:
            return "close the dialog first"
        return self._why_never(action) or action.guard(self)

    def _why_never(self, action: Action) -> str | None:
        """Why an action is not possible here at all; None if it may be."""
        if self.read_only and action.is_changing:
            return "it is read-only: nothing can be changed (--read-only, tui.read-only)"
        return None

    @on(steering.CancelWanted)
    def _cancel_wanted(self, message: steering.CancelWanted) -> None:
        """Cancel runs of another screen than the one with the panes, or say why not."""
        action, runs = ACTIONS["cancel"], steering.living_runs(message.runs)
        ended = "what is chosen has ended" if message.runs else "no run is chosen"
        reason = self._why_never(action) or (None if runs else ended)
        if reason is not None:
            self._refuse(action, reason)
        else:
            steering.cancel_runs(self, runs, len(message.runs) - len(runs))

    def _refuse(self, action: Action, reason: str) -> None:
        title = f"{action.title}: not possible"
        self.notify(reason, title=title, severity="warning", markup=False)

    def reload_config(self) -> None:
        """Take over what was changed in the configuration's boxes."""
        try:
            self.session.reload_config()
            self.feed.reload_config()
        except XTError as error:
            self.notify(error.message, title="configuration", severity="error", markup=False)
        if self.main.is_open:
            self.main.nodes.reload()


def _state_of(session: Session) -> ViewState:
    """An empty state, of a team whose nodes are all of one machine or on several."""
    return ViewState(place="" if session.team.is_embedded else session.team_home.place)


def run_app(session: Session) -> int:
    """Run the UI until the user leaves; the exit code. Raises UsageError without a terminal."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not (is_terminal or "TEXTUAL_DRIVER" in os.environ):  # of a web server
        raise UsageError("the terminal UI needs a terminal", "xt --help lists the commands")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if is_terminal:
        for variable in ("COLUMNS", "LINES"):  # exported, they would hide its true size
            os.environ.pop(variable, None)
    sys.setswitchinterval(_SWITCH_SECONDS)  # threads that sort 100,000 runs let the UI's work
    gc.disable()
    app = XtApp(session)
    app.when_loaded = _collect_garbage
    try:
        asyncio.run(run_to_the_end(app))
    finally:
        gc.enable()
        app.session.close()
    return app.return_code or 0


def _collect_garbage() -> None:
    """From now on. None of what was loaded is garbage soon: it need not be looked through, until
    another team is shown. Of what is new little is looked through at a time, or keys would wait
    for that."""
    if gc.get_freeze_count():
        gc.unfreeze()
    else:
        gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)
    gc.enable()
