"""Of points that are too many to be told apart: how their middle runs."""

from collections.abc import Sequence
from statistics import median

MOST_MARKS = 200
"""More points are shown as how many there are in a place."""
_MOST_PARTS, _LEAST_OF_PART = 40, 10


def running_median(
    x: Sequence[float], y: Sequence[float], most: int = _MOST_PARTS
) -> tuple[list[float], list[float]]:
    """The medians of x and y of parts with equally many points each, in order of x: at most so
    many parts. Points of one x are never parted."""
    points = sorted(zip(x, y, strict=True))
    least = max(_LEAST_OF_PART, -(-len(points) // most))
    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if len(parts[-1]) >= least and point[0] != parts[-1][-1][0]:
            parts.append([])
        parts[-1].append(point)
    if len(parts) > 1 and len(parts[-1]) < _LEAST_OF_PART:
        parts[-2:] = [parts[-2] + parts[-1]]
    medians = [(median(x for x, _ in part), median(y for _, y in part)) for part in parts if part]
    return [x for x, _ in medians], [y for _, y in medians]


def median_of_each(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Each x with the median of its points."""
    found = dict[float, list[float]]()
    for place, value in zip(x, y, strict=True):
        found.setdefault(place, []).append(value)
    return sorted(found), [median(found[place]) for place in sorted(found)]
