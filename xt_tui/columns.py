"""Columns as the user chooses them: which there are, and how a choice is changed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from xt_core.query.columns import Column, Wildcard, expand_columns
from xt_core.query.fields import FieldSet, Record
from xt_core.query.views import NARROWEST, WIDEST, ChosenColumn, Columns


def known_names(fields: FieldSet[Record], records: Sequence[Record], now: float) -> list[str]:
    """All fields that these records could have a column for: those logged by them after the fixed
    ones, aggregates of those last."""
    logged: list[Column[Record]] = expand_columns(
        [Wildcard(family, "*") for family in fields.families], fields, records, now
    )
    members = [column.field for column in logged]
    aggregates = [each for field in members for each in fields.aggregates_of(field, records)]
    return [*fields.fields, *(field.name for field in (*members, *aggregates))]


def toggled(columns: Columns, name: str) -> Columns:
    """With a column of that name at the end; without it if it was there."""
    kept = tuple(column for column in columns if column.name != name)
    return kept if len(kept) < len(columns) else (*columns, ChosenColumn(name))


def shown(columns: Columns, names: Iterable[str]) -> Columns:
    """With columns of these names too, at the end."""
    known = {column.name for column in columns}
    return *columns, *(ChosenColumn(name) for name in names if name not in known)


def hidden(columns: Columns, names: Collection[str]) -> Columns:
    """Without columns of these names."""
    return tuple(column for column in columns if column.name not in names)


def only(columns: Columns, names: Sequence[str], fields: FieldSet[Any]) -> Columns:
    """With these and no others of what was logged; what all records have stays."""
    wanted = set(names)
    kept = (c for c in columns if c.name in wanted or not fields.find(c.name).family)
    return shown(tuple(kept), names)


def moved(columns: Columns, name: str, by: int, seen: Collection[str] = ()) -> Columns:
    """With a column so many places further among those that are `seen` (none: all)."""
    names = [column.name for column in columns]
    if name not in names:
        return columns
    order = [each for each in names if not seen or each in seen]
    place = order.index(name)
    goal = names.index(order[min(max(0, place + by), len(order) - 1)])
    rest = list(columns)
    rest.insert(goal, rest.pop(names.index(name)))
    return tuple(rest)


def first(columns: Columns, name: str) -> Columns:
    """With a column before all others."""
    return moved(columns, name, -len(columns))


def resized(columns: Columns, name: str, width: int) -> Columns:
    """With a column of that many cells."""
    width = min(max(NARROWEST, width), WIDEST)
    return tuple(replace(c, width=width) if c.name == name else c for c in columns)
