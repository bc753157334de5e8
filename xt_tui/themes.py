"""The themes: all colours of the UI are theirs, by names that xt.tcss and the tables use.

States have variables of their own (``$state-running`` …); themes that do not set them, as those
that come with Textual, give theirs by role.
"""

from collections.abc import Iterator, Mapping

from textual.color import Color
from textual.theme import Theme

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
        },
    ),
)
FIRST = ("xt-dark", "xt-light", "xt-contrast", "ansi-dark", "ansi-light")
"""Those that are offered first; the ansi ones use the terminal's own 16 colours."""


def own_variables(theme: Theme) -> dict[str, str]:
    """The variables that XT adds to a theme's: the colours of states, by the roles of its colours;
    those of what is drawn, as borders and the row under the cursor, whose text stays readable."""
    own = {name: getattr(theme, role) or theme.primary for name, role in _ROLES.items()}
    own |= _OF_TERMINAL if theme.ansi else _blended(theme)
    return own | {name: theme.variables[name] for name in own if name in theme.variables}


def _blended(theme: Theme) -> dict[str, str]:
    """Colours between those that the theme has."""
    system = theme.to_color_system().generate()
    background, text = Color.parse(system["background"]), Color.parse(system["foreground"])
    primary = Color.parse(system["primary"])
    share = _CURSOR_SHARE_DARK if theme.dark else _CURSOR_SHARE_LIGHT
    border = background.blend(text, _BORDER_SHARE).hex6
    return {
        "pane-border": border,
        "scroll-thumb": border,
        "scroll-thumb-held": primary.hex6,
        "row-cursor": background.blend(primary, share).hex6,
        "row-cursor-style": "bold",
        "row-resting": background.blend(text, _RESTING_SHARE).hex6,
        "row-resting-style": "bold",
        _PICTURE: primary.hex6,
    }


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
