"""Letters over all that can take the keys; the one that is pressed is where they go."""

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Label

from xt_tui.panes.pane import Pane

_LETTERS = "asdfghjkl;qwertyuiopzxcvbnm"


def places(screen: Screen[object]) -> list[tuple[Widget, Offset]]:
    """What can take the keys, by its place on the screen from top to bottom, and where its letter
    stands: within a pane, on the pane's corner."""
    found: dict[Widget, Offset] = {}
    visible = screen.size.region
    for widget in screen.focus_chain:
        pane = next((w for w in widget.ancestors_with_self if isinstance(w, Pane)), None)
        is_target = pane is not None and pane.target is widget
        region = pane.region if pane is not None and is_target else widget.region
        if region and visible.overlaps(region) and visible.contains_point(region.offset):
            found[widget] = region.offset
    in_order = sorted(found.items(), key=lambda item: (item[1].y, item[1].x))
    return in_order[: len(_LETTERS)]


class JumpScreen(ModalScreen[Widget | None]):
    """Ends with the widget whose letter was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g,ctrl+o", "dismiss(None)", "close", priority=True)
    ]

    def __init__(self, behind: Screen[Any]) -> None:
        """`behind` is the screen whose widgets are labelled."""
        super().__init__()
        self._behind = behind
        self._places = _lettered(behind)

    def compose(self) -> ComposeResult:
        for letter, (_, offset) in self._places.items():
            label = Label(letter, classes="jump-label", markup=False)
            label.styles.offset = offset
            yield label

    def on_mount(self) -> None:
        self._behind.screen_layout_refresh_signal.subscribe(self, self._follow)

    async def _follow(self, _behind: Screen[Any]) -> None:
        """The screen behind is laid out anew: its widgets may have other places, or be others."""
        found = _lettered(self._behind)
        if self.is_attached and found != self._places:
            self._places = found
            await self.recompose()

    def on_key(self, event: events.Key) -> None:
        """Any other key closes, and does nothing else."""
        event.stop()
        place = self._places.get(event.character or "")
        self.dismiss(None if place is None else place[0])


def _lettered(screen: Screen[Any]) -> dict[str, tuple[Widget, Offset]]:
    return dict(zip(_LETTERS, places(screen), strict=False))
