"""The keys at the lower edge: as many as fit whole, those that lead to all others first.

One widget draws all of them: Textual's footer is made of one for each key, and makes all of them
anew whenever the focus changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from xt_core.query.table import display_width

_FIRST = ("app.perform('help')", "app.perform('palette')")
_GAPS = 2
"""Cells between a key and what it does, and after that."""


@dataclass(frozen=True)
class FooterKey:
    """A key that is shown."""

    key: str
    label: str
    description: str
    action: str
    tooltip: str

    @property
    def cells(self) -> int:
        """The cells that it takes, with the gap after it."""
        return display_width(self.label) + display_width(self.description) + _GAPS


class KeyFooter(Widget):
    """One line. Nothing in it is cut off: what has no room is left out."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-footer--key", "key-footer--description", "key-footer--hovered",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._keys: Sequence[FooterKey] | None = ()
        """All keys, those that come first at the beginning; None: they are to be asked for."""
        self._hovered: FooterKey | None = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus and self.is_attached and screen is self.screen:
            self._keys = None
            self.refresh()

    @property
    def keys(self) -> list[FooterKey]:
        """The keys that are shown."""
        if self._keys is None:
            self._keys = self._active_keys()
        shown, room = list[FooterKey](), self.size.width
        for key in self._keys:
            room -= key.cells
            if room < 0:
                break
            shown.append(key)
        return shown

    def _active_keys(self) -> list[FooterKey]:
        keys: dict[str, FooterKey] = {}
        for _, binding, _, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                label = self.app.get_key_display(binding)
                keys[binding.action] = FooterKey(
                    binding.key, label, binding.description, binding.action, tooltip
                )
        return sorted(keys.values(), key=lambda key: key.action not in _FIRST)

    # Drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, plain = self.size.width, Style(bgcolor=self.rich_style.bgcolor)
        if y:
            return Strip.blank(width, plain)
        looks = [
            self.get_component_rich_style(f"key-footer--{part}") for part in ("key", "description")
        ]
        hovered = self.get_component_rich_style("key-footer--hovered", partial=True)
        segments = []
        for key in self.keys:
            of_key, of_text = (look + hovered if key == self._hovered else look for look in looks)
            segments += [
                Segment(key.label, of_key),
                Segment(f" {key.description}", of_text),
                Segment(" ", plain),
            ]
        return Strip(segments).adjust_cell_length(width, plain)

    # The mouse --------------------------------------------------------------------------

    def _key_at(self, x: int) -> FooterKey | None:
        right = 0
        for key in self.keys:
            right += key.cells
            if x < right - 1:
                return key
            if x < right:
                return None
        return None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if (key := self._key_at(event.x)) is not None:
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self._key_at(event.x))

    def on_leave(self) -> None:
        self._hover(None)

    def _hover(self, key: FooterKey | None) -> None:
        if key != self._hovered:
            self._hovered = key
            self.tooltip = key.tooltip or None if key else None
            self.refresh()
