"""Lines drawn as dots: eight to a cell (Unicode braille), four (quadrants), or one (ASCII).

A column of cells is one integer with a byte a cell, so a vertical line of any height is one
operation, and the bytes are the offsets into the braille block (U+2800), whose dots are numbered
1, 2, 3, 7 down the left and 4, 5, 6, 8 down the right.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

BRAILLE_BLOCK = 0x2800


class DotCell(NamedTuple):
    """How a cell divides into dots: for each column of dots, the bit of each dot upwards."""

    bits: tuple[tuple[int, ...], ...]

    @property
    def wide(self) -> int:
        """Dots across a cell."""
        return len(self.bits)

    @property
    def high(self) -> int:
        """Dots up a cell."""
        return len(self.bits[0])


BRAILLE = DotCell(((6, 2, 1, 0), (7, 5, 4, 3)))
QUADRANTS = DotCell(((0, 1), (2, 3)))
WHOLE = DotCell(((0,),))


class Stop(NamedTuple):
    """Where a line passes one column of dots: rows of dots count from the bottom."""

    column: int
    first: int
    low: int
    high: int
    last: int


class Layer:
    """The dots of one line on a chart of `width` × `height` cells. What lies outside is clipped."""

    def __init__(self, width: int, height: int, cell: DotCell) -> None:
        self._cell_wide, self._cell_high = cell.wide, cell.high
        self._height = height
        self._columns = [0] * width
        self._below = _masks_below(height, cell)
        self.dots_wide = width * cell.wide
        self.dots_high = height * cell.high

    def cells(self) -> list[tuple[int, int, int]]:
        """The cells that have dots: the row from the top, the column, and the bits."""
        drawn = []
        for column, dots in enumerate(self._columns):
            if dots:
                rows = (dots.bit_length() + 7) // 8  # those above the line are not gone through
                bytes_ = dots.to_bytes(rows, "big").rstrip(b"\0")
                top = self._height - rows
                drawn += [(row, column, bits) for row, bits in enumerate(bytes_, top) if bits]
        return drawn

    def dash(self, pattern: str) -> None:
        """Leave out the cells that are blank in a pattern that is repeated over the width."""
        for column in range(len(self._columns)):
            if pattern[column % len(pattern)] == " ":
                self._columns[column] = 0

    def dither(self, bits: int) -> None:
        """Leave of every cell only these dots, so that a filled surface can be told from a line."""
        mask = int.from_bytes(bytes([bits]) * self._height, "big")
        self._columns = [column & mask for column in self._columns]

    def bar(self, column: int, low: int, high: int) -> None:
        """An upright line from row `low` to row `high`, both included."""
        if not 0 <= column < self.dots_wide or high < 0 or low >= self.dots_high:
            return
        cell, dot = divmod(column, self._cell_wide)
        below = self._below[dot]
        self._columns[cell] |= below[min(high + 1, self.dots_high)] ^ below[max(low, 0)]

    def line(self, stops: Iterable[Stop]) -> None:
        """Draw a line through stops in order of column; a lone dot grows so that it is seen."""
        before: Stop | None = None
        is_lone = True
        low = high = 0
        for stop in stops:
            next_low, next_high = stop.low, stop.high
            if before is not None:
                is_lone = False
                up = stop.first - before.last
                if stop.column - before.column != 1:
                    self._join(before.column, before.last, stop.column, stop.first)
                elif up > 1:  # half of the way in either column, as one bar with what is there
                    middle = before.last + (up + 1) // 2
                    high, next_low = max(high, middle - 1), min(next_low, middle)
                elif up < -1:
                    middle = before.last + up // 2
                    low, next_high = min(low, middle + 1), max(next_high, middle)
                self.bar(before.column, low, high)
            before, low, high = stop, next_low, next_high
        if before is not None:
            self.bar(before.column, low, high)
            if is_lone and low == high:
                self._blob(before.column, low)

    def _blob(self, column: int, row: int) -> None:
        if self._cell_high > 1:
            self.bar(column, row - 1, row + 1)
            self.bar(column - 1, row, row)
            self.bar(column + 1, row, row)

    def _join(self, from_column: int, from_row: int, to_column: int, to_row: int) -> None:
        """A straight line, one dot thick, between two dots that are drawn already."""
        across, up = to_column - from_column, to_row - from_row
        if across == 0:
            self.bar(from_column, min(from_row, to_row), max(from_row, to_row))
        elif abs(up) > across:
            self._steep_join(from_column, from_row, across, up)
        elif across > 1:
            for column in range(max(from_column, 0), min(to_column, self.dots_wide - 1) + 1):
                row = from_row + floor(up * (column - from_column) / across + 0.5)
                self.bar(column, row, row)

    def _steep_join(self, from_column: int, from_row: int, across: int, up: int) -> None:
        """A line that takes several rows of each column: those it crosses nearest to it."""
        to_row, slope = from_row + up, up / across
        last_column = min(from_column + across, self.dots_wide - 1)
        for column in range(max(from_column, 0), last_column + 1):
            enters = from_row + (column - from_column - 0.5) * slope
            leaves = enters + slope
            if up > 0:
                self.bar(column, max(ceil(enters), from_row), min(ceil(leaves) - 1, to_row))
            else:
                self.bar(column, max(floor(leaves) + 1, to_row), min(floor(enters), from_row))


@lru_cache(maxsize=64)
def _masks_below(height: int, cell: DotCell) -> tuple[tuple[int, ...], ...]:
    """For each column of dots in a cell, the mask of all dots below each row of dots."""
    columns = []
    for bits in cell.bits:
        masks = [0]
        for row in range(height):
            masks.extend(masks[-1] | _bits_until(bits, dot) << 8 * row for dot in range(cell.high))
        columns.append(tuple(masks))
    return tuple(columns)


def _bits_until(bits: tuple[int, ...], dot: int) -> int:
    return sum(1 << bit for bit in bits[: dot + 1])
