"""Nothing that others wrote is obeyed by the terminal, whichever widget shows it.

Tables and consoles make control characters visible as they draw. Everything else on the screen
(notes, commands, errors, titles) passes here, as the last thing before it is written.
"""

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from xt_core.query.table import UNSAFE


class ControlCodes(LineFilter):
    """Takes control characters and marks that turn text round out of lines that are drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments where all of them are harmless, as nearly always."""
        if all(text.isprintable() or not UNSAFE.search(text) for text, _, _ in segments):
            return segments
        return [Segment(harmless(text), style) for text, style, _ in segments]


def harmless(text: str, keep: str = "") -> str:
    """A text in as many cells as before: what has none is left out but for the characters to
    `keep`, a lone surrogate, which has one, becomes a question mark."""

    def instead(match: re.Match[str]) -> str:
        if match[0] in keep:
            return match[0]
        return "?" if "\ud800" <= match[0] <= "\udfff" else ""

    return UNSAFE.sub(instead, text)
