"""The inside of a chart: every curve's dots, one colour a cell, the later curve on top."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from xt_core.chart.axes import Scale
from xt_core.chart.braille import BRAILLE_BLOCK, Layer, Stop
from xt_core.chart.cells import Span
from xt_core.chart.glyphs import Glyphs
from xt_core.chart.palette import series_letter, series_style
from xt_core.chart.series import Bucket, Curve, decimate

_BRAILLE = [" ", *(chr(BRAILLE_BLOCK + bits) for bits in range(1, 256))]


def plot_rows(
    curves: Sequence[Curve],
    x_scale: Scale,
    y_scale: Scale,
    width: int,
    height: int,
    glyphs: Glyphs,
    cursor: int | None,
) -> Iterator[list[Span]]:
    """The rows of a plot of `width` × `height` cells; `cursor` is the cell column of a line that
    shows where no curve is."""
    characters = [[" "] * width for _ in range(height)]
    styles = [[""] * width for _ in range(height)]
    if cursor is not None and 0 <= cursor < width:
        for character_row, style_row in zip(characters, styles, strict=True):
            character_row[cursor], style_row[cursor] = glyphs.cursor, "cursor"
    for curve in curves:
        layer = Layer(width, height, glyphs.cell)
        _draw(curve, layer, x_scale, y_scale)
        alphabet = [" ", series_letter(curve.color)] if glyphs.ascii_only else _BRAILLE
        style = series_style(curve.color)
        for drawn, character_row, style_row in zip(layer.rows(), characters, styles, strict=True):
            for column, bits in enumerate(drawn):
                if bits:
                    character_row[column] = alphabet[bits]
                    style_row[column] = style
    for character_row, style_row in zip(characters, styles, strict=True):
        yield _spans(character_row, style_row)


def _draw(curve: Curve, layer: Layer, x_scale: Scale, y_scale: Scale) -> None:
    if not curve.scattered:
        for run in decimate(curve, x_scale, layer.dots_wide):
            layer.line(_stops(run, y_scale, layer.dots_high))
    elif curve.x:
        columns = x_scale.dots(curve.x, layer.dots_wide)
        layer.scatter(zip(columns, y_scale.dots(curve.y, layer.dots_high), strict=True))


def _stops(run: list[Bucket], scale: Scale, dots: int) -> Iterator[Stop]:
    """A run's buckets, with dots for values."""
    columns, *values = zip(*run, strict=True)
    return map(Stop, columns, *(scale.dots(each, dots) for each in values))


def _spans(characters: list[str], styles: list[str]) -> list[Span]:
    spans = []
    start = 0
    for style, group in groupby(styles):
        stop = start + sum(1 for _ in group)
        spans.append(Span("".join(characters[start:stop]), style))
        start = stop
    return spans
