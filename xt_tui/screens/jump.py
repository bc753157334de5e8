"""Letters over all that can take the keys; the one that is pressed is where they go."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Label

from xt_tui.panes.pane import Pane

_LETTERS = "asdfghjkl;qwertyuiopzxcvbnm"


def places(screen: Screen[object]) -> list[Widget]:
    """What can take the keys, by its place on the screen from top to bottom."""
    visible = screen.size.region
    found = dict.fromkeys(
        widget
        for widget in screen.focus_chain
        if (region := _region(widget)) and visible.contains_point(region.offset)
    )
    in_order = sorted(found, key=lambda widget: (_region(widget).y, _region(widget).x))
    return in_order[: len(_LETTERS)]


def _region(widget: Widget) -> Region:
    """Where a widget is: of what a pane gives the keys to, where the pane is."""
    pane = next((w for w in widget.ancestors_with_self if isinstance(w, Pane)), None)
    return pane.region if pane is not None and pane.target is widget else widget.region


class JumpScreen(ModalScreen[Widget | None]):
    """Ends with the widget whose letter was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g,ctrl+o", "dismiss(None)", "close", priority=True)
    ]

    def __init__(self, below: Screen[object]) -> None:
        """The letters are put on what is on the screen `below`, and stay there if it moves."""
        super().__init__()
        self._below = below
        self._widgets = dict(zip(_LETTERS, places(below), strict=False))
        self._labels = {
            letter: Label(letter, classes="jump-label", markup=False) for letter in self._widgets
        }

    def compose(self) -> ComposeResult:
        self._place()
        yield from self._labels.values()

    def on_mount(self) -> None:
        self._below.screen_layout_refresh_signal.subscribe(self, lambda _screen: self._place())

    def _place(self) -> None:
        for letter, widget in self._widgets.items():
            self._labels[letter].styles.offset = _region(widget).offset

    def on_key(self, event: events.Key) -> None:
        """Any other key closes, and does nothing else."""
        event.stop()
        self.dismiss(self._widgets.get(event.character or ""))
