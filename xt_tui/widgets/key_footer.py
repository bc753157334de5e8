"""The keys at the lower edge: as many as fit whole, those that lead to all others first."""

from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from xt_core.query.table import display_width

_FIRST = ("app.perform('help')", "app.perform('palette')")
_GAPS = 2
"""Cells between a key and what it does, and after that."""


class KeyFooter(Footer):
    """One line. Nothing in it is cut off: what has no room is left out."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        keys = [widget for widget in super().compose() if isinstance(widget, FooterKey)]
        keys.sort(key=lambda key: key.action not in _FIRST)
        shown, room = list[FooterKey](), self.app.size.width
        for key in keys:
            room -= display_width(key.key_display) + display_width(key.description) + _GAPS
            if room < 0:
                break
            shown.append(key)
        self.styles.grid_size_columns = max(1, len(shown))
        yield from shown

    async def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            await self.recompose()
