"""Columns of a report: `run,status,hparams.lr=LR:.2e,metrics.*`, and the text of their cells.

A column is `name[=Header][:format]`; any of the three may stand in quotes, and must where it holds
a comma. Wildcards stand for what was logged by the rows at hand.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic

from xt_core.errors import UsageError
from xt_core.query.fields import Field, FieldSet, Kind, Record, unquote
from xt_core.query.formats import PRECISION, format_fits, format_value

DEFAULT_RUN_COLUMNS = "run,job,status,tags.*,hparams.*,metrics.*,duration,created"
TOLD_APART_BY = ("hparams",)
"""Families of which a default set has columns only for what tells records apart."""
DEFAULT_JOB_COLUMNS = (
    "job,status,experiment,style,search_type,work_items,unstarted,queued,running,completed,error,"
    "cancelled,primary_metric,best,best_run,created"
)
MOST_LOGGED = 12
"""Metrics and hyperparameters that a table shows unless the user chose columns."""
_MANY = ("metrics", "hparams")
"""The families of which there may be hundreds."""
_LEAST_SHARE = 0.1
"""Of the records; what fewer have is shown only where there is room for all."""
_COLUMN = re.compile(
    r"""\s*(?P<name>(?:\w+\.)?(?:"[^"]*"|'[^']*')(?:\.\w+)?|[^,=:]*?)\s*"""
    r"""(?:=\s*(?P<header>"[^"]*"|'[^']*'|[^,:"'][^,:]*?)\s*)?"""
    r"""(?::(?P<format>"[^"]*"|'[^']*'|[^,"'][^,]*?)\s*)?(?P<end>,|$)""",
    re.DOTALL,
)
_EXACT = (Kind.NUMBER, Kind.ANY)
_EXAMPLE = "columns look like run,status,hparams.lr=LR:.2e,metrics.*,created=Day:$do"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The members of one family whose names match a pattern."""

    family: str
    pattern: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Column(Generic[Record]):
    """One field as shown: its header, format and alignment (`left` or `right`)."""

    field: Field[Record]
    header: str
    format: str = ""
    alignment: str = "left"
    precision: int = PRECISION

    def text(self, record: Record, now: float) -> str:
        """The cell of a record."""
        shown = self.field.shown
        value = self.field.get(record, now) if shown is None else shown(record)
        return format_value(value, self.field.kind, self.format, self.precision)

    def group_text(self, record: Record, now: float) -> str:
        """What the record is grouped by: its cell; of a number without a format of its own all
        digits, since values that only look alike are not one."""
        value = self.field.get(record, now)
        is_whole = isinstance(value, float) and self.field.kind in _EXACT and not self.format
        return f"{value:.15g}" if is_whole else self.text(record, now)


ColumnSpec = Column[Record] | Wildcard


def parse_columns(text: str, fields: FieldSet[Record]) -> list[ColumnSpec[Record]]:
    """The columns that `text` asks for, wildcards not yet expanded.

    Raises UsageError for an unknown field, a format that does not fit, or a malformed column.
    """
    specs: list[ColumnSpec[Record]] = []
    position, more = 0, True
    while more:
        match = _COLUMN.match(text, position)
        if match is None or not match["name"]:
            near = text[position:].strip() or text
            raise UsageError(f"malformed column at {near!r}", _EXAMPLE)
        specs.append(_parse_column(match, fields))
        position, more = match.end(), match["end"] == ","
    return specs


def foremost(
    columns: Sequence[Column[Record]],
    records: Sequence[Record],
    now: float,
    leading: Collection[str] = (),
    most: int = MOST_LOGGED,
) -> tuple[list[Column[Record]], int]:
    """The columns with no more than `most` metrics and hyperparameters, and how many were left out.

    Those named by `leading` stay whatever there is; of the others those that most records have,
    half of them of either family if there are as many. The order stays.
    """
    logged = [column for column in columns if column.field.family in _MANY]
    if len(logged) <= most:
        return [*columns], 0
    counts = {
        column.field.name: sum(column.field.exists(record, now) for record in records)
        for column in logged
    }
    least = _LEAST_SHARE * len(records)
    others = [
        column.field
        for column in sorted(logged, key=lambda column: -counts[column.field.name])
        if column.field.name not in leading and counts[column.field.name] >= least
    ]
    kept = {column.field.name for column in logged if column.field.name in leading}
    half = max(most - len(kept), 0) // 2
    for family in _MANY:
        kept.update([field.name for field in others if field.family == family][:half])
    rest = [field.name for field in others if field.name not in kept]
    kept.update(rest[: max(most - len(kept), 0)])
    shown = [
        column
        for column in columns
        if column.field.family not in _MANY or column.field.name in kept
    ]
    return shown, len(columns) - len(shown)


def only_column(text: str, fields: FieldSet[Record]) -> Column[Record]:
    """The column that `text` names. Raises UsageError for none, or many."""
    columns = expand_columns(parse_columns(text, fields), fields, [], 0.0)
    if len(columns) != 1:
        raise UsageError(f"{text!r} is not one column", "as in hparams.opt, or created:$do")
    return columns[0]


def expand_columns(
    specs: Sequence[ColumnSpec[Record]],
    fields: FieldSet[Record],
    records: Sequence[Record],
    now: float,
    *,
    drop_absent: bool = False,
    drop_constant: Collection[str] = (),
    precision: int = PRECISION,
) -> list[Column[Record]]:
    """The columns for these records.

    A wildcard gives the members that some record holds and no other column shows, those of
    earlier records first, then by name. `drop_absent` leaves out columns that are missing from
    every record: right for a default set, wrong for what a user asked for. So is `drop_constant`:
    families of which wildcards leave out what is the same in all of several records. Members are
    headed by their bare name unless two columns would then have the same header.
    """
    shown = {spec.field.name for spec in specs if isinstance(spec, Column)}
    columns: list[Column[Record]] = []
    for spec in specs:
        if isinstance(spec, Column):
            columns.append(spec)
            continue
        for field in _matching(spec, fields, records):
            if spec.family in drop_constant and _is_constant(field, records, now):
                continue
            if field.name not in shown:
                shown.add(field.name)
                columns.append(Column(field, "", spec.format))
    if drop_absent:
        columns = [
            column
            for column in columns
            if any(column.field.exists(record, now) for record in records)
        ]
    return _finish(columns, records, now, precision)


def _parse_column(match: re.Match[str], fields: FieldSet[Record]) -> ColumnSpec[Record]:
    name, header = match["name"], unquote(match["header"] or "")
    format_ = unquote(match["format"] or "")
    family, dot, member = name.partition(".")
    if dot and family in fields.families and unquote(member) == member and _is_pattern(member):
        if header:
            raise UsageError(f"{name} is many columns and takes no header", _EXAMPLE)
        spec: ColumnSpec[Record] = Wildcard(family, member, format_)
        kind = fields.member(family, member).kind
    else:
        field = fields.find(name)
        spec, kind = Column(field, header, format_ or field.format), field.kind
    if format_ and not format_fits(format_, kind):
        raise UsageError(
            f"the format {format_!r} does not fit the column {name}",
            "formats are Python's (.2e, >8), $bz (blank zeros), $do (date only), $to (time only)",
        )
    return spec


def _is_pattern(member: str) -> bool:
    return "*" in member or "?" in member


def _matching(
    wildcard: Wildcard, fields: FieldSet[Record], records: Sequence[Record]
) -> list[Field[Record]]:
    """The members that match; where none does, and the pattern ends as aggregates do (`*.max`),
    those of the members that its rest matches."""
    family, pattern = wildcard.family, wildcard.pattern
    members = fields.members(family, records)
    matching = [field for field in members if fnmatchcase(field.member, pattern)]
    of, _, kind = pattern.rpartition(".")
    if matching or family not in fields.aggregates or kind not in fields.aggregates[family].kinds:
        return matching
    aggregates = (
        fields.aggregate(family, field.member, kind, is_certain=True)
        for field in members
        if fnmatchcase(field.member, of)
    )
    return [field for field in aggregates if any(field.exists(each, 0.0) for each in records)]


def _is_constant(field: Field[Record], records: Sequence[Record], now: float) -> bool:
    """Whether several records have it, and all the same; numbers are not like texts or flags."""
    values = (field.get(record, now) for record in records)
    return len(records) > 1 and len({(type(value), str(value)) for value in values}) == 1


def _finish(
    columns: list[Column[Record]], records: Sequence[Record], now: float, precision: int
) -> list[Column[Record]]:
    """Headers and alignments, which depend on the other columns and on the rows."""
    titles = [column.header or column.field.title for column in columns]
    finished: list[Column[Record]] = []
    for column, title in zip(columns, titles, strict=True):
        field = column.field
        ambiguous = not column.header and field.family and titles.count(title) > 1
        header = field.name if ambiguous else title
        alignment = field.alignment
        if field.kind is Kind.ANY and _all_numbers(field, records, now):
            alignment = "right"
        finished.append(Column(field, header, column.format, alignment, precision))
    return finished


def _all_numbers(field: Field[Record], records: Sequence[Record], now: float) -> bool:
    values = (field.get(record, now) for record in records)
    return all(
        isinstance(value, (int, float)) and not isinstance(value, bool)
        for value in values
        if value is not None
    )
