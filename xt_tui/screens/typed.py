"""What dialogs have in common in which one types and, with other keys, steps through what that
finds."""

from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from xt_tui.widgets.table import Table

Result = TypeVar("Result")


class TypedChoice(ModalScreen[Result]):
    """Text goes to a field, and the keys that no field needs go to the table below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close", priority=True),
        Binding("down,ctrl+n", "step(1)", "down", priority=True),
        Binding("up,ctrl+p", "step(-1)", "up", priority=True),
        Binding("pagedown,ctrl+f", "page(1)", "page down", priority=True),
        Binding("pageup,ctrl+b", "page(-1)", "page up", priority=True),
        Binding("enter", "take", "take", priority=True),
    ]

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def action_step(self, by: int) -> None:
        self.table.action_cursor(by)

    def action_page(self, by: int) -> None:
        self.table.action_page(by)

    def action_take(self) -> None:
        """End with what is under the cursor."""
        raise NotImplementedError

    @on(Table.CursorMoved)
    def _keep(self, message: Table.CursorMoved) -> None:
        message.stop()  # it is nobody else's matter
