"""Line charts for the terminal, as plain rows of styled text: the CLI and the TUI share them.

Nothing here knows how a row reaches the screen; `to_ansi` is the CLI's way.
"""

from xt_core.chart.ansi import to_ansi
from xt_core.chart.cells import Span
from xt_core.chart.palette import PALETTE, Color, series_color
from xt_core.chart.render import Chart, beside, render_chart
from xt_core.chart.series import Series
from xt_core.chart.sparkline import sparkline

__all__ = [
    "PALETTE",
    "Chart",
    "Color",
    "Series",
    "Span",
    "beside",
    "render_chart",
    "series_color",
    "sparkline",
    "to_ansi",
]
