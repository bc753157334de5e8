"""Which records a table shows, in which order, at the cost of what changed.

The result is that of filtering and sorting all records with `xt_core.query`, but a few changes
among 100,000 records move only these. No single step holds the interpreter longer than a
millisecond or two, so that keys are not held up. Invariant: `update` runs in one thread at a time;
`note` may be called from any. A list that was given out never changes, nor do the places of its
keys.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from xt_core.query.fields import FieldSet, Kind, Record
from xt_core.query.filters import Filter, matches_all
from xt_core.query.sorting import SortSpec, parse_sort

_Entry = tuple[Any, ...]
"""What orders a record, its tie last. Only numbers, texts and tuples, which compare in C."""
_Tie = tuple[Any, ...]
"""What orders equal records: their names, which never change; its last part is the record's key.
Where records are ordered by name alone it is their entry."""
_PIECE = 2_000
"""Entries that are sorted in one go."""
_LAST: _Entry = (math.inf,)
_HIGHEST = 0x10FFFF


@dataclass(frozen=True)
class Selection(Generic[Record]):
    """Filters that must all hold, and the order as of `xt list --sort`."""

    sort: str
    filters: Sequence[Filter[Record]] = ()
    reverse: bool = False
    scope: Sequence[Filter[Record]] = ()
    """What must hold besides: where the records come from, which the user did not type."""


class Places(Mapping[str, int]):
    """The place of each key in a list that was given out, found by what orders it: a number kept
    for each of 100,000 keys would weigh more than the list.

    An order goes on changing while an older list is still on the screen. What becomes of an entry
    is noted here before it happens, and after that in the places of the list that comes next.
    """

    __slots__ = ("_entries", "_entry_of", "_keys", "_left", "_next")

    def __init__(
        self, keys: Sequence[str], entries: Sequence[_Entry], entry_of: Mapping[str, _Entry]
    ) -> None:
        self._keys, self._entries, self._entry_of = keys, entries, entry_of
        self._left: dict[str, _Entry] = {}
        self._next: Places | None = None

    def note_left(self, key: str, entry: _Entry) -> None:
        """The entry of a key in this list is about to become another, or none."""
        self._left[key] = entry

    def follow_with(self, later: "Places") -> None:
        """Another list is given out: what changes from now on is noted there."""
        self._next = later

    def _entry(self, key: str) -> _Entry | None:
        present = self._entry_of.get(key)  # first: what changes after this has been noted
        places: Places | None = self
        while places is not None:
            if key in places._left:
                return places._left[key]
            places = places._next
        return present

    def __getitem__(self, key: str) -> int:
        entry = self._entry(key)
        if entry is not None:
            place = bisect_left(self._entries, entry)
            if place < len(self._entries) and self._entries[place] is entry:
                return place
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@dataclass(frozen=True)
class Order:
    """The keys to show, and how many there would be without the user's filters."""

    keys: Sequence[str]
    places: Mapping[str, int]
    total: int


