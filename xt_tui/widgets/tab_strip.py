"""A line of names, one of them the present one, each to be clicked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from xt_core.query.table import display_width


@dataclass(frozen=True)
class Tab:
    """One name. `short` stands for it where the line is too narrow for all."""

    id: str
    label: str
    short: str
    is_on: bool = False
    """Whether it is shown, though another may be the present one."""


class TabStrip(Widget):
    """Says which of several things is shown, and what others there are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tab-strip--current", "tab-strip--shown", "tab-strip--other",
    }  # fmt: skip

    @dataclass
    class Chosen(Message):
        """A name was clicked."""

        strip: "TabStrip"
        tab: str

        @property
        def control(self) -> "TabStrip":
            return self.strip

    def __init__(self, tabs: Callable[[], tuple[Sequence[Tab], str]], *, id: str) -> None:
        """`tabs` gives the names, and the id of the present one."""
        super().__init__(id=id)
        self._tabs = tabs

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        segments = []
        for tab, text in self._texts():
            _, current = self._tabs()
            look = "current" if tab.id == current else "shown" if tab.is_on else "other"
            segments.append(Segment(text, self.get_component_rich_style(f"tab-strip--{look}")))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _texts(self) -> list[tuple[Tab, str]]:
        """What is written: names in full, else but that of the present one, as far as they fit.
        Brackets tell the present one apart without colours."""
        tabs, current = self._tabs()
        for is_full, lead in ((True, " "), (True, ""), (False, " ")):
            texts = []
            for tab in tabs:
                label = tab.label if is_full or tab.id == current else tab.short
                present = f"[{label}]" + ("" if lead else " ")
                texts.append((tab, present if tab.id == current else f"{lead}{label} "))
            if sum(display_width(text) for _, text in texts) <= self.size.width:
                return texts
        return texts

    def on_click(self, event: events.Click) -> None:
        place = 0
        for tab, text in self._texts():
            place += display_width(text)
            if event.x < place:
                self.post_message(self.Chosen(self, tab.id))
                return
