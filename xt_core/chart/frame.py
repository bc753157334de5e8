"""The axes around a plot: the gutter on its left, and the two rows beneath it."""

from collections.abc import Sequence

from xt_core.chart.axes import Scale, format_number, format_tick, tick_labels
from xt_core.chart.cells import Span, cell_width, cut
from xt_core.chart.glyphs import Glyphs
from xt_core.chart.quantities import NUMBER, Quantity

_ROWS_A_TICK = 4
_FEWEST_Y_TICKS = 3
"""So many are tried for even where the plot is low."""

_LEAST_HEIGHT_FOR_ENDS = 5
_ROWS_BETWEEN = 2
_STEPS_TO_TELL = 50
"""So many values of an axis are told apart by the labels of its ends."""

_CELLS_A_TICK = 10
_BETWEEN_LABELS = 2


def gutter_labels(scale: Scale, height: int, glyphs: Glyphs) -> dict[int, str]:
    """The label of each row of a plot's gutter that has a tick, no two on one row; where there is
    room, also of the rows at the ends of the axis."""
    labels: dict[int, str] = {}
    for value, label in _y_ticks(scale, height):
        row = _cell(scale, value, height, glyphs.cell.high)
        labels.setdefault(height - 1 - row, label)
    if height >= _LEAST_HEIGHT_FOR_ENDS:
        for row, value in ((0, scale.high), (height - 1, scale.low)):
            if not any(abs(row - other) < _ROWS_BETWEEN for other in labels):
                labels[row] = _end_label(scale, value)
    return labels


def _y_ticks(scale: Scale, height: int) -> list[tuple[float, str]]:
    """As many as suit the height, and two at least, of which one alone would tell no distance."""
    limit = max(_FEWEST_Y_TICKS, height // _ROWS_A_TICK + 1)
    ticks = tick_labels(scale, limit)
    while len(ticks) < 2 and limit < height // _ROWS_BETWEEN:
        limit += 1
        ticks = tick_labels(scale, limit)
    return ticks


def _end_label(scale: Scale, value: float) -> str:
    """As exact as the rows of a plot are."""
    if scale.log and scale.high > 10 * scale.low:
        return format_number(value, digits=2)
    return format_tick(value, (scale.high - scale.low) / _STEPS_TO_TELL)


def gutter_width(labels: dict[int, str]) -> int:
    """Cells that a gutter takes, with the axis itself."""
    return max(map(len, labels.values()), default=0) + 1


def gutter_row(label: str | None, width: int, glyphs: Glyphs) -> list[Span]:
    """One row of a gutter of `width` cells, with a tick if there is a label."""
    if label is None:
        return [Span(" " * (width - 1) + glyphs.down, "axis")]
    shown = cut(label, width - 1, ellipsis=glyphs.ellipsis).rjust(width - 1)
    return [Span(shown, "label"), Span(glyphs.y_tick, "axis")]


def x_axis(
    scale: Scale,
    gutter: int,
    width: int,
    x_label: str,
    glyphs: Glyphs,
    names: Sequence[str] = (),
    quantity: Quantity = NUMBER,
) -> tuple[list[Span], list[Span]]:
    """The axis beneath a plot of `width` cells with `x_label` at its end, and its labels: numbers,
    or the `names` of the values 0, 1, 2 and so on."""
    ticks = (
        _named_ticks(names, scale, gutter, width, glyphs)
        if names
        else _fitting_ticks(scale, gutter, width, glyphs, quantity)
    )
    line = [glyphs.across] * width
    labels, end = "", 0
    for tick, start, label in ticks:
        line[tick] = glyphs.x_tick
        labels += " " * (start - end) + label
        end = start + cell_width(label)
    labels += " " * (gutter + width - end)
    name = [Span(" ", ""), Span(x_label, "label")] if x_label else []
    name_width = cell_width(x_label) + 1 if x_label else 0
    if name_width > width // 2:
        name, name_width = [], 0
    axis = " " * (gutter - 1) + glyphs.corner + "".join(line[: width - name_width])
    return [Span(axis, "axis"), *name], [Span(labels, "label")]


def _fitting_ticks(
    scale: Scale, gutter: int, width: int, glyphs: Glyphs, quantity: Quantity
) -> Sequence[tuple[int, int, str]]:
    """Column of the tick, where its label starts in the row, and the label: as many as fit."""
    for limit in range(max(2, width // _CELLS_A_TICK + 1), 0, -1):
        placed = []
        for value, label in quantity.ticks(scale, limit):
            tick = _cell(scale, value, width, glyphs.cell.wide)
            start = gutter + tick - len(label) // 2
            placed.append((tick, max(0, min(start, gutter + width - len(label))), label))
        ends = [start + len(label) for _, start, label in placed]
        starts = [start for _, start, _ in placed[1:]]
        in_row = all(end <= gutter + width for end in ends)
        if in_row and all(e + _BETWEEN_LABELS <= s for e, s in zip(ends, starts, strict=False)):
            return placed
    return []


def _named_ticks(
    names: Sequence[str], scale: Scale, gutter: int, width: int, glyphs: Glyphs
) -> list[tuple[int, int, str]]:
    """As `_fitting_ticks`, of names that are cut to the room between two of them.

    A name that would stand more than one cell off its tick, for want of room, is left out.
    """
    placed: list[tuple[int, int, str]] = []
    room = max(width // len(names) - 1, 1)
    end = 0
    for value, name in enumerate(names):
        tick = _cell(scale, value, width, glyphs.cell.wide)
        label = cut(name, room, ellipsis=glyphs.ellipsis)
        size = cell_width(label)
        start = max(0, min(gutter + tick - size // 2, gutter + width - size))
        if end - start > 1:
            continue
        start = max(start, end)
        label = cut(label, gutter + width - start, ellipsis=glyphs.ellipsis)
        placed.append((tick, start, label))
        end = start + cell_width(label) + 1
    return placed


def _cell(scale: Scale, value: float, cells: int, dots: int) -> int:
    """The cell of a plot on which a value within the scale falls."""
    return max(0, min(scale.dot(value, cells * dots) // dots, cells - 1))
