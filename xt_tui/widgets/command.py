"""The command field of the launch form: it completes files, and brings back earlier commands."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from xt_tui.widgets.files import FileSuggester
from xt_tui.widgets.history import History
from xt_tui.widgets.one_line import OneLineInput


class _LastWordSuggester(FileSuggester):
    """Completes the file that the last word of a command begins; the words before it stay."""

    async def get_suggestion(self, value: str) -> str | None:
        before, space, word = value.rpartition(" ")
        found = await super().get_suggestion(word) if word else None
        return None if found is None else f"{before}{space}{found}"


class CommandInput(OneLineInput):
    """An input with a history. What was typed before the first `up` comes back by `down`.

    Right, at the end, takes over the file below the folder that is suggested.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "earlier command", show=False),
        Binding("down", "recall(1)", "later command", show=False),
    ]

    class Pasted(Message):
        """A whole text has come at once."""

    def __init__(self, folder: Path, *, id: str) -> None:
        super().__init__(
            placeholder="e.g. train.py --epochs=10",
            id=id,
            compact=True,
            suggester=_LastWordSuggester(folder),
        )
        self._history = History()

    def on_paste(self, event: events.Paste) -> None:
        super().on_paste(event)
        self.post_message(self.Pasted())

    def meant(self, pasted: str) -> str:
        """Without the lines that are comments, if others are there."""
        lines = pasted.splitlines()
        told = [line for line in lines if not line.lstrip().startswith("#")]
        return "\n".join(told or lines)

    def remember(self, commands: Sequence[str]) -> None:
        """These are the earlier commands, the newest first."""
        self._history = History(reversed(commands), len(commands))

    def action_recall(self, by: int) -> None:
        """Show an earlier or later command."""
        self.value = self._history.step(by, self.value)
        self.cursor_position = len(self.value)
