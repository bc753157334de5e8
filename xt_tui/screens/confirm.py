"""Asks before something is stopped. The default is no."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

_MOST_NAMES = 5


class ConfirmScreen(ModalScreen[bool]):
    """Names what is meant and what will happen; the buttons are verbs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q", "answer(False)", "no"),
        Binding("left,right,h,l", "app.focus_next", "other button", show=False),
    ]

    def __init__(
        self, title: str, names: Sequence[str], consequence: str, yes: str, no: str
    ) -> None:
        super().__init__()
        self._title, self._names, self._consequence = title, names, consequence
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        shown = ", ".join(self._names[:_MOST_NAMES])
        more = len(self._names) - _MOST_NAMES
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Static(shown + (f" and {more} more" if more > 0 else ""), markup=False)
            yield Static(self._consequence, classes="hint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._no, id="no", variant="primary")
                yield Button(f"{self._yes} (y)", id="yes", variant="error")

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
