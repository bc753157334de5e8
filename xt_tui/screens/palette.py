"""The command palette: whatever is found by typing is gone to, or done, by enter.

Invariant: enter takes what was found for the text as it is then, and waits until that is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from xt_core.query.table import display_width
from xt_tui.background import Background
from xt_tui.palette import Hit, Key, Kind, found
from xt_tui.screens.typed import TypedChoice
from xt_tui.typeahead import Typeahead
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_KEYS = "↑ ↓ choose · enter goes there, or does it · esc or ctrl+g closes"
_NARROWEST, _WIDEST, _ABOUT_CELLS = 16, 40, 120


class PaletteScreen(TypedChoice[Hit | None]):
    """Ends with what was chosen, or None."""

    @dataclass
    class Found(Message):
        """What there is for a text."""

        typed: int
        hits: Sequence[Hit]

    def __init__(self, kinds: Sequence[Kind], recent: Sequence[Key]) -> None:
        """`recent` is what was chosen lately, the newest first."""
        super().__init__()
        self._kinds, self._recent = kinds, recent
        self._has_nouns = False
        """Whether any hit has a noun in front of it: that of an action has none."""
        self._background = Background(self, "palette")
        self._hits: dict[str, Hit] = {}
        self._typed = self._shown = 0
        """How often the text has changed, and for which of those texts hits are shown."""
        self._is_wanted = False

    def compose(self) -> ComposeResult:
        nouns = ", ".join(f"{kind.noun}s" for kind in self._kinds if kind.noun)
        with Dialog("Find", _KEYS, classes="tall"):
            yield Input(placeholder=f"words of actions, {nouns}", id="sought", compact=True)
            yield Table(self._cells, id="hits", empty="nothing matches")

    def on_mount(self) -> None:
        self.table.can_focus = False  # the keys go to the text
        self._show(found(self._kinds, "", self._recent))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._typed += 1
        self._is_wanted = False
        typed, text = self._typed, event.value
        self._background.ask(lambda: self.Found(typed, found(self._kinds, text, self._recent)))

    @on(Found)
    def _take(self, message: Found) -> None:
        if message.typed != self._typed or not self.query(Table):
            return  # more has been typed since, or the palette closes
        self._shown = message.typed
        self._show(message.hits)
        if self._is_wanted:
            self._is_wanted = False
            self._keys.type_next("enter")  # and what was typed behind it after that
            self._keys.release_keys(self._give_up)

    def _show(self, hits: Sequence[Hit]) -> None:
        """The best hit is under the cursor."""
        self._hits = {"\0".join(hit.key): hit for hit in hits}
        nouns = max((len(hit.kind.noun) for hit in hits), default=0)
        self._has_nouns = bool(nouns)
        widest = max((display_width(hit.kind.title(hit.name)) for hit in hits), default=0)
        widths = [min(max(widest, _NARROWEST), _WIDEST), _ABOUT_CELLS]
        widths = [nouns, *widths] if nouns else widths
        self.table.show([TableColumn("", width) for width in widths], list(self._hits))
        self.table.action_edge(0)

    def _cells(self, key: str) -> list[Cell]:
        hit = self._hits[key]
        about = hit.kind.about(hit.name)
        title = hit.kind.title(hit.name)
        cells = [Cell(title, "bold"), Cell(about, "dim")]
        return [Cell(hit.kind.noun, "dim"), *cells] if self._has_nouns else cells

    def action_take(self) -> None:
        """Take what is under the cursor, as soon as that is of the text. What is typed meanwhile is
        meant for what that opens."""
        if self._shown != self._typed:
            self._is_wanted = True
            self._keys.hold_keys(self._give_up)
        elif (key := self.table.cursor_key) is not None:
            self.dismiss(self._hits[key])

    def _give_up(self) -> None:
        self._is_wanted = False

    @property
    def _keys(self) -> Typeahead:
        assert isinstance(self.app, Typeahead)
        return self.app

    def on_click(self, event: events.Click) -> None:
        """One click is enough: the table has put its cursor there."""
        if event.widget is self.table and event.chain == 1 and event.y > 0:
            self.action_take()
