"""Lines that are scrolled, kept as drawn, beside a scrollbar that is drawn when it looks different.

Of many thousand lines a page is less than the bar can show, and drawing the bar is as much work as
drawing the lines.
"""

from math import ceil

from textual.scroll_view import ScrollView

from xt_tui.widgets.kept_lines import KeptLines

_PARTS = 8
"""Into how many a cell of the bar is divided: there are so many block characters."""


class ScrolledLines(ScrollView, KeptLines):
    """A view that draws itself by `render_line`; see `KeptLines`."""

    _bar: tuple[int, int] | None = None
    """The handle of the bar as drawn last."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        self.move_bar()
        if round(old_value) != round(new_value):
            self.refresh(self.size.region)

    def move_bar(self) -> None:
        """The lines that are there, or those in sight, are others."""
        if not self.show_vertical_scrollbar:
            self._bar = None
        elif (handle := self._handle()) != self._bar:
            self._bar, bar = handle, self.vertical_scrollbar
            bar.window_virtual_size = self.virtual_size.height
            bar.window_size = self.size.height
            bar.position = self.scroll_y

    def _handle(self) -> tuple[int, int]:
        """Where the bar's handle begins and how long it is, in parts of a cell."""
        room, lines = self.size.height, max(1, self.virtual_size.height)
        length = min(room, max(1.0, room * room / lines))
        start = (room - length) * self.scroll_y / max(1, lines - room)
        return int(start * _PARTS), ceil(length * _PARTS)
