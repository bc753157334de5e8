"""The dialog of named views: applied, saved, deleted."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from xt_core.query.views import View
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_KEYS = "enter apply · s save what is shown now · d delete · q close"
_NAME_CELLS, _TEXT_CELLS = 20, 70
_EVERYTHING = "(everything)"
"""The view that shows all as it was at first; it is not saved, and has no text."""


class ViewsScreen(ModalScreen[View | None]):
    """Ends with the view to apply, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "close", priority=True),
        Binding("q,V", "dismiss(None)", "close"),
        Binding("s", "name", "save"),
        Binding("d,delete", "delete", "delete"),
    ]

    def __init__(
        self,
        nouns: str,
        views: Mapping[str, View],
        present: View,
        plain: View,
        keep: Callable[[Mapping[str, View]], None],
    ) -> None:
        """`present` is what is shown now, `plain` what was at first; `keep` saves all views."""
        super().__init__()
        self._nouns, self._present, self._keep = nouns, present, keep
        self._plain, self._views = plain, dict(views)
        self._doomed: str | None = None

    def compose(self) -> ComposeResult:
        with Dialog(f"Views of {self._nouns}", _KEYS, classes="tall"):
            yield Input(
                placeholder="a name; enter saves", id="view-name", classes="hidden", compact=True
            )
            yield Table(self._cells, id="views-table", empty="")

    def on_mount(self) -> None:
        self._table.focus()
        self._show()

    @property
    def _table(self) -> Table:
        return self.query_one(Table)

    def _show(self) -> None:
        columns = [TableColumn("view", _NAME_CELLS), TableColumn("shows", _TEXT_CELLS)]
        self._table.show(columns, [_EVERYTHING, *sorted(self._views)])

    def _cells(self, name: str) -> list[Cell]:
        view = self._views.get(name)
        return [Cell(name, "bold"), Cell("" if view is None else described(view))]

    @property
    def _dialog(self) -> Dialog:
        return self.query_one(Dialog)

    def action_close(self) -> None:
        """Give up naming; else close."""
        if self.query_one(Input).has_focus:
            self._done_naming()
        else:
            self.dismiss(None)

    def action_name(self) -> None:
        """Ask for the name of the view to save."""
        name = self.query_one(Input)
        name.remove_class("hidden")
        name.focus()
        self._dialog.say(described(self._present) or "everything, as it was at first")

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if name in ("", _EVERYTHING):
            self._dialog.say("a view needs a name of its own")
            return
        self._views[name] = self._present
        self._keep(self._views)
        self._show()
        self._table.move_to(name)
        self._done_naming()

    def _done_naming(self) -> None:
        name = self.query_one(Input)
        name.value = ""
        name.add_class("hidden")
        self._table.focus()
        self._dialog.say()

    def action_delete(self) -> None:
        """Delete the view, if the key is pressed twice."""
        name = self._table.cursor_key
        if name not in self._views:
            self._dialog.say("that is no saved view")
        elif self._doomed != name:
            self._doomed = name
            self._dialog.say(f"d again deletes {name}")
        else:
            del self._views[name]
            self._keep(self._views)
            self._show()
            self._dialog.say(f"{name} is deleted")

    @on(Table.CursorMoved)
    def _moved(self, message: Table.CursorMoved) -> None:
        message.stop()
        self._doomed = None

    @on(Table.Chosen)
    def _apply(self, message: Table.Chosen) -> None:
        message.stop()
        self.dismiss(self._views.get(message.key, self._plain))


def described(view: View) -> str:
    """A view as options of `xt list`."""
    parts = {
        "filter": view.filter,
        "sort": view.sort + (", reversed" if view.reverse and view.sort else ""),
        "group": view.group,
        "columns": ",".join(column.name for column in view.columns),
    }
    return " · ".join(f"{name} {text}" for name, text in parts.items() if text)
