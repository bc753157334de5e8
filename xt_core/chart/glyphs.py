"""The characters that charts are made of: Unicode's, or ASCII's alone."""

from dataclasses import dataclass

from xt_core.chart.braille import BRAILLE, WHOLE, DotCell

KEY = "●"
"""Stands before a series' name in the legend, in its colour."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters, each one cell wide, and how a cell of the plot divides into dots."""

    cell: DotCell
    across: str
    down: str
    corner: str
    x_tick: str
    y_tick: str
    cursor: str
    ellipsis: str

    @property
    def ascii_only(self) -> bool:
        """Whether lines are drawn with letters, for want of dots."""
        return self.cell is WHOLE


UNICODE_GLYPHS = Glyphs(BRAILLE, "─", "│", "└", "┬", "┤", "│", "…")
ASCII_GLYPHS = Glyphs(WHOLE, "-", "|", "+", "+", "+", ":", "~")
