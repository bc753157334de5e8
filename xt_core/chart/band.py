"""Several runs as one: their mean, and the band between the least and the greatest of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xt_core.chart.axes import Scale
from xt_core.chart.cursor import Cursor
from xt_core.chart.series import Curve


class Level(NamedTuple):
    """The runs of a band at one place."""

    low: float
    mean: float
    high: float


@dataclass(slots=True)
class Band:
    """The runs that a band takes together; where some have no value, the others make it."""

    name: str
    color: int
    members: Sequence[Curve]

    @property
    def spans_x(self) -> tuple[float, float] | None:
        """The least and greatest x of all; None without points."""
        spans = [span for member in self.members if (span := member.spans_x)]
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None

    def extent_y(self, low_x: float, high_x: float) -> tuple[float, float] | None:
        """Least and greatest y of all runs within a range of x; None where it holds no point."""
        extents = [extent for one in self.members if (extent := one.extent_y(low_x, high_x))]
        if not extents:
            return None
        return min(low for low, _ in extents), max(high for _, high in extents)

    def levels(self, scale: Scale, columns: int) -> list[Level | None]:
        """The band at each column of dots."""
        inner = scale.edges(columns)[:-1]
        edges = [scale.low, *inner, math.nextafter(scale.high, math.inf)]
        drawn = [member.drawn_at(edges) for member in self.members]
        return [_level(values) for values in zip(*drawn, strict=True)]

    def at(self, cursor: Cursor | None) -> Level | None:
        """What the runs logged nearest to the cursor, those that had begun and not ended there;
        without a cursor, what they logged last."""
        if cursor is None:
            return _level([member.last_value() for member in self.members])
        return _level([member.value_at(cursor) for member in self.members])


def _level(values: Sequence[float | None]) -> Level | None:
    known = [value for value in values if value is not None]
    return Level(min(known), sum(known) / len(known), max(known)) if known else None
