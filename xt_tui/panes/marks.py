"""Marked rows: by key, so that they stay with their rows, whatever becomes of the order."""

from collections.abc import Callable, Iterable, Mapping, Sequence

Members = Callable[[str], Iterable[str]]
"""What marking a row marks: the row itself, or for a group the rows in it; nothing for a row that
cannot be marked."""


class Marks:
    """The marked keys, and the range that is being marked: from an anchor to the cursor."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._anchor: str | None = None
        self._before: frozenset[str] = frozenset()

    @property
    def is_ranging(self) -> bool:
        return self._anchor is not None

    def toggle(self, members: Iterable[str]) -> None:
        """Mark these keys; unmark them if all are marked."""
        wanted = set(members)
        if wanted <= self.keys:
            self.keys -= wanted
        else:
            self.keys |= wanted

    def toggle_range(self, key: str | None) -> None:
        """Begin to mark all rows that the cursor passes, or be done with it."""
        self._anchor = key if self._anchor is None else None
        self._before = frozenset(self.keys)

    def extend(
        self, keys: Sequence[str], places: Mapping[str, int], cursor: str | None, members: Members
    ) -> bool:
        """Mark from where the range began up to the cursor, besides what was marked before;
        whether that changed anything."""
        ends = [places.get(key) for key in (self._anchor, cursor) if key is not None]
        rows = sorted(row for row in ends if row is not None)
        if len(rows) < 2:
            return False
        first, last = rows
        wanted = set(self._before)
        for key in keys[first : last + 1]:
            wanted.update(members(key))
        changed = wanted != self.keys
        self.keys = wanted
        return changed

    def give_up_range(self) -> None:
        """Forget the range: what was marked before it is marked."""
        self.keys, self._anchor = set(self._before), None

    def take_away(self, keys: Iterable[str]) -> bool:
        """Unmark these keys; whether any was marked."""
        before = len(self.keys)
        self.keys = self.keys.difference(keys)
        return len(self.keys) < before

    def clear(self) -> None:
        self.keys, self._anchor = set(), None

    def shown(self, ranks: Mapping[str, int]) -> list[str]:
        """The marked keys among those that `ranks` orders, in that order."""
        if len(self.keys) * 8 > len(ranks):  # going through all costs less than sorting
            return [key for key in ranks if key in self.keys]
        return sorted((key for key in self.keys if key in ranks), key=ranks.__getitem__)
