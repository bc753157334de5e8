"""What the jobs and the runs pane share: a table of records, filtered, sorted and marked.

Rows are arranged in the background; the keys never wait for it. News rearrange them at most twice
a second, and not while keys move the cursor; what a row says is shown at once.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer

from xt_core import clock
from xt_core.annotations import not_archived
from xt_core.query.columns import Column
from xt_core.query.fields import FieldSet, Record
from xt_core.query.filters import Filter
from xt_core.query.formats import counted
from xt_core.query.sorting import parse_sort
from xt_core.query.table import display_width
from xt_tui.background import Background
from xt_tui.columns import ChosenColumn, Columns, from_json, known_names, spelled, to_json
from xt_tui.memory import Memory
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.arranging import Arrangement, Arranger, Looks, Wish
from xt_tui.panes.marks import Marks
from xt_tui.panes.pane import Pane
from xt_tui.state import STYLES, marked
from xt_tui.widgets.filter_bar import FilterBar
from xt_tui.widgets.table import Cell, Table, TableColumn

_MARK_CELLS = 1
_LEAST_SECONDS_BETWEEN_ORDERS = 0.5
_CALM_SECONDS = 0.4
"""How long after the last key that moved the cursor the rows may move."""
_SEEN = 500
"""Rows at either end whose fields are offered as columns, besides those in sight."""
_LONGEST_HOLD_SECONDS = 1.0
"""How long keys may hold news up."""


class RecordsPane(Pane, Generic[Record]):
    """A filter bar over a table. Subclasses say what the records are and how cells look."""

    LEAD: Sequence[str] = ()
    """Keys of rows above the records, which cannot be marked."""
    WIDTHS: Mapping[str, int] = {"status": len(marked("cancelling"))}
    """Columns, by field, that are always so wide."""

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
        memory: Memory | None = None,
    ) -> None:
        """`memory` keeps the user's choices; without one they last as long as the pane."""
        super().__init__(title, id=id)
        self.noun, self._empty, self._example = noun, empty, example
        self._records, self.fields, self._order = records, fields, order
        looks = Looks(self.LEAD, self.column_text, self.text, self.WIDTHS)
        self._arranger = Arranger(records, fields, order, looks)
        self.selection, self.scope = selection, tuple[Filter[Record], ...]()
        self.hidden: tuple[Filter[Record], ...] = (not_archived(fields),)
        """What leaves out records that were put away; empty while they are shown."""
        self._background = Background(self, f"arrange {id}")
        self._asked = 0
        self._arranged_at = self._noted_at = 0.0
        self._news: Timer | None = None
        """Runs while news wait to be arranged."""
        self._arrangement: Arrangement[Record] = Arrangement()
        self._filter_text = ""
        self._wanted: str | None = None
        """The key that the cursor goes to as soon as it is shown."""
        self._marks = Marks()
        self._marked_keys: list[str] = []
        self._memory = memory
        self._columns: Columns = from_json(self._recall("columns"), fields)

    def on_mount(self) -> None:
        if self._memory is not None and self._memory.problem:
            self.notify(self._memory.problem, severity="warning", markup=False)

    def compose(self) -> ComposeResult:
        history = self._recall("filters")
        kept = history if isinstance(history, list) else []
        texts = [text for text in kept if isinstance(text, str)]
        yield FilterBar(self.fields, self._example, self.field_names, texts)
        yield Table(self._cells, id=f"{self.id}-table", empty=self._empty, frozen=2)

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
        for table in self.query(Table):  # none while the app closes
            table.touch([self._order.key(record) for record in records])
        if self._news is None:
            self._noted_at = time.monotonic()
            self._arrange_news()

    def _arrange_news(self) -> None:
        """Arrange anew as soon as that disturbs nobody."""
        if not self.query(Table):
            return
        calm = min(self.table.moved_at + _CALM_SECONDS, self._noted_at + _LONGEST_HOLD_SECONDS)
        wait = max(calm, self._arranged_at + _LEAST_SECONDS_BETWEEN_ORDERS) - time.monotonic()
        if wait > 0:
            self._news = self.set_timer(wait, self._arrange_news)
        else:
            self.update_rows()

    def age(self) -> None:
        """Time has passed: durations of what lives have grown."""
        keys = [key for key in self.table.shown_keys if key in self._records]
        living = [key for key in keys if self._order.is_living(self._records[key])]
        self.table.touch(living)

    def update_rows(self) -> None:
        """Arrange anew, in the background."""
        if self._news is not None:
            self._news.stop()
            self._news = None
        self._arranged_at = time.monotonic()
        self._asked += 1
        wish = Wish(
            self._asked,
            replace(self.selection, scope=(*self.hidden, *self.scope)),
            self._columns,
        )
        self._background.ask(lambda: self.Arranged(self._arranger.arrange(wish, clock.now())))

    @on(Arranged)
    def _show_arrangement(self, message: Arranged) -> None:
        if not self.query(Table):
            return  # the app closes
        shown = self._arrangement = message.arrangement
        self._marked_keys = self._marks.shown(shown.places)
        self.table.show(self._table_columns(shown), shown.keys, shown.places)
        if self._wanted is not None:
            self.go_to(self._wanted)
        self.query_one(FilterBar).show_hits(f"{shown.hits:,} of {shown.total:,}")
        self._describe()

    def toggle_archived(self) -> None:
        """Show what was put away too, or leave it out again."""
        self.hidden = () if self.hidden else (not_archived(self.fields),)
        self.update_rows()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, now or as soon as it is shown."""
        self._wanted = key if self.table.place(key) is None else None
        self.table.move_to(key)

    def _table_columns(self, arrangement: Arrangement[Record]) -> list[TableColumn]:
        columns, arrows = [TableColumn(" ", _MARK_CELLS)], self._arrows()
        for column, width in zip(arrangement.columns, arrangement.widths, strict=True):
            header = column.header + arrows.get(column.field.name, "")
            columns.append(
                TableColumn(header, max(width, display_width(header)), column.alignment == "right")
            )
        return columns

    def _arrows(self) -> dict[str, str]:
        """What the headers of the columns that are sorted by say: ``▲``, or ``▼2`` for the second
        of several."""
        keys = parse_sort(self.selection.sort, self.fields).keys
        return {
            key.field.name: ("▼" if key.descending is not self.selection.reverse else "▲")
            + (str(number) if len(keys) > 1 else "")
            for number, key in enumerate(keys, 1)
        }

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
        parts = [self._count_text()]
        parts += [self.scope_text()] if self.scope_text() else []
        parts += [f"filter {self._filter_text}"] if self._filter_text else []
        parts += [] if self.hidden else ["archived ones too"]
        parts += [f"{shown} marked"] if shown else []
        parts += [f"{counted(hidden, 'mark')} out of sight"] if hidden else []
        parts += ["marking a range: v ends it"] if self._marks.is_ranging else []
        self.border_subtitle = " · ".join(parts).replace("[", r"\[")

    def _count_text(self) -> str:
        hits, total = self._arrangement.hits, self._arrangement.total
        all_of_them = counted(total, self.noun)
        return f"{hits:,} of {all_of_them}" if self._filter_text else all_of_them

    # Columns ----------------------------------------------------------------------------

    @property
    def columns(self) -> Columns:
        """The columns that are shown."""
        shown = tuple(ChosenColumn(column.field.name) for column in self._arrangement.columns)
        return self._columns or shown

    def set_columns(self, columns: Columns) -> None:
        """Show these columns; none: the automatic ones."""
        self._columns = columns
        self._remember("columns", to_json(columns) or None)
        self.update_rows()

    def examples(self) -> list[Record]:
        """Some of the records: what they logged is what there is to choose from."""
        keys = self._arrangement.keys
        seen = dict.fromkeys([*keys[:_SEEN], *keys[_SEEN:][-_SEEN:], *self.table.shown_keys])
        return [self._records[key] for key in seen if key in self._records]

    def field_names(self) -> list[str]:
        """The fields that there are, as filters and sort orders write them."""
        names = known_names(self.fields, self.examples(), clock.now())
        return [spelled(self.fields.find(name)) for name in names]

    def _recall(self, what: str) -> Any:
        return None if self._memory is None else self._memory.get(f"{self.id} {what}")

    def _remember(self, what: str, value: object) -> None:
        if self._memory is not None:
            self._memory.put(f"{self.id} {what}", value)
            if self._memory.problem:
                self.notify(self._memory.problem, severity="warning", markup=False)

    # Sort -------------------------------------------------------------------------------

    def sort_by(self, text: str, reverse: bool = False) -> None:
        """Sort as `xt list --sort` would. Raises UsageError."""
        parse_sort(text, self.fields)
        self.selection = replace(self.selection, sort=text, reverse=reverse)
        self.update_rows()

    def sort_by_next(self, step: int) -> None:
        """Sort by the column beside the present one."""
        names = [spelled(column.field) for column in self._arrangement.columns]
        if names:
            place = names.index(self.selection.sort) if self.selection.sort in names else 0
            self.sort_by(names[(place + step) % len(names)], self.selection.reverse)

    def reverse(self) -> None:
        self.selection = replace(self.selection, reverse=not self.selection.reverse)
        self.update_rows()

    @on(Table.HeaderClicked)
    def _header_clicked(self, message: Table.HeaderClicked) -> None:
        place = message.column - 1  # the first column holds the marks
        if 0 <= place < len(self._arrangement.columns):
            name = spelled(self._arrangement.columns[place].field)
            if name == self.selection.sort:
                self.reverse()
            else:
                self.sort_by(name, self.selection.reverse)

    # Marks ------------------------------------------------------------------------------

    def members(self, key: str) -> Sequence[str]:
        """What marking a row marks."""
        return () if key in self.LEAD else (key,)

    def toggle_mark(self) -> None:
        """Mark or unmark the cursor's row and go on to the next; ends a range."""
        key = self.table.cursor_key
        if self._marks.is_ranging:
            self.toggle_range()
        elif key is not None and (members := self.members(key)):
            self._marks.toggle(members)
            self._marks_changed()
            self.table.action_cursor(1)

    def toggle_range(self) -> None:
        """Begin to mark all rows that the cursor passes, or be done with it."""
        self._marks.toggle_range(self.table.cursor_key)
        self.extend_range()
        self._marks_changed()

    def extend_range(self) -> None:
        """Mark from where the range began up to the cursor, besides what was marked before."""
        shown, cursor = self._arrangement, self.table.cursor_key
        if self._marks.extend(shown.keys, shown.places, cursor, self.members):
            self._marks_changed()

    def mark_all(self) -> None:
        """Mark all that is shown; none if all are."""
        self._marks.toggle(key for row in self._arrangement.keys for key in self.members(row))
        self._marks_changed()

    def clear_marks(self) -> None:
        self._marks.clear()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._marked_keys = self._marks.shown(self._arrangement.places)
        self._describe()
        self.table.redraw()
        self.table.announce_cursor()

    # Filter -----------------------------------------------------------------------------

    @property
    def is_filtered(self) -> bool:
        return bool(self._filter_text)

    def open_filter(self) -> None:
        """Let the user type a filter."""
        self.query_one(FilterBar).open()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self._filter_text = message.text
        self.selection = replace(self.selection, filters=message.filters)
        self.update_rows()

    @on(FilterBar.Done)
    def _filter_done(self, message: FilterBar.Done) -> None:
        self._remember("filters", list(message.history))
        self.table.focus()

    def close_filter(self) -> None:
        """Give the range that is being marked up; without one, the filter."""
        if self._marks.is_ranging:
            self._marks.give_up_range()
            self._marks_changed()
            return
        self.query_one(FilterBar).show_text("")
        self.table.focus()
