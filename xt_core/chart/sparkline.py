"""A line's shape in one row of text, for tables."""

import math
from collections.abc import Sequence

_BLOCKS, _ASCII = "▁▂▃▄▅▆▇█", "_.-:=+*#"


def sparkline(values: Sequence[float], width: int, *, is_ascii: bool = False) -> str:
    """The values in order as blocks, or ASCII characters, exactly `width` cells.

    More values than cells are averaged; fewer leave spaces at the right. A stretch with no finite
    value is a space; a constant is a level line.
    """
    if width <= 0:
        return ""
    means = _means(values, min(width, len(values)))
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    steps = _ASCII if is_ascii else _BLOCKS
    return "".join(_step(mean, low, high, steps) for mean in means).ljust(width)


def _means(values: Sequence[float], parts: int) -> list[float]:
    """The mean of the finite values in each of equally long parts; nan where there is none."""
    means = []
    for part in range(parts):
        start, stop = part * len(values) // parts, (part + 1) * len(values) // parts
        finite = [value for value in values[start:stop] if math.isfinite(value)]
        means.append(sum(value / len(finite) for value in finite) if finite else math.nan)
    return means


def _step(value: float, low: float, high: float, steps: str) -> str:
    if not math.isfinite(value):
        return " "
    # Halved, so that the difference of two huge values stays finite.
    span = high / 2 - low / 2
    if span == 0:
        return steps[len(steps) // 2 - 1]
    return steps[round((value / 2 - low / 2) / span * (len(steps) - 1))]
