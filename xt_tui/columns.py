"""The columns that a user chose: which, in which order, how wide. None chosen means the automatic
ones, which follow what the rows hold."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xt_core.errors import UsageError
from xt_core.query.columns import Column, Wildcard, expand_columns, parse_columns
from xt_core.query.fields import Field, FieldSet, Record

NARROWEST, WIDEST = 3, 80
_PLAIN = re.compile(r"[\w.][\w. /@+-]*")


@dataclass(frozen=True)
class ChosenColumn:
    """A field by its full name, and cells; 0: as wide as its texts are."""

    name: str
    width: int = 0


Columns = tuple[ChosenColumn, ...]


def spelled(field: Field[Any]) -> str:
    """A field's name as columns, filters and sort orders write it: quoted where needed."""
    name = field.member if field.family else field.name
    if _PLAIN.fullmatch(name):
        return field.name
    quote = "'" if '"' in name else '"'
    return f"{field.family}.{quote}{name}{quote}"


def column_text(columns: Columns, fields: FieldSet[Record]) -> str:
    """The columns as of `xt list --columns`."""
    return ",".join(spelled(fields.find(column.name)) for column in columns)


def known_names(fields: FieldSet[Record], records: Sequence[Record], now: float) -> list[str]:
    """All fields that these records could have a column for, those logged by them last."""
    logged: list[Column[Record]] = expand_columns(
        [Wildcard(family, "*") for family in fields.families], fields, records, now
    )
    return [*fields.fields, *(column.field.name for column in logged)]


def is_known(name: str, fields: FieldSet[Any]) -> bool:
    """Whether there is, or could be, such a field, and it can be written."""
    try:
        parse_columns(spelled(fields.find(name)), fields)
    except UsageError:
        return False
    return True


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


def to_json(columns: Columns) -> list[list[Any]]:
    return [[column.name, column.width] for column in columns]


def from_json(value: Any, fields: FieldSet[Any]) -> Columns:
    """What `to_json` gave. Whatever is no column of these fields is left out."""
    pairs: Iterable[Any] = value if isinstance(value, list) else ()
    return tuple(
        ChosenColumn(name, width)
        for name, width in (pair for pair in pairs if isinstance(pair, list) and len(pair) == 2)
        if isinstance(name, str)
        and isinstance(width, int)
        and 0 <= width <= WIDEST
        and is_known(name, fields)
    )
