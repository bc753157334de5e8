"""A pane with a table of records: arranged, drawn, and kept current.

Rows are arranged in the background; the keys never wait for it. News rearrange them at a pace that
disturbs nobody; what a row says is shown at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from xt_core import clock
from xt_core.annotations import not_archived
from xt_core.choices import Choices
from xt_core.query.fields import FieldSet, Record, spelled
from xt_core.query.filters import Filter
from xt_core.query.regexes import TooSlowError
from xt_core.query.views import Columns, View
from xt_tui.background import Background
from xt_tui.columns import known_names
from xt_tui.groups import Groups, is_group
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.arranging import Arrangement, Arranger, Wish
from xt_tui.panes.awaited import Awaited
from xt_tui.panes.cells import group_cells, mark_cell
from xt_tui.panes.chosen import Chosen
from xt_tui.panes.edge import count_text, edge_text, groups_text, marks_text, order_text
from xt_tui.panes.headings import more_text, sort_arrows, table_columns
from xt_tui.panes.marks import Marks
from xt_tui.panes.pace import Pace
from xt_tui.panes.recordlooks import RecordLooks
from xt_tui.panes.remembered import Remembered
from xt_tui.widgets.filter_bar import FilterBar
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell

_SEEN = 500
"""Rows at either end whose fields are offered as columns, besides those in sight."""


class RowsPane(RecordLooks[Record]):
    """A filter bar over a table. Subclasses say what the records are and how they look."""

    @dataclass
    class Arranged(Message):
        """An arrangement is ready."""

        arrangement: Arrangement[Any]

    @dataclass
    class TooSlow(Message):
        """A filter takes too long to be used."""

        problem: str
        filters: Sequence[Filter[Any]]

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
        choices: Choices | None = None,
    ) -> None:
        """`choices` keeps the user's choices; without one they last as long as the pane."""
        super().__init__(title, id=id)
        self.noun, self._empty, self._example = noun, empty, example
        self._records, self.fields, self._order = records, fields, order
        self._arranger = Arranger(records, fields, order, self.looks)
        self.selection, self.scope = selection, tuple[Filter[Record], ...]()
        self.hidden: tuple[Filter[Record], ...] = (not_archived(fields),)
        """What leaves out records that were put away; empty while they are shown."""
        self._background = Background(self, f"arrange {id}")
        self._asked = 0
        self._awaited = Awaited(self, self._tell_hits)
        self._pace = Pace(self, self._moved_at, self.update_rows)
        self._arrangement: Arrangement[Record] = Arrangement()
        self._filter_text = ""
        self._wanted: str | None = None
        """The key that the cursor goes to as soon as it is shown."""
        self._wanted_moved: float | None = None
        """When the user had last moved the cursor as that was found, if it was."""
        self._marks = Marks()
        self._marked_keys: list[str] = []
        self._chosen = Chosen(records)
        self._opened = frozenset[str]()
        self._plain_view = View(sort=selection.sort, reverse=selection.reverse)
        self._has_all = False
        """Whether all that there was at first has come."""
        self._all_asked: int | None = None
        """The number of the arrangement that shows it."""
        self._remembered = Remembered(self, choices)
        kept = self._remembered.order(fields)
        self._is_ordered = kept is not None
        """Whether the user has chosen an order."""
        if kept is not None:
            self.selection = replace(selection, sort=kept[0], reverse=kept[1])
        self.group = self._remembered.group(self.reported)
        self._columns: Columns = self._remembered.columns("columns", fields)
        widths = self._remembered.columns("widths", fields)
        self._resized = {column.name: column.width for column in widths}
        """Cells of automatic columns to which the user gave another width."""
        self._left_out = self._remembered.names("left out")

    def on_mount(self) -> None:
        self._remembered.tell_of_problem()
        self.tell_why_empty()

    def on_unmount(self) -> None:
        self._awaited.let_keys_go()  # they are not for this pane any more

    def compose(self) -> ComposeResult:
        history = self._remembered.names("filters")
        yield FilterBar(self.reported, self.noun, self._example, self.field_names, history)
        yield Table(self._cells, id=f"{self.id}-table", empty="", frozen=2)

    @property
    def plain_view(self) -> View:
        """What is shown at first."""
        return self._plain_view

    @property
    def reported(self) -> FieldSet[Record]:
        """The fields that `xt list` knows too: filters and groups are by no others."""
        return self.fields

    @property
    def nouns(self) -> str:
        return f"{self.noun}s"

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
        """The marked records that no filter hides, else what is under the cursor: a record, or all
        of a group."""
        return self._chosen.of(self._chosen_keys)

    @property
    def first_chosen(self) -> Record | None:
        """The first of what is chosen."""
        keys = self._chosen_keys
        return self._records[keys[0]] if keys else None

    @property
    def _chosen_keys(self) -> Sequence[str]:
        return self._marked_keys or self.members(self.table.cursor_key or "")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, whatever the filter."""
        return not self._arrangement.total

    @property
    def is_new(self) -> bool:
        """Whether nothing was arranged yet, not even that there is nothing."""
        return not self._asked

    @property
    def groups(self) -> Groups:
        """How the rows are grouped."""
        return self._arrangement.groups

    @property
    def listed(self) -> list[Record]:
        """All records in the order shown, also those in closed groups."""
        return [self._records[key] for key in self._arrangement.ordered]

    def members(self, key: str) -> Sequence[str]:
        """What marking a row marks."""
        group = self._arrangement.groups.by_key.get(key)
        if group is not None:
            return group.keys
        return (key,) if key in self._records else ()

    # What subclasses say ----------------------------------------------------------------

    def archived_text(self) -> str:
        """What is said where archived records are shown too."""
        return "archived ones too"

    def empty_text(self) -> str:
        """What is said where there is nothing, whatever the filter."""
        return self._empty if self._has_all else "loading…"

    def scope_text(self) -> str:
        """Where the records come from, if not from everywhere."""
        return ""

    # Rows -------------------------------------------------------------------------------

    def note(self, records: Sequence[Record], *, is_last: bool = True) -> bool:
        """These records are new or have changed, and more may follow at once; whether any of them
        is chosen."""
        if is_last and not self._has_all:
            self._has_all = True
            self.tell_why_empty()
            if not records and self.is_new:
                self.update_rows()
        if not records and not self._pace.is_loading:
            return False
        self._order.note(records)
        keys = [self._order.key(record) for record in records]
        is_chosen = self._chosen.renew(dict(zip(keys, records, strict=True)))
        for table in self.query(Table):  # none while the app closes
            table.touch(keys)
        self._pace.note(is_loading=not is_last and not self.is_new)
        return is_chosen

    def tell_why_empty(self) -> None:
        """What is said where there are no rows."""
        no_hits = f"no {self.noun} matches the filter: backspace takes it away"
        text = no_hits if self._arrangement.total else self.empty_text()
        for table in self.query(Table):  # none while the app closes
            table.say_if_empty(text)

    def _moved_at(self) -> float | None:
        """When keys last moved the cursor."""
        tables = self.query(Table)  # none while the app closes
        return tables.first().moved_at if tables else None

    def age(self) -> None:
        """Time has passed: durations of what lives have grown, and rows that are sorted or
        filtered by them may have to move."""
        keys = [key for key in self.table.shown_keys if key in self._records]
        living = [key for key in keys if self._order.is_living(self._records[key])]
        self.table.touch(living)
        if self._order.ages:
            self._pace.note_age()

    def update_rows(self) -> None:
        """Arrange anew, in the background."""
        self._pace.arranged()
        self._asked += 1
        if self._has_all and self._all_asked is None:
            self._all_asked = self._asked
        wish = Wish(
            self._asked,
            replace(self.selection, scope=(*self.hidden, *self.scope)),
            self._columns,
            self._resized,
            frozenset(self._left_out),
            self.group,
            self._opened,
        )
        self._background.ask(lambda: self._arranged(wish))

    def _arranged(self, wish: Wish[Record]) -> Message:
        """Called in a thread."""
        try:
            return self.Arranged(self._arranger.arrange(wish, clock.now()))
        except TooSlowError as error:
            return self.TooSlow(error.message, wish.selection.filters)

    def wish_rows(self, *, holds_keys: bool = True) -> None:
        """Arrange anew as the user wants it; what is typed from now on may be meant for that."""
        self.update_rows()
        self._awaited.ask(self._asked)
        if holds_keys:
            self.hold_keys()

    @property
    def is_awaited(self) -> bool:
        """Whether the rows that the user has asked for are not shown yet."""
        return self._awaited.is_waiting

    def hold_keys(self) -> None:
        """What is typed from now on is meant for rows that may not be there yet."""
        self._awaited.hold_keys()

    @on(Arranged)
    def _show_arrangement(self, message: Arranged) -> None:
        if not self.query(Table):
            return  # the app closes
        shown = self._arrangement = message.arrangement
        self.look_over(self.examples())
        self._marked_keys = self._marks.shown(shown.ranks)
        before = self.table.cursor_key
        self.tell_why_empty()
        rows = (shown.keys, shown.places) if shown.total else ((), {})
        arrows = sort_arrows(self.selection, self.fields)
        self.table.show(table_columns(shown, arrows, self.heading, self.is_right), *rows)
        self.table.touch([*self.LEAD, *shown.groups.by_key])
        is_first = self._all_asked is None or shown.asked <= self._all_asked
        if is_first and not self.table.moved_at:
            self.table.rest_at_top()  # rows have come before the first
        if before not in shown.places and (group := shown.groups.of.get(before or "")):
            self.table.move_to(group)
        self._seek()
        self._awaited.show(shown.asked)
        self._tell_hits()

    def _tell_hits(self) -> None:
        """How many records are shown, once they are those that are meant."""
        shown = self._arrangement
        hits = f"{len(shown.ordered):,} of {shown.total:,}"
        self.query_one(FilterBar).show_hits("…" if self._awaited.is_late else hits)
        self._describe()

    def toggle_archived(self) -> None:
        """Show what was put away too, or leave it out again."""
        self.hidden = () if self.hidden else (not_archived(self.fields),)
        self.update_rows()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, now or as soon as it is shown."""
        self._wanted, self._wanted_moved = key, None
        self._seek()

    def _seek(self) -> None:
        """Put the cursor on the row that is wanted. What is shown now may be old: the row may go
        again, and come again; but whoever has moved the cursor from it does not want it any more.
        """
        key = self._wanted
        if key is None or self._wanted_moved not in (None, self.table.moved_at):
            self._wanted = None
        elif self.table.place(key) is not None:
            self.table.move_to(key)
            is_old = self._arrangement.asked < self._asked
            self._wanted, self._wanted_moved = key if is_old else None, self.table.moved_at
        else:
            group = self._arrangement.groups.of.get(key)
            if group is not None and group not in self._opened:
                self._opened |= {group}
                self.update_rows()

    def _cells(self, key: str) -> list[Cell]:
        if key in self.LEAD:
            return [Cell(" "), *self.lead_cells(key)]
        if is_group(key):
            groups, is_open = self._arrangement.groups, key in self._opened
            return group_cells(groups, key, self._marks.keys, is_open=is_open)
        record, now = self._drawn(key)
        columns = self._arrangement.columns
        cells = [self.cell(column, record, now) for column in columns]
        return [mark_cell([key], self._marks.keys), *cells]

    def _drawn(self, key: str) -> tuple[Record, float]:
        """The record that a row shows, and as of when."""
        return self._records[key], clock.now()

    def _describe(self) -> None:
        shown, keys = self._arrangement, getattr(self.app, "user_keys", {})
        self.border_subtitle = edge_text(
            "arranging…" if self._awaited.is_late else self._count_text(),
            self.scope_text(),
            f"filter {self._filter_text}" if self._filter_text else "",
            order_text(shown, self.selection, self.fields),
            "" if self.hidden else self.archived_text(),
            groups_text(shown.groups),
            *marks_text(self._marks, len(self._marked_keys)),
            *more_text(shown.more, keys),
            "marking a range: v ends it" if self._marks.is_ranging else "",
        )

    def _count_text(self) -> str:
        if not self._arrangement.total and not self._has_all:
            return ""  # who knows
        return count_text(self._arrangement, self.noun, is_filtered=bool(self._filter_text))

    # What the user chooses from ---------------------------------------------------------

    def examples(self) -> list[Record]:
        """Some of the records: what they logged is what there is to choose from."""
        keys = self._arrangement.ordered
        seen = dict.fromkeys([*keys[:_SEEN], *keys[_SEEN:][-_SEEN:], *self.table.shown_keys])
        return [self._records[key] for key in seen if key in self._records]

    def field_names(self) -> list[str]:
        """The fields that there are, as filters and sort orders write them."""
        records = self.examples()
        if self._filter_text:  # what it leaves out has names too
            keys = list(self._records)
            records += [self._records[key] for key in [*keys[:_SEEN], *keys[_SEEN:][-_SEEN:]]]
        names = known_names(self.reported, records, clock.now())
        return [spelled(self.reported.find(name)) for name in names]
