"""The dialog that names a field: to sort or to group by."""

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from xt_core.errors import UsageError
from xt_tui.screens.typed import TypedChoice
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_KEYS = "type to search · ↑ ↓ choose · enter take · esc or ctrl+g close"
_NAME_CELLS = 48


class FieldScreen(TypedChoice[str | None]):
    """Ends with what was chosen or typed, or None."""

    def __init__(
        self,
        title: str,
        hint: str,
        names: Sequence[str],
        check: Callable[[str], object],
        is_order: bool = False,
    ) -> None:
        """`names` are offered; `check` raises UsageError for a text that cannot be taken. In an
        order several are separated by commas, each with a - before it if it is downwards."""
        super().__init__()
        self._title, self._hint, self._is_order = title, hint, is_order
        self._names, self._check = names, check

    def compose(self) -> ComposeResult:
        with Dialog(self._title, _KEYS, classes="tall"):
            yield Input(id="sought", compact=True)
            yield Static(self._hint, id="field-hint", classes="hint", markup=False)
            yield Table(lambda name: [Cell(name)], id="field-table", empty="nothing matches")

    def on_mount(self) -> None:
        self.table.can_focus = False  # the keys go to the text
        self._show("")

    def _show(self, text: str) -> None:
        begun, sought = self._parts(text)
        found = [begun + name for name in self._names if sought.lower() in name.lower()]
        problem = ""
        if text and text not in found:
            try:
                self._check(text)
                found.append(text)
            except UsageError as error:
                problem = "" if found else f"{error.message}: {error.hint}"
        self._say(problem)
        self.table.show([TableColumn("", _NAME_CELLS)], found)

    def _say(self, problem: str) -> None:
        hint = self.query_one("#field-hint", Static)
        hint.update(problem or self._hint)
        hint.set_class(bool(problem), "error")

    def _parts(self, text: str) -> tuple[str, str]:
        """What stays as it was typed, and what a name is sought by."""
        if not self._is_order:
            return "", text
        before, comma, last = text.rpartition(",")
        sought = last.strip()
        sign = "-" if sought.startswith("-") else ""
        return f"{before}{comma}{sign}", sought.removeprefix("-")

    def action_take(self) -> None:
        if (name := self.table.cursor_key) is not None:
            self._end_with(name)

    def _end_with(self, name: str) -> None:
        """In an order, a line that is found begins with what was typed, whatever that is."""
        try:
            if name not in self._names:
                self._check(name)
        except UsageError as error:
            self._say(f"{error.message}: {error.hint}")
        else:
            self.dismiss(name)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    @on(Table.Chosen)
    def _clicked(self, message: Table.Chosen) -> None:
        message.stop()
        self._end_with(message.key)
