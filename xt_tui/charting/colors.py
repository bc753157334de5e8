"""Which run has which colour, and what that is in the theme that is worn.

A run keeps its colour while others come and go, and a colour is free again once its run is gone.
"""

from collections.abc import Iterable
from itertools import count

from xt_tui.themes import SeriesColors

SERIES_COLORS = SeriesColors()


class Colors:
    """Colour numbers by name."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def allot(self, names: Iterable[str]) -> None:
        """Give each of these the least number that is free, if it has none; forget all others."""
        wanted = dict.fromkeys(names)
        self._numbers = {name: n for name, n in self._numbers.items() if name in wanted}
        taken = set(self._numbers.values())
        free = (number for number in count() if number not in taken)
        for name in wanted:
            if name not in self._numbers:
                self._numbers[name] = next(free)

    def __getitem__(self, name: str) -> int:
        return self._numbers[name]
