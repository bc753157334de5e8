"""Which lines of a buffer are shown, in which row: all of them, or those that a filter leaves."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from xt_tui.console.ansi import decoded, plain
from xt_tui.console.index import LineIndex
from xt_tui.console.lines import LineBuffer


@dataclass(frozen=True)
class Rows:
    """A snapshot. Rows count from 0, lines have the numbers of the buffer. Without a filter the
    numbers follow each other from `first` on."""

    first: int = 0
    count: int = 0
    numbers: Sequence[int] | None = None
    """The lines shown, if there is a filter; it may have grown since."""
    open_numbers: Sequence[int] = ()
    """Unfinished lines that the filter leaves too."""

    def number(self, row: int) -> int:
        """The line in a row."""
        if self.numbers is None:
            return self.first + row
        finished = self.count - len(self.open_numbers)
        return self.numbers[row] if row < finished else self.open_numbers[row - finished]

    def row(self, number: int) -> int:
        """The row of a line; of a hidden one, the row of the next that is shown."""
        if self.numbers is None:
            return min(max(0, number - self.first), self.count)
        finished = self.count - len(self.open_numbers)
        row = bisect_left(self.numbers, number, 0, finished)
        return row if row < finished else finished + bisect_left(self.open_numbers, number)

    def shows(self, number: int) -> bool:
        """Whether a line is shown."""
        row = self.row(number)
        return row < self.count and self.number(row) == number


def rows_of(buffer: LineBuffer, index: LineIndex | None) -> Rows:
    """What is shown now, under a filter or without one."""
    with buffer.lock:
        if index is None:
            return Rows(buffer.first, buffer.stop - buffer.first)
        shown = index.shown
        open_numbers = [
            buffer.end + place
            for place, line in enumerate(buffer.open_rows)
            if index.matcher.matches(plain(decoded(line)))
        ]
        return Rows(buffer.first, len(shown) + len(open_numbers), shown, open_numbers)


def lines_of(buffer: LineBuffer, rows: Rows, first: int, stop: int) -> list[bytes]:
    """The lines in some rows."""
    stop = min(stop, rows.count)
    if first >= stop:
        return []
    if rows.numbers is None:
        return buffer.lines(rows.number(first), rows.number(stop - 1) + 1)
    numbers = [rows.number(row) for row in range(first, stop)]
    lines = buffer.at(numbers)
    return [lines.get(number, b"") for number in numbers]
