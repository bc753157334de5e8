"""The box of a dialog: a title, what is asked, and below it a line that says which keys do what."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static


class Dialog(Vertical):
    """Put into a screen by `with`; what is yielded within stands between title and keys."""

    def __init__(self, title: str, keys: str, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=f"dialog {classes}".rstrip())
        self._title = Static(title, classes="dialog-title", markup=False)
        self._said, self._keys = Static(keys, classes="hint", markup=False), keys
        self._asked: list[Widget] = []

    def compose_add_child(self, widget: Widget) -> None:
        self._asked.append(widget)

    def compose(self) -> ComposeResult:
        yield self._title
        yield from self._asked
        yield self._said

    def say(self, text: str = "", *, is_error: bool = False) -> None:
        """Say something in the place of the keys; nothing: the keys again."""
        self._said.update(text or self._keys)
        self._said.set_class(is_error, "error")
