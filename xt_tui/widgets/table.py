"""A table that draws only the rows on screen, so that 100,000 are as quick as ten.

The cursor belongs to a key, not to a place: when rows change it stays with its row. A row is made
once and drawn from memory until it is told to have changed (`touch`), or all are (`redraw`).
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
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

from xt_core.query.table import display_width, printable, truncate
from xt_tui.widgets.scrolled_lines import ScrolledLines

Piece = tuple[Style, str]
"""A text and its style."""
_NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2713-\u2718\u2800-\u28ff]*"
)
"""Texts whose characters are a cell each, as far as that is seen without a table of all."""
_GAP = "  "
_SIDEWAYS_CELLS = 8
_STRIPS = 256
"""Rows that are kept as drawn, at some 3 kB each: a few screens."""


@dataclass(frozen=True)
class TableColumn:
    """A column as drawn."""

    header: str
    width: int
    right: bool = False


@dataclass(frozen=True)
class Cell:
    """A text and the name of its style (empty: plain)."""

    text: str
    style: str = ""
    is_wide: bool = False
    """Whether it takes all that is left of the row, whatever the columns are."""


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
        width = sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
        self.virtual_size = Size(width, len(keys) + 1)
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
        width, (left, top) = self.size.width, self.scroll_offset
        if self._drawn_for != (width, left, self._edge(width)):
            self._strips.clear()
            self._drawn_for = (width, left, self._edge(width))
        if self._plain is None:
            self._plain = self.rich_style
        if y == 0:
            return self._header(int(left), width)
        if not self._keys:
            lines = wrap(self._empty, max(1, width))
            text = lines[y - 1] if y <= len(lines) else ""
            return Strip([Segment(_fit(text, width, False), self._plain)])
        row = int(top) + y - 1
        if row >= len(self._keys):
            return Strip.blank(width, self._plain)
        key = self._keys[row]
        if row == self._cursor:
            cells, base = self._cells(key), self._part("cursor")
            if base.reverse:  # one bar, whatever colours its cells have
                cells = [replace(cell, style="") for cell in cells]
            return self._strip(cells, base, int(left), width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip(self._cells(key), Style(), int(left), width)
        return strip

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)

    def _header(self, left: int, width: int) -> Strip:
        """The headers; signs at their ends say that there are more columns on that side."""
        base = self._part("header")
        cells = [Cell(column.header) for column in self._columns]
        strip = self._strip(cells, base, left, width, are_words=True)
        style = (self._plain or self.rich_style) + base
        if left and width > 1:
            strip = _with_sign(strip, 1, Segment("‹", style))
        edge = self._edge(width)
        if left + edge < self.virtual_size.width and self.styles.overflow_x != "hidden":
            return _with_sign(strip, edge, Segment("›", style))
        return strip

    def _edge(self, width: int) -> int:
        """The cells before the scrollbar."""
        return width - (self.scrollbar_size_vertical if self.show_vertical_scrollbar else 0)

    def _is_cut(self, x: int) -> bool:
        """Whether a column goes on beyond so many cells."""
        right = 0
        for column in self._columns:
            if right < x < right + column.width:
                return True
            right += column.width + len(_GAP)
        return False

    def _strip(
        self,
        cells: Sequence[Cell],
        base: Style,
        left: int,
        width: int,
        *,
        are_words: bool = False,
    ) -> Strip:
        """A line of cells, with one segment for each stretch of one style. Of those that go to the
        right, which are numbers unless they `are_words`, no part is shown."""
        plain = (self._plain or self.rich_style) + base
        frozen, edge = self._frozen_width(width), self._edge(width)
        ends = (left + frozen if left else 0, left + edge)
        pieces: list[Piece] = []
        begin = 0
        for column, cell in zip(self._columns, cells, strict=False):
            style = plain + Style.parse(cell.style) if cell.style else plain
            if cell.is_wide:
                pieces.append((style, printable(cell.text)))
                break
            text = _fit(cell.text, column.width, column.right)
            if column.right and begin >= frozen and not are_words:
                text = _without_part(text, *(end - begin for end in ends))
            pieces += [(style, text), (plain, _GAP)]
            begin += column.width + len(_GAP)
        frozen = frozen if left else 0
        may_cut = self._is_cut(left + edge) and not any(cell.is_wide for cell in cells)
        if all(_NARROW.fullmatch(text) for _, text in pieces):
            shown = [*_within(pieces, 0, frozen), *_within(pieces, left + frozen, left + width)]
            if room := width - sum(len(text) for _, text in shown):
                shown.append((plain, " " * room))
            if may_cut and any(text.strip() for _, text in _within(shown, edge - 1, edge)):
                sign = (plain, "…")
                shown = [*_within(shown, 0, edge - 1), sign, *_within(shown, edge, width)]
            return Strip(_segments(shown), width)
        strip = Strip(_segments(pieces))
        if frozen:
            rest = strip.crop_extend(left + frozen, left + width, plain)
            strip = Strip.join([strip.crop(0, frozen), rest])
        else:
            strip = strip.crop_extend(left, left + width, plain)
        if may_cut and strip.crop(edge - 1, edge).text.strip():
            return _with_sign(strip, edge, Segment("…", plain))
        return strip

    def _frozen_width(self, width: int) -> int:
        """The cells of the columns that stay in sight: none if they took half of the table."""
        cells = sum(column.width + len(_GAP) for column in self._columns[: self._frozen])
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
            right += column.width + len(_GAP)
            if x < right:
                return place
        return None

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        self._refresh_row(self._cursor)


def _placed(keys: Sequence[str]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys)}


def _within(pieces: Sequence[Piece], start: int, stop: int) -> list[Piece]:
    """What stands in some cells, of pieces whose characters are a cell each."""
    found: list[Piece] = []
    left = 0
    for style, text in pieces:
        right = left + len(text)
        if right > start and left < stop:
            found.append((style, text[max(0, start - left) : stop - left]))
        left = right
    return found


def _segments(pieces: Iterable[Piece]) -> list[Segment]:
    """One for each stretch of one style."""
    return [
        Segment("".join(text for _, text in run), style)
        for style, run in groupby(pieces, key=itemgetter(0))
    ]


def _with_sign(strip: Strip, right: int, sign: Segment) -> Strip:
    """The strip with a sign in the cell that ends at `right`."""
    parts = [strip.crop(0, right - 1), Strip([sign], 1), strip.crop(right)]
    return Strip.join(parts)


def _without_part(number: str, left: int, right: int) -> str:
    """A number as it is shown between two edges: part of one is another number, so that at the
    right edge it moves to where it has room, or three dots stand for it, and at the left one
    nothing."""
    if 0 < left < len(number) and number[:left].strip():
        return " " * len(number)
    if 0 < right < len(number) and number[right:].strip():
        text = number.strip()
        shown = text.rjust(right - 1) if len(text) < right else "…".rjust(right)
        return shown.ljust(len(number))
    return number


def _fit(text: str, width: int, right: bool) -> str:
    if text.isascii() and text.isprintable():
        shown = text if len(text) <= width else text[: width - 1] + "…"
        return shown.rjust(width) if right else shown.ljust(width)
    shown = truncate(printable(text), width)
    gap = " " * (width - display_width(shown))
    return gap + shown if right else shown + gap
