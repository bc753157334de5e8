"""Asks for one line of text, and says at once what is wrong with it."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from xt_core.errors import UsageError
from xt_tui.widgets.dialog import Dialog


class AskScreen(ModalScreen[str | None]):
    """Ends with the text, or None. An empty answer is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close", priority=True)
    ]

    def __init__(self, title: str, hint: str, check: Callable[[str], object]) -> None:
        """`check` raises UsageError for an answer that cannot be taken."""
        super().__init__()
        self._title, self._hint, self._check = title, hint, check

    def compose(self) -> ComposeResult:
        with Dialog(self._title, self._hint):
            yield Input(id="answer", compact=True)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._is_right(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._is_right(event.value):
            self.dismiss(event.value.strip() or None)

    def _is_right(self, text: str) -> bool:
        problem = ""
        try:
            self._check(text)
        except UsageError as error:
            problem = f"{error.message}: {error.hint}"
        self.query_one(Dialog).say(problem, is_error=bool(problem))
        return not problem
