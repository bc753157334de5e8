"""The lines of a console on the screen: those that are in sight are drawn, and no others.

Control codes cannot reach the terminal.
"""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip

from xt_tui.console.ansi import decoded, plain
from xt_tui.console.index import LineIndex
from xt_tui.console.lines import LineBuffer
from xt_tui.console.rows import Rows, lines_of, rows_of
from xt_tui.console.wrapping import end_of, parts_of
from xt_tui.widgets.log_strips import LogStyles, StripMaker, characters_before, marked, over
from xt_tui.widgets.scrolled_lines import ScrolledLines


@dataclass
class Range:
    """The lines that are being marked, by number: from where it began to the cursor."""

    anchor: int
    cursor: int

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last line."""
        return min(self.anchor, self.cursor), max(self.anchor, self.cursor)


class LogLines(ScrolledLines):
    """Draws the rows of a line buffer; what moves over them is for a subclass to say."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--match",
        "log--current",
        "log--number",
        "log--marked",
    }

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.buffer = LineBuffer()
        self.rows = Rows()
        """What is shown, as of the last look at the buffer."""
        self.search: LineIndex | None = None
        self.filter: LineIndex | None = None
        self.current: int | None = None
        """The line that a search came to last."""
        self.range: Range | None = None
        self.wraps = self.numbered = False
        self._widest = 0
        self._top_part = 0
        self._state: object = None
        self._maker = StripMaker()
        self._styles: LogStyles | None = None
        self._window: tuple[object, list[tuple[int, int, bytes]]] = (None, [])

    # What is shown ----------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The lines that are shown, without styles; an unfinished last one is among them."""
        return self.texts(0, rows_of(self.buffer, self.filter).count)

    def texts(self, first: int, stop: int) -> list[str]:
        """The lines in some rows, without styles."""
        rows = rows_of(self.buffer, self.filter)
        return [plain(decoded(line)) for line in lines_of(self.buffer, rows, first, stop)]

    @property
    def width(self) -> int:
        """The cells of a row, beside the scrollbar."""
        return self.size.width - self.scrollbar_size_vertical

    @property
    def top(self) -> int:
        """The number of the first line in sight."""
        if not self.rows.count:
            return self.buffer.first
        return self.rows.number(min(int(self.scroll_offset.y), self.rows.count - 1))

    @property
    def visible_numbers(self) -> tuple[int, int]:
        """The numbers of the first line in sight, and of the last."""
        window = self._in_sight()
        return (window[0][0], window[-1][0]) if window else (0, -1)

    def _resize(self) -> None:
        """There are other lines, or there is room of another size."""
        if self.wraps:
            size = Size(self.width, self._end()[0] + self.size.height)
        else:
            size = Size(self._widest + self._gutter, self.rows.count)
        self.set_reactive(LogLines.virtual_size, size)  # set as usual, it lays the screen out anew
        self.move_bar()

    def _end(self) -> tuple[int, int]:
        """The row at the top when the end is in sight; of a wrapped line also which part."""
        height = self.size.height
        if self.wraps:
            return end_of(self.buffer, self.rows, height, self._room)
        return max(0, self.rows.count - height), 0

    # Drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        styles, width = self._looks(), self.width
        window = self._in_sight()
        if y >= len(window):
            return Strip.blank(width, styles.text)
        number, part, line = window[y]
        strip = self._maker.strip(line, styles, is_current=number == self.current)
        if strip.cell_length > self._widest:
            self._widest = strip.cell_length
            self.call_next(self._resize)
        room = self._room
        left = part * room if self.wraps else int(self.scroll_offset.x)
        row = self.rows.row(number)
        if self.text_selection is not None:
            strip = self._selected(strip, row)
        whole = strip
        is_cut = not self.wraps and strip.cell_length > left + room
        strip = strip.crop_extend(left, left + room, styles.text)
        if is_cut:
            strip = Strip.join([strip.crop(0, room - 1), Strip([Segment("›", styles.number)], 1)])
        if self.range is not None and self.range.ends[0] <= number <= self.range.ends[1]:
            strip = over(strip.crop_extend(0, room, styles.text), 0, room, styles.marked)
        if self.mouse_hover:  # places for selecting; they cost, and are not asked for otherwise
            strip = strip.apply_offsets(characters_before(whole, left), row)
        return Strip.join([self._number(number, part, styles), strip]) if self._gutter else strip

    def _in_sight(self) -> list[tuple[int, int, bytes]]:
        """For each row on screen the line's number, which part of it, and the line."""
        top = int(self.scroll_offset.y)
        part = self._top_part if self.wraps else 0
        key = (top, part, self._state, self.width, self.size, self.wraps, self._gutter)
        known, window = self._window
        if known != key:
            lines = lines_of(self.buffer, self.rows, top, top + self.size.height)
            window = [
                (self.rows.number(top + place), part, line)
                for place, line in enumerate(lines)
                for part in range(self._parts(line))
            ][part : part + self.size.height]
            self._window = (key, window)
        return window

    def _parts(self, line: bytes) -> int:
        """The rows that a line takes."""
        return parts_of(line, self._room) if self.wraps else 1

    @property
    def _room(self) -> int:
        """The cells of a line."""
        return self.width - self._gutter

    @property
    def _gutter(self) -> int:
        """The cells of line numbers."""
        count = self.buffer.stop - self.buffer.first
        return len(f"{count:,}") + 1 if self.numbered else 0

    def _number(self, number: int, part: int, styles: LogStyles) -> Strip:
        text = "" if part else f"{number - self.buffer.first + 1:,}"
        return Strip([Segment(f"{text:>{self._gutter - 1}} ", styles.number)], self._gutter)

    def _looks(self) -> LogStyles:
        if self._styles is None:
            match, current, number, marked = (
                self.get_component_rich_style(f"log--{part}", partial=True)
                for part in ("match", "current", "number", "marked")
            )
            text = self.rich_style
            self._styles = LogStyles(text, match, current, text + number, marked)
        return self._styles

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self._maker.forget()

    # Selecting with the mouse -----------------------------------------------------------

    def on_enter(self) -> None:
        self.refresh()

    def _selected(self, strip: Strip, row: int) -> Strip:
        span = self.text_selection.get_span(row) if self.text_selection else None
        if span is None:
            return strip
        start, stop = span  # Textual counts characters, which may be of two cells or of none
        style = self.screen.get_component_rich_style("screen--selection")
        chosen = start, len(strip.text) if stop == -1 else stop
        return Strip(marked(list(strip), [chosen], style), strip.cell_length)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        start, end = selection
        first = 0 if start is None else start.y
        stop = self.rows.count if end is None else end.y + 1
        lines = self.texts(first, stop)
        if lines and end is not None:
            lines[-1] = lines[-1][: end.x]
        if lines and start is not None:
            lines[0] = lines[0][start.x :]
        return "\n".join(lines), "\n"
