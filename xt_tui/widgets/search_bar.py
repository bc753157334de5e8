"""One line in which a search or a filter is typed, with what it has found."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from xt_tui.widgets.history import History


class SearchBar(Horizontal):
    """Stays in sight, without the keys, as long as its search or filter is in force."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "give up", show=False),
        Binding("ctrl+r", "toggle_pattern", "text or regex"),
        Binding("up", "recall(-1)", "earlier", show=False),
        Binding("down", "recall(1)", "later", show=False),
    ]

    @dataclass
    class Typed(Message):
        """The text has changed, or how it is meant."""

        bar: "SearchBar"

    @dataclass
    class Accepted(Message):
        """Enter was pressed."""

        bar: "SearchBar"

    @dataclass
    class Closed(Message):
        """The user gave it up."""

        bar: "SearchBar"

    def __init__(self, sign: str, placeholder: str, *, id: str) -> None:
        super().__init__(id=id, classes="search-bar")
        self.display = False
        self._sign, self._placeholder = sign, placeholder
        self._history = History()
        self._state = ""
        self.is_pattern = False
        """Whether the text is a regular expression."""
        self.is_wrong = False
        """Whether a mistake is being told."""

    def compose(self) -> ComposeResult:
        yield Static(self._sign, classes="search-sign")
        yield Input(placeholder=self._placeholder, classes="search-text", compact=True)
        yield Static("", classes="search-state hint", markup=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    def open(self) -> None:
        """Show the bar and give it the keys; the last text can be typed over."""
        self.display = True
        field = self.query_one(Input)
        self.screen.set_focus(field)  # at once: the next key may be on its way
        field.action_select_all()
        self._history.rewind()
        self.tell(self._state)

    def close(self) -> None:
        """Forget the text and go out of sight; the history remembers it."""
        self._history.keep(self.text)
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self.display = False

    def tell(self, state: str) -> None:
        """Say what was found; while the bar has the keys, also which of them changes how the text
        is meant."""
        kind, other = ("regex", "text") if self.is_pattern else ("text", "regex")
        how = f"{kind} · ctrl+r: {other}" if self.query_one(Input).has_focus else kind
        self._state = state
        self._say(" · ".join(filter(None, (state, how))), is_error=False)

    def tell_mistake(self, text: str) -> None:
        """Say what is wrong with the text."""
        self._say(text, is_error=True)

    def _say(self, text: str, *, is_error: bool) -> None:
        label = self.query_one(".search-state", Static)
        if text != str(label.content):
            label.update(text)
        label.set_class(is_error, "error")
        self.is_wrong = is_error

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._history.keep(self.text)
        self.post_message(self.Accepted(self))

    def action_close(self) -> None:
        self.post_message(self.Closed(self))

    def action_toggle_pattern(self) -> None:
        self.is_pattern = not self.is_pattern
        self.post_message(self.Typed(self))

    def action_recall(self, step: int) -> None:
        field = self.query_one(Input)
        field.value = self._history.step(step, field.value)
        field.cursor_position = len(field.value)
