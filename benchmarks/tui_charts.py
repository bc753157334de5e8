"""Processor time of the charts of the terminal UI, beside plotext's (5.3), if that is there.

A redraw after new points is the whole of what the UI does: points are appended to every curve, and
the chart or the grid is laid out anew. A redraw of the crosshair changes no curve. The grid is also
drawn by a real app, without a terminal. Run: ``python benchmarks/tui_charts.py``.
"""

import asyncio
import importlib.util
import math
import random
from collections.abc import Callable, Sequence
from itertools import count
from statistics import median
from time import process_time

from textual.app import App, ComposeResult

from xt_core.chart import Chart, Curve, Form, Look, lay_out
from xt_tui.widgets.chart import ChartView
from xt_tui.widgets.charts import Charts

WIDTH, HEIGHT = 140, 44
GRID, GRID_SIZE = 12, (200, 50)
APPENDED = 10
REPEATS = 9


class Growing:
    """Noisy curves of one chart, which grow by the step."""

    def __init__(self, runs: int, points: int, form: Form) -> None:
        self._source = random.Random(0)
        self._steps = count()
        self.curves = [Curve(f"run{number}", number, form) for number in range(runs)]
        self.grow(points)

    def grow(self, points: int) -> None:
        """Append points to every curve."""
        x = [float(next(self._steps)) for _ in range(points)]
        for number, curve in enumerate(self.curves, 1):
            curve.extend(x, [self._value(step, number) for step in x])

    def _value(self, step: float, number: int) -> float:
        noise = self._source.uniform(0.9, 1.1)
        return math.exp(-step / 4000 / number) * noise + 0.01 * number


def milliseconds(work: Callable[[], object], before: Callable[[], object] = int) -> float:
    """The median processor time of some work, without that of what is done before it."""
    times = []
    for _ in range(REPEATS):
        before()
        start = process_time()
        work()
        times.append(process_time() - start)
    return 1000 * median(times)


def plotext_milliseconds(charts: Sequence[Growing], width: int, height: int) -> float | None:
    """What plotext takes for the same charts; None if its version 5 is not there."""
    if importlib.util.find_spec("plotext") is None:
        return None
    plotext = importlib.import_module("plotext")
    if not hasattr(plotext, "clear_figure"):
        return None

    def draw() -> None:
        for chart in charts:
            plotext.clear_figure()
            plotext.plotsize(width, height)
            for curve in chart.curves:
                plotext.plot(curve.x, curve.y, marker="braille", label=curve.name)
            plotext.build()

    start = process_time()
    draw()  # once: it takes seconds
    return 1000 * (process_time() - start)


def grow_all(charts: Sequence[Growing]) -> None:
    for chart in charts:
        chart.grow(APPENDED)


def print_row(name: str, charts: Sequence[Growing], width: int, height: int) -> None:
    """Measure some charts of a size."""

    def draw(cursor: float | None = None) -> None:
        for chart in charts:
            lay_out(chart.curves, width, height, Look(title="loss", cursor_x=cursor, dashed=True))

    places = count()
    grown = milliseconds(draw, lambda: grow_all(charts))
    moved = milliseconds(lambda: draw(float(next(places))))
    other = plotext_milliseconds(charts, width, height)
    beside = "not there" if other is None else f"{other:.0f}"
    print(f"{name:<40}{grown:>12.1f}{moved:>11.1f}{beside:>11}")


class GridApp(App[None]):
    """A grid of charts and nothing else."""

    CSS = "Charts { height: 1fr; } ChartView { width: 1fr; height: 1fr; }"

    def __init__(self, charts: dict[str, Growing]) -> None:
        super().__init__()
        self._growing = charts
        self.charts = Charts(self._draw)

    def compose(self) -> ComposeResult:
        yield self.charts

    def _draw(self, name: str, view: ChartView) -> Chart:
        return lay_out(self._growing[name].curves, *view.size, Look(title=name, dashed=True))


async def grid_milliseconds(charts: Sequence[Growing]) -> float:
    """The whole of a redraw of the grid in an app: layout, strips, the compositor's update."""
    named = {f"metric{number:02}": chart for number, chart in enumerate(charts)}
    app = GridApp(named)
    times = []
    async with app.run_test(size=GRID_SIZE) as pilot:
        app.charts.show(list(named), "")
        await pilot.pause()
        for _ in range(REPEATS):
            grow_all(charts)
            start = process_time()
            app.charts.redraw()
            await pilot.pause()
            times.append(process_time() - start)
    return 1000 * median(times)


def main() -> None:
    """Print a row for each case."""
    print(f"CPU ms, median of {REPEATS}; {APPENDED} points are appended to each curve in between")
    print(f"{'charts: runs × points':<40}{'new points':>12}{'crosshair':>11}{'plotext':>11}")
    print_row("1: 1 × 1k", [Growing(1, 1_000, Form())], WIDTH, HEIGHT)
    print_row("1: 10 × 10k", [Growing(10, 10_000, Form())], WIDTH, HEIGHT)
    smoothed = Form(smoothing=0.9, raw=True)
    print_row("1: 10 × 10k, smoothed over raw", [Growing(10, 10_000, smoothed)], WIDTH, HEIGHT)
    print_row("1: 10 × 100k", [Growing(10, 100_000, Form())], WIDTH, HEIGHT)
    grid = [Growing(5, 2_000, Form()) for _ in range(GRID)]
    print_row(f"{GRID} of {GRID_SIZE[0]} × {GRID_SIZE[1]} cells: 5 × 2k", grid, 66, 12)
    print(f"the same grid, in an app: {asyncio.run(grid_milliseconds(grid)):.1f}")


if __name__ == "__main__":
    main()
