"""Filters, run patterns and sort orders as MongoDB queries over the collection `runs`.

The answer is that of `Filter.matches`, `RunPattern.matches` and `sort_records`, over documents as
`xt_core.stats.mongo.documents` makes them: blank texts are null, and a logged value that has no
place in an order (NaN, an infinity) is a document. Regular expressions are not Python's there, nor
are letters without their case, so that `to_mongo` leaves those filters to its caller.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from xt_core.model.aggregates import POSITIONS, Aggregate
from xt_core.model.records import Run
from xt_core.query.fields import AggregateOf, Field, Kind
from xt_core.query.filters import Check, Filter
from xt_core.query.literals import TimeSpan
from xt_core.query.names import ANY_CHILD, ANY_NUMBER, RunPattern, Span
from xt_core.query.sorting import SortSpec
from xt_core.stats.mongo.values import field_name, to_bson

Condition = dict[str, Any]

_OPERATORS = {
    Check.LESS: "$lt",
    Check.LESS_EQUAL: "$lte",
    Check.GREATER: "$gt",
    Check.GREATER_EQUAL: "$gte",
}
_OURS = {Check.REGEX, Check.WORD}
_STRICT = {Check.LESS_EQUAL: "$lt", Check.GREATER_EQUAL: "$gt"}
_SPECIAL = {
    Check.NAN: math.nan,
    Check.INFINITE: math.inf,
    Check.MINUS_INFINITE: -math.inf,
}
_COLUMNS = {"run": "name"}
"""Fields that have another name in a document."""
_NAME_ORDERS = {
    "run": ("num", "child"),
    "job": ("job_num",),
    "parent": ("parent_num",),
    "node": ("node_length", "node"),
}


class Order(NamedTuple):
    """What to sort by: fields of a document, and such as are computed for it."""

    computed: dict[str, Any]
    sort: dict[str, int]


def to_mongo(
    filters: Sequence[Filter[Run]], now: float
) -> tuple[list[Condition], list[Filter[Run]]]:
    """The conditions that select what passes, and the filters that the server cannot judge."""
    others = [each for each in filters if each.check in _OURS]
    pushed = [each for each in filters if each.check not in _OURS]
    return [_filter(each, now) for each in pushed], others


def _filter(each: Filter[Run], now: float) -> Condition:
    if each.options:
        condition: Condition = {"$or": [_filter(option, now) for option in each.options]}
    elif each.field.kind is Kind.ANY:
        condition = _any(each)
    elif each.field.name == "duration":
        condition = _duration(each, now)
    elif each.field.name == "is_child":
        condition = _flag(each)
    else:
        condition = _fixed(each)
    return {"$nor": [condition]} if each.negated else condition


def _any(each: Filter[Run]) -> Condition:
    path, of = _path(each.field), each.field.aggregate
    if of is None:
        return _logged(each, path)
    aggregate = _aggregate(each, of)
    if of.is_certain:
        return aggregate
    is_logged, is_not = {path: {"$exists": True}}, {path: {"$exists": False}}
    return {"$or": [{"$and": [is_logged, _logged(each, path)]}, {"$and": [is_not, aggregate]}]}


def _aggregate(each: Filter[Run], of: AggregateOf) -> Condition:
    if not of.kind.startswith("best"):
        path, check = _aggregate_path(of, of.kind), each.check
        is_there = check in {Check.EXISTS, Check.SET}  # and it is a number
        return {path: {"$ne": None}} if is_there else _logged(each, path)
    goal = f"goals.{field_name(of.member)}"
    parts: list[Condition] = [
        {"$and": [{goal: is_max}, _aggregate(each, replace(of, kind=of.kind.replace("best", end)))]}
        for is_max, end in ((True, "max"), (False, "min"))
    ]
    if each.check in {Check.NONE, Check.EMPTY}:
        parts.append({goal: None})
    return {"$or": parts}


def _aggregate_path(of: AggregateOf, kind: str) -> str:
    return f"aggregates.{field_name(of.member)}.{Aggregate._fields[POSITIONS[kind]]}"


def _logged(each: Filter[Run], path: str) -> Condition:
    check, operand = each.check, each.operand
    none = {"$or": [{path: None}, {f"{path}.odd": {"$exists": True}}]}
    if check is Check.EXISTS:
        return {path: {"$exists": True}}
    if check is Check.NONE:
        return none
    if check is Check.EMPTY:
        return {"$or": [none, {path: ""}]}
    if check is Check.SET:
        return {"$and": [{path: {"$exists": True}}, {"$nor": [_says(path, False)]}]}
    if check in {Check.TRUE, Check.FALSE}:
        said = _says(path, check is Check.TRUE)
        if check is Check.FALSE or not each.field.is_tag:
            return said
        return {"$or": [said, {path: ""}, {path: {"$exists": True, "$eq": None}}]}
    if check in _SPECIAL:
        number = {f"{path}.odd": to_bson(_SPECIAL[check])["odd"]}
        return {"$or": [number, {path: {"$regex": _in_any_case(str(check))}}]}
    return {path: operand if check is Check.EQUAL else {_OPERATORS[check]: operand}}


def _says(path: str, flag: bool) -> Condition:
    """Whether a logged value is that flag, or its name in any case."""
    return {"$or": [{path: flag}, {path: {"$regex": _in_any_case(str(flag).lower())}}]}


def _in_any_case(word: str) -> str:
    """A pattern of all of a text."""
    letters = "".join(f"[{letter}{letter.upper()}]" for letter in word)
    return rf"\A{letters}\z"


def _path(field: Field[Run]) -> str:
    return f"{field.family}.{field_name(field.member)}"


def _duration(each: Filter[Run], now: float) -> Condition:
    if each.check is Check.EXISTS:
        return {"started": {"$ne": None}}
    if each.check in {Check.NONE, Check.EMPTY}:
        return {"started": None}
    operator = "$eq" if each.check is Check.EQUAL else _OPERATORS[each.check]
    compared = {"$expr": {operator: [_seconds(now), each.operand]}}
    return {"$and": [{"started": {"$ne": None}}, compared]}


def _seconds(now: float) -> Condition:
    """The duration of a run that has started."""
    return {"$max": [0.0, {"$subtract": [{"$ifNull": ["$ended", now]}, "$started"]}]}


def _flag(each: Filter[Run]) -> Condition:
    """`is_child`, which is never missing."""
    if each.check is Check.EXISTS:
        return {"child": {"$gte": 0}}
    if each.check is not Check.EQUAL:
        return {"child": None}
    return {"child": {"$gt": 0} if each.operand else 0}


def _fixed(each: Filter[Run]) -> Condition:
    field, check, operand = each.field, each.check, each.operand
    column = _COLUMNS.get(field.name, field.name)
    if check is Check.EXISTS:
        return {column: {"$ne": None}}
    if check in {Check.NONE, Check.EMPTY}:
        return {column: None}
    if isinstance(operand, TimeSpan):
        return {column: {"$gte": operand.start, "$lt": operand.end}}
    if check is Check.EQUAL:
        return {column: operand}
    if field.name_order is not None:
        return _ordered(_NAME_ORDERS[field.name], field.name_order(str(operand)), check)
    return {column: {_OPERATORS[check]: operand}}


def _ordered(columns: Sequence[str], key: Sequence[object], check: Check) -> Condition:
    """The columns, compared with the key one after the other."""
    if len(columns) == 1:
        return {columns[0]: {_OPERATORS[check]: key[0]}}
    first = {columns[0]: {_STRICT.get(check, _OPERATORS[check]): key[0]}}
    rest = {columns[0]: key[0]} | _ordered(columns[1:], key[1:], check)
    return {"$or": [first, rest]}


def patterns_to_mongo(patterns: Sequence[RunPattern]) -> Condition:
    """Any of the patterns. What names one thing goes in as one list, however many there are."""
    runs: dict[str | None, list[RunPattern]] = {}
    families: dict[str | None, list[int]] = {}
    jobs: dict[str | None, list[int]] = {}
    parts: list[Condition] = []
    for pattern in patterns:
        if pattern.single:
            runs.setdefault(pattern.workspace, []).append(pattern)
        elif pattern.single_job and pattern.jobs is not None:
            jobs.setdefault(pattern.workspace, []).append(pattern.jobs.low)
        elif _is_family(pattern):
            families.setdefault(pattern.workspace, []).append(pattern.runs.low)
        else:
            parts.append(_pattern(pattern))
    parts += [_in_workspace(w, _named(named)) for w, named in runs.items()]
    parts += [_in_workspace(w, {"job_num": {"$in": numbers}}) for w, numbers in jobs.items()]
    parts += [
        _in_workspace(w, {"num": {"$in": numbers}, "child": {"$gte": 1}})
        for w, numbers in families.items()
    ]
    return parts[0] if len(parts) == 1 else {"$or": parts}


def _is_family(pattern: RunPattern) -> bool:
    """Whether it names all children of one run."""
    one_run = pattern.jobs is None and pattern.runs.low == pattern.runs.high
    return one_run and pattern.children == ANY_CHILD and pattern.glob is None


def _named(patterns: Sequence[RunPattern]) -> Condition:
    numbers = sorted({pattern.runs.low for pattern in patterns})
    return {"num": {"$in": numbers}, "name": {"$in": [pattern.name for pattern in patterns]}}


def _pattern(pattern: RunPattern) -> Condition:
    about_jobs = pattern.jobs is not None
    if pattern.jobs is not None:
        condition = {"job_num": _span(pattern.jobs)}
    else:
        condition = {"num": _span(pattern.runs), "child": _span(pattern.children)}
    if pattern.glob is not None:
        condition["job" if about_jobs else "name"] = {"$regex": _glob(pattern.glob)}
    return _in_workspace(pattern.workspace, condition)


def _glob(text: str) -> str:
    """Of a wildcard over letters, digits and dots, the same in every dialect."""
    return "^" + re.escape(text).replace(r"\*", ".*").replace(r"\?", ".") + "$"


def _span(span: Span) -> Any:
    if span.low == span.high:
        return span.low
    upper = {} if span.high == ANY_NUMBER.high else {"$lte": span.high}
    return {"$gte": span.low} | upper


def _in_workspace(workspace: str | None, condition: Condition) -> Condition:
    return condition if workspace is None else {"workspace": workspace} | condition


def to_mongo_order(spec: SortSpec[Run], reverse: bool, now: float) -> Order:
    """The order: missing values last in both directions, ties by name."""
    order = Order({}, {})
    for key in spec.keys:
        _add_key(order, key.field, -1 if key.descending is not reverse else 1, now)
    for field in spec.fields.ties:
        _add_key(order, field, 1, now)
    return order


def _add_key(order: Order, field: Field[Run], direction: int, now: float) -> None:
    columns: tuple[str, ...]
    value: Any
    if field.kind is Kind.ANY:
        value = _order_value(field)
        columns = (_compute(order, field.name, value),)
    elif field.name == "duration":
        started = {"$ne": [{"$ifNull": ["$started", None]}, None]}
        value = {"$cond": [started, _seconds(now), None]}
        columns = (_compute(order, field.name, value),)
    elif field.name == "is_child":
        columns = (_compute(order, field.name, {"$gt": ["$child", 0]}),)
    else:
        columns = _NAME_ORDERS.get(field.name, (_COLUMNS.get(field.name, field.name),))
        value = f"${columns[0]}"
    if field.optional and direction > 0:  # null comes first where it is not told otherwise
        missing = {"$cond": [{"$eq": [{"$ifNull": [value, None]}, None]}, 1, 0]}
        order.sort.setdefault(_compute(order, f"{field.name} missing", missing), 1)
    for column in columns:
        order.sort.setdefault(column, direction)


def _order_value(field: Field[Run]) -> Any:
    logged, of = _comparable(f"${_path(field)}"), field.aggregate
    if of is None:
        return logged
    if of.kind.startswith("best"):
        ends = (f"${_aggregate_path(of, of.kind.replace('best', end))}" for end in ("max", "min"))
        goal = f"$goals.{field_name(of.member)}"
        branches = [
            {"case": {"$eq": [goal, is_max]}, "then": {"$ifNull": [end, None]}}
            for is_max, end in zip((True, False), ends, strict=True)
        ]
        aggregate: Any = {"$switch": {"branches": branches, "default": None}}
    else:
        aggregate = {"$ifNull": [f"${_aggregate_path(of, of.kind)}", None]}
    if of.is_certain:
        return aggregate
    is_absent = {"$eq": [{"$type": f"${_path(field)}"}, "missing"]}
    return {"$cond": [is_absent, aggregate, logged]}


def _compute(order: Order, name: str, value: Any) -> str:
    """The field that holds a computed value."""
    for field, known in order.computed.items():
        if known == value:
            return field
    field = f"key{len(order.computed)}"
    order.computed[field] = value
    return field


def _comparable(path: str) -> Condition:
    """What was logged, if it has a place in an order; true and false are 1 and 0."""
    kind = {"$type": path}
    return {
        "$switch": {
            "branches": [
                {"case": {"$in": [kind, ["int", "long", "double", "string"]]}, "then": path},
                {"case": {"$eq": [kind, "bool"]}, "then": {"$cond": [path, 1, 0]}},
            ],
            "default": None,
        }
    }
