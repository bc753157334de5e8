"""What a run or a machine uses, as a table."""

from collections.abc import Sequence

from xt_core.model.samples import PREFIX, Number, SystemSeries

_SHAPE_CELLS, _FEWEST_CELLS = 40, 6
_GAP = 2


def system_table(series: SystemSeries, width: int | None = None) -> list[str]:
    """A line a series: its last, mean, lowest and highest value, and its shape, which is drawn in
    the room that a terminal of so many cells leaves, if that is given."""
    from xt_core.chart.sparkline import sparkline
    from xt_core.query.table import render_table

    rows, courses = list[list[str]](), list[Sequence[Number]]()
    for full_name, (_, values) in series.series.items():
        name = full_name.removeprefix(PREFIX)
        told = [values[-1], sum(values) / len(values), min(values), max(values)]
        rows.append([name, *(amount(name, value) for value in told)])
        courses.append(values)
    headers, alignments = ["series", "last", "mean", "min", "max"], ["left", *["right"] * 4]
    figures = render_table(headers, rows, alignments, _SHAPE_CELLS)
    room = _SHAPE_CELLS if width is None else width - max(map(len, figures)) - _GAP
    cells = max(_FEWEST_CELLS, min(_SHAPE_CELLS, room))
    shapes = [sparkline(values, min(cells, len(values))) for values in courses]
    rows = [[*row, shape] for row, shape in zip(rows, shapes, strict=True)]
    headers = [*headers, "over its time" if cells >= len("over its time") else "course"]
    return render_table(headers, rows, [*alignments, "left"], _SHAPE_CELLS, width)


def amount(name: str, value: Number) -> str:
    """A value in the unit that a series' name tells."""
    from xt_core.query.formats import byte_text

    if name.endswith("bytes_per_second"):
        return f"{byte_text(value)}/s"
    if name.endswith("bytes"):
        return byte_text(value)
    if name.endswith("percent"):
        return f"{value:.1f}%"
    if name.endswith("temperature"):
        return f"{value:.0f}°C"
    return f"{value:.4g}"
