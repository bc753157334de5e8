"""All keys, from the table of actions; those of the pane at hand come first."""

from typing import ClassVar

from rich.table import Table as RichTable
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from xt_tui.actions import ACTIONS, PANE_GROUPS

_KEY_NAMES = {
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "asterisk": "*",
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "underscore": "_",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
_MOVING = (
    ("↓ ↑ j k", "one row or line"),
    ("pgdn pgup", "one page"),
    ("← → h l", "sideways"),
    ("g G", "the first, the last"),
    ("tab shift+tab", "the next pane, the one before"),
    ("enter", "on a job: its runs; on a run: its details; on a box: its check"),
    ("ctrl+p", "the command palette"),
)

_IN_FORM = (
    ("ctrl+n ctrl+t", "a new parameter, take out the one at hand"),
    ("→", "take over the file name or distribution that is suggested"),
    ("ctrl+l ctrl+y", "launch; copy as an xt run command"),
    ("esc ctrl+g", "close"),
)
_IN_SEARCH = (
    ("1 2 3 4", "progress, parameters, Pareto front, the table of sets"),
    ("/ < > r", "filter and sort the sets"),
    ("enter", "go to the run of the set"),
    ("z", "the sets or the charts alone, or both again"),
    ("esc q S", "close"),
)


def key_text(keys: str) -> str:
    """Keys as they are printed on a keyboard."""
    return " ".join(_KEY_NAMES.get(key, key) for key in keys.split(","))


class HelpScreen(ModalScreen[None]):
    """Closes with any of its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "close"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, pane: str) -> None:
        """`pane` is the id of the pane that has the keys; "" if none has."""
        super().__init__()
        self._pane = pane

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help"):
            yield Static("Keys", classes="dialog-title")
            yield Static(self._table())

    def _table(self) -> RichTable:
        table = RichTable.grid(padding=(0, 2))
        first = PANE_GROUPS.get(self._pane, ())
        groups = dict.fromkeys((*first, *(action.group for action in ACTIONS.values())))
        for group in groups:
            table.add_row(f"[bold]{group}[/]")
            for action in ACTIONS.values():
                if action.group == group:
                    table.add_row(f"  {key_text(action.keys)}", action.help)
        fixed = {"Moving": _MOVING, "The launch form (n)": _IN_FORM, "A search (S)": _IN_SEARCH}
        for heading, lines in fixed.items():
            table.add_row(f"[bold]{heading}[/]")
            for keys, text in lines:
                table.add_row(f"  {keys}", text)
        return table

    def action_scroll(self, lines: int) -> None:
        self.query_one("#help").scroll_relative(y=lines, animate=False)
