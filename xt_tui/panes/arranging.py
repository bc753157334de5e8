"""What a table of records shows: which rows, in which order, in which columns.

Worked out in a thread, and handed to the UI as a whole that never changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from xt_core.query.columns import (
    TOLD_APART_BY,
    Column,
    expand_columns,
    foremost,
    only_column,
    parse_columns,
)
from xt_core.query.fields import FieldSet, Record
from xt_core.query.table import display_width, printable, truncate
from xt_core.query.views import Columns, column_text
from xt_tui.groups import Grouping, Groups
from xt_tui.order import Order, RecordOrder, Selection

_WIDEST, _WIDEST_TITLE = 16, 30
_SAMPLE = 100
"""Rows at either end that decide about columns and their widths."""
_STEP = 5_000
"""Rows that are counted in one go."""


@dataclass(frozen=True)
class Wish(Generic[Record]):
    """What the user wants to see; `asked` counts the requests."""

    asked: int
    selection: Selection[Record]
    columns: Columns = ()
    resized: Mapping[str, int] = field(default_factory=dict)
    """Cells of columns, by field, that nobody chose."""
    left_out: frozenset[str] = frozenset()
    """Fields that are not shown behind chosen columns."""
    group: str = ""
    """The column to group by, as of `xt list --group`."""
    opened: frozenset[str] = frozenset()
    """The keys of the groups whose rows are shown."""


@dataclass(frozen=True)
class Arrangement(Generic[Record]):
    """Rows in order, with the columns that fit them."""

    asked: int = 0
    keys: Sequence[str] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    """The row of each key."""
    ranks: Mapping[str, int] = field(default_factory=dict)
    """What orders the records, also those in closed groups."""
    groups: Groups = field(default_factory=Groups)
    columns: Sequence[Column[Record]] = ()
    widths: Sequence[int] = ()
    more: int = 0
    """Metrics and hyperparameters that have no column for want of room."""
    ordered: Sequence[str] = ()
    """The keys of the records in order, also those in closed groups."""
    total: int = 0
    """Records that there would be without the user's filter."""


@dataclass(frozen=True)
class Looks(Generic[Record]):
    """What a pane says of its records."""

    lead: Sequence[str]
    """Keys of rows above the records."""
    column_text: Callable[[Sequence[str]], str]
    """The columns for records with these keys, as of `xt list --columns`."""
    later: str
    """What is shown behind columns that were chosen, unless it was left out then."""
    text: Callable[[Column[Record], Record, float], str]
    """A cell's text."""
    summary: Callable[[Sequence[Record]], str]
    """What is said of the records of a group."""
    most_logged: int | None
    """Metrics and hyperparameters that are shown unless they were chosen; None: all."""
    widths: Mapping[str, int]
    """Columns, by field, that are always so wide: their texts are not known beforehand."""


