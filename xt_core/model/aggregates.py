"""Aggregates of a run's metrics: what can be said of a series without its points.

They are carried on with each batch of a journal, in its order; a batch that comes twice must not
be added twice, which is its store's concern. Values that are no finite number are left out, and so
are flags and texts; a metric that logged none of the others has no aggregate.
"""

import math
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Goals, MetricRecord

Number = int | float
_LARGEST_INTEGER = 2**63

KINDS = ("min", "max", "mean", "count", "best", "min_step", "max_step", "best_step")
"""What a metric's aggregate can be asked for, as in ``metrics.loss.min``."""


class Aggregate(NamedTuple):
    """Of one metric. A record without a step counts on from the metric's last one, from 0."""

    points: int
    """How many finite numbers were logged."""
    mean: Number | None
    low: Number | None
    low_step: Number | None
    """The step of the first record with the lowest value."""
    high: Number | None
    high_step: Number | None
    last_step: Number
    """Of the last record, whatever it holds: where one without a step counts on from."""


_NOTHING = Aggregate(0, None, None, None, None, None, 0)


def add_records(
    aggregates: Mapping[str, Aggregate], records: Iterable[MetricRecord]
) -> dict[str, Aggregate]:
    """The aggregates with records added that follow those they are made of."""
    added = dict(aggregates.items())
    for record in records:
        for name, value in record.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                added[name] = _with_point(added.get(name), value, record.step)
    return added


def _with_point(before: Aggregate | None, value: Number, step: float | None) -> Aggregate:
    at = _place(before, step)
    number = _finite(value)
    if number is None:
        return (before or _NOTHING)._replace(last_step=at)
    if before is None or before.mean is None or before.low is None or before.high is None:
        return Aggregate(1, number, number, at, number, at, at)
    points = before.points + 1
    mean = before.mean + (number / points - before.mean / points)
    low, high = (before.low, before.low_step), (before.high, before.high_step)
    if number < before.low:
        low = number, at
    if number > before.high:
        high = number, at
    return Aggregate(points, mean, *low, *high, at)


def _place(before: Aggregate | None, step: float | None) -> Number:
    """The step of a record, or what stands for it where it has none that a store can hold."""
    place = None if step is None else _finite(step)
    if place is None:
        place = 0 if before is None else _finite(before.last_step + 1)
    assert place is not None
    is_whole = isinstance(place, float) and place.is_integer() and abs(place) < _LARGEST_INTEGER
    return int(place) if is_whole else place


def _finite(value: Number) -> Number | None:
    """The value as a store can hold and compare it, None if it is not finite."""
    if isinstance(value, int) and -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return value
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def aggregate_value(
    aggregates: Mapping[str, Aggregate], goals: Goals, metric: str, kind: str
) -> Number | None:
    """One of `KINDS` of a metric; None where nothing was logged, and for the best of a metric
    that is neither to be maximised nor minimised."""
    found = aggregates.get(metric)
    if found is None:
        return None
    if kind.startswith("best"):
        if metric not in goals:
            return None
        kind = kind.replace("best", "max" if goals[metric] else "min")
    return found[POSITIONS[kind]]


POSITIONS = {
    "count": 0,
    "mean": 1,
    "min": 2,
    "min_step": 3,
    "max": 4,
    "max_step": 5,
}
"""Where an `Aggregate` has them; the best is the lowest or the highest, as the run's goals say."""


def aggregates_to_json(aggregates: Mapping[str, Aggregate]) -> str:
    """As a store keeps them: ``{METRIC: [an aggregate's fields in order]}``."""
    return aggregates.text if isinstance(aggregates, StoredAggregates) else dumps(aggregates)


def aggregates_from_json(text: str | None) -> Mapping[str, Aggregate]:
    """The inverse of `aggregates_to_json`; what is not worked out yet (None) counts as none."""
    return StoredAggregates(text) if text is not None and text != "{}" else _NO_AGGREGATES


def decode(data: Mapping[str, Iterable[Number | None]]) -> dict[str, Aggregate]:
    """Of the data that the text stands for."""
    return {name: Aggregate(*values) for name, values in data.items()}  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _decoded(text: str) -> dict[str, Aggregate]:
    return decode(loads(text))


class StoredAggregates(Mapping[str, Aggregate]):
    """Aggregates as their text, read when one is asked for: of the many runs that are held in
    memory few are looked at, and those several times. A copy is a plain dict."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def _read(self) -> dict[str, Aggregate]:
        return _decoded(self.text)

    def __getitem__(self, metric: str) -> Aggregate:
        return self._read()[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> ItemsView[str, Aggregate]:
        return self._read().items()

    def __deepcopy__(self, _memo: object) -> dict[str, Aggregate]:
        return {**self._read()}

    def __repr__(self) -> str:
        return repr(self._read())


_NO_AGGREGATES = StoredAggregates("{}")
"""One for all runs that have none."""


def as_document(aggregate: Aggregate) -> dict[str, Number | None]:
    """By the names of `KINDS`, but for the best, which the metric alone does not tell."""
    return {kind: aggregate[position] for kind, position in POSITIONS.items()}
