"""Chooses a theme: the one under the cursor is worn at once."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from xt_tui.themes import FIRST
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.options import Options

_KEYS = "enter takes it, for good; esc or q keeps the old one"


class ThemeScreen(ModalScreen[str | None]):
    """Ends with the name of a theme, or None after the old one was put on again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+g", "keep_old", "close"),
    ]

    def __init__(self, present: str) -> None:
        super().__init__()
        self._present = present

    def compose(self) -> ComposeResult:
        names = [*FIRST, *sorted(set(self.app.available_themes) - set(FIRST))]
        with Dialog("Which colours?", _KEYS):
            yield Options(*(Option(name, id=name) for name in names))

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = options.get_option_index(self._present)
        options.focus()

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is not None and self.is_attached:
            self.app.theme = event.option.id

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_keep_old(self) -> None:
        self.app.theme = self._present
        self.dismiss(None)
