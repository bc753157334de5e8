"""What the jobs and the runs pane share: rows that are filtered, sorted, grouped and marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from textual import on

from xt_core import clock
from xt_core.annotations import not_archived
from xt_core.query.columns import only_column
from xt_core.query.fields import Record, spelled
from xt_core.query.filters import Filter
from xt_core.query.formats import counted
from xt_core.query.sorting import parse_sort
from xt_core.query.views import (
    ChosenColumn,
    Columns,
    View,
    to_json,
)
from xt_tui.completion import parse_filters
from xt_tui.groups import is_group
from xt_tui.panes.pausing import Pause
from xt_tui.panes.rows import RowsPane
from xt_tui.widgets.filter_bar import FilterBar
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell

_ARCHIVED = "↓"
"""Stands before what was put away."""


class RecordsPane(RowsPane[Record]):
    """What the user does to the rows."""

    _pause: Pause[Record] | None = None
    """Not None while the rows stand still."""
    _before_filter: tuple[str | None, float] = (None, 0.0)
    """The cursor's row when a filter was begun, and when it had been moved last."""

    @cached_property
    def _unarchived(self) -> Filter[Record]:
        return not_archived(self.fields)

    @property
    def trouble(self) -> str:
        """Why the records cannot be read; "" if they can."""
        return ""

    def empty_text(self) -> str:
        return f"cannot be read: {self.trouble}" if self.trouble else super().empty_text()

    # Columns ----------------------------------------------------------------------------

    @property
    def columns(self) -> Columns:
        """The columns that are shown: those chosen, and what came later."""
        chosen = {column.name for column in self._columns}
        shown = (column.field.name for column in self._arrangement.columns)
        width = self._resized.get
        later = (ChosenColumn(name, width(name, 0)) for name in shown if name not in chosen)
        return *self._columns, *later

    def set_columns(self, columns: Columns) -> None:
        """Show these columns, and of what was logged only what nobody could choose yet; none: the
        automatic ones, which they also remain if they have but other widths."""
        names = [column.name for column in columns]
        is_resized = not self._columns and names == [column.name for column in self.columns]
        if is_resized or not columns:
            self._resize([column for column in columns if column.width])
        if is_resized:
            self.wish_rows()
            return
        kept = {column.name for column in columns}
        logged = (
            field.name
            for family in self.fields.families
            for field in self.fields.members(family, self.examples())
        )
        known = dict.fromkeys((*self._left_out, *logged)) if columns else ()
        self._show_columns(columns, tuple(name for name in known if name not in kept))

    def _show_columns(self, columns: Columns, left_out: tuple[str, ...]) -> None:
        self._columns, self._left_out = columns, left_out
        self._remembered.put("columns", to_json(columns) or None)
        self._remembered.put("left out", list(left_out) or None)
        self.wish_rows()

    def _resize(self, columns: Sequence[ChosenColumn]) -> None:
        """These automatic columns are so wide, and all others as wide as their texts."""
        self._resized = {column.name: column.width for column in columns}
        self._remembered.put("widths", to_json(tuple(columns)) or None)

    @property
    def has_chosen_columns(self) -> bool:
        """Whether the user chose which columns are shown, not only how wide they are."""
        return bool(self._columns)

    # Sort -------------------------------------------------------------------------------

    def sort_by(self, text: str, reverse: bool = False) -> None:
        """Sort as `xt list --sort` would. Raises UsageError."""
        parse_sort(text, self.fields)
        self._set_order(text, reverse, is_chosen=True)

    def sort_by_next(self, step: int) -> None:
        """Sort by the column beside the present one."""
        names = [spelled(column.field) for column in self._arrangement.columns]
        if names:
            place = names.index(self.selection.sort) if self.selection.sort in names else 0
            self.sort_by(names[(place + step) % len(names)], self.selection.reverse)

    def reverse(self) -> None:
        self._set_order(self.selection.sort, not self.selection.reverse, is_chosen=True)

    def _set_order(self, sort: str, reverse: bool, *, is_chosen: bool) -> None:
        """An order that is chosen is remembered; else it is whatever suits what is shown."""
        self._is_ordered = is_chosen
        self._remembered.put("order", [sort, reverse] if is_chosen else None)
        self.selection = replace(self.selection, sort=sort, reverse=reverse)
        self.wish_rows()

    @on(Table.HeaderClicked)
    def _header_clicked(self, message: Table.HeaderClicked) -> None:
        place = message.column - 1  # the first column holds the marks
        if 0 <= place < len(self._arrangement.columns):
            name = spelled(self._arrangement.columns[place].field)
            if name == self.selection.sort:
                self.reverse()
            else:
                self.sort_by(name, self.selection.reverse)

    # Groups -----------------------------------------------------------------------------

    def group_by(self, text: str) -> None:
        """Group by a column, as of `xt list --group`; "" does not. Raises UsageError."""
        if text:
            only_column(text, self.reported)
        self.group, self._opened = text, frozenset()
        self._remembered.put("group", text or None)
        self.wish_rows()

    @on(Table.Chosen)
    def _row_chosen(self, message: Table.Chosen) -> None:
        """A group opens or closes; what a record does is for others to decide."""
        if is_group(message.key):
            message.stop()
            self._opened ^= {message.key}
            self.wish_rows()

    # Views ------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """What is shown now, as it can be saved."""
        order = self.selection
        return View(
            self._filter_text,
            order.sort,
            order.reverse,
            self._columns,
            self.group,
            self._left_out,
        )

    def apply(self, view: View) -> None:
        """Show what a view says. Raises UsageError, and changes nothing, where it is wrong."""
        parse_filters(view.filter, self.reported, self.field_names() if view.filter else ())
        if view.group:
            only_column(view.group, self.reported)
        plain = self.plain_view
        sort = view.sort or plain.sort
        parse_sort(sort, self.fields)
        is_chosen = (sort, view.reverse) != (plain.sort, plain.reverse)
        self._set_order(sort, view.reverse, is_chosen=is_chosen)
        self.group_by(view.group)
        self._show_columns(view.columns, view.left_out)
        self._show_filter(view.filter)
        self.hold_keys()

    def saved_views(self) -> dict[str, View]:
        return self._remembered.views(self.nouns, self.fields)

    def save_views(self, views: Mapping[str, View]) -> None:
        """Keep these views, and no others."""
        self._remembered.put_views(self.nouns, views)

    # Marks ------------------------------------------------------------------------------

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
        self._marks.toggle(self._arrangement.ordered)
        self._marks_changed()

    @property
    def marked(self) -> int:
        """How many marked records there are that no filter hides: those that keys mean."""
        return len(self._marked_keys)

    def take_marks_away(self, keys: Iterable[str]) -> None:
        """Unmark what is done with; the rest stays marked."""
        if self._marks.take_away(keys):
            self._marks_changed()

    def clear_marks(self) -> None:
        self._marks.clear()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._marked_keys = self._marks.shown(self._arrangement.ranks)
        self._describe()
        self.table.redraw()
        self.table.announce_cursor()

    # Archived records -------------------------------------------------------------------

    def leaves_out(self, record: Record) -> bool:
        """Whether it was put away, and such records are not shown."""
        return bool(self.hidden) and not self._unarchived.matches(record, 0.0)

    def _is_archived(self, record: Record) -> bool:
        """Whether it was put away; such records are shown only when that is asked for."""
        return not self.hidden and not self._unarchived.matches(record, 0.0)

    def _cells(self, key: str) -> list[Cell]:
        """What is archived is dim, and has a sign of its own unless it is marked."""
        cells = super()._cells(key)
        if key not in self._records or not self._is_archived(self._drawn(key)[0]):
            return cells
        mark = cells[0] if cells[0].text.strip() else Cell(_ARCHIVED)
        return [replace(mark, style="dim"), *(replace(cell, style="dim") for cell in cells[1:])]

    def archived_text(self) -> str:
        """By which sign archived records are known, and what the key would do now."""
        chosen = self.chosen
        if not chosen:
            return f"{_ARCHIVED} archived ones too"
        does = "brings back" if all(map(self._is_archived, chosen)) else "archives"
        what = self._order.key(chosen[0]).rpartition("/")[2]
        what = counted(len(chosen), self.noun) if len(chosen) > 1 else what
        return f"{_ARCHIVED} archived ones too · d {does} {what}"

    @on(Table.CursorMoved)
    def _tell_what_is_archived(self) -> None:
        if not self.hidden:
            self._describe()

    # Pause ------------------------------------------------------------------------------

    @property
    def is_paused(self) -> bool:
        """Whether the rows stand still."""
        return self._pause is not None

    def pause(self) -> None:
        """Let the rows stand still, and count what changes."""
        self._pause = Pause(dict(self._records), clock.now())
        self._arranger.look_at(self._pause.records)
        self._describe()

    def go_on(self) -> None:
        """Show what has changed meanwhile."""
        paused, self._pause = self._pause, None
        if paused is not None:
            self._arranger.look_at(self._records)
            self.note(list(paused.held.values()))
            self.table.redraw()
            self._describe()

    def note(self, records: Sequence[Record], *, is_last: bool = True) -> bool:
        if self._pause is None:
            return super().note(records, is_last=is_last)
        news = {self._order.key(record): record for record in records}
        is_chosen = self._chosen.renew(news)
        self._pause.hold(news)
        if self._wanted in self._pause.held:
            self.go_on()
        elif records:
            self._describe()
        return is_chosen

    def age(self) -> None:
        if self._pause is None:
            super().age()

    def go_to(self, key: str) -> None:
        if self._pause is not None and key in self._pause.held:
            self.go_on()  # else the row would not be there
        super().go_to(key)

    def _drawn(self, key: str) -> tuple[Record, float]:
        if self._pause is not None:
            return self._pause.records[key], self._pause.since
        return super()._drawn(key)

    def _count_text(self) -> str:
        text = super()._count_text()
        return text if self._pause is None else f"{self._pause} · {text}"

    # Filter -----------------------------------------------------------------------------

    @property
    def is_filtered(self) -> bool:
        return bool(self._filter_text)

    def open_filter(self) -> None:
        """Let the user type a filter."""
        self._before_filter = self.table.cursor_key, self.table.moved_at
        self.query_one(FilterBar).open()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self._filter_text = message.text
        self.selection = replace(self.selection, filters=message.filters)
        self.wish_rows(holds_keys=False)

    @on(RowsPane.TooSlow)
    def _filter_too_slow(self, message: RowsPane.TooSlow) -> None:
        """Show all records, and say why, unless another filter was typed meanwhile."""
        if message.filters is not self.selection.filters:
            return
        self._filter_text, self.selection = "", replace(self.selection, filters=())
        self.query_one(FilterBar).tell_mistake(message.problem)
        self.update_rows()

    @on(FilterBar.Done)
    def _filter_done(self, message: FilterBar.Done) -> None:
        self._remembered.put("filters", list(message.history))
        self.hold_keys()  # they are meant for what the filter leaves
        self.table.focus()

    def close_filter(self) -> None:
        """Give the range that is being marked up; without one, the filter."""
        if self._marks.is_ranging:
            self._marks.give_up_range()
            self._marks_changed()
            return
        self.clear_filter()
        self._go_back()
        self.table.focus()

    def clear_filter(self) -> None:
        """Show all records again."""
        self._show_filter("")

    def _show_filter(self, text: str) -> None:
        changed = self.query_one(FilterBar).show_text(text)
        if changed is not None:
            self._filter_changed(changed)

    def _go_back(self) -> None:
        """To where the cursor was before the filter, if it was not moved since."""
        key, moved_at = self._before_filter
        record = self._records.get(key or "")
        if key and record and moved_at == self.table.moved_at and not self.leaves_out(record):
            self.go_to(key)
