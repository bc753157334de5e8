"""Filters, run patterns and sort orders as SQL over the stats store's SQLite table `runs`.

The answer is that of `Filter.matches`, `RunPattern.matches` and `sort_records`. Everything a user
wrote is a parameter or a quoted literal. A connection needs functions of ours: see `register`.
"""

import contextlib
import json
import math
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xt_core.model.aggregates import POSITIONS
from xt_core.model.encoding import dumps
from xt_core.model.records import Run
from xt_core.query.fields import AggregateOf, Field, Kind
from xt_core.query.filters import Check, Filter, type_name
from xt_core.query.literals import TimeSpan
from xt_core.query.names import ANY_NUMBER, RunPattern, Span
from xt_core.query.regexes import TooSlowError, is_found
from xt_core.query.sorting import SortSpec
from xt_core.query.words import row_holds

if TYPE_CHECKING:
    from sqlite3 import Connection

Sql = tuple[str, list[object]]
"""A condition and its parameters."""

_PATH_SAFE = re.compile(r"[ !#-\[\]-~]+")  # printable ASCII but for the quote and the backslash
_JSON_TYPES = {
    "text": "= 'text'",
    "number": "IN ('integer', 'real')",
    "flag": "IN ('true', 'false')",
}
_SPECIAL_JSON = {
    Check.NAN: dumps(math.nan),
    Check.INFINITE: dumps(math.inf),
    Check.MINUS_INFINITE: dumps(-math.inf),
}
"""What JSON has no numbers for, as it is kept."""
_RUN_IN_LIST = (
    "(num, child) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')"
    " FROM json_each(?))"
)
_JOB_IN_LIST = "job_num IN (SELECT value FROM json_each(?))"


class _Raised(threading.local):
    """What `regexp` has raised in this thread: SQLite says only that there was something."""

    error: TooSlowError | None = None


_raised = _Raised()


def register(connection: "Connection") -> None:
    """Give the connection the functions behind `:regex:` (SQLite's operator REGEXP) and words."""
    connection.create_function("regexp", 2, regexp, deterministic=True)
    connection.create_function("holds_word", -1, row_holds, deterministic=True)


def regexp(pattern: str, value: object) -> bool:
    """Whether the regular expression is found in a text. Raises TooSlowError."""
    try:
        return isinstance(value, str) and is_found(pattern, value)
    except TooSlowError as error:
        _raised.error = error
        raise


@contextlib.contextmanager
def slowness_told() -> Iterator[None]:
    """For a query with filters. Raises TooSlowError, in place of SQLite's own error."""
    _raised.error = None
    try:
        yield
    except Exception:
        if _raised.error is not None:
            raise _raised.error from None
        raise


def to_sql(filters: Sequence[Filter[Run]], patterns: Sequence[RunPattern], now: float) -> Sql:
    """The condition (for WHERE) that selects what passes all filters and any of the patterns.

    No patterns means all runs.
    """
    conditions: list[str] = []
    params: list[object] = []
    parts = [_filter_sql(each, now) for each in filters]
    if patterns:
        parts.append(_patterns_sql(patterns))
    for condition, values in parts:
        conditions.append(condition)
        params.extend(values)
    return " AND ".join(conditions) or "1", params


def to_sql_order(spec: SortSpec[Run], reverse: bool, now: float) -> str:
    """What follows ORDER BY: missing values last in both directions, ties by name."""
    terms: dict[str, str] = {}  # a repeated expression would keep SQLite from using an index
    for key in spec.keys:
        direction = "DESC" if key.descending is not reverse else "ASC"
        last = " NULLS LAST" if key.field.optional else ""
        for expression in _order_terms(key.field, now):
            terms.setdefault(expression, f"{expression} {direction}{last}")
    for field in spec.fields.ties:
        for expression in _order_terms(field, now):
            terms.setdefault(expression, expression)
    return ", ".join(terms.values())


