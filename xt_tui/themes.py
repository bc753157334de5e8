"""The themes: all colours of the UI are theirs, by names that xt.tcss and the tables use.

States have variables of their own (``$state-running`` …); themes that do not set them, as those
that come with Textual, give theirs by role.
"""

from collections.abc import Iterator, Mapping, Sequence

from textual.color import Color
from textual.theme import Theme

from xt_core.chart import PALETTE

_ROLES = {
    "state-running": "accent",
    "state-good": "success",
    "state-bad": "error",
    "state-warning": "warning",
    "state-pending": "secondary",
}
_BORDER_SHARE, _RESTING_SHARE = 0.3, 0.1
"""How far a colour is from that of the background to that of the text."""
_CURSOR_SHARE_DARK, _CURSOR_SHARE_LIGHT = 0.26, 0.2
"""How far to the primary one: all text on it keeps a contrast of 4.5."""
_PICTURE = "picture"
_CURVE_CONTRAST = 3.0
"""With the background, as WCAG 2.2 asks of graphics (1.4.11)."""
TEXT_CONTRAST = 4.5
"""As it asks of text (1.4.3)."""
_STEP = 0.05
_OF_TERMINAL = {
    "pane-border": "ansi_bright_black",
    "scroll-thumb": "ansi_bright_black",
    "scroll-thumb-held": "ansi_default",
    "row-cursor": "ansi_default",
    "row-cursor-style": "bold reverse",
    "row-resting": "ansi_default",
    "row-resting-style": "bold underline",
    _PICTURE: "ansi_blue",
}
"""What XT adds to the variables of a theme, where colours are the terminal's own 16."""
# Colours of curves, by their numbers: each is much of one hue whatever the theme. Those that are
# not the terminal's were chosen as those of `xt_core.chart.palette` were, for the largest least
# distance of any two however one sees colours: on white with a contrast of 3, on black with 7.
_SERIES_DARK = tuple(color.hex for color in PALETTE)
_SERIES_LIGHT = (
    "#1e2dc3",
    "#f05a0f",
    "#007869",
    "#c369b4",
    "#871eff",
    "#785a00",
    "#3c3c4b",
    "#780f00",
    "#789669",
    "#0096f0",
)
_SERIES_CONTRAST = (
    "#96b4ff",
    "#ffb43c",
    "#a5fff0",
    "#e178c3",
    "#9687ff",
    "#f0ff69",
    "#c3b4a5",
    "#ff694b",
    "#b4e1a5",
    "#69e1f0",
)
_SERIES_OF_DARK_TERMINAL = (
    "ansi_bright_blue",
    "ansi_bright_yellow",
    "ansi_bright_green",
    "ansi_bright_magenta",
    "ansi_magenta",
    "ansi_yellow",
    "ansi_white",
    "ansi_bright_red",
    "ansi_green",
    "ansi_bright_cyan",
)
_SERIES_OF_LIGHT_TERMINAL = (
    "ansi_blue",
    "ansi_yellow",
    "ansi_green",
    "ansi_magenta",
    "ansi_bright_blue",
    "ansi_bright_red",
    "ansi_bright_black",
    "ansi_red",
    "ansi_cyan",
    "ansi_bright_magenta",
)


def _series(colors: Sequence[str]) -> dict[str, str]:
    """The variables of curves' colours."""
    return {f"chart-{number}": color for number, color in enumerate(colors)}


DEFAULT = "xt-dark"
THEMES = (
    Theme(
        "xt-dark",
        primary="#4c9be8",
        secondary="#c792ea",
        accent="#5fd7d7",
        warning="#e5c07b",
        error="#ff7b7b",
        success="#7ec87e",
        foreground="#d8dee9",
        background="#14171c",
        surface="#1b1f26",
        panel="#242a33",
        boost="#20252d",
        dark=True,
    ),
    Theme(
        "xt-light",
        primary="#1d5fa8",
        secondary="#7a2f9c",
        accent="#005f66",
        warning="#704900",
        error="#9c1c15",
        success="#175a22",
        foreground="#1c2128",
        background="#fbfbf9",
        surface="#f1f1ee",
        panel="#e2e2de",
        boost="#eaeae6",
        dark=False,
    ),
    Theme(
        "xt-contrast",
        primary="#ffff00",
        secondary="#ff80ff",
        accent="#00ffff",
        warning="#ffff00",
        error="#ff6060",
        success="#00ff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#303030",
        boost="#101010",
        dark=True,
        luminosity_spread=0.3,
        text_alpha=1.0,
        variables={
            "text-muted": "#e0e0e0",
            "pane-border": "#c0c0c0",
            "row-cursor-style": "bold reverse",
            "row-resting-style": "bold underline",
            **_series(_SERIES_CONTRAST),
        },
    ),
)
FIRST = ("xt-dark", "xt-light", "xt-contrast", "ansi-dark", "ansi-light")
"""Those that are offered first; the ansi ones use the terminal's own 16 colours."""


