"""A table that draws only the rows on screen, so that 100,000 are as quick as ten.

The cursor belongs to a key, not to a place: when rows change it stays with its row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from xt_core.query.table import display_width, printable, truncate

_GAP = "  "
_SIDEWAYS_CELLS = 8


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


class Table(ScrollView, can_focus=True):
    """Rows by key; the cells of a row are asked for when it is drawn."""

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

    def __init__(self, cells: Callable[[str], Sequence[Cell]], *, id: str, empty: str) -> None:
        """`cells` gives a row's cells by its key; `empty` is said where there are no rows."""
        super().__init__(id=id)
        self._cells, self._empty = cells, empty
        self._columns: Sequence[TableColumn] = ()
        self._keys: Sequence[str] = ()
        self._cursor = 0

    # Content ----------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[str]:
        return self._keys

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self._cursor] if self._keys else None

    def show(self, columns: Sequence[TableColumn], keys: Sequence[str]) -> None:
        """Show other rows; the cursor stays on its key if that is still there."""
        before, row = self.cursor_key, self._cursor - int(self.scroll_offset.y)
        self._columns, self._keys = columns, keys
        if before is not None and (place := _place(keys, before)) is not None:
            self._cursor = place
        self._cursor = min(self._cursor, max(0, len(keys) - 1))
        width = sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
        self.virtual_size = Size(width, len(keys) + 1)
        if before is not None and self.cursor_key == before:
            self.scroll_to(y=max(0, self._cursor - row), animate=False)
        if self.cursor_key != before:
            self.announce_cursor()
        self.refresh()

    def announce_cursor(self) -> None:
        """Tell anew which row is meant. A message does not bubble past the widget that caused it
        to be made, so it is marked as the table's own."""
        self.post_message(self.CursorMoved(self, self.cursor_key).set_sender(self))

    def move_to(self, key: str) -> None:
        """Put the cursor on a row."""
        if (place := _place(self._keys, key)) is not None:
            self._move(place)

    # Drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, (left, top) = self.size.width, self.scroll_offset
        if y == 0:
            header = [Cell(column.header, "bold") for column in self._columns]
            return self._strip(header, Style(dim=False), left, width)
        row = top + y - 1
        if not self._keys:
            text = self._empty if y == 1 else ""
            return Strip([Segment(_fit(text, width, False), self.rich_style)])
        if row >= len(self._keys):
            return Strip.blank(width, self.rich_style)
        base = Style()
        if row == self._cursor:
            base = Style(reverse=True) if self.has_focus else Style(bold=True, underline=True)
        return self._strip(self._cells(self._keys[row]), base, left, width)

    def _strip(self, cells: Sequence[Cell], base: Style, left: int, width: int) -> Strip:
        segments: list[Segment] = []
        plain = self.rich_style + base
        for column, cell in zip(self._columns, cells, strict=False):
            text = _fit(cell.text, column.width, column.right)
            style = plain + Style.parse(cell.style) if cell.style else plain
            segments += [Segment(text, style), Segment(_GAP, plain)]
        strip = Strip(segments)
        return strip.crop_extend(left, left + width, plain)

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
        row = min(max(0, row), max(0, len(self._keys) - 1))
        if row == self._cursor or not self._keys:
            return
        self._cursor = row
        # The header covers the first line of the view, so a row needs the line above it too.
        self.scroll_to_region(
            Region(int(self.scroll_offset.x), row, 1, 2), animate=False, force=True
        )
        self.announce_cursor()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if event.y > 0:
            self._move(int(self.scroll_offset.y) + event.y - 1)
            if event.chain == 2:
                self.action_choose()
        elif (column := self._column_at(int(self.scroll_offset.x) + event.x)) is not None:
            self.post_message(self.HeaderClicked(self, column))

    def _column_at(self, x: int) -> int | None:
        right = 0
        for place, column in enumerate(self._columns):
            right += column.width + len(_GAP)
            if x < right:
                return place
        return None

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _place(keys: Sequence[str], key: str) -> int | None:
    try:
        return keys.index(key)
    except ValueError:
        return None


def _fit(text: str, width: int, right: bool) -> str:
    if text.isascii() and text.isprintable():
        shown = text if len(text) <= width else text[: width - 1] + "…"
        return shown.rjust(width) if right else shown.ljust(width)
    shown = truncate(printable(text), width)
    gap = " " * (width - display_width(shown))
    return gap + shown if right else shown + gap
