"""Texts in so many cells."""

from xt_core.query.table import display_width, printable, truncate


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """A text in so many cells, cut with an ellipsis or filled with blanks; at the right end of
    them if it goes to the `right`."""
    if text.isascii() and text.isprintable():
        shown = text if len(text) <= width else text[: width - 1] + "…"
        return shown.rjust(width) if right else shown.ljust(width)
    shown = truncate(printable(text), width)
    gap = " " * (width - display_width(shown))
    return gap + shown if right else shown + gap
