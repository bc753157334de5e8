"""What the jobs and the runs pane share: a table of records, filtered, sorted and marked.

Rows are arranged in the background; the keys never wait for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, Static

from xt_core import clock
from xt_core.annotations import not_archived
from xt_core.errors import UsageError
from xt_core.query.columns import Column, expand_columns, parse_columns
from xt_core.query.fields import FieldSet, Record
from xt_core.query.filters import Filter, parse_filter
from xt_core.query.formats import counted
from xt_core.query.table import display_width
from xt_tui.background import Background
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.pane import Pane
from xt_tui.state import STYLES, marked
from xt_tui.widgets.table import Cell, Table, TableColumn

_WIDEST = 16
_STATUS_WIDTH = len(marked("cancelling"))
_SAMPLE = 200  # rows at either end that decide about columns and their widths
_ROW_CELL = 1


@dataclass(frozen=True)
class Arrangement(Generic[Record]):
    """Rows in order, with the columns that fit them; `asked` counts the requests."""

    asked: int = 0
    keys: Sequence[str] = ()
    columns: Sequence[Column[Record]] = ()
    widths: Sequence[int] = ()


@dataclass
class Marks:
    """Marked rows by key, and the range that is being marked: from `anchor` to the cursor."""

    keys: set[str] = field(default_factory=set)
    anchor: str | None = None
    before: set[str] = field(default_factory=set)


class RecordsPane(Pane, Generic[Record]):
    """A filter bar over a table. Subclasses say what the records are and how cells look."""

    LEAD: Sequence[str] = ()
    """Keys of rows above the records, which cannot be marked."""

    @dataclass
    class Arranged(Message):
        """An arrangement is ready."""

        arrangement: Arrangement[Any]

    def __init__(
        self,
        title: str,
        *,
        id: str,
        noun: str,
        records: Mapping[str, Record],
        fields: FieldSet[Record],
        order: RecordOrder[Record],
        selection: Selection[Record],
        empty: str,
        example: str,
    ) -> None:
        super().__init__(title, id=id)
        self._noun, self._empty, self._example = noun, empty, example
        self._records, self._fields, self._order = records, fields, order
        self.selection, self.scope = selection, tuple[Filter[Record], ...]()
        self.hidden: tuple[Filter[Record], ...] = (not_archived(fields),)
        """What leaves out records that were put away; empty while they are shown."""
        self._background = Background(self, f"arrange {id}")
        self._asked = 0
        self._arrangement: Arrangement[Record] = Arrangement()
        self._filter_text = ""
        self._wanted: str | None = None
        """The key that the cursor goes to as soon as it is shown."""
        self._marks = Marks()
        self._marked_keys: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input(placeholder=self._example, classes="filter hidden", compact=True)
        yield Static(classes="filter-error error hidden", markup=False)
        yield Table(self._cells, id=f"{self.id}-table", empty=self._empty)

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    @property
    def target(self) -> Table:
        return self.table

    @property
    def cursor(self) -> Record | None:
        """The record under the cursor."""
        return self._records.get(self.table.cursor_key or "")

    @property
    def chosen(self) -> list[Record]:
        """The marked records that are shown, else the one under the cursor."""
        if self._marked_keys:
            return [self._records[key] for key in self._marked_keys]
        return [self.cursor] if self.cursor is not None else []

    # What subclasses say ----------------------------------------------------------------

    def column_text(self, keys: Sequence[str]) -> str:
        """The columns for these rows, as of `xt list --columns`. Called in a thread."""
        raise NotImplementedError

    def status_of(self, record: Record) -> str:
        """The record's state, or what is being done about it."""
        raise NotImplementedError

    def text(self, column: Column[Record], record: Record, now: float) -> str:
        """A cell's text."""
        return column.text(record, now)

    def lead_cells(self, key: str) -> list[Cell]:
        """The cells of a row above the records."""
        raise NotImplementedError

    def scope_text(self) -> str:
        """Where the records come from, if not from everywhere."""
        return ""

    # Rows -------------------------------------------------------------------------------

    def note(self, records: Sequence[Record]) -> None:
        """These records are new or have changed."""
        self._order.note(records)
        self.update_rows()

    def update_rows(self) -> None:
        """Arrange anew, in the background."""
        self._asked += 1
        asked = self._asked
        filters = (*self.hidden, *self.scope, *self.selection.filters)
        selection = replace(self.selection, filters=filters)
        self._background.ask(lambda: self.Arranged(self._arrange(asked, selection)))

    def _arrange(self, asked: int, selection: Selection[Record]) -> Arrangement[Record]:
        now = clock.now()
        keys = self._order.update(selection, now)
        ends = keys[:_SAMPLE] + keys[_SAMPLE:][-_SAMPLE:]
        sample = [self._records[key] for key in ends]
        columns = expand_columns(
            parse_columns(self.column_text(ends), self._fields),
            self._fields,
            sample,
            now,
            drop_absent=True,
        )
        columns = [c for c in columns if any(c.text(record, now) for record in sample)]
        widths = [self._width(column, sample, now) for column in columns]
        return Arrangement(asked, [*self.LEAD, *keys], columns, widths)

    def _width(self, column: Column[Record], records: Sequence[Record], now: float) -> int:
        if column.field.name == "status":
            return _STATUS_WIDTH
        texts = (self.text(column, record, now) for record in records)
        widest = max((display_width(text) for text in texts), default=0)
        return min(_WIDEST, max(widest, display_width(column.header)))

    @on(Arranged)
    def _show_arrangement(self, message: Arranged) -> None:
        if not self.query(Table):
            return  # the app closes
        self._arrangement = message.arrangement
        self._collect_marks()
        self.table.show(self._table_columns(message.arrangement), message.arrangement.keys)
        if self._wanted is not None:
            self.go_to(self._wanted)
        self._describe()

    def toggle_archived(self) -> None:
        """Show what was put away too, or leave it out again."""
        self.hidden = () if self.hidden else (not_archived(self._fields),)
        self.update_rows()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, now or as soon as it is shown."""
        self._wanted = key if key not in self.table.keys else None
        self.table.move_to(key)

    def _table_columns(self, arrangement: Arrangement[Record]) -> list[TableColumn]:
        columns = [TableColumn(" ", _ROW_CELL)]
        for column, width in zip(arrangement.columns, arrangement.widths, strict=True):
            arrow = "▼" if self.selection.reverse else "▲"
            is_sorted = column.field.name == self.selection.sort
            header = column.header + (arrow if is_sorted else "")
            columns.append(
                TableColumn(header, max(width, display_width(header)), column.alignment == "right")
            )
        return columns

    def _cells(self, key: str) -> list[Cell]:
        if key in self.LEAD:
            return [Cell(" "), *self.lead_cells(key)]
        record, now = self._records[key], clock.now()
        cells = [Cell("●" if key in self._marks.keys else " ", "bold magenta")]
        for column in self._arrangement.columns:
            if column.field.name == "status":
                status = self.status_of(record)
                cells.append(Cell(marked(status), STYLES.get(status, "")))
            else:
                cells.append(Cell(self.text(column, record, now)))
        return cells

    def _describe(self) -> None:
        shown, hidden = len(self._marked_keys), len(self._marks.keys) - len(self._marked_keys)
        parts = [counted(len(self._arrangement.keys) - len(self.LEAD), self._noun)]
        parts += [self.scope_text()] if self.scope_text() else []
        parts += [f"filter {self._filter_text}"] if self._filter_text else []
        parts += [] if self.hidden else ["archived ones too"]
        parts += [f"{shown} marked"] if shown else []
        parts += [f"{counted(hidden, 'mark')} out of sight"] if hidden else []
        parts += ["marking a range: v ends it"] if self._marks.anchor else []
        self.border_subtitle = " · ".join(parts).replace("[", r"\[")

    # Sort -------------------------------------------------------------------------------

    def sort_by_next(self, step: int) -> None:
        """Sort by the column beside the present one."""
        names = [column.field.name for column in self._arrangement.columns]
        if names:
            place = names.index(self.selection.sort) if self.selection.sort in names else 0
            self._sort_by(names[(place + step) % len(names)])

    def reverse(self) -> None:
        self.selection = replace(self.selection, reverse=not self.selection.reverse)
        self.update_rows()

    def _sort_by(self, name: str) -> None:
        self.selection = replace(self.selection, sort=name)
        self.update_rows()

    @on(Table.HeaderClicked)
    def _header_clicked(self, message: Table.HeaderClicked) -> None:
        place = message.column - 1  # the first column holds the marks
        if 0 <= place < len(self._arrangement.columns):
            name = self._arrangement.columns[place].field.name
            if name == self.selection.sort:
                self.reverse()
            else:
                self._sort_by(name)

    # Marks ------------------------------------------------------------------------------

    def toggle_mark(self) -> None:
        """Mark or unmark the cursor's row and go on to the next; ends a range."""
        key = self.table.cursor_key
        if self._marks.anchor is not None:
            self.toggle_range()
        elif key is not None and key not in self.LEAD:
            self._marks.keys ^= {key}
            self._marks_changed()
            self.table.action_cursor(1)

    def toggle_range(self) -> None:
        """Begin to mark all rows that the cursor passes, or be done with it."""
        marks, key = self._marks, self.table.cursor_key
        marks.anchor = key if marks.anchor is None else None
        marks.before = set(marks.keys)
        self.extend_range()
        self._marks_changed()

    def extend_range(self) -> None:
        """Mark from where the range began up to the cursor, besides what was marked before."""
        marks, key = self._marks, self.table.cursor_key
        keys = self.table.keys
        if marks.anchor is None or key is None or marks.anchor not in keys:
            return
        first, last = sorted((keys.index(marks.anchor), keys.index(key)))
        wanted = marks.before | set(keys[first : last + 1]) - set(self.LEAD)
        if wanted != marks.keys:
            marks.keys = wanted
            self._marks_changed()

    def mark_all(self) -> None:
        """Mark all that is shown; none if all are."""
        shown = set(self.table.keys) - set(self.LEAD)
        if shown <= self._marks.keys:
            self._marks.keys -= shown
        else:
            self._marks.keys |= shown
        self._marks_changed()

    def clear_marks(self) -> None:
        self._marks = Marks()
        self._marks_changed()

    def _collect_marks(self) -> None:
        marks = self._marks.keys
        self._marked_keys = [k for k in self._arrangement.keys if k in marks] if marks else []

    def _marks_changed(self) -> None:
        self._collect_marks()
        self._describe()
        self.table.refresh()
        self.table.announce_cursor()

    # Filter -----------------------------------------------------------------------------

    @property
    def is_filtered(self) -> bool:
        return bool(self._filter_text)

    def open_filter(self) -> None:
        """Let the user type a filter."""
        bar = self.query_one(".filter", Input)
        bar.remove_class("hidden")
        bar.focus()

    @on(Input.Changed, ".filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        """Filter while typing; a wrong filter is told inline, and the old rows stay."""
        if not self.query(".filter-error"):
            return  # the app closes
        error = self.query_one(".filter-error", Static)
        try:
            filters = parse_filters(event.value, self._fields)
        except UsageError as problem:
            error.update(f"{problem.message}: {problem.hint}")
            error.remove_class("hidden")
            return
        error.add_class("hidden")
        self._filter_text = event.value.strip()
        self.selection = replace(self.selection, filters=filters)
        self.update_rows()

    @on(Input.Submitted, ".filter")
    def _filter_done(self) -> None:
        bar = self.query_one(".filter", Input)
        bar.set_class(not bar.value.strip(), "hidden")
        self.table.focus()

    def close_filter(self) -> None:
        """Give the range that is being marked up; without one, the filter."""
        if self._marks.anchor is not None:
            self._marks = Marks(self._marks.before)
            self._marks_changed()
            return
        bar = self.query_one(".filter", Input)
        bar.value = ""
        bar.add_class("hidden")
        self.query_one(".filter-error", Static).add_class("hidden")
        self.table.focus()


def parse_filters(text: str, fields: FieldSet[Record]) -> tuple[Filter[Record], ...]:
    """Filters separated by blanks, as of `xt list --filter`. Raises UsageError."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError("a quote is not closed", "close it") from None
    return tuple(parse_filter(word, fields) for word in words)
