"""Filters, `<column><op><value>`: what they mean, in Python.

A logged name alone asks whether it is there and not false, any other word what is said of a record.

`sql` gives the same answer for the same filters. Values compare within their type: numbers as
numbers, text as text, and nothing else is equal or ordered. A comparison with a missing value
(absent, null, NaN or infinite) is false, except that `!=` is always the opposite of `=`. Several
values with commas between them are alternatives: `status=running,error`; in quotes a comma is one.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, cast

from xt_core.errors import UsageError
from xt_core.query.fields import (
    Comparable,
    Field,
    FieldSet,
    Kind,
    Record,
    comparable,
    encodable,
    unquote,
)
from xt_core.query.literals import TimeSpan, parse_duration, parse_number, parse_time
from xt_core.query.regexes import is_found, regex_of
from xt_core.query.words import folded, holds

EXAMPLES = (
    "filters look like status=error, metrics.loss<0.1, hparams.opt=adam,sgd (one of them), "
    "tags.best, description:regex:^try, or any word of a name, tag, note or description"
)
_FILTER = re.compile(
    r"""\s*(?P<name>(?:\w+\.)?(?:"[^"]*"|'[^']*')(?:\.\w+)?|.*?)\s*"""
    r"(?P<op>:regex:|:exists:|==|!=|<>|<=|>=|=|<|>)\s*(?P<value>.*?)\s*",
    re.DOTALL,
)
_UNKNOWN_OPERATOR = re.compile(r":[a-z]+:")
_QUOTED = re.compile(r"""\s*("[^"]*"|'[^']*')\s*""")
_OPERATOR = re.compile(r"[=<>]")
_FLAG_WORDS = ("true", "false")
_WORDS = ("$true", "$false", "$none", "$empty", "$exists")
_ITEM = re.compile(
    r"""\s*(?P<item>"[^"]*"|'[^']*'|(?:\[[^\]]*\]|\([^)]*\)|[^,])*?)\s*(?P<end>,|$)""", re.DOTALL
)
"""One of several values: quotes around it, and brackets in it, protect commas."""
_JOINING = frozenset(("and", "or", "not", "&", "&&", "|", "||", "(", ")"))
_JOINED = re.compile(r"\S+\s+(?:and|or|&&?|\|\|?)(?:\s+(?P<rest>.*))?", re.DOTALL)
_ALL_HOLD = "all conditions hold: --filter for each; FIELD=a,b for one of several; quote a word"


class Check(StrEnum):
    """What a filter asks of a value."""

    EXISTS = "exists"
    NONE = "none"
    EMPTY = "empty"
    EQUAL = "="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    WITHIN = "within"  # a TimeSpan
    REGEX = "regex"
    SET = "set"  # there, and not false
    TRUE = "true"  # or a text that says so in any case, or a tag without a value
    FALSE = "false"  # or a text that says so
    NAN = "nan"  # or a text that says so
    INFINITE = "inf"  # likewise
    MINUS_INFINITE = "-inf"  # likewise
    WORD = "word"  # a folded word, found in `FieldSet.words`

    @property
    def is_order(self) -> bool:
        return self in _ORDERS


_ORDERS: dict[Check, Callable[[Any, Any], bool]] = {
    Check.LESS: operator.lt,
    Check.LESS_EQUAL: operator.le,
    Check.GREATER: operator.gt,
    Check.GREATER_EQUAL: operator.ge,
}
_SPECIAL_NUMBERS: dict[Check, Callable[[float], bool]] = {
    Check.NAN: math.isnan,
    Check.INFINITE: lambda value: value == math.inf,
    Check.MINUS_INFINITE: lambda value: value == -math.inf,
}
_SPECIAL_NAMES = {str(check): check for check in _SPECIAL_NUMBERS} | {"+inf": Check.INFINITE}
_FLAG_CHECKS = {Check.SET, Check.TRUE, Check.FALSE}
_OPERATORS = {
    "=": Check.EQUAL,
    "==": Check.EQUAL,
    "!=": Check.EQUAL,
    "<>": Check.EQUAL,
    ":regex:": Check.REGEX,
    ":exists:": Check.EXISTS,
    **{str(check): check for check in _ORDERS},
}
Operand = Comparable | TimeSpan | None


