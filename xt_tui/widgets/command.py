"""The command field of the launch form: up and down bring back earlier commands."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class CommandInput(Input):
    """An input with a history. What was typed before the first `up` comes back by `down`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(1)", "earlier command", show=False),
        Binding("down", "recall(-1)", "later command", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(placeholder="train.py --epochs=10", id=id, compact=True)
        self.history: Sequence[str] = ()
        """Earlier commands, the newest first."""
        self._place = 0  # 0 is what was typed
        self._own = ""

    def action_recall(self, by: int) -> None:
        """Show an earlier or later command."""
        place = min(max(0, self._place + by), len(self.history))
        if place == self._place:
            return
        if self._place == 0:
            self._own = self.value
        self._place = place
        self.value = self._own if place == 0 else self.history[place - 1]
        self.cursor_position = len(self.value)
