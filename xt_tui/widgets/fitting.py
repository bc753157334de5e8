"""Texts in so many cells."""

import math

from xt_core.query.table import display_width, printable, truncate

_MOST_DIGITS = 6


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """A text in so many cells, cut with an ellipsis or filled with blanks; at the right end of
    them if it goes to the `right`."""
    if text.isascii() and text.isprintable():
        shown = text if len(text) <= width else text[: width - 1] + "…"
        return shown.rjust(width) if right else shown.ljust(width)
    shown = truncate(printable(text), width)
    gap = " " * (width - display_width(shown))
    return gap + shown if right else shown + gap


def fitted_number(text: str, width: int) -> str:
    """As `fitted`, at the right end; a number has fewer digits where it is too long, for one that
    is cut looks like another: ``0.000642`` in 7 cells is ``6.42e-4``."""
    return fitted(text if len(text) <= width else _shortened(text, width), width, right=True)


def _shortened(text: str, width: int) -> str:
    """With as many digits as fit; the text itself if it is no number, or none fits."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    for digits in range(_MOST_DIGITS, 0, -1):
        for form in (f"{value:.{digits}g}", f"{value:.{digits - 1}e}"):
            if len(short := _with_short_exponent(form)) <= width:
                return short
    return text


def _with_short_exponent(number: str) -> str:
    """``6.40e-04`` as ``6.4e-4``."""
    mantissa, e, exponent = number.partition("e")
    if not e:
        return number
    digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{digits}e{int(exponent)}"
