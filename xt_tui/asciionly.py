"""Where only ASCII can be drawn: what is drawn with other characters gets a likeness, cell by cell.

Letters are left as they are: names are the user's, and a terminal shows what it can of them.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKENESSES = {
    ".": "·…",
    ">": "▶▸›→",
    "<": "‹←",
    "+": "✔✓",
    "x": "✘✗×",
    "!": "⚠",
    "#": "■",
    "*": "●",
    "o": "○◌",
    "~": "◍◐�",
    "^": "▲↑",
    "v": "▼▾↓",
    "-": "–—▁▔━─╌╍┄┅",
    "|": "│┃╎╏┆┇▎▏▌▐",
    " ": "\N{NO-BREAK SPACE}",
}
SPELLED = {"⏎": "enter", "⌫": "bsp", "↑": "up", "↓": "down", "←": "left", "→": "right"}
"""Keys whose signs are no ASCII: by a likeness nobody would know them."""
_BOX, _BLOCKS, _SHADES = range(0x2500, 0x2580), range(0x2580, 0x25A0), "░▒▓"
_BRAILLE = range(0x2800, 0x2900)

_TABLE = {
    **dict.fromkeys(_BOX, "+"),
    **dict.fromkeys(_BLOCKS, "#"),
    **dict.fromkeys(_BRAILLE, "*"),
    **dict.fromkeys(map(ord, _SHADES), "."),
    **{ord(own): like for like, drawn in _LIKENESSES.items() for own in drawn},
}


class AsciiOnly(LineFilter):
    """Each character becomes one that takes as many cells."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(ascii_of(segment.text), *segment[1:])
            for segment in segments
        ]


def ascii_of(text: str) -> str:
    """The text with likenesses in ASCII of lines, blocks and signs."""
    return text.translate(_TABLE)
