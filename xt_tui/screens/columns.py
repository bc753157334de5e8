"""The dialog that chooses columns: which fields are shown, in which order, how wide."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from xt_core import clock
from xt_core.query.columns import Column
from xt_core.query.fields import FieldSet, Record
from xt_core.query.formats import counted
from xt_core.query.views import NARROWEST, WIDEST, ChosenColumn, Columns, is_known
from xt_tui.columns import first, hidden, known_names, moved, only, resized, shown, toggled
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_KEYS = (
    "↑ ↓ go · space show or hide · J K move · t to the top · + - width · / search · a show all "
    "that match, x hide them, o only these · r automatic · enter takes · q or esc leaves"
)
_NAME_CELLS, _EXAMPLE_CELLS = 34, 24
_WIDTH_STEP = 2


class SoughtInput(Input):
    """The text that fields are sought by."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """A blank is left to the screen where it chooses a field."""
        is_choice = key == "space" and self.screen.check_action("choose_sought", ())
        return not is_choice and super().check_consume_key(key, character)


class ColumnsScreen(ModalScreen[Columns | None], Generic[Record]):
    """Ends with the columns (none: the automatic ones), or None to leave them as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "leave the search, or close"),
        Binding("q,C", "dismiss(None)", "close"),
        # While text is typed, as in the other dialogs that search.
        Binding("down,ctrl+n", "step(1)", "down", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "up", show=False, priority=True),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, priority=True),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, priority=True),
        Binding("space", "choose_sought", "show or hide", show=False, priority=True),
        Binding("space", "choose_field", "show or hide"),
        Binding("J,ctrl+down", "shift(1)", "move down"),
        Binding("K,ctrl+up", "shift(-1)", "move up"),
        Binding("t", "lead", "to the top"),
        Binding("a", "show_listed", "show all listed"),
        Binding("x", "hide_listed", "hide all listed"),
        Binding("o", "only_listed", "only these"),
        Binding("plus,equals_sign", "resize(1)", "wider"),
        Binding("minus", "resize(-1)", "narrower"),
        Binding("slash", "search", "search"),
        Binding("r", "automatic", "automatic"),
    ]

    def __init__(
        self,
        noun: str,
        fields: FieldSet[Record],
        records: Sequence[Record],
        columns: Columns,
        text: Callable[[Column[Record], Record, float], str],
    ) -> None:
        """`records` are examples: what they logged is offered. `text` says what a column may look
        like, by one of them."""
        super().__init__()
        self._noun, self._fields, self._records = noun, fields, records
        self._columns, self._text = columns, text
        self._known = known_names(fields, records, clock.now())
        self._is_stepped = False
        """Whether a field was gone to since text was typed last."""

    def compose(self) -> ComposeResult:
        with Dialog(f"Columns of {self._noun}s", _KEYS, classes="tall"):
            yield SoughtInput(
                placeholder="/ searches, or names any field", id="sought", compact=True
            )
            yield Table(self._cells, id="columns-table", empty="nothing matches")

    def on_mount(self) -> None:
        self._table.focus()
        self._show()

    @property
    def _table(self) -> Table:
        return self.query_one(Table)

    # What is listed -----------------------------------------------------------------------

    def _names(self) -> list[str]:
        """The shown fields in order, then the others; only those that are sought."""
        chosen = [column.name for column in self._columns]
        names = [*chosen, *(name for name in self._known if name not in chosen)]
        sought = self.query_one("#sought", Input).value.strip()
        found = [name for name in names if sought.lower() in name.lower()]
        if sought and "." in sought and sought not in names and is_known(sought, self._fields):
            found.append(self._fields.find(sought).name)
        return found

    def _show(self) -> None:
        columns = [
            TableColumn(" ", 1),
            TableColumn("field", _NAME_CELLS),
            TableColumn("width", 5, right=True),
            TableColumn("for example", _EXAMPLE_CELLS),
        ]
        self._table.show(columns, self._names())
        self._table.border_subtitle = f"{counted(len(self._columns), 'column')} shown"

    def _cells(self, name: str) -> list[Cell]:
        chosen = {column.name: column.width for column in self._columns}
        if name not in chosen:
            return [Cell(" "), Cell(name), Cell(""), Cell(self._example(name), "dim")]
        width = str(chosen[name] or "auto")
        return [Cell("✔"), Cell(name, "bold"), Cell(width), Cell(self._example(name), "dim")]

    def _example(self, name: str) -> str:
        """The first value that there is."""
        field = self._fields.find(name)
        column, now = Column(field, "", field.format), clock.now()
        texts = (self._text(column, record, now) for record in self._records)
        return next(filter(None, texts), "")

    def _matches(self) -> list[str]:
        """What is listed; aggregates only where nothing else is, for each metric has several."""
        names = list(self._table.keys)
        plain = [name for name in names if self._fields.find(name).aggregate is None]
        return plain or names

    # Keys ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While text is typed, letters are text; a blank too, where it can be of a name."""
        is_typed = isinstance(self.focused, Input)
        if action == "choose_sought":
            text = f"{self.query_one('#sought', Input).value} ".lower()
            is_of_name = any(text in name.lower() for name in self._known)
            return is_typed and (self._is_stepped or not is_of_name)
        if action in {"step", "page"}:
            return is_typed
        return not (is_typed and action in {"search", "choose_field"})

    def action_step(self, by: int) -> None:
        self._is_stepped = True
        self._table.action_cursor(by)

    def action_page(self, by: int) -> None:
        self._is_stepped = True
        self._table.action_page(by)

    def action_choose_sought(self) -> None:
        self._show()  # what was typed just before may not be sought yet
        self.action_choose_field()

    def action_choose_field(self) -> None:
        """A column that comes takes the cursor along, so that it can be moved; one that goes
        leaves it to the next."""
        if (name := self._table.cursor_key) is not None:
            following = self._table.keys[(self._table.place(name) or 0) + 1 :]
            self._columns = toggled(self._columns, name)
            self._show()
            if following and name not in [column.name for column in self._columns]:
                self._table.move_to(following[0])

    def action_shift(self, by: int) -> None:
        if (name := self._table.cursor_key) is not None:
            self._columns = moved(self._columns, name, by, set(self._table.keys))
            self._show()

    def action_lead(self) -> None:
        if (name := self._table.cursor_key) is not None:
            self._columns = first(self._columns, name)
            self._show()

    def action_show_listed(self) -> None:
        self._columns = shown(self._columns, self._matches())
        self._show()

    def action_hide_listed(self) -> None:
        self._columns = hidden(self._columns, set(self._table.keys))
        self._show()

    def action_only_listed(self) -> None:
        self._columns = only(self._columns, self._matches(), self._fields)
        self._show()

    def action_resize(self, by: int) -> None:
        name = self._table.cursor_key
        column = next((column for column in self._columns if column.name == name), None)
        if column is not None:
            width = (column.width or self._natural_width(column)) + by * _WIDTH_STEP
            self._columns = resized(self._columns, column.name, width)
            self._show()

    def _natural_width(self, column: ChosenColumn) -> int:
        return min(max(NARROWEST, len(self._example(column.name)), len(column.name)), WIDEST // 4)

    def action_leave(self) -> None:
        """Leave the search, if there is one; else the dialog."""
        sought = self.query_one("#sought", Input)
        if sought.has_focus or sought.value:
            sought.value = ""
            self._table.focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        self.query_one("#sought", Input).focus()

    def action_automatic(self) -> None:
        self.dismiss(())

    @on(Input.Changed)
    def _sought(self) -> None:
        self._is_stepped = False
        self._show()

    @on(Input.Submitted)
    def _found(self) -> None:
        self._table.focus()

    @on(Table.CursorMoved)
    def _keep(self, message: Table.CursorMoved) -> None:
        message.stop()

    @on(Table.Chosen)
    def _take(self, message: Table.Chosen) -> None:
        message.stop()
        self.dismiss(self._columns)
