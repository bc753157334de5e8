"""What can be shown, filtered, sorted and grouped by: fields, and sets of them found by name.

A field's `get` gives None for a missing value; a fixed text field never holds "", so that blank
and missing are one thing. `hparams.NAME`, `metrics.NAME` and `tags.NAME` are families: their
fields come into being when named, and may hold any `Value`. A family may know aggregates of its
members too, as in `metrics.loss.min`. A record that logged something of exactly that name shows
that instead; quotes tell which is meant: `metrics."loss.min"` and `metrics."loss".min`.

The fields of runs and jobs are in `registry`.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from xt_core.errors import UsageError
from xt_core.model.names import counting_order
from xt_core.model.records import Value

Record = TypeVar("Record")
Comparable = str | int | float
OrderKey = tuple[int | str, ...]
_MOST_HOLDERS = 8
"""Records that are asked which aggregates there are of a member."""
_PLAIN = re.compile(r"[\w.][\w. /@+-]*")

Logged = Callable[[], Collection[str]]
"""Tells the names that records hold, with their families; asked only where they matter, once."""


def nothing_logged() -> Collection[str]:
    """Where nobody knows what was logged."""
    return ()


class Kind(StrEnum):
    """What a field holds; it decides how values are read, compared and shown."""

    TEXT = "text"
    NAME = "name"  # text in an order of its own: run9 before run10
    NUMBER = "number"
    TIME = "time"  # seconds since the epoch
    DURATION = "duration"  # seconds
    FLAG = "flag"
    ANY = "any"  # whatever was logged


@dataclass(frozen=True, slots=True)
class AggregateOf:
    """Which aggregate of which member a field is."""

    member: str
    kind: str
    is_certain: bool
    """Whether it is meant also where a record holds a member of the field's whole name."""


@dataclass(frozen=True, slots=True)
class Aggregates(Generic[Record]):
    """The aggregates that a family has of its members."""

    kinds: tuple[str, ...]
    get: Callable[[Record, str, str], Value]
    """Of a record, by member and kind."""


@dataclass(frozen=True, slots=True)
class Field(Generic[Record]):
    """One named value of a record."""

    name: str
    kind: Kind
    get: Callable[[Record, float], Value]
    header: str = ""
    sql: str = ""
    """The value in the stats store's table `runs`; `{now}` stands for the time of the report."""
    optional: bool = True
    """Whether the value may be missing (in SQL: null or blank)."""
    choices: tuple[str, ...] = ()
    flags: "tuple[tuple[str, Field[Record]], ...]" = ()
    """Values of it that records do not hold, each with the flag that tells it."""
    name_order: Callable[[str], OrderKey] | None = None
    """For `Kind.NAME`: the key that orders names; raises ValueError for what is no such name."""
    order_sql: tuple[str, ...] = ()
    """For `Kind.NAME`: the same order in SQL."""
    format: str = ""
    shown: Callable[[Record], str] | None = None
    """What is shown in the place of the value."""
    family: str = ""
    member: str = ""
    mapping: Callable[[Record], Mapping[str, Value]] | None = None
    aggregate: AggregateOf | None = None

    @property
    def title(self) -> str:
        """The column header."""
        return self.header or self.member or self.name

    @property
    def alignment(self) -> str:
        """`right` for numbers and durations, else `left`; for `Kind.ANY` the rows decide."""
        return "right" if self.kind in {Kind.NUMBER, Kind.DURATION} else "left"

    @property
    def is_tag(self) -> bool:
        """Whether it is true where it is there at all: a tag may be set without a value."""
        return self.family == "tags"

    def exists(self, record: Record, now: float) -> bool:
        """Whether the record has it: a member that was logged, even if as null or NaN."""
        if self.mapping is not None and self.member in self.mapping(record):
            return True
        is_plain_member = self.mapping is not None and self.aggregate is None
        return not is_plain_member and self.get(record, now) is not None

    def order(self, record: Record, now: float) -> OrderKey | tuple[int, Comparable] | None:
        """The sort key of the record's value, None where it is missing."""
        value = comparable(self.get(record, now))
        if value is None:
            return None
        if self.name_order is not None:
            try:
                return self.name_order(str(value))
            except ValueError:
                return None
        return (1, value) if isinstance(value, str) else (0, value)