def json_value(family: str, member: str) -> str:
    """The SQL expression of one member of a JSON column; booleans are 1 and 0.

    The path form is fast and can be indexed. SQLite compares it with the key as encoded, so a
    name that JSON escapes is looked up through `json_each`, which decodes keys.
    """
    if _PATH_SAFE.fullmatch(member):
        return f"json_extract({family}, {_path(member)})"
    return f"(SELECT value FROM json_each({family}) WHERE key = {_literal(member)})"


def json_type(family: str, member: str) -> str:
    """The SQL expression of that member's JSON type, NULL where it is absent."""
    if _PATH_SAFE.fullmatch(member):
        return f"json_type({family}, {_path(member)})"
    return f"(SELECT type FROM json_each({family}) WHERE key = {_literal(member)})"


def _member_sql(field: Field[Run]) -> tuple[str, str]:
    """The SQL expressions of the value of a member or of an aggregate, and of its JSON type."""
    logged = json_value(field.family, field.member), json_type(field.family, field.member)
    if field.aggregate is None:
        return logged
    aggregate = _aggregate_sql(field.aggregate)
    if field.aggregate.is_certain:
        return aggregate
    value, kind = (
        f"CASE WHEN {logged[1]} IS NOT NULL THEN {own} ELSE {other} END"
        for own, other in zip(logged, aggregate, strict=True)
    )
    return value, kind


def _aggregate_sql(of: AggregateOf) -> tuple[str, str]:
    """An aggregate that a run does not have has no type, as if it were absent."""
    if of.kind.startswith("best"):
        goal = json_value("goals", of.member)
        highest, lowest = (
            _aggregate_sql(replace(of, kind=of.kind.replace("best", end))) for end in ("max", "min")
        )
        value, kind = (
            f"CASE {goal} WHEN 1 THEN {high} WHEN 0 THEN {low} END"
            for high, low in zip(highest, lowest, strict=True)
        )
        return value, kind
    position = f"[{POSITIONS[of.kind]}]"
    where = f"{json_value('aggregates', of.member)}, '${position}'"
    if _PATH_SAFE.fullmatch(of.member):
        path = _literal(f'$."{of.member}"{position}')
        where = f"aggregates, {path}"
    return f"json_extract({where})", f"nullif(json_type({where}), 'null')"


def _path(member: str) -> str:
    return _literal(f'$."{member}"')


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _order_terms(field: Field[Run], now: float) -> tuple[str, ...]:
    if field.kind is Kind.ANY:
        value, kind = _member_sql(field)
        return (f"CASE WHEN {kind} NOT IN ('null', 'object', 'array') THEN {value} END",)
    return field.order_sql or (_fixed_value(field, now),)


def _fixed_value(field: Field[Run], now: float) -> str:
    """The value of a fixed field, NULL where it is missing."""
    expression = field.sql.replace("{now}", repr(float(now)))
    is_text = field.kind in {Kind.TEXT, Kind.NAME}
    return f"nullif({expression}, '')" if is_text and field.optional else expression


def _filter_sql(each: Filter[Run], now: float) -> Sql:
    if each.options:
        condition, params = _any_of([_filter_sql(option, now) for option in each.options])
    else:
        condition, params = (_any_sql if each.field.kind is Kind.ANY else _fixed_sql)(each, now)
    return (f"NOT coalesce({condition}, 0)" if each.negated else condition), params


def _fixed_sql(each: Filter[Run], now: float) -> Sql:
    field, check, operand = each.field, each.check, each.operand
    value = _fixed_value(field, now)
    if check is Check.EXISTS:
        return f"{value} IS NOT NULL", []
    if check in {Check.NONE, Check.EMPTY}:
        return f"{value} IS NULL", []
    if isinstance(operand, TimeSpan):
        return f"({value} >= ? AND {value} < ?)", [*operand]
    if check is Check.REGEX:
        return f"{value} REGEXP ?", [operand]
    if check is Check.WORD:
        return f"holds_word(?, {value})", [operand]
    if check is Check.EQUAL:  # on the bare column, so that an index serves
        return f"{field.sql.replace('{now}', repr(float(now)))} = ?", [operand]
    if field.name_order is not None:
        key = field.name_order(str(operand))
        terms, marks = ", ".join(field.order_sql), ", ".join("?" * len(field.order_sql))
        return f"({terms}) {check} ({marks})", [*key]
    return f"{value} {check} ?", [operand]


