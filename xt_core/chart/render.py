"""Charts laid out: header, plot with its axes, legend; smaller charts have fewer of them.

Invariant: a chart has as many rows as asked for, and each is exactly as wide as asked for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xt_core.chart.axes import LARGEST, Scale, fit_scale, format_number
from xt_core.chart.band import Band, Spread
from xt_core.chart.cells import Span, cell_width, cut, printable
from xt_core.chart.cursor import Cursor
from xt_core.chart.dashes import has_dashes
from xt_core.chart.frame import gutter_labels, gutter_row, gutter_width, x_axis
from xt_core.chart.glyphs import KEY, UNICODE_GLYPHS, Glyphs
from xt_core.chart.legend import Entry, flow, row_width
from xt_core.chart.palette import series_letter, series_style
from xt_core.chart.plot import Plot, plot_rows
from xt_core.chart.quantities import INTEGER, NUMBER, Quantity, only
from xt_core.chart.series import Curve, Form, Series, prepare

_LEAST_WIDTH_FOR_AXES = 16
_LEAST_HEIGHT_FOR_AXES = 5
_MOST_TICKS = 100
_BESIDE_NAMES = 0.5
"""How much of the distance between two named values is left at either end of their axis."""

Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as rows of spans.

    Styles: ``series-N`` (N is the series' colour number; `series_color` gives its colour),
    ``raw-N`` for what lies dim behind it,
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


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is laid out.

    Without ranges the axes span the data (y: those within `x_range`). `cursor_x` draws an upright
    line, and the legend then gives each series' logged value nearest to it in place of its last, or
    ``-`` where a series has none: before its begin and after its end. `mark_x` draws another one.
    With `x_names` the x axis is linear, bears the names of 0, 1, 2 and so on, and spans them all.
    `dashed` tells few series apart by dashes too.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    glyphs: Glyphs = UNICODE_GLYPHS
    legend: bool = True
    cursor_x: float | None = None
    mark_x: float | None = None
    x_names: Sequence[str] = ()
    quantity: Quantity = NUMBER
    dashed: bool = False

    def printable(self) -> "Look":
        """The same, with texts that a terminal can be given, and what can be shown of the rest."""
        title, x_label, y_label, *names = (
            printable(text, ascii_only=self.glyphs.ascii_only)
            for text in (self.title, self.x_label, self.y_label, *self.x_names)
        )
        look = replace(self, title=title, x_label=x_label, y_label=y_label, x_names=names)
        if names:
            named = (-_BESIDE_NAMES, len(names) - 1 + _BESIDE_NAMES)
            look = replace(look, x_range=named, log_x=False)
        cursor, mark = (_on_axis(x, look.log_x) for x in (self.cursor_x, self.mark_x))
        return replace(look, cursor_x=cursor, mark_x=mark)


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
    glyphs: Glyphs = UNICODE_GLYPHS,
    legend: bool = True,
    cursor_x: float | None = None,
    x_names: Sequence[str] = (),
) -> Chart:
    """Draw series as lines in `width` × `height` cells; a later series covers an earlier one.

    `smoothing` is the weight of the past in a debiased exponential moving average, in [0, 1);
    `Look` says what the others mean. Raises ValueError for a smoothing out of range, or a series
    whose x and y differ in length.
    """
    look = Look(
        title, x_label, y_label, log_x, log_y, x_range, y_range, glyphs, legend, cursor_x, None,
        x_names,
    )  # fmt: skip
    form = Form(log_x and not x_names, log_y, smoothing)
    return lay_out([prepare(one, form) for one in series], width, height, look)


def lay_out(curves: Sequence[Curve | Band], width: int, height: int, look: Look) -> Chart:
    """Draw curves in `width` × `height` cells; a later one covers an earlier one.

    The curves' forms must have the axes of the look.
    """
    if width <= 0 or height <= 0:
        return Chart(((),) * max(height, 0), max(width, 0), max(height, 0))
    look = look.printable()
    has_axes = width >= _LEAST_WIDTH_FOR_AXES and height >= _LEAST_HEIGHT_FOR_AXES
    has_header = has_axes and bool(look.title or look.y_label)
    header = [_header(look, left_out(curves), width)] if has_header else []
    legend_rows = (height - len(header) - 2) // 4 if has_axes and look.legend else 0
    if look.cursor_x is not None and has_axes and height > _LEAST_HEIGHT_FOR_AXES:
        legend_rows = max(legend_rows, 1)  # a cursor is there to read values by
    scales = fitted_scales(curves, look)
    entries = _entries(curves, look, width, scales) if legend_rows else []
    footer = [_legend_row(row, width) for row in flow(entries, width, legend_rows)]
    body_height = height - len(header) - len(footer)
    body = (
        _note("no data", width, body_height)
        if scales is None
        else _framed(curves, *scales, look, width, body_height, has_axes)
    )
    return replace(body, rows=(*header, *body.rows, *footer), height=height, top=len(header))


def _on_axis(x: float | None, log: bool) -> float | None:
    """`x` if an axis can show it."""
    return None if x is None or not math.isfinite(x) or (log and x <= 0) else x


def left_out(curves: Sequence[Curve | Band]) -> str:
    """How many values are gaps, and why; and whether any are beyond all scales."""
    members = _members(curves)
    counts = (
        (sum(curve.not_finite for curve in members), "not finite"),
        (sum(curve.not_positive for curve in members), "not > 0"),
    )
    told = [f"{count} {what}" for count, what in counts if count]
    extents = [curve.extent_y(*span) for curve in members if (span := curve.spans_x) is not None]
    if any(max(map(abs, extent)) > LARGEST for extent in extents if extent is not None):
        told.append(f"clipped at {format_number(LARGEST)}")
    return ", ".join(told)


def _members(curves: Sequence[Curve | Band]) -> list[Curve]:
    """All curves, those of bands too."""
    return [m for one in curves for m in (one.members if isinstance(one, Band) else (one,))]


def fitted_scales(curves: Sequence[Curve | Band], look: Look) -> tuple[Scale, Scale] | None:
    """The scales of x and y; None if there is no point to draw."""
    spans = [span for curve in curves if (span := curve.spans_x) is not None]
    if not spans:
        return None
    extent_x = min(low for low, _ in spans), max(high for _, high in spans)
    x_scale = fit_scale(extent_x, look.x_range, log=look.log_x)
    shown = _extents(curves, x_scale.low, x_scale.high) or _extents(curves, *extent_x)
    extent_y = min(low for low, _ in shown), max(high for _, high in shown)
    return x_scale, fit_scale(extent_y, look.y_range, log=look.log_y)


def _extents(curves: Sequence[Curve | Band], low: float, high: float) -> list[tuple[float, float]]:
    """The extent of y of each curve that has points within a range of x."""
    return [extent for curve in curves if (extent := curve.extent_y(low, high)) is not None]


def _framed(
    curves: Sequence[Curve | Band],
    x_scale: Scale,
    y_scale: Scale,
    look: Look,
    width: int,
    height: int,
    has_axes: bool,
) -> Chart:
    """The plot within its axes, if it has them, as a chart of its own."""
    glyphs = look.glyphs
    plot_height = height - 2 if has_axes else height
    labels = gutter_labels(y_scale, plot_height, glyphs) if has_axes else {}
    left = min(gutter_width(labels), width // 2) if has_axes else 0
    plot_width = width - left
    wide = glyphs.cell.wide
    uprights = [
        None if x is None else x_scale.dot(x, plot_width * wide) // wide
        for x in (look.mark_x, look.cursor_x)
    ]
    plot = Plot(x_scale, y_scale, plot_width, plot_height, glyphs)
    rows: list[Row] = [tuple(row) for row in plot_rows(curves, plot, uprights, dashed=look.dashed)]
    if has_axes:
        rows = [(*gutter_row(labels.get(n), left, glyphs), *row) for n, row in enumerate(rows)]
        quantity = divided(curves, x_scale, look.quantity)
        below = x_axis(x_scale, left, plot_width, look.x_label, glyphs, look.x_names, quantity)
        rows.extend(map(tuple, below))
    return Chart(tuple(rows), width, height, left, 0, plot_width, plot_height, x_scale, y_scale)


def divided(curves: Sequence[Curve | Band], scale: Scale, quantity: Quantity) -> Quantity:
    """The quantity of x as its axis is divided: no tick is between integers, or beside a lone
    value."""
    members = _members(curves)
    spans = [span for curve in members if (span := curve.spans_x) is not None]
    places = {place for span in spans for place in span}
    if len(places) == 1:
        return only([*places], quantity.text)
    is_short = scale.high - scale.low < _MOST_TICKS  # else the ticks of numbers are integers
    if quantity is NUMBER and is_short and all(m.is_whole(scale.low, scale.high) for m in members):
        return INTEGER
    return quantity


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


def _header(look: Look, note: str, width: int) -> Row:
    """The label of y above its axis, a note at the end, and the title in the middle of what they
    leave free."""
    ellipsis = look.glyphs.ellipsis
    name = cut(look.y_label, width // 2 if look.title else width, ellipsis=ellipsis)
    begin = cell_width(name) + (1 if name and look.title else 0)
    told = f" {note}" if note and cell_width(look.title) + len(note) + 1 <= width - begin else ""
    stop = width - len(told)
    shown = cut(look.title, stop - begin, ellipsis=ellipsis)
    shown_width = cell_width(shown)
    start = max(begin, min((width - shown_width) // 2, stop - shown_width))
    gap = start - cell_width(name)
    spans = [
        Span(name, "label"),
        Span(" " * gap, ""),
        Span(shown, "title"),
        Span(" " * (stop - start - shown_width), ""),
        Span(told, "note"),
    ]
    return tuple(span for span in spans if span.text)


def _entries(
    curves: Sequence[Curve | Band], look: Look, width: int, scales: tuple[Scale, Scale] | None
) -> list[Entry]:
    """The entries of the legend; the cursor's own comes first."""
    glyphs, cursor = look.glyphs, None
    entries = []
    if look.cursor_x is not None:
        cursor = Cursor.on(scales[0], look.cursor_x, width) if scales else None
        name, place = look.x_label or "x", look.quantity.text(look.cursor_x)
        entries.append(Entry.fitted(glyphs.cursor, "cursor", name, place, width, glyphs.ellipsis))
    with_dashes = look.dashed and has_dashes(len(curves))
    for number, curve in enumerate(curves):
        if isinstance(curve, Curve) and curve.scattered:
            key = glyphs.shades[-2] if curve.dense else glyphs.marks[0]
            key = glyphs.open_mark if curve.is_open else key
        elif glyphs.ascii_only:
            key = series_letter(curve.color)
        else:
            key = glyphs.keys[number] if with_dashes else KEY
        style = series_style(curve.color)
        name = printable(curve.name, ascii_only=glyphs.ascii_only)
        value = shown_value(curve, cursor, ascii_only=glyphs.ascii_only)
        entries.append(Entry.fitted(key, style, name, value, width, glyphs.ellipsis))
    return entries


