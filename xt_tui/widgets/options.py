"""A list of options to choose one from."""

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Options(OptionList):
    """Textual's, which goes by vim's keys too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("g", "first", "first", show=False),
        Binding("G", "last", "last", show=False),
    ]


def nothing_matches() -> Option:
    """What a list shows that a search has left empty."""
    return Option(Text("nothing matches", "dim"), disabled=True)
