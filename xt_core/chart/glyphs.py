"""The characters that charts are made of: braille, block elements, or ASCII's alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from xt_core.chart.braille import BRAILLE, BRAILLE_BLOCK, QUADRANTS, WHOLE, DotCell

KEY = "●"
"""Stands before a series' name in the legend, in its colour."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters, each one cell wide, and how a cell of the plot divides into dots."""

    name: str
    cell: DotCell
    alphabet: tuple[str, ...]
    """The character of each combination of dots; empty where lines are drawn with letters."""
    dither: int
    """The dots of a cell that are left where a surface is filled."""
    across: str
    down: str
    corner: str
    x_tick: str
    y_tick: str
    cursor: str
    ellipsis: str
    chosen: str
    """Stands before the title of the chart that has the keys."""
    keys: tuple[str, ...]
    """The legend's key of each pattern of dashes."""
    marks: tuple[str, str]
    """A point that stands alone in its cell, and several of them."""
    open_mark: str
    """A point of a series whose points are not settled yet."""
    shades: tuple[str, ...]
    """Few points in a cell, up to many."""

    @property
    def ascii_only(self) -> bool:
        """Whether lines are drawn with letters, for want of dots."""
        return not self.alphabet


UNICODE_GLYPHS = Glyphs(
    "braille",
    BRAILLE,
    (" ", *(chr(BRAILLE_BLOCK + bits) for bits in range(1, 256))),
    0b1001_0101,
    "─", "│", "└", "┬", "┤", "│", "…", "▸",
    ("━━", "╍╍", "┅┅", "┉┉", "━╍", "━┉"),
    ("◆", "█"), "◇", ("░", "▒", "▓", "█"),
)  # fmt: skip
BLOCK_GLYPHS = Glyphs(
    "blocks",
    QUADRANTS,
    tuple(" ▖▘▌▗▄▚▙▝▞▀▛▐▟▜█"),
    0b0110,
    "─", "│", "└", "┬", "┤", "│", "…", "»",
    ("━━", "╍╍", "┅┅", "┉┉", "━╍", "━┉"),
    ("■", "█"), "□", ("░", "▒", "▓", "█"),
)  # fmt: skip
ASCII_GLYPHS = Glyphs(
    "ascii", WHOLE, (), 1,
    "-", "|", "+", "+", "+", ":", "~", ">",
    (),
    ("o", "@"), "?", (".", ":", "o", "@"),
)  # fmt: skip
GLYPH_SETS = {glyphs.name: glyphs for glyphs in (UNICODE_GLYPHS, BLOCK_GLYPHS, ASCII_GLYPHS)}
_WITHOUT_BRAILLE = ("linux", "vt100", "vt220", "ansi", "cons25", "sun")
"""Terminals whose fonts have block elements at most."""


def fitting_glyphs(environ: Mapping[str, str], encoding: str | None) -> Glyphs:
    """The best set that a terminal with this environment and encoding can be expected to show."""
    if "utf" not in (encoding or "").lower():
        return ASCII_GLYPHS
    terminal = environ.get("TERM", "")
    if terminal == "dumb":
        return ASCII_GLYPHS
    return BLOCK_GLYPHS if terminal.startswith(_WITHOUT_BRAILLE) else UNICODE_GLYPHS