def shown_value(curve: Curve | Band, cursor: Cursor | None, *, ascii_only: bool = False) -> str:
    """The value at the cursor, with the smoothed one, or the last one; of points none. Of a band
    also how many runs it is made of there, where some have none."""
    if isinstance(curve, Curve):
        if curve.scattered and cursor is None:
            return ""
        if cursor is None:
            return format_number(curve.last_value())
        drawn = curve.drawn_value_at(cursor) if curve.form.smoothing else None
        smoothed = "" if drawn is None or curve.form.best else f" ~{format_number(drawn)}"
        return format_number(curve.value_at(cursor)) + smoothed
    level = curve.at(cursor)
    if level is None:
        return format_number(None)
    count = curve.count_at(cursor)
    of = f" of {count:,}" if count < len(curve.members) else ""
    if curve.spread is Spread.STD:
        sign = "+-" if ascii_only else "±"
        return f"{format_number(level.mean)} {sign} {format_number(level.high - level.mean)}{of}"
    low, mean, high = map(format_number, level)
    return (mean if low == high else f"{mean} [{low}, {high}]") + of


def _legend_row(entries: Sequence[Entry], width: int) -> Row:
    spans: list[Span] = []
    for item in entries:
        if spans:
            spans.append(Span("  ", ""))
        spans.extend((Span(item.key, item.style), Span(f" {item.text}", "legend")))
    return (*spans, Span(" " * (width - row_width(entries)), ""))
