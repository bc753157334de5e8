"""Which records a table shows, in which order, at the cost of what changed.

The result is that of filtering and sorting all records with `xt_core.query`, but a few changes
among 100,000 records move only these. Invariant: `update` runs in one thread at a time; `note` may
be called from any.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from xt_core.query.fields import FieldSet, Kind, Record
from xt_core.query.filters import Filter, matches_all

_FEW_CHANGES = 1_000  # above this a new sort is cheaper than insertions
_Order = tuple[Any, ...]


@dataclass(frozen=True)
class Selection(Generic[Record]):
    """Filters that must all hold, and the field to sort by."""

    sort: str
    filters: Sequence[Filter[Record]] = ()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A record's place. Missing values come last and equal ones by name, also in reverse."""

    order: _Order | None
    tie: _Order
    reverse: bool

    def __lt__(self, other: "_Place") -> bool:
        if self.order == other.order:
            return self.tie < other.tie
        if self.order is None or other.order is None:
            return other.order is None
        return (self.order < other.order) is not self.reverse


class RecordOrder(Generic[Record]):
    """The keys of the records to show, in order."""

    def __init__(
        self,
        fields: FieldSet[Record],
        key: Callable[[Record], str],
        is_living: Callable[[Record], bool],
    ) -> None:
        """`is_living` tells of records whose durations grow."""
        self._fields, self._key, self._is_living = fields, key, is_living
        self._noted: deque[list[Record]] = deque()
        self._records: dict[str, Record] = {}
        self._living: set[str] = set()
        self._orders: dict[str, _Order | None] = {}
        self._ties: dict[str, _Order] = {}
        self._shown: list[str] = []
        self._selection: Selection[Record] | None = None

    def note(self, records: Iterable[Record]) -> None:
        """These records are new or have changed."""
        self._noted.append(list(records))

    def update(self, selection: Selection[Record], now: float) -> list[str]:
        """The keys to show now."""
        changed = self._take_noted()
        if selection != self._selection or len(changed) > _FEW_CHANGES:
            self._selection = selection
            self._sort_all(selection, now)
        else:
            if _is_timed(selection, self._fields):
                changed |= self._living
            self._move(changed, selection, now)
        return self._shown.copy()

    def _take_noted(self) -> set[str]:
        changed: set[str] = set()
        while self._noted:
            for record in self._noted.popleft():
                key = self._key(record)
                self._records[key] = record
                changed.add(key)
                if self._is_living(record):
                    self._living.add(key)
                else:
                    self._living.discard(key)
        return changed

    def _sort_all(self, selection: Selection[Record], now: float) -> None:
        field = self._fields.find(selection.sort)
        self._orders = {
            key: field.order(record, now)
            for key, record in self._records.items()
            if matches_all(selection.filters, record, now)
        }
        by_name = sorted(self._orders, key=self._tie)
        present = [key for key in by_name if self._orders[key] is not None]
        missing = [key for key in by_name if self._orders[key] is None]
        present.sort(key=self._orders.__getitem__, reverse=selection.reverse)  # type: ignore[arg-type]
        self._shown = present + missing

    def _move(self, changed: set[str], selection: Selection[Record], now: float) -> None:
        """Put what changed into its new place, if that is another."""
        field = self._fields.find(selection.sort)
        moved: set[str] = set()
        added: list[str] = []
        for key in changed:
            record = self._records[key]
            is_shown = matches_all(selection.filters, record, now)
            order = field.order(record, now) if is_shown else None
            was_shown = key in self._orders
            if is_shown and was_shown and order == self._orders[key]:
                continue
            if was_shown:
                moved.add(key)
                del self._orders[key]
            if is_shown:
                added.append(key)
        if moved:
            self._shown = [key for key in self._shown if key not in moved]
        for key in added:
            self._orders[key] = field.order(self._records[key], now)
            insort(self._shown, key, key=lambda k: self._place(k, selection.reverse))

    def _place(self, key: str, reverse: bool) -> _Place:
        return _Place(self._orders[key], self._tie(key), reverse)

    def _tie(self, key: str) -> _Order:
        """What orders equal records: their names, which never change."""
        tie = self._ties.get(key)
        if tie is None:
            record = self._records[key]
            orders = [field.order(record, 0.0) for field in self._fields.ties]
            tie = self._ties[key] = tuple((order is None, order or ()) for order in orders)
        return tie


def _is_timed(selection: Selection[Record], fields: FieldSet[Record]) -> bool:
    """Whether the passing of time changes what is shown."""
    used = [fields.find(selection.sort), *(each.field for each in selection.filters)]
    return any(field.kind is Kind.DURATION for field in used)
