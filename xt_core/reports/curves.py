"""Logged metrics as columns of points, by what a chart may have on its x axis.

What was logged is turned into columns in any thread; columns are joined at their ends without a
look at the points that are there.
"""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from xt_core.chart import DURATION, NUMBER, TIME, Quantity
from xt_core.model.records import MetricRecord, Value

_EPOCH = "epoch"


class XKind(StrEnum):
    """What a chart has on its x axis."""

    STEP = "step"
    EPOCH = "epoch"
    RELATIVE = "relative"
    WALL = "wall"

    @property
    def quantity(self) -> Quantity:
        """How the axis is divided."""
        return {XKind.RELATIVE: DURATION, XKind.WALL: TIME}.get(self, NUMBER)

    @property
    def label(self) -> str:
        """The axis' name."""
        return {XKind.RELATIVE: "elapsed", XKind.WALL: "time"}.get(self, str(self))


def _doubles() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class Columns:
    """The points of one metric, in the order in which they were logged; 32 bytes each."""

    steps: "array[float]" = field(default_factory=_doubles)
    """NaN where none was given: the point's number stands in for it."""
    epochs: "array[float]" = field(default_factory=_doubles)
    """The metric ``epoch`` that was logged with the point; NaN without one."""
    times: "array[float]" = field(default_factory=_doubles)
    """Seconds since the epoch of 1970."""
    values: "array[float]" = field(default_factory=_doubles)

    def join(self, later: "Columns") -> None:
        """Append points that were logged later."""
        self.steps += later.steps
        self.epochs += later.epochs
        self.times += later.times
        self.values += later.values


@dataclass(slots=True)
class RunPoints:
    """All points of a run up to a journal offset, by metric."""

    offset: int = -1
    began: float | None = None
    """The time of the first record."""
    metrics: dict[str, Columns] = field(default_factory=dict)
    count: int = 0
    """Points of all metrics."""

    @property
    def has_epochs(self) -> bool:
        """Whether a metric named epoch was logged."""
        return _EPOCH in self.metrics

    def add(self, records: Iterable[MetricRecord]) -> None:
        """Take over what was logged; whatever is no number has no points."""
        for record in records:
            if self.began is None:
                self.began = record.time
            epoch = as_number(record.values.get(_EPOCH))
            for name, value in record.values.items():
                number = value if type(value) is float else as_number(value)
                if number is None:
                    continue
                columns = self.metrics.get(name)
                if columns is None:
                    columns = self.metrics[name] = Columns()
                columns.steps.append(math.nan if record.step is None else record.step)
                columns.epochs.append(math.nan if epoch is None else epoch)
                columns.times.append(record.time)
                columns.values.append(number)
                self.count += 1
            self.offset = record.offset

    def join(self, later: "RunPoints") -> None:
        """Append points that were logged later."""
        if self.began is None:
            self.began = later.began
        for name, columns in later.metrics.items():
            self.metrics.setdefault(name, Columns()).join(columns)
        self.offset = later.offset
        self.count += later.count

    def x(self, metric: str, kind: XKind, start: int = 0) -> list[float]:
        """What stands on the x axis for the points of a metric, from the one numbered `start`."""
        columns = self.metrics[metric]
        if kind is XKind.EPOCH:
            return columns.epochs[start:].tolist()
        if kind is XKind.WALL:
            return columns.times[start:].tolist()
        if kind is XKind.RELATIVE:
            began = self.began or 0.0
            return [time - began for time in columns.times[start:]]
        return [
            float(number) if math.isnan(step) else step
            for number, step in enumerate(columns.steps[start:], start)
        ]


def as_number(value: Value | None) -> float | None:
    """The value of a point; None for what is no number, or none that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
