"""Asks before something is stopped. The default is no; for many the number is to be typed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

_MOST_NAMES = 5
MOST_UNTYPED = 20
"""More than so many are confirmed by typing how many they are."""


class ConfirmScreen(ModalScreen[bool]):
    """Names what is meant and what will happen; the buttons are verbs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q,ctrl+g", "answer(False)", "no"),
        Binding("left,right,h,l", "app.focus_next", "other button", show=False),
    ]

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        consequence: str,
        yes: str,
        no: str,
        count: int = 0,
    ) -> None:
        """`count` is of what is meant, where that may be many."""
        super().__init__()
        self._title, self._names, self._consequence = title, names, consequence
        self._yes, self._no = yes, no
        self._typed = str(count) if count > MOST_UNTYPED else ""
        """What must be typed; empty if nothing need be."""

    def compose(self) -> ComposeResult:
        shown = ", ".join(self._names[:_MOST_NAMES])
        more = len(self._names) - _MOST_NAMES
        key = "" if self._typed else " (y)"
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Static(shown + (f" and {more:,} more" if more > 0 else ""), markup=False)
            yield Static(self._consequence, classes="hint", markup=False)
            if self._typed:
                yield Static(f"Type {self._typed} to confirm:", id="typed-hint", markup=False)
                yield Input(id="typed-count", compact=True)
            with Horizontal(classes="buttons"):
                yield Button(self._no, id="no", variant="primary", compact=True)
                yield Button(
                    f"{self._yes}{key}",
                    id="yes",
                    variant="error",
                    disabled=bool(self._typed),
                    compact=True,
                )

    def on_mount(self) -> None:
        self.query_one("#typed-count" if self._typed else "#no").focus()

    @property
    def _may(self) -> bool:
        """Whether yes may be said."""
        return not self._typed or self.query_one("#typed-count", Input).value == self._typed

    @on(Input.Changed)
    def _count_typed(self) -> None:
        self.query_one("#yes", Button).disabled = not self._may

    @on(Input.Submitted)
    def _count_entered(self) -> None:
        self.action_answer(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        if not answer or self._may:
            self.dismiss(answer)