@dataclass(frozen=True, slots=True)
class Filter(Generic[Record]):
    """One condition on one field; `operand` is of the type that `check` calls for."""

    text: str
    field: Field[Record]
    check: Check
    operand: Operand = None
    negated: bool = False
    options: "tuple[Filter[Record], ...]" = ()
    """Of these any has to hold, in place of the check."""

    def matches(self, record: Record, now: float) -> bool:
        """Whether the record passes. Raises TooSlowError."""
        return self._holds(record, now) is not self.negated

    def _holds(self, record: Record, now: float) -> bool:
        if self.options:
            return any(option.matches(record, now) for option in self.options)
        if self.check is Check.EXISTS:
            return self.field.exists(record, now)
        if self.check is Check.WORD:
            return holds(str(self.field.get(record, now)), str(self.operand))
        if self.check in _FLAG_CHECKS:
            return self._holds_flag(record, now)
        if self.check in _SPECIAL_NUMBERS:
            logged = self.field.get(record, now)
            if isinstance(logged, float):
                return _SPECIAL_NUMBERS[self.check](logged)
            return isinstance(logged, str) and logged.lower() == self.check
        value = comparable(self.field.get(record, now))
        if self.check is Check.NONE:
            return value is None
        if self.check is Check.EMPTY:
            return value is None or value == ""
        return value is not None and self._compares(value)

    def _holds_flag(self, record: Record, now: float) -> bool:
        value = self.field.get(record, now)
        said = str(value).lower() if isinstance(value, (bool, str)) else ""
        if self.check is Check.SET:
            return said != "false" and self.field.exists(record, now)
        if self.check is Check.TRUE and value in (None, "") and self.field.is_tag:
            return self.field.exists(record, now)
        return said == self.check

    def _compares(self, value: Comparable) -> bool:
        if self.check is Check.REGEX:
            return isinstance(value, str) and is_found(str(self.operand), value)
        if isinstance(self.operand, TimeSpan):
            return self.operand.start <= cast(float, value) < self.operand.end
        if type_name(value) != type_name(self.operand):
            return False
        if self.check is Check.EQUAL:
            return value == self.operand
        compare = _ORDERS[self.check]
        if self.field.name_order is None:
            return compare(value, self.operand)
        try:
            key = self.field.name_order(str(value))
        except ValueError:
            return False
        return compare(key, self.field.name_order(str(self.operand)))


def type_name(value: object) -> str:
    """The type within which a value compares: `text`, `flag` or `number`."""
    if isinstance(value, str):
        return "text"
    return "flag" if isinstance(value, bool) else "number"


def matches_all(filters: Iterable[Filter[Record]], record: Record, now: float) -> bool:
    """Whether the record passes every filter."""
    return all(each.matches(record, now) for each in filters)


def parse_filter(text: str, fields: FieldSet[Record]) -> Filter[Record]:
    """The filter that `text` writes.

    The first operator in the text ends the column's name; a logged name that holds one stands in
    quotes, as in `hparams."a=b"<3`, and so does a word that holds one. Raises UsageError for an
    unknown column or a malformed filter.
    """
    match = None if _QUOTED.fullmatch(text) else _FILTER.fullmatch(text)
    if match is None and encodable(text):
        return _bare(text, fields)
    if match is None or not match["name"] or not encodable(text):
        raise UsageError(f"malformed filter {text!r}", EXAMPLES)
    name, op, value = match["name"], match["op"], match["value"]
    if (unknown := _UNKNOWN_OPERATOR.search(name)) and name[-1] not in "\"'":
        raise UsageError(f"unknown operator {unknown[0]} in the filter {text!r}", EXAMPLES)
    field = fields.find(name)
    check, negated = _OPERATORS[op], op in {"!=", "<>"}
    if check is Check.REGEX:
        return Filter(text, field, check, _parse_regex(text, field, unquote(_whole(text, value))))
    _refuse_joining(text, value)
    options = [_condition(text, field, check, item) for item in _items(text, check, value)]
    if len(options) == 1:
        return replace(options[0], negated=options[0].negated is not negated)
    return Filter(text, field, check, None, negated, tuple(options))


def _items(text: str, check: Check, value: str) -> list[str]:
    """The values of which one has to be equal; else the whole."""
    if check is not Check.EQUAL:
        return [_whole(text, value)]
    items, position, more = list[str](), 0, True
    while more:
        match = _ITEM.match(value, position)
        assert match is not None
        items.append(_whole(text, match["item"]))
        position, more = match.end(), match["end"] == ","
    return items


def _whole(text: str, value: str) -> str:
    if not value:
        raise UsageError(f"no value in the filter {text!r}", 'write "" or $empty for no text')
    return value


def _refuse_joining(text: str, value: str) -> None:
    """Raises UsageError for a value that goes on with another condition, or means to."""
    joined = _JOINED.fullmatch(value)
    rest = "" if joined is None else (joined["rest"] or "").strip("() ")
    if joined is not None and value[0] not in "\"'" and (not rest or _OPERATOR.search(rest)):
        raise UsageError(f"several conditions in one filter {text!r}", _ALL_HOLD)


def _condition(text: str, field: Field[Record], check: Check, value: str) -> Filter[Record]:
    """The filter that compares with one value."""
    if check is Check.EXISTS:
        return Filter(text, field, check, None, not _parse_flag(text, value))
    if value in {'""', "''"}:
        value = "$empty"
    if value.startswith("$"):
        return _special(text, field, check, value)
    if field.kind is Kind.ANY and check is Check.EQUAL:
        word = value.lower()
        if word in _FLAG_WORDS or word in _SPECIAL_NAMES:
            return Filter(text, field, _SPECIAL_NAMES.get(word) or Check(word))
    if check is Check.EQUAL and (flag := dict(field.flags).get("-".join(unquote(value).split()))):
        return Filter(text, flag, check, True)
    if field.kind is Kind.TIME:
        return _time_filter(text, field, check, value)
    return Filter(text, field, check, _parse_operand(text, field, check, value))


