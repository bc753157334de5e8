"""Columns as the user chooses them: which there are, and how a choice is changed."""

from collections.abc import Sequence
from dataclasses import replace

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


def moved(columns: Columns, name: str, by: int) -> Columns:
    """With a column so many places further."""
    names = [column.name for column in columns]
    if name not in names:
        return columns
    rest = list(columns)
    column = rest.pop(names.index(name))
    rest.insert(min(max(0, names.index(name) + by), len(rest)), column)
    return tuple(rest)


def resized(columns: Columns, name: str, width: int) -> Columns:
    """With a column of that many cells."""
    width = min(max(NARROWEST, width), WIDEST)
    return tuple(replace(c, width=width) if c.name == name else c for c in columns)