def _any_sql(each: Filter[Run], now: float) -> Sql:
    field, check, operand = each.field, each.check, each.operand
    value, kind = _member_sql(field)
    none = f"coalesce({kind}, 'null') IN ('null', 'object', 'array')"
    if check is Check.EXISTS:
        return f"{kind} IS NOT NULL", []
    if check is Check.NONE:
        return none, []
    if check is Check.EMPTY:
        return f"({none} OR {value} = '')", []
    if check is Check.REGEX:
        return f"({kind} = 'text' AND {value} REGEXP ?)", [operand]
    if check is Check.SET:
        return f"({kind} IS NOT NULL AND NOT {_says(value, kind, 'false')})", []
    if check in {Check.TRUE, Check.FALSE}:
        said = _says(value, kind, str(check))
        is_bare = check is Check.TRUE and field.is_tag
        return (f"({said} OR {kind} = 'null' OR {value} = '')" if is_bare else said), []
    if check in _SPECIAL_JSON:
        is_number = f"({kind} = 'object' AND {value} = ?)"
        return f"({is_number} OR {_is_text(value, kind, str(check))})", [_SPECIAL_JSON[check]]
    # The value first: it decides more often, and is what an index would be on.
    return f"({value} {check} ? AND {kind} {_JSON_TYPES[type_name(operand)]})", [operand]


def _says(value: str, kind: str, word: str) -> str:
    """Whether a logged value is that flag, or its name in any case."""
    return f"({kind} = '{word}' OR {_is_text(value, kind, word)})"


def _is_text(value: str, kind: str, word: str) -> str:
    """Whether a logged value is that text, in any case."""
    return f"({kind} = 'text' AND lower({value}) = '{word}')"


def _patterns_sql(patterns: Sequence[RunPattern]) -> Sql:
    """Any of the patterns. Single names go in as one list each, however many they are."""
    lists: dict[tuple[str, str | None], list[object]] = defaultdict(list)
    parts: list[Sql] = []
    for pattern in patterns:
        if pattern.single:
            numbers = [pattern.runs.low, pattern.children.low]
            lists[_RUN_IN_LIST, pattern.workspace].append(numbers)
        elif pattern.single_job and pattern.jobs is not None:
            lists[_JOB_IN_LIST, pattern.workspace].append(pattern.jobs.low)
        else:
            parts.append(_pattern_sql(pattern))
    for (condition, workspace), numbers_listed in lists.items():
        parts.append(_in_workspace(workspace, condition, [json.dumps(numbers_listed)]))
    return _any_of(parts)


def _pattern_sql(pattern: RunPattern) -> Sql:
    conditions: list[str] = []
    params: list[object] = []
    about_jobs = pattern.jobs is not None
    if pattern.jobs is not None:
        spans = [("job_num", pattern.jobs)]
    else:
        spans = [("num", pattern.runs), ("child", pattern.children)]
    for column, span in spans:
        condition, values = _span_sql(column, span)
        conditions.append(condition)
        params.extend(values)
    if pattern.glob is not None:
        conditions.append("job GLOB ?" if about_jobs else "name GLOB ?")
        params.append(pattern.glob)
    return _in_workspace(pattern.workspace, " AND ".join(conditions), params)


def _span_sql(column: str, span: Span) -> Sql:
    if span.low == span.high:
        return f"{column} = ?", [span.low]
    if span.high == ANY_NUMBER.high:
        return f"{column} >= ?", [span.low]
    return f"{column} BETWEEN ? AND ?", [*span]


def _in_workspace(workspace: str | None, condition: str, params: list[object]) -> Sql:
    if workspace is None:
        return f"({condition})", params
    return f"(workspace = ? AND {condition})", [workspace, *params]


def _any_of(parts: list[Sql]) -> Sql:
    """OR of all parts, as a balanced tree: SQLite limits how deep an expression may be."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, left_params = _any_of(parts[:middle])
    right, right_params = _any_of(parts[middle:])
    return f"({left} OR {right})", left_params + right_params
