"""The lines of a table: cells side by side, cut at the edges of what is seen."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from xt_core.query.table import printable
from xt_tui.widgets.fitting import fitted, fitted_number

GAP = "  "
"""What stands between two columns."""
Piece = tuple[Style, str]
"""A text and its style."""
_NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2713-\u2718\u2800-\u28ff]*"
)
"""Texts whose characters are a cell each, as far as that is seen without a table of all."""


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


@dataclass(frozen=True)
class Sight:
    """What of the columns is seen, in cells: from `left` on `width` of them, those from `edge` on
    under the scrollbar, the first ones behind `frozen` that are not scrolled."""

    left: int
    width: int
    edge: int
    frozen: int


def width_of(columns: Sequence[TableColumn]) -> int:
    """The cells of columns, and of the gaps between them."""
    return sum(column.width for column in columns) + len(GAP) * max(0, len(columns) - 1)


def line_of(
    cells: Sequence[Cell],
    columns: Sequence[TableColumn],
    sight: Sight,
    plain: Style,
    *,
    are_words: bool = False,
) -> Strip:
    """A line of cells, with one segment for each stretch of one style. Of those that go to the
    right, which are numbers unless they `are_words`, no part is shown."""
    pieces = _pieces(cells, columns, sight, plain, are_words)
    left, width, edge = sight.left, sight.width, sight.edge
    frozen = sight.frozen if left else 0
    if any(cell.is_wide for cell in cells):
        may_cut = sum(cell_len(text) for _, text in pieces) > left + edge
    else:
        may_cut = _is_cut(columns, left + edge)
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
        return with_sign(strip, edge, Segment("…", plain))
    return strip


def with_sign(strip: Strip, right: int, sign: Segment) -> Strip:
    """The strip with a sign in the cell that ends at `right`."""
    parts = [strip.crop(0, right - 1), Strip([sign], 1), strip.crop(right)]
    return Strip.join(parts)


def _pieces(
    cells: Sequence[Cell],
    columns: Sequence[TableColumn],
    sight: Sight,
    plain: Style,
    are_words: bool,
) -> list[Piece]:
    """All cells of a line, as wide as their columns."""
    ends = (sight.left + sight.frozen if sight.left else 0, sight.left + sight.edge)
    pieces: list[Piece] = []
    begin = 0
    for column, cell in zip(columns, cells, strict=False):
        style = plain + Style.parse(cell.style) if cell.style else plain
        if cell.is_wide:
            pieces.append((style, printable(cell.text)))
            break
        if column.right and not are_words:
            text = fitted_number(cell.text, column.width)
            if begin >= sight.frozen:
                text = _without_part(text, *(end - begin for end in ends))
        else:
            text = fitted(cell.text, column.width, right=column.right)
        pieces += [(style, text), (plain, GAP)]
        begin += column.width + len(GAP)
    return pieces


def _is_cut(columns: Sequence[TableColumn], x: int) -> bool:
    """Whether a column goes on beyond so many cells."""
    right = 0
    for column in columns:
        if right < x < right + column.width:
            return True
        right += column.width + len(GAP)
    return False


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
