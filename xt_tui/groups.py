"""Rows in groups: those of one value in a column, under a row for each group.

Groups stand in the order of their first rows, as in `xt list --group`. A group's row is known by a
key that no record can have, so that cursor and open groups stay with their groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from xt_core.model.records import Run
from xt_core.query.columns import Column
from xt_core.query.fields import Record

_SIGN = "\0"
NO_VALUE = "–"


@dataclass(frozen=True)
class Group:
    """The rows with one text."""

    text: str
    keys: Sequence[str]

    @property
    def key(self) -> str:
        return group_key(self.text)

    @property
    def title(self) -> str:
        return self.text or NO_VALUE


@dataclass(frozen=True)
class Groups:
    """All groups by their keys, in order, and the group of each row."""

    column: str = ""
    """What they are grouped by, as a header; empty: the rows are not grouped."""
    by_key: Mapping[str, Group] = field(default_factory=dict)
    of: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """What is said of each group, by its key."""

    def text_of(self, run: Run) -> str:
        """What a run's group has in common."""
        return self.of.get(run.full_name, "").removeprefix(_SIGN)

    def rows(self, opened: frozenset[str]) -> list[str]:
        """The keys of the rows: each group's, and below it its members if it is open."""
        rows: list[str] = []
        for key, group in self.by_key.items():
            rows.append(key)
            if key in opened:
                rows += group.keys
        return rows


class Grouping(Generic[Record]):
    """Groups records by a column; a record that has not changed is not looked at again."""

    def __init__(self, column: Column[Record]) -> None:
        self.column = column
        self._known: dict[str, tuple[Record, str]] = {}

    def groups(
        self, keys: Sequence[str], records: Mapping[str, Record], now: float
    ) -> tuple[dict[str, Group], dict[str, str]]:
        """The groups of these rows by key, and the key of each row's group."""
        members: dict[str, list[str]] = {}
        of: dict[str, str] = {}
        for key in keys:
            record = records[key]
            known = self._known.get(key)
            if known is None or known[0] is not record:
                text = self.column.group_text(record, now)
                known = self._known[key] = (record, group_key(text))
            of[key] = known[1]
            members.setdefault(known[1], []).append(key)
        return {key: Group(key.removeprefix(_SIGN), rows) for key, rows in members.items()}, of


def group_key(text: str) -> str:
    """The key of a group's row."""
    return _SIGN + text


def is_group(key: str) -> bool:
    return key.startswith(_SIGN)