def comparable(value: object) -> Comparable | None:
    """The value if it has a place in an order, else None: nulls, NaN and infinities are missing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int)) else None


class FieldSet(Generic[Record]):
    """The fields of one kind of record, found by name."""

    def __init__(
        self,
        fields: Sequence[Field[Record]],
        families: Mapping[str, Callable[[Record], Mapping[str, Value]]],
        aliases: Mapping[str, str],
        ties: Sequence[str],
        aggregates: Mapping[str, Aggregates[Record]] | None = None,
        *,
        words: Field[Record],
    ) -> None:
        """`aggregates` are those that families have, by family; `words` is what words without a
        field are looked for in, as `words.searched` gives it."""
        self.fields = {field.name: field for field in fields}
        self.families = families
        self.aggregates = aggregates or {}
        self.words = words
        self.aliases = aliases
        self.ties = tuple(self.fields[name] for name in ties)
        """What orders records whose sort keys are equal."""
        self._logged: Logged = nothing_logged

    def knowing(self, logged: Logged) -> "FieldSet[Record]":
        """The same fields, of which those that were `logged` are found without their family, too:
        `loss` and `loss.min`."""
        known = copy(self)
        known._logged = cache(lambda: list(logged()))
        return known

    def find(self, name: str) -> Field[Record]:
        """The field of that name, or the only one that was logged by it in any family, as far as
        that is known; raises UsageError with the nearest name if there is none.

        A family member's name may stand in quotes: `hparams."a=b"`, `metrics."a=b".min`.
        """
        field = self.fields.get(self.aliases.get(name, name))
        if field is not None:
            return field
        family, dot, member = name.partition(".")
        if dot and family in self.families:
            of, _, kind = member.rpartition(".")
            if of and family in self.aggregates and kind in self.aggregates[family].kinds:
                return self.aggregate(family, unquote(of), kind, is_certain=unquote(of) != of)
            return self.member(family, unquote(member))
        known = self._logged()
        meant = [each for each in self.families if f"{each}.{unquote(name)}" in known]
        if len(meant) == 1:
            return self.member(meant[0], unquote(name))
        of, _, kind = name.rpartition(".")
        holders = [each for each, aggregates in self.aggregates.items() if kind in aggregates.kinds]
        if not meant and len(holders) == 1 and f"{holders[0]}.{unquote(of)}" in known:
            return self.aggregate(holders[0], unquote(of), kind, is_certain=unquote(of) != of)
        raise self._unknown(name, known)

    def members(self, family: str, records: Iterable[Record]) -> list[Field[Record]]:
        """The fields of all members of a family that these records hold: those of earlier records
        first, then by name."""
        names: dict[str, None] = {}
        for record in records:
            if new := self.families[family](record).keys() - names.keys():
                names.update(dict.fromkeys(sorted(new, key=counting_order)))
        return [self.member(family, name) for name in names if is_member_name(name)]

    def aggregates_of(self, field: Field[Record], records: Sequence[Record]) -> list[Field[Record]]:
        """The aggregates of a member of a family that any of some of these records has: to look at
        all would take long where they hold hundreds of members."""
        known = self.aggregates.get(field.family)
        if known is None:
            return []
        mapping = self.families[field.family]
        holders = [record for record in records if field.member in mapping(record)]
        holders = holders[:: -(-len(holders) // _MOST_HOLDERS) or 1]
        return [
            self.aggregate(field.family, field.member, kind, is_certain=True)
            for kind in known.kinds
            if any(known.get(record, field.member, kind) is not None for record in holders)
        ]

    def aggregate(self, family: str, member: str, kind: str, *, is_certain: bool) -> Field[Record]:
        """The field of one aggregate of a member, such as `metrics.loss.min`; see `AggregateOf`."""
        plain = self.member(family, f"{member}.{kind}")
        get, mapping = self.aggregates[family].get, self.families[family]

        def value(record: Record, now: float) -> Value:
            logged = mapping(record)
            if not is_certain and plain.member in logged:
                return logged[plain.member]
            return get(record, member, kind)

        name = f"{family}.{quote(member)}.{kind}" if is_certain else plain.name
        return replace(
            plain,
            name=name,
            get=value,
            mapping=None if is_certain else mapping,
            aggregate=AggregateOf(member, kind, is_certain),
        )

    def member(self, family: str, member: str) -> Field[Record]:
        """The field of one member of a family, such as `metrics.loss`."""
        if not is_member_name(member):
            raise UsageError(f"{family}. needs a name after the dot", f"as in {family}.lr")
        mapping = self.families[family]
        return Field(
            f"{family}.{member}",
            Kind.ANY,
            lambda record, now: mapping(record).get(member),
            family=family,
            member=member,
            mapping=mapping,
        )

    def _unknown(self, name: str, logged: Collection[str]) -> UsageError:
        from difflib import get_close_matches

        message = f"there is no field {name!r}"
        family, dot, member = name.partition(".")
        known = list(self.families) if dot else [*self.fields, *self.aliases]
        near = [f"{found}{dot}{member}" for found in get_close_matches(family, known, n=1)]
        members = {each.partition(".")[2]: each for each in logged}
        near = near or [members[found] for found in get_close_matches(name, members, n=1)]
        nearest = f"did you mean {near[0]}? " if near else ""
        prefixed = ", ".join(f"{family}.{member or name}" for family in self.families)
        return UsageError(message, f"{nearest}logged names need their prefix: {prefixed}")


def is_member_name(name: str) -> bool:
    """Whether it can be asked for: scripts log by any name."""
    return bool(name) and "\0" not in name and encodable(name)


def spelled(field: Field[Any]) -> str:
    """A field's name as columns, filters and sort orders write it: quoted where needed."""
    name = field.member if field.family else field.name
    if _PLAIN.fullmatch(name) or (field.aggregate is not None and field.aggregate.is_certain):
        return field.name
    quote = "'" if '"' in name else '"'
    return f"{field.family}.{quote}{name}{quote}"


def encodable(text: str) -> bool:
    """Whether the text is valid Unicode (bytes of the command line may not be)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def quote(text: str) -> str:
    """The text in quotes, as `unquote` takes it."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def unquote(text: str) -> str:
    """The text without the pair of quotes around it, if there is one."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
