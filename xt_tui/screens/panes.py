"""The panes on their screen: which are shown, how large, and which of them has the keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, ScreenResume
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from xt_core.model.records import Run
from xt_core.session import Session
from xt_tui import layout as layouts
from xt_tui.charting.sampled import sampled
from xt_tui.layout import LEFT, LOWER, PANES, Layout
from xt_tui.panes.details import DetailsPane
from xt_tui.panes.jobs import JobsPane
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.nodes import NodesPane
from xt_tui.panes.output import OutputPane
from xt_tui.panes.pane import Pane
from xt_tui.panes.rows import RowsPane
from xt_tui.panes.runs import RunsPane
from xt_tui.panes.teams import TeamsPane
from xt_tui.state import ViewState
from xt_tui.widgets.key_footer import KeyFooter
from xt_tui.widgets.status import Status
from xt_tui.widgets.tab_strip import Tab, TabStrip

_FIRST = ("runs", "metrics", "jobs", "details", "output", "nodes", "teams")
"""The order that panes are shown in before any had the keys."""
WELCOME = """XT runs scripts and hyperparameter searches, here and on machines over SSH, \
and shows how they go. Nothing has been run yet.

  n   launch a script, or a search, from a form
  ?   all keys; : finds any action by typing
  q   leave; then  xt demo  runs a real search"""


class PanesScreen(Screen[None]):
    """Arranges the panes; what they show is for a subclass to say."""

    AUTO_FOCUS = ""  # see `_give_keys`

    @dataclass
    class LayoutChanged(Message):
        """The user hid, zoomed or resized a pane."""

        layout: Layout

    def __init__(self, session: Session, state: ViewState, layout: Layout) -> None:
        super().__init__()
        self._state = state
        self.layout_of_panes = layout
        first = next((name for name in _FIRST if name not in layout.hidden), _FIRST[0])
        self._recent = layouts.most_recent_first(_FIRST, first)
        self.teams, self.jobs, self.runs = (
            TeamsPane(session, state),
            JobsPane(session, state),
            RunsPane(session, state),
        )
        self.metrics, self.output = MetricsPane(session, sampled(session)), OutputPane(session)
        self.details = DetailsPane(session)
        self.nodes: NodesPane = NodesPane(session, state)
        self._status = Status()
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
        self._give_keys()
        self._is_composed = True
        for callback in self._when_open:
            self.call_later(callback)  # behind what lays the screen out and draws it first

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Before Textual's: what has just been made was styled when it was, and is not again."""
        event.refresh_styles &= self._was_seen
        self._was_seen = True
        if self._is_composed:
            self._give_keys()

    def on_resize(self) -> None:
        self._arrange()

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
                self.layout_of_panes,
                name,
                self.panes_shown,
                message.width,
                message.height,
                room,
                self.size.width,
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
    def pane(self) -> Pane | None:
        """The pane that has the keys."""
        focused = self.focused
        if focused is None:
            return None
        return next((w for w in focused.ancestors_with_self if isinstance(w, Pane)), None)

    @property
    def output_of(self) -> list[Run]:
        """The runs whose output is looked at: those chosen. As long as there is none, the parents
        whose script runs or failed."""
        if self.runs.chosen or not self.runs.is_empty:
            return self.runs.chosen
        return self._state.told_parents(self.jobs.job)

    def _give_keys(self) -> None:
        """Give the keys to the pane that had them last, if none has them: at first, also where a
        browser says then that it has not the focus, and where that was lost under a dialog."""
        if self.focused is None:
            target = self.query_one(f"#{self._recent[0]}", Pane).target
            target.has_focus = True  # before it is drawn for the first time
            self.set_focus(target)

    def focus_pane(self, name: str) -> None:
        """Show a pane and give it the keys; one that was hidden is not hidden any more."""
        hidden = self.layout_of_panes.hidden - {name}
        self.change_layout(replace(self.layout_of_panes, hidden=hidden))
        self._recent = layouts.most_recent_first(self._recent, name)
        pane = self.query_one(f"#{name}", Pane)
        if pane is self.output:
            self.output.follow_choice(self.output_of)
        for widget in (pane, *pane.ancestors):
            if isinstance(widget, Widget):
                widget.display = True  # what is not shown takes no keys
        self.set_focus(pane.target)  # at once: the next key may be on its way
        if isinstance(pane, RowsPane):
            pane.hold_keys()
        self._arrange()

    @on(DescendantFocus)
    def _keys_went(self) -> None:
        if self.pane is not None and self.pane.id != self._recent[0]:
            self._recent = layouts.most_recent_first(self._recent, str(self.pane.id))
            self._arrange()
        self.pane_entered()

    def pane_entered(self) -> None:
        """A pane has the keys, maybe another than before."""