class RecordOrder(Generic[Record]):
    """The keys of the records to show, in order."""

    def __init__(
        self,
        fields: FieldSet[Record],
        records: Mapping[str, Record],
        key: Callable[[Record], str],
        is_living: Callable[[Record], bool],
    ) -> None:
        """`records` holds by key what was noted, and what is about to be; `is_living` tells of
        records whose durations grow."""
        self.key, self.is_living = key, is_living
        self._fields, self._records = fields, records
        self._noted: deque[list[Record]] = deque()
        self._living: set[str] = set()
        self._in_scope: set[str] = set()
        """Kept only while there are filters; without them all that is shown is in scope."""
        self._entry_of: dict[str, _Entry] = {}
        self._entries: list[_Entry] = []
        self._keys: list[str] = []
        self._places = Places(self._keys, self._entries, self._entry_of)
        self._selection: Selection[Record] | None = None
        self._is_backwards = False
        """Whether names order the records, the last one first: then they do so in the ties."""
        self._spec = parse_sort("", fields)

    def look_at(self, records: Mapping[str, Record]) -> None:
        """Take the records from elsewhere: from what they were at a time, or what they are again.
        Those that differ have to be noted."""
        self._records = records

    @property
    def ages(self) -> bool:
        """Whether time alone, without news, changes what is shown, or its order."""
        used = self._selection
        return bool(self._living) and used is not None and _is_timed(used, self._spec)

    def note(self, records: Iterable[Record]) -> None:
        """These records are new or have changed, and are among all records as they are now."""
        self._noted.append(list(records))

    def update(self, selection: Selection[Record], now: float) -> Order:
        """What to show now; the same list as before if nothing has moved."""
        noted, known = self._take_noted(), self._entry_of
        changed: Iterable[str] = noted
        if selection != self._selection:
            self._selection, self._spec = selection, parse_sort(selection.sort, self._fields)
            is_backwards, self._is_backwards = self._is_backwards, self._is_by_name_backwards()
            if is_backwards is not self._is_backwards:
                known = {}  # their ties are others
            self._entries, self._entry_of, self._in_scope = [], {}, set()
            changed = list(self._records)
        elif _is_timed(selection, self._spec):
            changed = noted | self._living
        if self._move(changed, selection, now, known) or not self._entries:
            self._give_out()
        total = len(self._in_scope if selection.filters else self._keys)
        return Order(self._keys, self._places, total)

    def _give_out(self) -> None:
        """The entries have become others."""
        self._keys = [_tie_of(entry)[-1] for entry in self._entries]
        places = Places(self._keys, self._entries, self._entry_of)
        self._places.follow_with(places)
        self._places = places

    def _take_noted(self) -> set[str]:
        changed: set[str] = set()
        while self._noted:
            for record in self._noted.popleft():
                key = self.key(record)
                changed.add(key)
                if self.is_living(record):
                    self._living.add(key)
                else:
                    self._living.discard(key)
        return changed

    def _move(
        self,
        changed: Iterable[str],
        selection: Selection[Record],
        now: float,
        known: dict[str, _Entry],
    ) -> bool:
        """Put what changed into its new place, if that is another; whether anything moved.
        `known` entries have the ties."""
        gone: list[_Entry] = []
        come: list[_Entry] = []
        for key in changed:
            before = self._entry_of.get(key)
            entry = self._entry(key, selection, now, known.get(key))
            if entry == before:
                continue
            if before is not None:
                gone.append(before)
                self._places.note_left(key, before)
            if entry is None:
                del self._entry_of[key]
            else:
                come.append(entry)
                self._entry_of[key] = entry
        if gone or come:
            self._entries = merged(without(self._entries, gone), come)
        return bool(gone or come)

    def _entry(
        self, key: str, selection: Selection[Record], now: float, known: _Entry | None
    ) -> _Entry | None:
        """What orders a record; None if it is not shown."""
        record = self._records[key]
        if selection.scope and not matches_all(selection.scope, record, now):
            self._in_scope.discard(key)
            return None
        if selection.filters:
            self._in_scope.add(key)
            if not matches_all(selection.filters, record, now):
                return None
        entry: _Entry = ()
        for field, descending in self._spec.keys:
            is_name = field is self._fields.ties[0] and not entry
            if is_name and (descending is selection.reverse or self._is_backwards):
                break  # names are what equal records are ordered by
            order = field.order(record, now)
            if order is None:  # missing values come last, also in reverse
                entry += _LAST
            else:
                entry += inverted(order) if descending is not selection.reverse else order
        tie = self._tie(key, record) if known is None else _tie_of(known)
        return (*entry, tie) if entry else tie

    def _is_by_name_backwards(self) -> bool:
        assert self._selection is not None
        first = self._spec.keys[0]
        is_backwards = first.descending is not self._selection.reverse
        return first.field is self._fields.ties[0] and is_backwards

    def _tie(self, key: str, record: Record) -> _Tie:
        name, *others = self._fields.ties
        order = name.order(record, 0.0)
        if order is None:
            parts = list[Any](_LAST)
        else:
            parts = list[Any](inverted(order) if self._is_backwards else order)
        for field in others:
            parts += field.order(record, 0.0) or _LAST
        return (*parts, key)


def _tie_of(entry: _Entry) -> _Tie:
    last = entry[-1]
    return last if isinstance(last, tuple) else entry


def merged(entries: list[_Entry], come: list[_Entry]) -> list[_Entry]:
    """Sorted entries with others among them, sorted."""
    if len(come) * 8 > len(entries):
        return sorted_in_pieces(entries + come)
    result: list[_Entry] = []
    start = 0
    for entry in sorted_in_pieces(come):
        place = bisect_left(entries, entry, start)
        result += entries[start:place]
        result.append(entry)
        start = place
    return result + entries[start:]


def without(entries: list[_Entry], gone: list[_Entry]) -> list[_Entry]:
    """Sorted entries without some of them."""
    if not gone:
        return entries
    result: list[_Entry] = []
    start = 0
    for entry in sorted_in_pieces(gone):
        place = bisect_left(entries, entry, start)
        result += entries[start:place]
        start = place + 1
    return result + entries[start:]


def sorted_in_pieces(entries: list[_Entry]) -> list[_Entry]:
    """The entries sorted: each piece in one go, and other threads may work between two."""
    if len(entries) <= _PIECE:
        return sorted(entries)
    # A few entries for each piece say where it ends: enough that none is much too large.
    sample = sorted(entries[:: _PIECE // 8])
    ends = sample[8::8]
    pieces: list[list[_Entry]] = [[] for _ in range(len(ends) + 1)]
    for entry in entries:
        pieces[bisect_left(ends, entry)].append(entry)
    result: list[_Entry] = []
    for piece in pieces:
        result += sorted(piece)
    return result


def inverted(order: Iterable[str | float]) -> _Entry:
    """A sort key that comes the later, the earlier the given one comes among its like."""
    return tuple(_inverted_text(each) if isinstance(each, str) else -each for each in order)


def _inverted_text(text: str) -> str:
    """Each character turned round, and an end after which nothing comes: "ab" is after "abc"."""
    turned = (chr(max(0, _HIGHEST - 1 - ord(character))) for character in text)
    return "".join(turned) + chr(_HIGHEST)


def _is_timed(selection: Selection[Record], spec: SortSpec[Record]) -> bool:
    """Whether the passing of time changes what is shown."""
    used = [key.field for key in spec.keys]
    used += [each.field for each in (*selection.filters, *selection.scope)]
    return any(field.kind is Kind.DURATION for field in used)
