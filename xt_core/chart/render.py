"""Charts laid out: header, plot with its axes, legend; smaller charts have fewer of them.

Invariant: a chart has as many rows as asked for, and each is exactly as wide as asked for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xt_core.chart.axes import Scale, fit_scale, format_number
from xt_core.chart.cells import Span, cell_width, cut, printable
from xt_core.chart.frame import gutter_labels, gutter_row, gutter_width, x_axis
from xt_core.chart.glyphs import ASCII_GLYPHS, KEY, UNICODE_GLYPHS, Glyphs
from xt_core.chart.legend import Entry, flow, row_width
from xt_core.chart.palette import series_letter, series_style
from xt_core.chart.plot import plot_rows
from xt_core.chart.series import Curve, Series, prepare

_LEAST_WIDTH_FOR_AXES = 16
_LEAST_HEIGHT_FOR_AXES = 5
_BESIDE_NAMES = 0.5
"""How much of the distance between two named values is left at either end of their axis."""

Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as rows of spans.

    Styles: ``series-N`` (N is the series' colour number; `series_color` gives its colour),
    ``title``, ``axis``, ``label``, ``legend``, ``cursor``, ``note``, and an empty one for blanks.
    The plot is the rectangle of cells inside the axes, its corner at column `left` of row `top`.
    Scales are None where there are no data.
    """

    rows: tuple[Row, ...]
    width: int
    height: int
    left: int = 0
    top: int = 0
    plot_width: int = 0
    plot_height: int = 0
    x_scale: Scale | None = None
    y_scale: Scale | None = None

    def x_at(self, column: int) -> float | None:
        """An x that falls on a column of the chart; None outside the plot."""
        return _value_at(self.x_scale, column - self.left, self.plot_width)

    def y_at(self, row: int) -> float | None:
        """A y that falls on a row of the chart; None outside the plot."""
        return _value_at(self.y_scale, self.plot_height - 1 - (row - self.top), self.plot_height)


def _value_at(scale: Scale | None, cell: int, cells: int) -> float | None:
    if scale is None or not 0 <= cell < cells:
        return None
    return scale.value(cell / (cells - 1) if cells > 1 else 0.5)


def render_chart(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    smoothing: float = 0.0,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    ascii_only: bool = False,
    legend: bool = True,
    cursor_x: float | None = None,
    x_names: Sequence[str] = (),
) -> Chart:
    """Draw series as lines in `width` × `height` cells; a later series covers an earlier one.

    `smoothing` is the weight of the past in a debiased exponential moving average, in [0, 1).
    Without ranges the axes span the data (y: those within `x_range`). `cursor_x` draws an upright
    line, and the legend then gives each series' logged value nearest to it in place of its last.
    With `x_names` the x axis is linear, bears the names of 0, 1, 2 and so on, and spans them all.
    Raises ValueError for a smoothing out of range, or a series whose x and y differ in length.
    """
    if width <= 0 or height <= 0:
        return Chart(((),) * max(height, 0), max(width, 0), max(height, 0))
    glyphs = ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS
    title, x_label, y_label = (
        printable(text, ascii_only=ascii_only) for text in (title, x_label, y_label)
    )
    names = [printable(name, ascii_only=ascii_only) for name in x_names]
    if names:
        x_range, log_x = (-_BESIDE_NAMES, len(names) - 1 + _BESIDE_NAMES), False
    curves = [prepare(s, log_x=log_x, log_y=log_y, smoothing=smoothing) for s in series]
    cursor = _on_axis(cursor_x, log_x)
    has_axes = width >= _LEAST_WIDTH_FOR_AXES and height >= _LEAST_HEIGHT_FOR_AXES
    header = [_header(title, y_label, width, glyphs)] if has_axes and (title or y_label) else []
    legend_rows = (height - len(header) - 2) // 4 if has_axes and legend else 0
    entries = _entries(curves, cursor, x_label or "x", width, glyphs) if legend_rows else []
    footer = [_legend_row(row, width) for row in flow(entries, width, legend_rows)]
    scales = _scales(curves, log_x, log_y, x_range, y_range)
    body_height = height - len(header) - len(footer)
    body = (
        _note("no data", width, body_height)
        if scales is None
        else _framed(curves, *scales, cursor, width, body_height, has_axes, x_label, names, glyphs)
    )
    return replace(body, rows=(*header, *body.rows, *footer), height=height, top=len(header))


def _on_axis(x: float | None, log: bool) -> float | None:
    """`x` if an axis can show it."""
    return None if x is None or not math.isfinite(x) or (log and x <= 0) else x


