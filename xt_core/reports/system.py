"""What a run or a machine uses, as a table."""

from xt_core.model.samples import PREFIX, Number, SystemSeries

_SHAPE_CELLS = 40


def system_table(series: SystemSeries, width: int | None = None) -> list[str]:
    """A line a series: its last, mean, lowest and highest value, and its shape; on a terminal of
    so many cells, if that is given."""
    from xt_core.chart.sparkline import sparkline
    from xt_core.query.table import render_table

    rows = []
    for full_name, (_, values) in series.series.items():
        name = full_name.removeprefix(PREFIX)
        told = [values[-1], sum(values) / len(values), min(values), max(values)]
        shape = sparkline(values, min(_SHAPE_CELLS, len(values)))
        rows.append([name, *(amount(name, value) for value in told), shape])
    headers = ["series", "last", "mean", "min", "max", "over its time"]
    alignments = ["left", "right", "right", "right", "right", "left"]
    return render_table(headers, rows, alignments, _SHAPE_CELLS, width)


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
