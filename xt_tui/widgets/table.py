"""A table that draws only the rows on screen, so that 100,000 are as quick as ten.

The cursor belongs to a key, not to a place: when rows change it stays with its row. A row is made
once and drawn from memory until it is told to have changed (`touch`), or all are (`redraw`).
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from xt_tui.widgets.fitting import fitted
from xt_tui.widgets.scrolled_lines import ScrolledLines
from xt_tui.widgets.table_lines import GAP, Cell, Sight, TableColumn, line_of, width_of, with_sign

_SIDEWAYS_CELLS = 8
_STRIPS = 256
"""Rows that are kept as drawn, at some 3 kB each: a few screens."""


class Table(ScrolledLines, can_focus=True):
    """Rows by key; the cells of a row are asked for when it is drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor(1)", "down", show=False),
        Binding("up,k", "cursor(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("home,g", "edge(0)", "first row", show=False),
        Binding("end,G", "edge(1)", "last row", show=False),
        Binding("left,h", "sideways(-1)", "left", show=False),
        Binding("right,l", "sideways(1)", "right", show=False),
        Binding("enter", "choose", "choose", show=False),
    ]

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row (None: there is none)."""

        table: "Table"
        key: str | None

    @dataclass
    class Chosen(Message):
        """Enter was pressed, or a row clicked twice."""

        table: "Table"
        key: str

    @dataclass
    class HeaderClicked(Message):
        """A column's header was clicked."""

        table: "Table"
        column: int

    def __init__(
        self, cells: Callable[[str], Sequence[Cell]], *, id: str, empty: str, frozen: int = 0
    ) -> None:
        """`cells` gives a row's cells by its key; `empty` is said where there are no rows; the
        first `frozen` columns stay in sight when the others are scrolled sideways."""
        super().__init__(id=id)
        self._cells, self._empty, self._frozen = cells, empty, frozen
        self._columns: Sequence[TableColumn] = ()
        self._keys: Sequence[str] = ()
        self._places: Mapping[str, int] = {}
        self._cursor = 0
        self._strips: LRUCache[str, Strip] = LRUCache(_STRIPS)
        self._drawn_for: object = None
        """What the kept rows were drawn for: the width and how far it is scrolled sideways."""
        self._plain: Style | None = None
        self.moved_at = 0.0
        """When a key or the mouse moved the cursor, in seconds of the monotonic clock."""

    # Content ----------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[str]:
        return self._keys

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self._cursor] if self._keys else None

    @property
    def shown_keys(self) -> Sequence[str]:
        """The keys of the rows in sight."""
        top = int(self.scroll_offset.y)
        return self._keys[top : top + max(0, self.size.height - 1)]

    def place(self, key: str | None) -> int | None:
        """The row of a key; None if it is not shown."""
        return None if key is None else self._places.get(key)

    def show(
        self,
        columns: Sequence[TableColumn],
        keys: Sequence[str],
        places: Mapping[str, int] | None = None,
    ) -> None:
        """Show other rows; the cursor stays on its key if that is still there. Callers that give
        `places`, the rows by key, tell of each changed row by `touch`."""
        before, row = self.cursor_key, self._cursor - int(self.scroll_offset.y)
        is_same = keys is self._keys
        if columns != self._columns or places is None:
            self._columns, is_same = columns, False
            self._strips.clear()
        self._keys = keys
        self._places = _placed(keys) if places is None else places
        if (place := self.place(before)) is not None:
            self._cursor = place
        self._cursor = min(self._cursor, max(0, len(keys) - 1))
        self.virtual_size = Size(width_of(columns), len(keys) + 1)
        if before is not None and self.cursor_key == before:
            self.scroll_to(y=max(0, self._top_for(row)), animate=False)
        if self.cursor_key != before:
            self.announce_cursor()
        if not is_same:
            self.refresh()

    def _top_for(self, row: int) -> int:
        """The row at the top so that the cursor stays on its line of the screen, `row`. Who looks
        at the beginning goes on seeing it: what comes there is news; as far as the cursor stays in
        sight."""
        room = self.size.height - 1
        if self.scroll_offset.y or room <= 0:
            return self._cursor - row
        return self._cursor - room + 1

    def say_if_empty(self, text: str) -> None:
        """What is said where there are no rows."""
        if text != self._empty:
            self._empty = text
            if not self._keys:
                self.refresh()

    def touch(self, keys: Collection[str]) -> None:
        """The cells of these rows have changed."""
        top = int(self.scroll_offset.y)
        for key in keys:
            self._strips.discard(key)
        if not self.size.height:  # out of sight: what was drawn is kept for when it is back
            self.refresh()
            return
        if len(keys) > self.size.height:
            among = set(keys)
            rows: Iterable[int | None] = (
                top + y for y, key in enumerate(self.shown_keys) if key in among
            )
        else:
            rows = map(self.place, keys)
        for row in rows:
            if row is not None and 0 <= row - top < self.size.height - 1:
                self._refresh_row(row)

    def redraw(self) -> None:
        """The cells of all rows may have changed."""
        self._strips.clear()
        self.refresh()

    def announce_cursor(self) -> None:
        """Tell anew which row is meant. A message does not bubble past the widget that caused it
        to be made, so it is marked as the table's own."""
        self.post_message(self.CursorMoved(self, self.cursor_key).set_sender(self))

    def rest_at_top(self) -> None:
        """Put the cursor on the first row, which is no move of the user's."""
        if self._cursor:
            self._cursor = 0
            self.scroll_to(y=0, animate=False)
            self.announce_cursor()
            self.refresh()

    def move_to(self, key: str) -> None:
        """Put the cursor on a row."""
        if (place := self.place(key)) is not None:
            self._move(place)

    # Drawing ----------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        self._plain = None
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width, sight = self.size.width, self._sight()
        if self._drawn_for != sight:
            self._strips.clear()
            self._drawn_for = sight
        if self._plain is None:
            self._plain = self.rich_style
        if y == 0:
            return self._header(sight)
        if not self._keys:
            lines = wrap(self._empty, max(1, width))
            text = lines[y - 1] if y <= len(lines) else ""
            return Strip([Segment(fitted(text, width), self._plain)])
        row = int(self.scroll_offset.y) + y - 1
        if row >= len(self._keys):
            return Strip.blank(width, self._plain)
        key = self._keys[row]
        if row == self._cursor:
            cells, base = self._cells(key), self._part("cursor")
            if base.reverse:  # one bar, whatever colours its cells have
                cells = [replace(cell, style="") for cell in cells]
            return line_of(cells, self._columns, sight, self._plain + base)
        strip = self._strips.get(key)
        if strip is None:
            strip = line_of(self._cells(key), self._columns, sight, self._plain)
            self._strips[key] = strip
        return strip

    def _sight(self) -> Sight:
        """What is seen of the columns."""
        left, width = int(self.scroll_offset.x), self.size.width
        bar = self.scrollbar_size_vertical if self.show_vertical_scrollbar else 0
        return Sight(left, width, width - bar, self._frozen_width(width))

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)

    def _header(self, sight: Sight) -> Strip:
        """The headers; signs at their ends say that there are more columns on that side."""
        style = (self._plain or self.rich_style) + self._part("header")
        cells = [Cell(column.header) for column in self._columns]
        strip = line_of(cells, self._columns, sight, style, are_words=True)
        if sight.left and sight.width > 1:
            strip = with_sign(strip, 1, Segment("‹", style))
        is_more = sight.left + sight.edge < self.virtual_size.width
        if is_more and self.styles.overflow_x != "hidden":
            return with_sign(strip, sight.edge, Segment("›", style))
        return strip

    def _frozen_width(self, width: int) -> int:
        """The cells of the columns that stay in sight: none if they took half of the table."""
        cells = sum(column.width + len(GAP) for column in self._columns[: self._frozen])
        return cells if cells * 2 <= width else 0

    def _refresh_row(self, row: int) -> None:
        y = row - int(self.scroll_offset.y) + 1
        if y > 0:
            self.refresh(Region(0, y, self.size.width, 1))

    # Moving -----------------------------------------------------------------------------

    def action_cursor(self, by: int) -> None:
        self._move(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._move(self._cursor + by * max(1, self.size.height - 2))

    def action_edge(self, last: int) -> None:
        self._move(len(self._keys) if last else 0)

    def action_choose(self) -> None:
        if (key := self.cursor_key) is not None:
            self.post_message(self.Chosen(self, key))

    def action_sideways(self, by: int) -> None:
        x = self.scroll_offset.x + by * _SIDEWAYS_CELLS
        self.scroll_to(x=x, animate=False, force=True)

    def _move(self, row: int) -> None:
        self.moved_at = time.monotonic()
        row = min(max(0, row), max(0, len(self._keys) - 1))
        if row == self._cursor or not self._keys:
            return
        before, self._cursor = self._cursor, row
        # The header covers the first line of the view, so a row needs the line above it too.
        self.scroll_to_region(
            Region(int(self.scroll_offset.x), row, 1, 2), animate=False, force=True
        )
        self.announce_cursor()
        self._refresh_row(before)
        self._refresh_row(row)

    def on_click(self, event: events.Click) -> None:
        if event.y > 0:
            self._move(int(self.scroll_offset.y) + event.y - 1)
            if event.chain == 2:
                self.action_choose()
        elif (column := self._column_at(event.x)) is not None:
            self.post_message(self.HeaderClicked(self, column))

    def _column_at(self, x: int) -> int | None:
        """The column of a cell of the header."""
        if x >= self._frozen_width(self.size.width):
            x += int(self.scroll_offset.x)
        right = 0
        for place, column in enumerate(self._columns):
            right += column.width + len(GAP)
            if x < right:
                return place
        return None

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        self._refresh_row(self._cursor)


def _placed(keys: Sequence[str]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys)}
