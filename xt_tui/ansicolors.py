"""The 16 colours that scripts write with, so that they can be read on a theme's background."""

from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

from xt_tui.themes import TEXT_CONTRAST, legible

_BLACK, _BRIGHT_WHITE = 0, 15
_COLORS = 8


def readable(known: TerminalTheme, theme: Theme, *, is_grey: bool) -> TerminalTheme:
    """The colours of `known`, each as much nearer to the text's as it has to be; all of them the
    text's where there `is_grey` only. Black and white stay: they are also written on colours."""
    system = theme.to_color_system().generate()
    background, text = Color.parse(system["background"]), Color.parse(system["foreground"])
    colors = []
    for number in range(2 * _COLORS):
        color = Color(*known.ansi_colors[number])
        if number not in (_BLACK, _BRIGHT_WHITE):
            color = text if is_grey else legible(color, background, text, TEXT_CONTRAST)
        colors.append(color.rgb)
    return TerminalTheme(background.rgb, text.rgb, colors[:_COLORS], colors[_COLORS:])