def own_variables(theme: Theme) -> dict[str, str]:
    """The variables that XT adds to a theme's: the colours of states, by the roles of its colours;
    those of what is drawn, as borders, curves and the row under the cursor, whose text stays
    readable."""
    own = {name: getattr(theme, role) or theme.primary for name, role in _ROLES.items()}
    if theme.ansi:
        own |= _OF_TERMINAL
        own |= _series(_SERIES_OF_DARK_TERMINAL if theme.dark else _SERIES_OF_LIGHT_TERMINAL)
    else:
        own |= _blended(theme)
    return own | {name: theme.variables[name] for name in own if name in theme.variables}


def _blended(theme: Theme) -> dict[str, str]:
    """Colours between those that the theme has."""
    system = theme.to_color_system().generate()
    background, text = Color.parse(system["background"]), Color.parse(system["foreground"])
    primary = Color.parse(system["primary"])
    share = _CURSOR_SHARE_DARK if theme.dark else _CURSOR_SHARE_LIGHT
    border = background.blend(text, _BORDER_SHARE).hex6
    curves = map(Color.parse, _SERIES_DARK if theme.dark else _SERIES_LIGHT)
    return {
        **_series([legible(color, background, text, _CURVE_CONTRAST).hex6 for color in curves]),
        "pane-border": border,
        "scroll-thumb": border,
        "scroll-thumb-held": primary.hex6,
        "row-cursor": background.blend(primary, share).hex6,
        "row-cursor-style": "bold",
        "row-resting": background.blend(text, _RESTING_SHARE).hex6,
        "row-resting-style": "bold",
        _PICTURE: primary.hex6,
    }


def greys_of_curves(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of curves' colours where there are no colours: as dark as they are, and seen
    as text is."""
    background, text = Color.parse(variables["background"]), Color.parse(variables["foreground"])
    greys = (Color.parse(variables[name]).monochrome for name in _series(_SERIES_DARK))
    return _series([legible(grey, background, text, TEXT_CONTRAST).hex6 for grey in greys])


def contrast(one: Color, other: Color) -> float:
    """How far the luminances of two colours are apart, from 1 to 21, as WCAG 2.2 has it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(color: Color, background: Color, text: Color, least: float) -> Color:
    """A colour that has this contrast at least with the background: itself, or as little nearer to
    the text's as is needed."""
    shown, share = color, 0.0
    while contrast(shown, background) < least and share < 1:
        share += _STEP
        shown = color.blend(text, share)
    return shown


class SeriesColors:
    """The colours of curves by their numbers, as Rich calls them, in the present theme."""

    def __init__(self) -> None:
        self._colors: Sequence[str] = _SERIES_DARK

    def adopt(self, variables: Mapping[str, str]) -> None:
        """Take the colours from a theme's variables."""
        self._colors = [_as_rich(variables[name]) for name in _series(_SERIES_DARK)]

    def __getitem__(self, number: int) -> str:
        """Beyond the last, they begin again."""
        return self._colors[number % len(self._colors)]


class StateStyles(Mapping[str, str]):
    """The style of each state, and of small pictures and marks, as Rich writes styles, in the
    colours of the present theme."""

    def __init__(self, looks: Mapping[str, tuple[str, str]]) -> None:
        """`looks` gives each state's attributes and the variable of its colour."""
        self._looks = looks
        self._colors: Mapping[str, str] = {}

    def adopt(self, variables: Mapping[str, str]) -> None:
        """Take the colours from a theme's variables."""
        self._colors = {
            name: _as_rich(variables[name]) for name in (*_ROLES, _PICTURE) if name in variables
        }

    def __getitem__(self, state: str) -> str:
        attributes, variable = self._looks[state]
        return f"{attributes} {self._colors.get(variable, '')}".strip()

    def __iter__(self) -> Iterator[str]:
        return iter(self._looks)

    def __len__(self) -> int:
        return len(self._looks)


def _as_rich(color: str) -> str:
    """A colour of a theme as Rich calls it: ``ansi_bright_red`` is its ``bright_red``."""
    name = color.removeprefix("ansi_")
    return "" if name == "default" else name
