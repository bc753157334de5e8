"""What panes have in common: a titled border that can be dragged, and a place in the key order."""

from dataclasses import dataclass

from textual import events
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget


class Pane(Vertical):
    """One pane of the main screen."""

    ALLOW_MAXIMIZE = True

    @dataclass
    class Dragged(Message):
        """The right or the lower border was dragged: the cells and rows that the pane is to have
        (0: as many as before)."""

        pane: "Pane"
        width: int
        height: int

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title
        self._drag: str = ""
        """Which border the mouse holds: "right", "bottom" or none."""

    @property
    def target(self) -> Widget:
        """The widget that takes the keys when the user goes to the pane."""
        return self

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border."""
        if event.widget is not self:
            return
        width, height = self.outer_size
        if event.x == width - 1:
            self._drag = "right"
        elif event.y == height - 1:
            self._drag = "bottom"
        if self._drag:
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        width = event.screen_x + 1 - self.region.x if self._drag == "right" else 0
        height = event.screen_y + 1 - self.region.y if self._drag == "bottom" else 0
        if width > 0 or height > 0:
            self.post_message(self.Dragged(self, max(0, width), max(0, height)))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._drag:
            self._drag = ""
            self.release_mouse()
            event.stop()
