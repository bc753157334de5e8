"""The colours and letters that tell series apart.

The colours are cells of the 256-colour cube, so the number and the hexadecimal form show the same.
They were chosen for the largest least OKLab distance of any pair, as seen with full colour vision
and with protanopia, deuteranopia and tritanopia (simulated after Machado et al. 2009), at
luminances that read on black.
"""

from typing import NamedTuple

_SERIES_STYLE, _RAW_STYLE = "series-", "raw-"


class Color(NamedTuple):
    """One colour: its number among the terminal's 256, and the same as ``#rrggbb``."""

    code: int
    hex: str


PALETTE: tuple[Color, ...] = (
    Color(39, "#00afff"),
    Color(208, "#ff8700"),
    Color(49, "#00ffaf"),
    Color(163, "#d700af"),
    Color(99, "#875fff"),
    Color(184, "#d7d700"),
    Color(144, "#afaf87"),
    Color(196, "#ff0000"),
    Color(29, "#00875f"),
    Color(153, "#afd7ff"),
)


def series_style(color: int) -> str:
    """The style name of a series of that colour number."""
    return f"{_SERIES_STYLE}{color}"


def raw_style(color: int) -> str:
    """The style name of what lies behind a series, in its colour but dim: raw values, a band."""
    return f"{_RAW_STYLE}{color}"


def is_dim(style: str) -> bool:
    """Whether a style is that of what lies behind a series."""
    return style.startswith(_RAW_STYLE)


def series_number(style: str) -> int | None:
    """The colour number in a style name; None for a style that is no series."""
    if not style.startswith(_SERIES_STYLE):
        return None
    return int(style.removeprefix(_SERIES_STYLE))


def color_number(style: str) -> int | None:
    """The colour number in the style name of a series or of what lies behind it; else None."""
    if not style.startswith((_SERIES_STYLE, _RAW_STYLE)):
        return None
    return int(style.removeprefix(_SERIES_STYLE).removeprefix(_RAW_STYLE))


def series_color(style: str) -> Color | None:
    """The palette's colour for the style of a series or of what lies behind it; else None."""
    number = color_number(style)
    return None if number is None else PALETTE[number % len(PALETTE)]


def series_letter(color: int) -> str:
    """The letter that stands for a colour number where there are no colours: A to Z, and again."""
    return chr(ord("A") + color % 26)
