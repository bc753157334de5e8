"""Line charts for the terminal, as plain rows of styled text: the CLI and the TUI share them.

Nothing here knows how a row reaches the screen; `to_ansi` is the CLI's way.
"""

from xt_core.chart.ansi import to_ansi
from xt_core.chart.axes import Scale
from xt_core.chart.band import Band, Spread
from xt_core.chart.cells import Span
from xt_core.chart.glyphs import (
    ASCII_GLYPHS,
    BLOCK_GLYPHS,
    GLYPH_SETS,
    UNICODE_GLYPHS,
    Glyphs,
    fitting_glyphs,
)
from xt_core.chart.palette import PALETTE, Color, color_number, is_dim, series_color
from xt_core.chart.quantities import DURATION, NUMBER, TIME, Quantity, only
from xt_core.chart.render import Chart, Look, beside, lay_out, render_chart
from xt_core.chart.series import Curve, Form, Series, prepare
from xt_core.chart.sparkline import sparkline

__all__ = [
    "ASCII_GLYPHS",
    "BLOCK_GLYPHS",
    "DURATION",
    "GLYPH_SETS",
    "NUMBER",
    "PALETTE",
    "TIME",
    "UNICODE_GLYPHS",
    "Band",
    "Chart",
    "Color",
    "Curve",
    "Form",
    "Glyphs",
    "Look",
    "Quantity",
    "Scale",
    "Series",
    "Span",
    "Spread",
    "beside",
    "color_number",
    "fitting_glyphs",
    "is_dim",
    "lay_out",
    "only",
    "prepare",
    "render_chart",
    "series_color",
    "sparkline",
    "to_ansi",
]
