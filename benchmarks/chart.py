"""Processor time of drawing a chart, beside that of a bare loop over the same points.

The ratio says on any machine how far drawing is from the least that touching every point in
Python could cost. Run: ``python benchmarks/chart.py``.
"""

import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import process_time
from typing import Any

from xt_core.chart import Series, render_chart

WIDTH, HEIGHT = 140, 44
REPEATS = 7
CASES: tuple[tuple[str, int, int, dict[str, Any]], ...] = (
    ("1 × 1k", 1, 1_000, {}),
    ("10 × 10k", 10, 10_000, {}),
    ("10 × 10k, smoothed", 10, 10_000, {"smoothing": 0.9}),
    ("10 × 10k, log y", 10, 10_000, {"log_y": True}),
    ("10 × 100k", 10, 100_000, {}),
    ("10 × 100k, smoothed", 10, 100_000, {"smoothing": 0.9}),
)


def noisy_curves(count: int, points: int) -> list[Series]:
    """Loss curves with noise: the costly kind, since each column of dots becomes a bar."""
    source = random.Random(0)
    steps = list(range(points))
    return [
        Series(
            f"run{number}",
            steps,
            [
                math.exp(-3 * step / points / number) * source.uniform(0.9, 1.1) + 0.01 * number
                for step in steps
            ],
            number,
        )
        for number in range(1, count + 1)
    ]


def bare_loop(series: Sequence[Series]) -> None:
    """Touch every point."""
    for one in series:
        for _x, _y in zip(one.x, one.y, strict=True):
            pass


def milliseconds(work: Callable[[], object]) -> float:
    """The median processor time of some work."""
    times = []
    for _ in range(REPEATS):
        start = process_time()
        work()
        times.append(process_time() - start)
    return 1000 * median(times)


def main() -> None:
    """Print a row for each case."""
    print(f"{WIDTH} × {HEIGHT} cells, median of {REPEATS}, CPU ms")
    print(f"{'series × points':<22}{'render':>9}{'bare loop':>11}{'ratio':>8}")
    for name, count, points, options in CASES:
        series = noisy_curves(count, points)
        drawn = milliseconds(partial(render_chart, series, WIDTH, HEIGHT, **options))
        bare = milliseconds(partial(bare_loop, series))
        print(f"{name:<22}{drawn:>9.1f}{bare:>11.2f}{drawn / bare:>8.1f}")


if __name__ == "__main__":
    main()
