"""A chart of the engine's as text that Textual can show."""

from rich.style import Style
from rich.text import Text

from xt_core.chart import Chart, series_color

_STYLES = {
    "title": Style(bold=True),
    "axis": Style(dim=True),
    "label": Style(dim=True),
    "legend": Style(),
    "cursor": Style(dim=True),
    "note": Style(dim=True, italic=True),
}


def chart_text(chart: Chart) -> Text:
    """The rows of a chart, styled."""
    text = Text(no_wrap=True)
    for number, row in enumerate(chart.rows):
        if number:
            text.append("\n")
        for span in row:
            text.append(span.text, _style(span.style))
    return text


def _style(name: str) -> Style:
    color = series_color(name)
    if color is not None:
        return Style(color=color.hex)
    return _STYLES.get(name, Style())