class Arranger(Generic[Record]):
    """Arranges; in one thread at a time."""

    def __init__(
        self,
        records: Mapping[str, Record],
        fields: FieldSet[Record],
        order: RecordOrder[Record],
        looks: Looks[Record],
    ) -> None:
        self.order = order
        self._records, self._fields, self._looks = records, fields, looks
        self._ordered: Sequence[str] | None = None
        self._last: Arrangement[Record] = Arrangement()
        self._widths: dict[str, int] = {}
        """Columns do not become narrower while the same records are shown: they would jump."""
        self._widths_for: object = None
        self._grouping: Grouping[Record] | None = None
        self._grouped_by = ""

    def look_at(self, records: Mapping[str, Record]) -> None:
        """Arrange the records as they were at a time, or as they are again; those that differ have
        to be noted."""
        self._records = records
        self.order.look_at(records)

    def arrange(self, wish: Wish[Record], now: float) -> Arrangement[Record]:
        """What is to be shown now."""
        order = self.order.update(wish.selection, now)
        groups = self._groups(wish, order.keys, now)
        keys, places, ranks = self._rows(wish, order, groups)
        columns, widths, more = self._columns(wish, order.keys, now)
        self._ordered = order.keys
        self._last = Arrangement(
            wish.asked,
            keys,
            places,
            ranks,
            groups,
            columns,
            widths,
            more,
            order.keys,
            order.total,
        )
        return self._last

    def _rows(
        self, wish: Wish[Record], order: Order, groups: Groups
    ) -> tuple[Sequence[str], Mapping[str, int], Mapping[str, int]]:
        """Keys, places and ranks: the very ones of before if they are the same."""
        last = self._last
        if groups.column:
            keys = [*self._looks.lead, *groups.rows(wish.opened)]
            if keys == last.keys:
                return last.keys, last.places, order.places
            return keys, placed(keys), order.places
        if order.keys is self._ordered and not last.groups.column:
            return last.keys, last.places, last.ranks
        if not self._looks.lead:
            return order.keys, order.places, order.places
        keys = [*self._looks.lead, *order.keys]
        places = placed(keys)
        return keys, places, places

    def _groups(self, wish: Wish[Record], keys: Sequence[str], now: float) -> Groups:
        if wish.group != self._grouped_by:
            self._grouped_by, self._grouping = wish.group, None
        if not wish.group:
            return Groups()
        if self._grouping is None:
            self._grouping = Grouping(only_column(wish.group, self._fields))
        by_key, of = self._grouping.groups(keys, self._records, now)
        widest = max((display_width(group.title) for group in by_key.values()), default=0)
        widest = min(widest, _WIDEST_TITLE)
        texts: dict[str, str] = {}
        for key, group in by_key.items():
            title = truncate(printable(group.title), widest)
            title += " " * (widest - display_width(title))
            summary = self._looks.summary([self._records[member] for member in group.keys])
            texts[key] = f"{title}  {len(group.keys):>7,}  {summary}"
        return Groups(self._grouping.column.header, by_key, of, texts)

    def _columns(
        self, wish: Wish[Record], keys: Sequence[str], now: float
    ) -> tuple[Sequence[Column[Record]], Sequence[int], int]:
        """The columns, how wide they are, and how many more there would be."""
        ends = [*keys[:_SAMPLE], *keys[_SAMPLE:][-_SAMPLE:]]
        sample = [self._records[key] for key in ends]
        chosen = {column.name: column.width for column in wish.columns}
        wanted, more = self._wanted_columns(wish, ends, sample, now)
        columns = [
            column
            for column in wanted
            if column.field.name in chosen or self._says_something(column, sample, now)
        ]
        if self._widths_for != (wish.selection.scope, wish.columns):
            self._widths, self._widths_for = {}, (wish.selection.scope, wish.columns)
        given = {**wish.resized, **chosen}
        widths = [
            given.get(column.field.name) or self._width(column, sample, now) for column in columns
        ]
        return columns, widths, more

    def _wanted_columns(
        self, wish: Wish[Record], ends: Sequence[str], sample: Sequence[Record], now: float
    ) -> tuple[Sequence[Column[Record]], int]:
        """The columns that were chosen and what came later, or those that suit these records."""
        chosen_text = column_text(wish.columns, self._fields)
        text = f"{chosen_text},{self._looks.later}".rstrip(",") if chosen_text else ""
        specs = parse_columns(text or self._looks.column_text(ends), self._fields)
        chosen = {column.name for column in wish.columns}
        expanded = expand_columns(
            specs,
            self._fields,
            sample,
            now,
            drop_absent=not chosen,
            drop_constant=TOLD_APART_BY,
        )
        columns = [
            column
            for column in expanded
            if column.field.name in chosen or column.field.name not in wish.left_out
        ]
        if self._looks.most_logged is None:
            return columns, 0
        # What else is said to come first are metrics; of hyperparameters hundreds may vary.
        named = (spec.field for spec in specs if isinstance(spec, Column))
        leading = chosen or {field.name for field in named if field.family == "metrics"}
        return foremost(columns, sample, now, leading, self._looks.most_logged)

    def _says_something(
        self, column: Column[Record], records: Sequence[Record], now: float
    ) -> bool:
        is_fixed = column.field.name in self._looks.widths
        return is_fixed or any(self._looks.text(column, record, now) for record in records)

    def _width(self, column: Column[Record], records: Sequence[Record], now: float) -> int:
        name = column.field.name
        if name in self._looks.widths:
            return self._looks.widths[name]
        texts = (self._looks.text(column, record, now) for record in records)
        widest = max((display_width(text) for text in texts), default=0)
        width = min(_WIDEST, max(widest, display_width(column.header)))
        self._widths[name] = max(width, self._widths.get(name, 0))
        return self._widths[name]


def placed(keys: Sequence[str]) -> dict[str, int]:
    """The row of each key. Made in steps: other threads may work between two."""
    places: dict[str, int] = {}
    for start in range(0, len(keys), _STEP):
        places.update(zip(keys[start : start + _STEP], range(start, start + _STEP), strict=False))
    return places
