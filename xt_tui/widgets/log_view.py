"""A view of a console: follows its end until the user scrolls away, and marks lines to copy.

The buffer is filled by others, in other threads; the view looks at it ten times a second.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection

from xt_tui.console.lines import LineBuffer
from xt_tui.console.rows import rows_of
from xt_tui.console.wrapping import place_of
from xt_tui.widgets.log_lines import LogLines, Range

_FLUSH_SECONDS = 0.1
_SIDEWAYS_CELLS = 8
_ABOVE = 3  # rows above a place that the view goes to


class LogView(LogLines, can_focus=True):
    """Shows a line buffer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "down", show=False),
        Binding("up,k", "scroll_by(-1)", "up", show=False),
        Binding("pagedown,ctrl+f,space", "scroll_page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "scroll_page(-1)", "page up", show=False),
        Binding("left,h", "sideways(-1)", "left", show=False),
        Binding("right,l", "sideways(1)", "right", show=False),
        Binding("home,g", "first", "first line", show=False),
        Binding("end,G", "follow", "follow the end", show=False),
    ]

    class Changed(Message):
        """The view follows or does not, or there are more new lines, or other lines are marked."""

    @dataclass
    class EarlierWanted(Message):
        """The user came to the first line that is there; `all` if the very first is wanted."""

        all: bool

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.following = True
        self._left_at = 0
        self._holds_start = False

    def on_mount(self) -> None:
        self.set_interval(_FLUSH_SECONDS, self.flush)

    # What is shown ----------------------------------------------------------------------

    @property
    def new_lines(self) -> int:
        """Lines that came since the user scrolled away."""
        return 0 if self.following else self.rows.count - self.rows.row(self._left_at)

    def show(self, buffer: LineBuffer) -> None:
        """Show another buffer, from its end."""
        self.buffer, self.search, self.filter = buffer, None, None
        self.current, self.range = None, None
        self._widest, self._holds_start = 0, False
        self._set_following(True)
        self.update()

    def update(self) -> None:
        """What is searched for, the filter, or a choice has changed."""
        self._maker.matchers = [i.matcher for i in (self.search, self.filter) if i is not None]
        self._maker.forget()
        self._state = None
        self.flush()

    def flush(self) -> None:
        """Look at the buffer: take over what is new."""
        state = (
            self.buffer.version,
            self.filter.version if self.filter else 0,
            self.search.version if self.search else 0,
        )
        if state == self._state or not self.is_attached:
            return
        top, before = self.top, (self.new_lines, self.rows.count > 0)
        self._state, self.rows = state, rows_of(self.buffer, self.filter)
        self._resize()
        if self._holds_start:
            self._place(0)
        elif not self.following:
            self._place(self.rows.row(top))
        self.refresh()
        if (self.new_lines, self.rows.count > 0) != before:
            self.call_next(self._announce)

    def on_resize(self) -> None:
        self._resize()

    def _resize(self) -> None:
        super()._resize()
        if self.following:
            self._place(*self._end())

    def selection_updated(self, selection: Selection | None) -> None:
        """What is being selected stays where it is."""
        if selection is not None:
            self._set_following(False)
        self.refresh()

    # Moving -----------------------------------------------------------------------------

    def action_scroll_by(self, lines: int) -> None:
        if self.range is not None:
            self._move_cursor(lines)
        else:
            self._scroll_from(int(self.scroll_offset.y), lines)

    def _scroll_from(self, row: int, lines: int) -> None:
        if self.wraps:
            part = self._top_part + lines
            self._scroll(*place_of(self.buffer, self.rows, row, part, self._room))
        else:
            self._scroll(row + lines)

    def action_scroll_page(self, pages: int) -> None:
        self.action_scroll_by(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        if self.range is not None:
            self._move_cursor(-self.rows.count)
        else:
            self._set_following(False)  # also where all that is known of yet is in sight
            self._holds_start = True
            self._place(0)
            self.post_message(self.EarlierWanted(all=True))

    def action_sideways(self, by: int) -> None:
        x = self.scroll_offset.x + by * _SIDEWAYS_CELLS
        self.scroll_to(x=x, animate=False, force=True, immediate=True)

    def action_follow(self) -> None:
        if self.range is not None:
            self._move_cursor(self.rows.count)
        else:
            self._scroll(*self._end())

    def go_to(self, number: int) -> None:
        """Bring a line in sight, as the one that is looked at."""
        self.current = number
        row, top = self.rows.row(number), int(self.scroll_offset.y)
        in_sight = {seen for seen, _, _ in self._in_sight()[:-1]}
        if number not in in_sight:
            self._scroll(max(0, row - _ABOVE))
        elif row < top + self.size.height - 1:
            self._set_following(False)  # or it would scroll away
        self.refresh()

    def toggle_wrap(self) -> None:
        """Wrap long lines, or cut them off at the edge."""
        top = self.top
        self.wraps = not self.wraps
        self.scroll_to(x=0, animate=False, force=True, immediate=True)
        self._resize()
        if not self.following:
            self._place(self.rows.row(top))
        self.refresh()

    def toggle_numbers(self) -> None:
        """Show line numbers, or none. They count from the first line, which has to be there."""
        self.numbered = not self.numbered
        if self.numbered:
            self.post_message(self.EarlierWanted(all=True))
        self._resize()
        self.refresh()

    def begin_range(self) -> None:
        """Mark lines from the one that is looked at, or the last in sight."""
        first, last = self.visible_numbers
        current = self.current
        start = current if current is not None and first <= current <= last else last
        if last >= first:
            self._set_following(False)
            self.range = Range(start, start)
            self._range_changed()

    def toggle_range(self) -> None:
        """Begin to mark lines, or mark none."""
        if self.range is None:
            self.begin_range()
        else:
            self.end_range()

    def end_range(self) -> None:
        """Mark no lines any more."""
        self.range = None
        self._range_changed()

    def _move_cursor(self, lines: int) -> None:
        assert self.range is not None
        if not self.rows.count:
            return  # a filter leaves nothing
        row = self.rows.row(self.range.cursor) + lines
        row = min(max(0, row), self.rows.count - 1)
        self.range.cursor = self.rows.number(row)
        top = int(self.scroll_offset.y)
        if row < top:
            self._place(row)
        elif self.range.cursor not in {number for number, _, _ in self._in_sight()}:
            self._place(row - self.size.height + 1)
        self._range_changed()

    def _range_changed(self) -> None:
        self.refresh()
        self.call_next(self._announce)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        super()._on_mouse_scroll_up(event)
        self._wheeled(self.max_scroll_y == 0)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        super()._on_mouse_scroll_down(event)
        self._wheeled(self.scroll_target_y >= self.max_scroll_y)

    def _wheeled(self, is_at_end: bool) -> None:
        self._holds_start, self._top_part = False, 0
        self._set_following(is_at_end)
        if self.scroll_target_y == 0 and not is_at_end:
            self.post_message(self.EarlierWanted(all=False))

    def _scroll(self, row: int, part: int = 0) -> None:
        """Move as the user asks."""
        self._holds_start = False
        end = self._end()
        self._set_following((row, part) >= end)
        self._place(*min((row, part), end))
        if row <= 0:
            self.post_message(self.EarlierWanted(all=False))

    def _place(self, row: int, part: int = 0) -> None:
        if part != self._top_part:
            self._top_part = part
            self.refresh()
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self._left_at = (
                self.rows.first
                if not self.rows.count
                else (self.rows.number(self.rows.count - 1) + 1)
            )
            self.call_next(self._announce)

    def _announce(self) -> None:
        """Called in the view's own turn: what its parent has it post would not go beyond that."""
        self.post_message(self.Changed())
