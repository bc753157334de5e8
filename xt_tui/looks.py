"""The app as it looks: its themes, the one that is worn, and the states' colours of it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from rich.segment import Segment
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.binding import Binding
from textual.color import Color
from textual.filter import LineFilter

from xt_core.choices import Choices
from xt_tui import themes
from xt_tui.ansicolors import readable
from xt_tui.asciionly import SPELLED, AsciiOnly
from xt_tui.charting.colors import SERIES_COLORS
from xt_tui.controlcodes import ControlCodes
from xt_tui.state import STYLES

_CONTROL_CODES = ControlCodes()
_ASCII_ONLY = AsciiOnly()
_THEME, _ASCII = "theme", "-ascii"
_SCROLLBARS = {
    "scrollbar": "scroll-thumb",
    "scrollbar-hover": "scroll-thumb-held",
    "scrollbar-active": "scroll-thumb-held",
}
"""Textual's variable -> XT's: bars are there to be seen, not to be looked at."""
_TRACKS = ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active")


class _InTurn(LineFilter):
    """Several filters, one after the other."""

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self._filters = filters

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        for line_filter in self._filters:
            segments = line_filter.apply(segments, background)
        return segments


_in_turn = lru_cache(maxsize=8)(_InTurn)
"""The same one for the same filters: strips remember by it what became of them."""


def draws_ascii(app: App[Any]) -> bool:
    """Whether only ASCII can be drawn."""
    return app.has_class(_ASCII)


class Looks(App[int]):
    """Wears a theme: that of the setting `tui.theme`, else the one that was chosen last."""

    choices: Choices
    _worn: Mapping[str, str] | None = None
    """The variables that the stylesheet was made with."""
    _ansi_themes: ClassVar[dict[tuple[str, bool], TerminalTheme]] = {}
    """What `ansi_theme` was found to be, by the theme's name, and whether there are no colours."""

    def dress(self, wanted: str | None, *, is_ascii: bool) -> str:
        """Put on the theme to begin with, before anything is styled; what is wrong with it ("" if
        nothing is)."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        kept = self.choices.get(_THEME)
        name = wanted or (kept if isinstance(kept, str) else "") or themes.DEFAULT
        self.set_class(is_ascii, _ASCII)
        is_known = name in self.available_themes
        self.theme = name if is_known else themes.DEFAULT
        self._worn = self.get_css_variables()
        self.stylesheet.set_variables(dict(self._worn))
        if is_known:
            return ""
        return f"there is no theme {name!r}: {', '.join(themes.FIRST)} and others"

    def refresh_css(self, animate: bool = True) -> None:
        """As Textual's, but for a theme that the stylesheet has already: when the app starts, that
        would only be to parse all of it again."""
        variables = self.get_css_variables()
        if variables != self._worn:
            self._worn = variables
            super().refresh_css(animate)

    def wear(self, name: str) -> None:
        """Put on a theme, now and from now on."""
        self.theme = name
        self.choices.put(_THEME, name)

    def get_key_display(self, binding: Binding) -> str:
        """As Textual's, in letters where only ASCII can be drawn."""
        sign = super().get_key_display(binding)
        return SPELLED.get(sign, sign) if draws_ascii(self) else sign

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's; where only ASCII can be drawn, one that leaves nothing else; and last the
        one that keeps control characters from the terminal. They are applied as one: each costs
        every line of every widget that is near to a change."""
        likenesses = [_ASCII_ONLY] if draws_ascii(self) else []
        return [_in_turn((*super().get_line_filters(), *likenesses, _CONTROL_CODES))]

    @property
    def ansi_theme(self) -> TerminalTheme:
        """As Textual's, in colours that can be read in the theme that is worn."""
        theme, known = self.current_theme, super().ansi_theme
        if theme.ansi:
            return known
        key = (theme.name, self.no_color)
        if key not in self._ansi_themes:
            self._ansi_themes[key] = readable(known, theme, is_grey=self.no_color)
        return self._ansi_themes[key]

    def get_css_variables(self) -> dict[str, str]:
        """As Textual's, with those that XT adds, which tables and charts draw with too."""
        variables = super().get_css_variables() | themes.own_variables(self.current_theme)
        if self.no_color and not self.current_theme.ansi:
            variables |= themes.greys_of_curves(variables)
        variables |= {name: variables[own] for name, own in _SCROLLBARS.items()}
        variables |= dict.fromkeys(_TRACKS, "transparent")
        STYLES.adopt(variables)
        SERIES_COLORS.adopt(variables)
        return variables
