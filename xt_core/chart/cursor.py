"""The place on the axis of x at which values are read."""

from typing import NamedTuple

from xt_core.chart.axes import Scale


class Cursor(NamedTuple):
    """An x, and the range of x that is too near to it to be told from it."""

    x: float
    low: float
    high: float

    @classmethod
    def on(cls, scale: Scale, x: float, cells: int) -> "Cursor":
        """A cursor on a scale that so many cells show: it can be placed no nearer than a cell."""
        place, cell = scale.fraction(x), 1 / cells
        return cls(x, min(x, scale.value(place - cell)), max(x, scale.value(place + cell)))
