"""What the UI told since it was started, the newest first: errors that were missed are here."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from xt_core.query.fields import Kind
from xt_core.query.formats import TIME_ONLY, counted, exact_time, format_value
from xt_tui.eventlog import EventLog, Told
from xt_tui.state import STYLES
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_LOOKS = {"error": "error", "warning": "cancelled"}
"""Severities and the states that look the same."""


class EventsScreen(ModalScreen[None]):
    """A row an event; the whole text of the one under the cursor is below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,E,ctrl+g", "dismiss", "close"),
        Binding("y", "copy", "copy"),
        Binding("Y", "copy_all", "copy all"),
    ]

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self._events = {str(place): told for place, told in enumerate(log.newest_first())}

    def compose(self) -> ComposeResult:
        title = f"Told: {counted(len(self._events), 'event')}"
        with Dialog(title, "y copies it, Y copies all, esc or q closes", id="events"):
            yield Table(self._cells, id="events-table", empty="nothing yet")
            yield Static(id="event-text", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(Table)
        widest = max((len(told.title) for told in self._events.values()), default=0)
        table.show(
            [TableColumn("time", 8), TableColumn("", 1),
             TableColumn("about", max(5, min(20, widest))), TableColumn("what", 200)],
            list(self._events),
        )  # fmt: skip
        table.focus()
        self._show_text()

    def _cells(self, key: str) -> Sequence[Cell]:
        told = self._events[key]
        style = STYLES.get(_LOOKS.get(told.severity, ""), "")
        time = format_value(told.time, Kind.TIME, TIME_ONLY)
        text = " ".join(told.message.split())
        return [Cell(time), Cell(told.glyph, style), Cell(told.title, style), Cell(text)]

    @property
    def _told(self) -> Told | None:
        return self._events.get(self.query_one(Table).cursor_key or "")

    @on(Table.CursorMoved)
    def _show_text(self) -> None:
        told = self._told
        text = "" if told is None else f"{exact_time(told.time)} {told.title}\n{told.message}"
        self.query_one("#event-text", Static).update(text)

    def action_copy(self) -> None:
        if self._told is not None:
            self.app.copy_to_clipboard(self._told.line())

    def action_copy_all(self) -> None:
        self.app.copy_to_clipboard("\n".join(told.line() for told in self._events.values()))
