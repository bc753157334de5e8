"""The combinations of listed values under conditions: counted and numbered, never all made.

Parameters that no condition connects are independent: their counts multiply, and the first of them
varies fastest. Connected ones are split by the values of the first, which varies slowest: the
counts of its values add up. What is left with a value depends only on which parameters are left,
so each such set is counted once. This is AND/OR search with caching by context: R. Dechter and
R. Mateescu, "AND/OR search spaces for graphical models", Artificial Intelligence 171 (2007).

Invariant: `digits` numbers every active combination once, from 0 to `count` - 1.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.conditions import Condition

MOST_BLOCKS = 20_000
"""Counting is hard for entangled conditions (#P): this is a few seconds."""

Names = tuple[str, ...]
"""Parameters in evaluation order."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Connected parameters, split by the values of the first."""

    ends: list[int]
    """Per value of the first: how many combinations it and the values before it have."""
    rests: list[list[Names]]
    """Per value of the first: the parameters it leaves active or undecided, connected ones
    together."""


class Combinations:
    """The active combinations of parameters, by number."""

    def __init__(
        self, listed: Mapping[str, Sequence[Value]], conditions: Mapping[str, Condition]
    ) -> None:
        """`listed` has the values of each parameter, in evaluation order; a parameter with none is
        not enumerated. Raises UsageError if the conditions are too entangled to count."""
        self._listed = listed
        self._conditions = conditions
        self._blocks: dict[Names, _Block] = {}
        self._parts = self._connected(tuple(listed))
        try:
            self.count = math.prod(self._size(part) for part in self._parts)
            """How many there are; at least 1."""
        except RecursionError:
            raise _entangled_error(len(conditions)) from None

    def digits(self, index: int) -> dict[str, int]:
        """For each enumerated parameter that is active in combination `index` modulo `count`: the
        index of its value."""
        chosen: dict[str, int] = {}
        self._choose(self._parts, index, chosen)
        return chosen

    def _choose(self, parts: list[Names], index: int, chosen: dict[str, int]) -> None:
        for part in parts:
            index, digit = divmod(index, self._size(part))
            first = part[0]
            if len(part) > 1:
                block = self._blocks[part]
                chosen[first] = bisect_right(block.ends, digit)
                start = block.ends[chosen[first] - 1] if chosen[first] else 0
                self._choose(block.rests[chosen[first]], digit - start, chosen)
            elif self._listed[first]:
                chosen[first] = digit

    def _size(self, part: Names) -> int:
        """How many combinations connected parameters have."""
        if len(part) == 1:
            return len(self._listed[part[0]]) or 1
        if part not in self._blocks:
            self._blocks[part] = self._split(part[0], part[1:])
            if len(self._blocks) > MOST_BLOCKS:
                raise _entangled_error(len(self._conditions))
        return self._blocks[part].ends[-1]

    def _split(self, first: str, others: Names) -> _Block:
        connected: dict[Names, list[Names]] = {}
        rests = []
        for value in self._listed[first]:
            left = self._left(first, value, others)
            if left not in connected:
                connected[left] = self._connected(left)
            rests.append(connected[left])
        sizes = (math.prod(self._size(part) for part in rest) for rest in rests)
        return _Block(list(accumulate(sizes)), rests)

    def _left(self, first: str, value: Value, others: Names) -> Names:
        """Those of the others that are not inactive for certain with this value of the first."""
        inactive: set[str] = set()
        for name in others:
            condition = self._conditions.get(name)
            if condition is not None and not (
                condition.allows(first, value) and inactive.isdisjoint(condition.parents)
            ):
                inactive.add(name)
        return tuple(name for name in others if name not in inactive)

    def _connected(self, names: Names) -> list[Names]:
        """The names in groups that conditions among them connect, by the first of each group."""
        group: dict[str, str] = {}

        def last(name: str) -> str:
            """The last name of the group so far (the root, in a union-find forest)."""
            while group[name] != name:
                group[name] = name = group[group[name]]
            return name

        for name in names:
            group[name] = name
            condition = self._conditions.get(name)
            for parent in () if condition is None else condition.parents:
                if parent in group:
                    group[last(parent)] = name
        members: dict[str, list[str]] = {}
        for name in names:
            members.setdefault(last(name), []).append(name)
        return [tuple(names) for names in members.values()]


def _entangled_error(conditions: int) -> UsageError:
    return UsageError(
        f"the {conditions} conditions depend on each other too much to count the grid's points",
        "sample them with --search-type random --runs N, or use fewer conditions",
    )
