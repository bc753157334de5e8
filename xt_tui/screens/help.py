"""All keys, searchable: what is found can be done at once. Those of the pane at hand come first.

All of it is read off the registry of actions and the bindings of screens and lists.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from xt_tui.actions import ACTIONS, PANE_GROUPS
from xt_tui.keymap import key_text, keys_of
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.options import nothing_matches

_KEYS_CELLS, _KEYS_CELLS_NARROW = 18, 8
_NARROW_BELOW = 80
"""Cells of the terminal; in narrower ones what keys do has more of the room."""


@dataclass(frozen=True)
class Line:
    """A key's line; `action` is the one that enter does, "" if there is none."""

    heading: str
    keys: str
    text: str
    action: str = ""
    reason: str = ""
    """Why the action is not possible now."""

    def matches(self, words: list[str]) -> bool:
        own = f"{self.heading} {self.keys} {self.text} {self.action}".lower()
        return all(word in own for word in words)


def action_lines(
    pane: str, changed: Mapping[str, str], reasons: Mapping[str, str]
) -> Iterator[Line]:
    """The actions, those of a pane's groups first. `pane` is the id of the pane that has the keys
    ("" if none has), `changed` are the user's own keys, `reasons` say why actions are not possible
    now."""
    first = PANE_GROUPS.get(pane, ())
    groups = dict.fromkeys((*first, *(action.group for action in ACTIONS.values())))
    for group in groups:
        for action in ACTIONS.values():
            if action.group == group:
                keys = key_text(changed.get(action.id, action.keys))
                yield Line(group, keys, action.help, action.id, reasons.get(action.id, ""))


IN_LISTS, IN_PAGES, FORM, SEARCH, COMPARISON, EVERYWHERE = (
    "In lists",
    "In pages",
    "The launch form",
    "The results of a search",
    "The comparison of runs",
    "Everywhere",
)


def fixed_lines(headings: Sequence[str] = ()) -> Iterator[Line]:
    """The keys of lists, pages and screens, which are theirs wherever they are; those under these
    headings alone, if any are given, in that order."""
    from xt_tui.panes.details import Page
    from xt_tui.screens.compare import CompareScreen
    from xt_tui.screens.launch import LaunchScreen
    from xt_tui.screens.search import SearchScreen
    from xt_tui.widgets.side_by_side import SideBySide
    from xt_tui.widgets.table import Table

    owners: dict[str, Sequence[type[Widget]]] = {
        IN_LISTS: [Table],
        IN_PAGES: [Page],
        FORM: [LaunchScreen],
        SEARCH: [SearchScreen],
        COMPARISON: [CompareScreen, SideBySide],
    }
    for heading in headings or (*owners, EVERYWHERE):
        if heading in owners:
            for owner in owners[heading]:
                yield from _lines_of(heading, owner)
            continue
        yield Line(EVERYWHERE, "tab shift+tab", "the next pane or field, the one before")
        text = "copy what is selected; else close what is open, as esc does. It stops nothing"
        yield Line(EVERYWHERE, "ctrl+c", text)


def _lines_of(heading: str, owner: type[Widget]) -> Iterator[Line]:
    """A line for all that has a text; what two keys do has both."""
    keys = dict[str, list[str]]()
    for its_keys, text in keys_of(owner.BINDINGS):
        keys.setdefault(text, []).append(key_text(its_keys))
    for text, each in keys.items():
        if text:
            yield Line(heading, " ".join(each), text)


class HelpScreen(ModalScreen[str | None]):
    """Ends with the id of the action to do, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close", priority=True),
        Binding("down,ctrl+n", "move(1)", "down", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "up", show=False, priority=True),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, priority=True),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, priority=True),
    ]

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__()
        self._lines = lines
        self._words: list[str] = []
        self._keys_cells = 0
        """Those that the keys have in the lines that are shown."""

    def compose(self) -> ComposeResult:
        with Dialog("Keys", "enter does it, esc, ctrl+g or ? closes", id="help"):
            yield Input(placeholder="type to search", id="help-filter", compact=True)
            yield OptionList(id="help-lines")

    def on_mount(self) -> None:
        self._show([])
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        if self._keys_cells != self._fitting_keys_cells:
            options = self.query_one(OptionList)
            highlighted = options.highlighted
            self._show(self._words)
            options.highlighted = highlighted

    @property
    def _fitting_keys_cells(self) -> int:
        return _KEYS_CELLS_NARROW if self.app.size.width < _NARROW_BELOW else _KEYS_CELLS

    def _show(self, words: list[str]) -> None:
        """The lines that have all the words."""
        self._words, self._keys_cells = words, self._fitting_keys_cells
        options = self.query_one(OptionList)
        options.clear_options()
        heading = ""
        for number, line in enumerate(self._lines):
            if line.matches(words):
                if line.heading != heading:
                    heading = line.heading
                    options.add_option(Option(Text(heading, "bold"), disabled=True))
                options.add_option(
                    Option(_text(line, self._keys_cells), id=str(number), disabled=not line.action)
                )
        if not options.option_count:
            options.add_option(nothing_matches())
        options.action_first()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value == "?":  # a field takes it before any binding does
            self.dismiss(None)
        else:
            self._show(event.value.lower().split())

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._lines[int(event.option.id or "0")].action)

    def action_move(self, rows: int) -> None:
        options = self.query_one(OptionList)
        if rows > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_page(self, pages: int) -> None:
        options: Any = self.query_one(OptionList)  # Textual's have no types here
        if pages > 0:
            options.action_page_down()
        else:
            options.action_page_up()


def _text(line: Line, keys_cells: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"  {line.keys:<{keys_cells}}", "bold").append(f" {line.text}")
    return text.append(f"  (not now: {line.reason})", "dim") if line.reason else text
