"""Sort orders: `metrics.loss`, `-duration`, `status,-metrics.acc`.

Missing values come last in both directions; equal ones are in the order of their names, which is
numeric (`run9` before `run10`).
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Generic, NamedTuple

from xt_core.errors import UsageError
from xt_core.query.fields import Field, FieldSet, Record, spelled

_KEY = re.compile(
    r"""\s*(?P<sign>-?)(?P<name>(?:\w+\.)?(?:"[^"]*"|'[^']*')(?:\.\w+)?|[^,\s-][^,]*?)\s*(?:,|$)""",
    re.DOTALL,
)


class SortKey(NamedTuple, Generic[Record]):
    """One field to sort by."""

    field: Field[Record]
    descending: bool = False


class SortSpec(NamedTuple, Generic[Record]):
    """Fields to sort by, the most important first; no fields means by name."""

    keys: tuple[SortKey[Record], ...]
    fields: FieldSet[Record]


def parse_sort(text: str, fields: FieldSet[Record]) -> SortSpec[Record]:
    """The order that `text` writes: field names, each with `-` before it for descending.

    An empty text means by name. Raises UsageError for an unknown field or a malformed text.
    """
    keys = tuple(SortKey(fields.find(name), sign == "-") for sign, name in _written(text))
    return SortSpec(keys or (SortKey(fields.ties[0]),), fields)


def sort_without(text: str, names: Collection[str]) -> str:
    """The order without the fields of these names; "" where there is no other. Raises
    UsageError for a malformed text."""
    return ",".join(f"{sign}{name}" for sign, name in _written(text) if name not in names)


def _written(text: str) -> Iterator[tuple[str, str]]:
    """The sign and the name of each key."""
    position = 0
    while position < len(text.rstrip()):
        match = _KEY.match(text, position)
        if match is None:
            raise UsageError(
                f"malformed sort order {text!r}", "sort orders look like status,-metrics.acc"
            )
        yield match["sign"], match["name"]
        position = match.end()


def sort_text(spec: SortSpec[Record]) -> str:
    """The order as `parse_sort` takes it, whatever is known: `loss` has become `metrics.loss`."""
    return ",".join(f"{'-' if key.descending else ''}{spelled(key.field)}" for key in spec.keys)


def sort_records(
    records: Iterable[Record], spec: SortSpec[Record], reverse: bool, now: float
) -> list[Record]:
    """The records in order; `reverse` turns every key round, but missing values stay last."""
    ordered = list(records)
    ties = [SortKey(field) for field in reversed(spec.fields.ties)]
    for key in ties:
        ordered = _sort_by(ordered, key, False, now)
    for key in reversed(spec.keys):
        ordered = _sort_by(ordered, key, reverse, now)
    return ordered


def _sort_by(
    records: list[Record], key: SortKey[Record], reverse: bool, now: float
) -> list[Record]:
    """Stable, also where descending."""
    present: list[tuple[Any, Record]] = []
    missing: list[Record] = []
    for record in records:
        order = key.field.order(record, now)
        if order is None:
            missing.append(record)
        else:
            present.append((order, record))
    present.sort(key=lambda pair: pair[0], reverse=key.descending is not reverse)
    return [record for _, record in present] + missing