def _scales(
    curves: Sequence[Curve],
    log_x: bool,
    log_y: bool,
    x_range: tuple[float, float] | None,
    y_range: tuple[float, float] | None,
) -> tuple[Scale, Scale] | None:
    """The scales of x and y; None if there is no point to draw."""
    drawn = [curve for curve in curves if curve.x]
    if not drawn:
        return None
    extent_x = min(curve.x[0] for curve in drawn), max(curve.x[-1] for curve in drawn)
    x_scale = fit_scale(extent_x, x_range, log=log_x)
    extents = [curve.extent_y(x_scale.low, x_scale.high) for curve in drawn]
    shown = [extent for extent in extents if extent is not None]
    if not shown:
        shown = [(min(curve.y), max(curve.y)) for curve in drawn]
    extent_y = min(low for low, _ in shown), max(high for _, high in shown)
    return x_scale, fit_scale(extent_y, y_range, log=log_y)


def _framed(
    curves: Sequence[Curve],
    x_scale: Scale,
    y_scale: Scale,
    cursor_x: float | None,
    width: int,
    height: int,
    has_axes: bool,
    x_label: str,
    x_names: Sequence[str],
    glyphs: Glyphs,
) -> Chart:
    """The plot within its axes, if it has them, as a chart of its own."""
    plot_height = height - 2 if has_axes else height
    labels = gutter_labels(y_scale, plot_height, glyphs) if has_axes else {}
    left = min(gutter_width(labels), width // 2) if has_axes else 0
    plot_width = width - left
    wide = glyphs.cell.wide
    cursor = None if cursor_x is None else x_scale.dot(cursor_x, plot_width * wide) // wide
    plot = plot_rows(curves, x_scale, y_scale, plot_width, plot_height, glyphs, cursor)
    rows: list[Row] = [tuple(row) for row in plot]
    if has_axes:
        rows = [(*gutter_row(labels.get(n), left, glyphs), *row) for n, row in enumerate(rows)]
        rows.extend(map(tuple, x_axis(x_scale, left, plot_width, x_label, glyphs, x_names)))
    return Chart(tuple(rows), width, height, left, 0, plot_width, plot_height, x_scale, y_scale)


def beside(charts: Sequence[Chart]) -> Chart:
    """Charts of one height in a row, a blank column between two; the whole has no scales."""
    gap = Span(" ", "")
    rows = []
    for parts in zip(*(chart.rows for chart in charts), strict=True):
        joined: list[Span] = []
        for part in parts:
            joined.extend((gap, *part) if joined else part)
        rows.append(tuple(joined))
    return Chart(tuple(rows), sum(chart.width for chart in charts) + len(charts) - 1, len(rows))


def _note(note: str, width: int, height: int) -> Chart:
    """Blank rows with a note in their middle."""
    shown = note[:width].center(width)
    before = (height - 1) // 2
    blank: Row = (Span(" " * width, ""),)
    rows = (*(blank,) * before, (Span(shown, "note"),), *(blank,) * (height - before - 1))
    return Chart(rows, width, height)


def _header(title: str, y_label: str, width: int, glyphs: Glyphs) -> Row:
    """The label of y above its axis, and the title in the middle of what it leaves free."""
    name = cut(y_label, width // 2 if title else width, ellipsis=glyphs.ellipsis)
    begin = cell_width(name) + (1 if name and title else 0)
    shown = cut(title, width - begin, ellipsis=glyphs.ellipsis)
    shown_width = cell_width(shown)
    start = max(begin, (width - shown_width) // 2)
    gap = start - cell_width(name)
    spans = [Span(name, "label"), Span(" " * gap, ""), Span(shown, "title")]
    return (*(span for span in spans if span.text), Span(" " * (width - start - shown_width), ""))


def _entries(
    curves: Sequence[Curve], cursor_x: float | None, x_name: str, width: int, glyphs: Glyphs
) -> list[Entry]:
    """The entries of the legend; the cursor's own comes first."""
    entries = []
    if cursor_x is not None:
        place = format_number(cursor_x)
        entries.append(Entry.fitted(glyphs.cursor, "cursor", x_name, place, width, glyphs.ellipsis))
    for curve in curves:
        value = curve.last_value() if cursor_x is None else curve.value_at(cursor_x)
        key = series_letter(curve.color) if glyphs.ascii_only else KEY
        style = series_style(curve.color)
        name = printable(curve.name, ascii_only=glyphs.ascii_only)
        shown = format_number(value)
        entries.append(Entry.fitted(key, style, name, shown, width, glyphs.ellipsis))
    return entries


def _legend_row(entries: Sequence[Entry], width: int) -> Row:
    spans: list[Span] = []
    for item in entries:
        if spans:
            spans.append(Span("  ", ""))
        spans.extend((Span(item.key, item.style), Span(f" {item.text}", "legend")))
    return (*spans, Span(" " * (width - row_width(entries)), ""))
