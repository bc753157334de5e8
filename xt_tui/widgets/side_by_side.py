"""Runs side by side: a line a fact, a column a run; names and the baseline stay in sight.

Only what is on screen is drawn, so 200 runs are as quick as two. Texts and widths are made ahead,
by `arranged`, which may be called in any thread.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from xt_core.model.records import Value
from xt_core.query.table import display_width
from xt_core.reports.comparison import TITLES, Comparison, Row
from xt_core.search.trials import finite_number
from xt_tui.widgets.fitting import fitted
from xt_tui.widgets.scrolled_lines import ScrolledLines

_GAP = "  "
_WIDEST_NAME = 28
_FEW, _WIDEST_OF_FEW, _WIDEST_OF_MANY = 4, 24, 16
"""Up to so many runs have so wide columns; those of more are narrower."""
_HEADER_LINES = 1


@dataclass(frozen=True)
class CellText:
    """A cell: its text, and whether it is better or worse than the baseline's."""

    text: str
    is_better: bool | None = None


@dataclass(frozen=True)
class Line:
    """A fact of all runs; without cells, the heading of a group."""

    title: str
    row: Row | None = None
    cells: Sequence[CellText] = ()


@dataclass(frozen=True)
class Arrangement:
    """What is shown: runs in the order of `places`, the baseline first."""

    places: Sequence[int] = ()
    names: Sequence[str] = ()
    lines: Sequence[Line] = ()
    name_width: int = 0
    widths: Sequence[int] = ()


def arranged(
    found: Comparison, rows: Sequence[Row], baseline: int, by: Row | None, descending: bool
) -> Arrangement:
    """Lay rows out. With `by`, the runs are in the order of its values, missing ones last."""
    others = [place for place in range(len(found.runs)) if place != baseline]
    if by is not None:
        others = _sorted(others, by, descending)
    places = [baseline, *others]
    names = [found.runs[place].name for place in places]
    lines: list[Line] = []
    for row in rows:
        if not lines or (lines[-1].row is not None and lines[-1].row.group != row.group):
            lines.append(Line(TITLES[row.group]))
        cells = [_cell(row, place, baseline) for place in places]
        lines.append(Line(row.title, row, cells))
    widest = _WIDEST_OF_FEW if len(places) <= _FEW else _WIDEST_OF_MANY
    titles = [display_width(line.title) + 1 for line in lines]
    widths = [
        min(
            widest,
            max(
                len(name) + 2,
                max(
                    (display_width(line.cells[at].text) for line in lines if line.cells), default=0
                ),
            ),
        )
        for at, name in enumerate(names)
    ]
    return Arrangement(places, names, lines, min(_WIDEST_NAME, max(titles, default=0)), widths)


def _cell(row: Row, place: int, baseline: int) -> CellText:
    text = f"{row.text(place)} {row.delta_text(place, baseline)}".strip()
    return CellText(text, row.is_better(place, baseline))


def _sorted(places: Sequence[int], by: Row, descending: bool) -> list[int]:
    """By the values of a row: numbers, then texts; what is neither, as NaN, comes last."""
    ranks = {place: _rank(by.values[place]) for place in places}
    present = sorted(
        ((rank, place) for place, rank in ranks.items() if rank is not None),
        key=itemgetter(0),
        reverse=descending,
    )
    return [*(place for _, place in present), *(p for p in places if ranks[p] is None)]


def _rank(value: Value) -> tuple[bool, float, str] | None:
    if isinstance(value, str):
        return True, 0.0, value
    number = float(value) if isinstance(value, bool) else finite_number(value)
    return None if number is None else (False, number, "")


