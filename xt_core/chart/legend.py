"""The legend: each series' key, name and value, flowed over as few rows as hold them."""

from collections.abc import Sequence
from typing import NamedTuple

from xt_core.chart.cells import cell_width, cut

_BETWEEN = 2
"""Cells between two entries."""


class Entry(NamedTuple):
    """One entry of a legend; the style is that of its key."""

    key: str
    style: str
    text: str

    @property
    def width(self) -> int:
        """Cells that the entry takes: key, space, text."""
        return len(self.key) + 1 + cell_width(self.text)

    @classmethod
    def fitted(
        cls, key: str, style: str, name: str, value: str, width: int, ellipsis: str
    ) -> "Entry":
        """An entry of at most `width` cells: the name is cut before the value is."""
        room = width - len(key) - 1
        name = cut(name, max(room - cell_width(value) - 1, 0), ellipsis=ellipsis)
        return cls(key, style, cut(f"{name} {value}".strip(), room, ellipsis=ellipsis))


def flow(entries: Sequence[Entry], width: int, max_rows: int) -> list[list[Entry]]:
    """The entries in rows of at most `width` cells, two cells apart.

    What `max_rows` rows do not hold is left out, and an entry without a style, ``+ 3``, says how
    many that are.
    """
    rows: list[list[Entry]] = []
    for placed, item in enumerate(entries):
        if rows and row_width([*rows[-1], item]) <= width:
            rows[-1].append(item)
        elif len(rows) < max_rows:
            rows.append([item])
        else:
            if rows:
                _count_rest(rows[-1], len(entries) - placed, width)
            break
    return rows


def row_width(row: Sequence[Entry]) -> int:
    """Cells that a row of entries takes."""
    return sum(item.width for item in row) + _BETWEEN * (len(row) - 1)


def _count_rest(row: list[Entry], rest: int, width: int) -> None:
    """End a full row with the number of entries that follow, in place of some of its own."""
    while len(row) > 1 and row_width([*row, Entry("+", "", str(rest))]) > width:
        row.pop()
        rest += 1
    more = Entry("+", "", str(rest))
    if row_width([*row, more]) <= width:
        row.append(more)
