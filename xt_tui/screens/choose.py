"""Chooses one of many from a list, which may be filtered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from xt_core.query.table import display_width, printable
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.options import Options, nothing_matches

_MOST_SHOWN = 1_000
"""More are found by the filter only."""
_WIDEST = 40
"""Cells up to which texts are lined up."""


@dataclass(frozen=True)
class Choice:
    """What may be chosen; `about` stands beside its text, dimmed."""

    id: str
    text: str
    about: str = ""

    def line(self, width: int) -> Text:
        """How it is shown, with `about` after so many cells of text, or after a longer one."""
        text = printable(self.text)
        line = Text(text, no_wrap=True, overflow="ellipsis")
        gap = " " * max(2, width + 2 - display_width(text))
        return line.append(f"{gap}{printable(self.about)}", "dim") if self.about else line

    def holds(self, words: Sequence[str]) -> bool:
        """Whether all of these lower-case words are in it."""
        text = f"{self.text} {self.about}".lower()
        return all(word in text for word in words)


class ChoiceScreen(ModalScreen[str | None]):
    """Ends with the id of what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "leave the filter, or close"),
        Binding("q", "dismiss(None)", "close", show=False),
        Binding("down,ctrl+n", "move(1)", "down", show=False),
        Binding("up,ctrl+p", "move(-1)", "up", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("delete,D", "delete", "delete", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        hint: str = "enter chooses · / filters · esc, ctrl+g or q leaves",
        delete: Callable[[str], bool] | None = None,
    ) -> None:
        """`delete` forgets a choice for good, where that is offered, and gives whether it did."""
        super().__init__()
        self._title, self._choices, self._hint = title, list(choices), hint
        self._delete = delete

    def compose(self) -> ComposeResult:
        with Dialog(self._title, self._hint, classes="choice"):
            yield Input(placeholder="words to look for", id="choice-filter", compact=True)
            yield Options(id="choices", markup=False)

    def on_mount(self) -> None:
        self._fill("")
        self.query_one("#choices").focus()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#choices", OptionList)

    def _fill(self, text: str) -> None:
        words = text.lower().split()
        found = [choice for choice in self._choices if choice.holds(words)][:_MOST_SHOWN]
        widths = (display_width(choice.text) for choice in found)
        width = max((width for width in widths if width <= _WIDEST), default=0)
        self._list.clear_options()
        self._list.add_options([Option(choice.line(width), choice.id) for choice in found])
        if not found:
            self._list.add_option(nothing_matches())
        self._list.highlighted = 0 if found else None

    @on(Input.Changed, "#choice-filter")
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted, "#choice-filter")
    def _take_first(self) -> None:
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_filter(self) -> None:
        self.query_one("#choice-filter").focus()

    def action_leave(self) -> None:
        """Leave the filter, if there is one; else the dialog."""
        words = self.query_one("#choice-filter", Input)
        if words.has_focus or words.value:
            words.value = ""
            self._list.focus()
        else:
            self.dismiss(None)

    def action_move(self, rows: int) -> None:
        if rows > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_delete(self) -> None:
        place = self._list.highlighted
        if self._delete is None or place is None:
            return
        chosen = self._list.get_option_at_index(place).id
        assert chosen is not None
        if self._delete(chosen):
            self._choices = [choice for choice in self._choices if choice.id != chosen]
            self._fill(self.query_one("#choice-filter", Input).value)
