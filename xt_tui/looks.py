"""The app as it looks: its themes, the one that is worn, and the states' colours of it."""

from collections.abc import Sequence

from textual.app import App
from textual.filter import LineFilter

from xt_core.choices import Choices
from xt_tui import themes
from xt_tui.controlcodes import ControlCodes
from xt_tui.state import STYLES, use_glyphs

_THEME = "theme"
_CONTROL_CODES = ControlCodes()


class Looks(App[int]):
    """Wears a theme: that of the setting `tui.theme`, else the one that was chosen last."""

    choices: Choices

    def dress(self, wanted: str | None, *, is_ascii: bool) -> str:
        """Put on the theme to begin with; what is wrong with it ("" if nothing is)."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        name = wanted or self.choices.get(_THEME) or themes.DEFAULT
        self.set_class(is_ascii, "-ascii")
        use_glyphs(is_ascii=is_ascii)
        if name in self.available_themes:
            self.theme = name
            return ""
        self.theme = themes.DEFAULT
        return f"there is no theme {name!r}: {', '.join(themes.FIRST)} and others"

    def wear(self, name: str) -> None:
        """Put on a theme, now and from now on."""
        self.theme = name
        self.choices.put(_THEME, name)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """As Textual's, and last the one that keeps control characters from the terminal."""
        return [*super().get_line_filters(), _CONTROL_CODES]

    def get_css_variables(self) -> dict[str, str]:
        """As Textual's, with the states' colours, which the tables draw with too."""
        variables = themes.own_variables(self.current_theme) | super().get_css_variables()
        STYLES.adopt(variables)
        return variables
