"""Where in a console the screen begins, if long lines are wrapped: a row, and which part of it."""

from xt_tui.console.ansi import cells, decoded, plain
from xt_tui.console.lines import LineBuffer
from xt_tui.console.rows import Rows, lines_of


def parts_of(line: bytes, width: int) -> int:
    """The rows of a screen that a line takes, in so many cells each."""
    return max(1, -(-cells(plain(decoded(line))) // max(1, width)))


def end_of(buffer: LineBuffer, rows: Rows, height: int, width: int) -> tuple[int, int]:
    """The place from which on the rest just fills the screen."""
    row = rows.count
    for line in reversed(lines_of(buffer, rows, max(0, row - height), row)):
        height -= parts_of(line, width)
        row -= 1
        if height <= 0:
            break
    return row, max(0, -height)


def place_of(buffer: LineBuffer, rows: Rows, row: int, part: int, width: int) -> tuple[int, int]:
    """The place so many parts after the start of a row, or before it."""
    while part < 0 and row > 0:
        row -= 1
        part += sum(parts_of(line, width) for line in lines_of(buffer, rows, row, row + 1))
    for line in lines_of(buffer, rows, row, row + max(0, part)):
        if part < parts_of(line, width):
            break
        part -= parts_of(line, width)
        row += 1
    return row, max(0, part)
