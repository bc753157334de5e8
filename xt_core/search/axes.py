"""A search space as an algorithm sees it: one axis a parameter, with a coordinate on it.

Numbers are a quantile (a float between the axis' bounds) or a place in an ordered list; everything
else is a place in an unordered list. So an algorithm needs to know nothing of distributions.
Invariant: `Axes.read(Axes.choose(pick))` gives the coordinates that were picked, up to rounding of
quantised values.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from xt_core.model.records import Value
from xt_core.search.distributions import (
    Choice,
    Discrete,
    Distribution,
    Normal,
    RandomInteger,
    identity,
)
from xt_core.search.space import Space

LARGEST_LIST = 1000
"""Longer ranges of numbers are taken as continuous."""
EDGE = 1e-9
"""A bounded distribution is searched from this quantile to 1 minus it."""
TAIL = 1e-3
"""A normal distribution is: algorithms like corners, and no run needs a value at 6 sigma."""

Coordinate = int | float
Point = dict[str, Coordinate]
"""The coordinates of the active parameters that have more than one value."""


class Axis(ABC):
    """What one parameter may be."""

    @abstractmethod
    def value(self, coordinate: Coordinate) -> Value:
        """The value at a coordinate of this axis."""

    @abstractmethod
    def coordinate(self, value: Value) -> Coordinate | None:
        """The coordinate of a value; None if the axis does not have it."""

    @abstractmethod
    def at(self, u: float) -> Coordinate:
        """The coordinate that divides the axis into `u` and 1 - `u`, 0 <= u <= 1."""


@dataclass(frozen=True)
class Continuous(Axis):
    """Quantiles of a distribution, from `low` to `high`."""

    distribution: Distribution
    low: float
    high: float

    def value(self, coordinate: Coordinate) -> Value:
        return self.distribution.sample(self._clip(coordinate))

    def coordinate(self, value: Value) -> float | None:
        quantile = self.distribution.quantile(value)
        return None if quantile is None else self._clip(quantile)

    def at(self, u: float) -> float:
        return self._clip(self.low + u * (self.high - self.low))

    def _clip(self, quantile: float) -> float:
        return min(max(quantile, self.low), self.high)


@dataclass(frozen=True)
class Listed(Axis):
    """Places in a list of different values; `ordered` if neighbours are alike."""

    values: tuple[Value, ...]
    ordered: bool

    def value(self, coordinate: Coordinate) -> Value:
        return self.values[int(coordinate)]

    def coordinate(self, value: Value) -> int | None:
        return self._places.get(identity(value))

    def at(self, u: float) -> int:
        return min(int(u * len(self.values)), len(self.values) - 1)

    @cached_property
    def _places(self) -> dict[tuple[bool, Value], int]:
        return {identity(value): place for place, value in enumerate(self.values)}


class Axes:
    """The axes of a space: from coordinates to hyperparameters, and back."""

    def __init__(self, space: Space, axis_of: Callable[[Distribution], Axis] | None = None) -> None:
        self._space = space
        self._all = {name: (axis_of or axis)(d) for name, d in space.items()}
        self.free = {
            name: one
            for name, one in self._all.items()
            if not (isinstance(one, Listed) and len(one.values) == 1)
        }
        """The axes with more than one value, in the order of the space."""

    def choose(self, pick: Callable[[str, Axis], Coordinate]) -> dict[str, Value]:
        """The hyperparameters whose coordinates `pick` gives; it is asked for active ones only."""
        chosen: dict[str, Value] = {}
        for name, one in self._all.items():
            if self._space.is_active(name, chosen):
                chosen[name] = one.value(pick(name, one) if name in self.free else 0)
        return chosen

    def read(self, hparams: Mapping[str, Value]) -> Point | None:
        """The coordinates of a set; None if it lacks a parameter or has an impossible value.
        Parameters that the space does not have are passed over."""
        point: Point = {}
        chosen: dict[str, Value] = {}
        for name, one in self._all.items():
            if not self._space.is_active(name, chosen):
                continue
            if name not in self.free:
                chosen[name] = one.value(0)
                continue
            coordinate = one.coordinate(hparams[name]) if name in hparams else None
            if coordinate is None:
                return None
            point[name] = coordinate
            chosen[name] = one.value(coordinate)
        return point


def axis(distribution: Distribution) -> Axis:
    """The axis of a distribution. A choice of rising or falling numbers is ordered."""
    if isinstance(distribution, RandomInteger):
        low, upper = int(distribution.low), int(distribution.upper)
        if upper - low <= LARGEST_LIST:
            return Listed(tuple(range(low, upper)), ordered=True)
    elif isinstance(distribution, Choice):
        values = _different(distribution.values)
        return Listed(values, _is_monotonic(values))
    elif isinstance(distribution, Discrete) and len(distribution.values) <= LARGEST_LIST:
        return Listed(distribution.values, ordered=True)
    margin = TAIL if isinstance(distribution, Normal) else EDGE
    return Continuous(distribution, margin, 1 - margin)


def stepped_axis(distribution: Distribution, steps: int) -> Axis:
    """The axis, cut into a finite grid: `steps` values with equal probability between them."""
    whole = axis(distribution)
    return Stepped.of(distribution, steps) if isinstance(whole, Continuous) else whole


@dataclass(frozen=True)
class Stepped(Listed):
    """The middle values of equally likely parts of a distribution; other values belong to the
    part they lie in."""

    distribution: Distribution
    parts: tuple[int, ...]
    """The place in `values` of each part: parts of a quantised distribution may share one."""

    @classmethod
    def of(cls, distribution: Distribution, steps: int) -> "Stepped":
        middles = [distribution.sample((part + 0.5) / steps) for part in range(steps)]
        values = _different(middles)
        return cls(values, True, distribution, tuple(values.index(value) for value in middles))

    def coordinate(self, value: Value) -> int | None:
        listed = super().coordinate(value)
        if listed is not None:
            return listed
        quantile = self.distribution.quantile(value)
        if quantile is None:
            return None
        return self.parts[min(int(quantile * len(self.parts)), len(self.parts) - 1)]


def _different(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values without those that stand earlier in the list."""
    first: dict[tuple[bool, Value], Value] = {}
    for value in values:
        first.setdefault(identity(value), value)
    return tuple(first.values())


def _is_monotonic(values: tuple[Value, ...]) -> bool:
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return False
    steps = [after > before for before, after in pairwise(values)]  # type: ignore[operator]
    return len(steps) > 1 and len(set(steps)) == 1