def _bare(text: str, fields: FieldSet[Record]) -> Filter[Record]:
    """The filter of a text without an operator: a logged name, a flag, or a word."""
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        name = text.strip()
        if unknown := _UNKNOWN_OPERATOR.search(name):
            hint = f"{EXAMPLES}; quote a word that holds one"
            raise UsageError(f"unknown operator {unknown[0]} in the filter {text!r}", hint)
        if name and (name.lower() in _JOINING or not name.strip("()")):
            raise UsageError(f"{name!r} joins no conditions", f"{_ALL_HOLD} that is one of these")
        family, dot, _ = name.partition(".")
        if dot and family in fields.families:
            return Filter(text, fields.find(name), Check.SET)
        flag = fields.fields.get(name)
        if flag is not None and flag.kind is Kind.FLAG:
            return Filter(text, flag, Check.EQUAL, True)
    word = folded(unquote(text.strip()))
    if not word or (quoted is None and _OPERATOR.search(word)):
        raise UsageError(f"malformed filter {text!r}", EXAMPLES)
    return Filter(text, fields.words, Check.WORD, word)


def _special(text: str, field: Field[Record], check: Check, word: str) -> Filter[Record]:
    if word not in _WORDS:
        hint = f"special values are {', '.join(_WORDS)}; quote a text that starts with $"
        raise UsageError(f"unknown value {word} in the filter {text!r}", hint)
    if check is not Check.EQUAL:
        raise UsageError(f"{word} has no order in the filter {text!r}", f"use = or != with {word}")
    if word in {"$true", "$false"}:
        if field.kind not in {Kind.FLAG, Kind.ANY}:
            raise UsageError(f"{field.name} in the filter {text!r} is not a flag", EXAMPLES)
        return Filter(text, field, Check.EQUAL, word == "$true")
    return Filter(text, field, Check(word[1:]))


def _time_filter(text: str, field: Field[Record], check: Check, value: str) -> Filter[Record]:
    """Compare with the whole of what is written: `created<=2026-01-31` includes that day."""
    span = parse_time(unquote(value))
    if span is None:
        raise UsageError(
            f"{value!r} in the filter {text!r} is not a time",
            f"as in {field.name}>=2026-01-31 or {field.name}<2026-01-31T12:30",
        )
    if check is Check.EQUAL:
        return Filter(text, field, Check.WITHIN, span)
    if check in {Check.LESS, Check.GREATER_EQUAL}:
        return Filter(text, field, check, span.start)
    return Filter(
        text, field, Check.LESS if check is Check.LESS_EQUAL else Check.GREATER_EQUAL, span.end
    )


def _parse_operand(text: str, field: Field[Record], check: Check, value: str) -> Comparable:
    plain = unquote(value)
    if field.kind is Kind.ANY:
        number = parse_number(value)
        return plain if number is None else number
    if field.kind is Kind.FLAG:
        if check.is_order:
            raise UsageError(f"{field.name} in the filter {text!r} has no order", "use = or !=")
        return _parse_flag(text, value)
    if field.kind in {Kind.NUMBER, Kind.DURATION}:
        parse = parse_number if field.kind is Kind.NUMBER else parse_duration
        parsed = parse(plain)
        if parsed is None:
            example = "3" if field.kind is Kind.NUMBER else "90 (seconds), 2m or 1h30m"
            raise UsageError(
                f"{value!r} in the filter {text!r} is not a {field.kind}",
                f"{field.name} compares with a value such as {example}",
            )
        return parsed
    _check_text(text, field, check, plain)
    return plain


def _check_text(text: str, field: Field[Record], check: Check, value: str) -> None:
    if field.name_order is not None and check.is_order:
        try:
            field.name_order(value)
        except ValueError as error:
            raise UsageError(f"{error}, in the filter {text!r}", EXAMPLES) from error
    if check is Check.EQUAL and field.choices and value not in field.choices:
        from difflib import get_close_matches

        known = [*field.choices, *dict(field.flags)]
        near = get_close_matches(value, known, n=1)
        raise UsageError(
            f"no {field.name} is called {value!r}, in the filter {text!r}",
            f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}",
        )


def _parse_flag(text: str, value: str) -> bool:
    word = value.lower().removeprefix("$")
    if word not in {"true", "false"}:
        raise UsageError(
            f"{value!r} in the filter {text!r} is neither true nor false", "write true or false"
        )
    return word == "true"


def _parse_regex(text: str, field: Field[Record], pattern: str) -> str:
    if field.kind not in {Kind.TEXT, Kind.NAME, Kind.ANY}:
        raise UsageError(
            f"{field.name} in the filter {text!r} is not text, which :regex: needs", EXAMPLES
        )
    try:
        regex_of(pattern)
    except ValueError as error:
        raise UsageError(
            f"bad regular expression in the filter {text!r}: {error}", EXAMPLES
        ) from error
    return pattern
