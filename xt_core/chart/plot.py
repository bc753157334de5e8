"""The inside of a chart: every curve's dots, one colour a cell, the later curve on top.

What lies behind the curves (bands, raw values) is drawn first. A curve remembers the cells it was
drawn as: a crosshair that moves, or a neighbour that grows, costs it nothing.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from xt_core.chart.axes import LEAST_LOGARITHMIC, Scale
from xt_core.chart.band import Band, Level
from xt_core.chart.braille import Layer, Stop
from xt_core.chart.cells import Span
from xt_core.chart.dashes import PATTERNS, has_dashes
from xt_core.chart.glyphs import Glyphs
from xt_core.chart.palette import raw_style, series_letter, series_style
from xt_core.chart.series import Buckets, Curve, decimate

Cells = list[tuple[int, int, int]]
"""Row from the top, column, and bits of each cell that has dots."""

_RAW_LETTER, _BAND_LETTER = ".", ":"


@dataclass(frozen=True, slots=True)
class Plot:
    """The rectangle that curves are drawn in."""

    x_scale: Scale
    y_scale: Scale
    width: int
    height: int
    glyphs: Glyphs

    def layer(self) -> Layer:
        """An empty layer of its size."""
        return Layer(self.width, self.height, self.glyphs.cell)

    @property
    def key(self) -> tuple[object, ...]:
        """What the cells of a curve depend on, besides the curve."""
        x, y = self.x_scale, self.y_scale
        scales = (x.low, x.high, x.log, y.low, y.high, y.log)
        return (*scales, self.width, self.height, self.glyphs.name)


class _Canvas:
    """Characters and their styles; what is put later covers what was put before."""

    def __init__(self, width: int, height: int) -> None:
        self._characters = [[" "] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]
        self._width = width

    def upright(self, column: int | None, glyph: str, style: str) -> None:
        """A line from top to bottom."""
        if column is not None and 0 <= column < self._width:
            for characters, styles in zip(self._characters, self._styles, strict=True):
                characters[column], styles[column] = glyph, style

    def put(self, cells: Cells, alphabet: Sequence[str], style: str) -> None:
        characters, styles = self._characters, self._styles
        for row, column, bits in cells:
            characters[row][column] = alphabet[bits]
            styles[row][column] = style

    def rows(self) -> Iterator[list[Span]]:
        for characters, styles in zip(self._characters, self._styles, strict=True):
            yield _spans(characters, styles)


def plot_rows(
    curves: Sequence[Curve | Band], plot: Plot, uprights: Sequence[int | None], *, dashed: bool
) -> Iterator[list[Span]]:
    """The rows of a plot; `uprights` are cell columns of lines that show where no curve is."""
    canvas, glyphs = _Canvas(plot.width, plot.height), plot.glyphs
    for column in uprights:
        canvas.upright(column, glyphs.cursor, "cursor")
    with_dashes = dashed and not glyphs.ascii_only and has_dashes(len(curves))
    dashes = [PATTERNS[number] if with_dashes else "" for number in range(len(curves))]
    means = dict[int, Cells]()
    for number, curve in enumerate(curves):
        if isinstance(curve, Band):
            alphabet = glyphs.alphabet or (" ", _BAND_LETTER)
            levels = curve.levels(plot.x_scale, plot.width * glyphs.cell.wide)
            canvas.put(_surface(levels, plot), alphabet, raw_style(curve.color))
            means[number] = _mean(levels, plot, dashes[number])
        elif curve.raw is not None:
            alphabet = glyphs.alphabet or (" ", _RAW_LETTER)
            canvas.put(_remembered(curve.raw, plot, ""), alphabet, raw_style(curve.color))
    for number, curve in sorted(enumerate(curves), key=lambda each: not _is_dense(each[1])):
        alphabet = glyphs.alphabet or (" ", series_letter(curve.color))
        if isinstance(curve, Band):
            cells = means[number]
        else:
            cells = _remembered(curve, plot, dashes[number])
            if curve.scattered:
                marks = (glyphs.open_mark,) * 2 if curve.is_open else glyphs.marks
                alphabet = (" ", *(glyphs.shades if curve.dense else marks))
        canvas.put(cells, alphabet, series_style(curve.color))
    return canvas.rows()


def _remembered(curve: Curve, plot: Plot, dash: str) -> Cells:
    key = (*plot.key, dash, curve.taken)
    cells = curve.memo.get(key)
    if not isinstance(cells, list):
        cells = _drawn(curve, plot, dash)
        curve.memo.clear()
        curve.memo[key] = cells
    return cells


def _drawn(curve: Curve, plot: Plot, dash: str) -> Cells:
    if curve.scattered:
        return _marks(curve, plot)
    layer = plot.layer()
    for run in decimate(curve, plot.x_scale, layer.dots_wide):
        layer.line(_stops(run, plot.y_scale, layer.dots_high))
    if dash:
        layer.dash(dash)
    return layer.cells()


def _marks(curve: Curve, plot: Plot) -> Cells:
    """The cells of points, which a dot alone would hardly show: 1 where there is one point, 2 where
    there are several; of a dense curve the number of a shade from 1."""
    if not curve.x:
        return []
    wide, high = plot.glyphs.cell.wide, plot.glyphs.cell.high
    columns = (dot // wide for dot in plot.x_scale.dots(curve.x, plot.width * wide))
    rows = (dot // high for dot in plot.y_scale.dots(curve.y, plot.height * high))
    counts = Counter(zip(rows, columns, strict=True))
    seen = {
        (row, column): count
        for (row, column), count in counts.items()
        if 0 <= row < plot.height and 0 <= column < plot.width
    }
    shade = _shading(max(seen.values(), default=1), len(plot.glyphs.shades))
    return [
        (plot.height - 1 - row, column, shade(count) if curve.dense else min(count, 2))
        for (row, column), count in seen.items()
    ]


def _shading(most: int, shades: int) -> Callable[[int], int]:
    """The shade of a number of points: as its root, so that few are told from several."""
    return lambda count: max(1, math.ceil(shades * math.sqrt(count / most)))


def _is_dense(curve: Curve | Band) -> bool:
    """Whether it is what others are drawn upon."""
    return isinstance(curve, Curve) and curve.dense


def _surface(levels: Sequence[Level | None], plot: Plot) -> Cells:
    """What lies between the ends of a band."""
    layer, scale = plot.layer(), plot.y_scale
    floor = LEAST_LOGARITHMIC if scale.log else -math.inf
    for column, level in enumerate(levels):
        if level is not None:
            ends = max(level.low, floor), level.high  # mean - std may not be positive
            low, high = scale.dots(ends, layer.dots_high)
            layer.bar(column, low, high)
    layer.dither(plot.glyphs.dither)
    return layer.cells()


def _mean(levels: Sequence[Level | None], plot: Plot, dash: str) -> Cells:
    layer = plot.layer()
    for is_gap, group in groupby(enumerate(levels), lambda place: place[1] is None):
        if not is_gap:
            places = [(column, level.mean) for column, level in group if level is not None]
            dots = plot.y_scale.dots([mean for _, mean in places], layer.dots_high)
            layer.line(
                Stop(column, dot, dot, dot, dot)
                for (column, _), dot in zip(places, dots, strict=True)
            )
    if dash:
        layer.dash(dash)
    return layer.cells()


def _stops(run: Buckets, scale: Scale, dots: int) -> Iterator[Stop]:
    """A run's buckets, with dots for values."""
    columns, *values = run
    return map(Stop, columns, *(scale.dots(each, dots) for each in values))


def _spans(characters: list[str], styles: list[str]) -> list[Span]:
    spans = []
    start = 0
    for style, group in groupby(styles):
        stop = start + sum(1 for _ in group)
        spans.append(Span("".join(characters[start:stop]), style))
        start = stop
    return spans