class SideBySide(ScrolledLines, can_focus=True):
    """The table. Its cursor is a cell; the column of the baseline is none that scrolls."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "side-by-side--better",
        "side-by-side--worse",
        "side-by-side--heading",
        "side-by-side--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1, 0)", "down", show=False),
        Binding("up,k", "move(-1, 0)", "up", show=False),
        Binding("right,l", "move(0, 1)", "right", show=False),
        Binding("left,h", "move(0, -1)", "left", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("g", "edge(0)", "first line", show=False),
        Binding("G", "edge(1)", "last line", show=False),
        Binding("home,0", "side(0)", "baseline", show=False),
        Binding("end,dollar_sign", "side(1)", "last run", show=False),
        Binding("enter", "choose", "go to the run", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter was pressed in the column of a run, known by its place in the comparison."""

        place: int

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._shown = Arrangement()
        self._starts: Sequence[int] = (0,)
        """Where each column after the baseline begins, of those that scroll; at last their end."""
        self._line = self._column = 0

    def show(self, shown: Arrangement) -> None:
        """Show something else; the cursor stays on its fact and its run where they are still
        there."""
        row, place = self.row, self.place
        self._shown = shown
        names = [line.row.name if line.row else "" for line in shown.lines]
        groups = [line.row.group if line.row else "" for line in shown.lines]
        if row is not None:
            pairs = list(zip(groups, names, strict=True))
            if (row.group, row.name) in pairs:
                self._line = pairs.index((row.group, row.name))
        self._column = shown.places.index(place) if place in shown.places else 0
        steps = [width + len(_GAP) for width in shown.widths[1:]]
        self._starts = list(accumulate(steps, initial=0))
        width = self._frozen_width + self._starts[-1]
        self.virtual_size = Size(width, len(shown.lines) + _HEADER_LINES)
        self._move(self._line, self._column)

    @property
    def row(self) -> Row | None:
        """The fact under the cursor."""
        lines = self._shown.lines
        return lines[self._line].row if self._line < len(lines) else None

    @property
    def place(self) -> int | None:
        """The run under the cursor, as its place in the comparison."""
        places = self._shown.places
        return places[self._column] if self._column < len(places) else None

    @property
    def _frozen_width(self) -> int:
        """Cells of what does not scroll sideways: the names, and the baseline."""
        first = self._shown.widths[0] if self._shown.widths else 0
        return self._shown.name_width + len(_GAP) + first + len(_GAP)

    # Drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, (left, top) = self.scrollable_content_region.width, self.scroll_offset
        plain, shown = self.rich_style, self._shown
        at = top + y - _HEADER_LINES
        if not shown.places or (y and at >= len(shown.lines)):
            return Strip.blank(width, plain)
        line = shown.lines[at] if y else None
        if line is not None and line.row is None:
            heading = plain + self.get_component_rich_style("side-by-side--heading", partial=True)
            return Strip([Segment(fitted(line.title, width), heading)])
        room = max(0, width - self._frozen_width)
        first, last, start = self._columns_in(left, left + room)
        strip = Strip(self._part(line, at, first, last, left + room)).crop_extend(
            left - start, left - start + room, plain
        )
        frozen = Strip([self._name_cell(line, at), *self._part(line, at, 0, 1)])
        return Strip.join([frozen, strip]).crop_extend(0, width, plain)

    def _columns_in(self, left: int, right: int) -> tuple[int, int, int]:
        """The columns that scroll and lie within these cells: the first, that after the last; and
        where the first one begins."""
        starts = self._starts
        first = max(1, bisect_right(starts, left))
        return first, bisect_left(starts, right) + 1, starts[first - 1] if starts else 0

    def _name_cell(self, line: Line | None, at: int) -> Segment:
        title = "" if line is None else f" {line.title}"
        style = self.rich_style + Style(bold=line is not None and at == self._line)
        return Segment(fitted(title, self._shown.name_width) + _GAP, style)

    def _part(
        self, line: Line | None, at: int, first: int, last: int, edge: int | None = None
    ) -> list[Segment]:
        """Some columns of a line, or of the header, each with the gap after it. Of a value that
        goes on beyond an edge only a sign is shown: half a number is a wrong one."""
        shown, plain = self._shown, self.rich_style
        looks = self._looks(plain)
        segments: list[Segment] = []
        for column in range(first, min(last, len(shown.places))):
            is_cursor = column == self._column
            if line is None:
                text = shown.names[column] if column else f"{shown.names[0]} ="
                style = plain + Style(bold=True, underline=is_cursor)
            else:
                text = line.cells[column].text
                style = looks[line.cells[column].is_better]
                if is_cursor and at == self._line:
                    style = plain + self.get_component_rich_style(
                        "side-by-side--cursor", partial=True
                    )
            width = shown.widths[column]
            if edge is not None and text and (room := edge - self._starts[column - 1]) < width:
                width, text = room, text if line is None else "…"
            segments.append(Segment(fitted(text, width, right=True), style))
            segments.append(Segment(_GAP, plain))
        return segments

    def _looks(self, plain: Style) -> dict[bool | None, Style]:
        """How cells look that are better or worse than the baseline, or neither."""
        looks: dict[bool | None, Style] = {None: plain}
        for is_better, name in ((True, "better"), (False, "worse")):
            style = self.get_component_rich_style(f"side-by-side--{name}", partial=True)
            looks[is_better] = plain + style
        return looks

    # Moving -----------------------------------------------------------------------------

    def action_move(self, lines: int, columns: int) -> None:
        self._move(self._line + lines, self._column + columns)

    def action_page(self, by: int) -> None:
        self._move(self._line + by * max(1, self.size.height - 2), self._column)

    def action_edge(self, last: int) -> None:
        self._move(len(self._shown.lines) if last else 0, self._column)

    def action_side(self, last: int) -> None:
        self._move(self._line, len(self._shown.places) if last else 0)

    def action_choose(self) -> None:
        if (place := self.place) is not None:
            self.post_message(self.Chosen(place))

    def _move(self, line: int, column: int) -> None:
        self._line = self._fact_at(line)
        self._column = min(max(0, column), max(0, len(self._shown.places) - 1))
        self.scroll_to(*self._scroll_wanted(), animate=False, force=True)
        self.refresh()

    def _fact_at(self, line: int) -> int:
        """The line, or the next one in the direction of the move where it is a heading."""
        lines = self._shown.lines
        line = min(max(0, line), max(0, len(lines) - 1))
        if line < len(lines) and lines[line].row is None:
            line += -1 if 0 < line < self._line else 1
        return line

    def _scroll_wanted(self) -> tuple[int, int]:
        """The least scrolling that brings the cursor into sight."""
        x, y = int(self.scroll_offset.x), int(self.scroll_offset.y)
        height = max(1, self.size.height - _HEADER_LINES)
        y = min(max(y, self._line - height + 1), max(0, self._line - (self._line == 1)))
        if self._column == 0:
            return 0, y
        start = self._starts[self._column - 1]
        end = start + self._shown.widths[self._column]
        room = max(1, self.size.width - self._frozen_width)
        return min(max(x, end - room), start), y

    def on_click(self, event: events.Click) -> None:
        line = int(self.scroll_offset.y) + event.y - _HEADER_LINES
        self._move(line if event.y else self._line, self._column_at(event.x))
        if event.chain == 2:
            self.action_choose()

    def _column_at(self, x: int) -> int:
        if x < self._frozen_width:
            return 0
        inside = x - self._frozen_width + int(self.scroll_offset.x)
        return min(max(1, bisect_right(self._starts, inside)), len(self._shown.places) - 1)
