"""What the user may be about to type into a filter: a field's name, or one of its values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xt_core.errors import UsageError
from xt_core.query.fields import FieldSet, Kind, Record
from xt_core.query.filters import Filter, parse_filter
from xt_core.query.filtertext import split_conditions

_LAST_WORD = re.compile(r"""(?:^|.*\s)(?P<word>[^\s"']+)$""", re.DOTALL)
_CONDITION = re.compile(r"(?P<name>.+?)(?P<op>:exists:|==|!=|<>|=)(?P<value>.*)")


def parse_filters(
    text: str, fields: FieldSet[Record], names: Sequence[str] = ()
) -> tuple[Filter[Record], ...]:
    """Filters separated by blanks, each as of `xt list --filter`; `names` are known, with their
    families. Raises UsageError."""
    known = fields.knowing(lambda: names)
    return tuple(parse_filter(word, known) for word in split_conditions(text))


@dataclass(frozen=True)
class Begun:
    """What a filter says while it is typed: `problem` is what is wrong with its last word."""

    text: str
    """Without the last word where that is wrong, or may become the name of a field."""
    filters: tuple[Filter[Any], ...]
    problem: UsageError | None = None


def parse_begun(
    text: str, fields: FieldSet[Any], names: Sequence[str], *, is_typed: bool = True
) -> Begun:
    """A filter that is being typed, or was not: then its last word is whole. Raises UsageError
    where more than that is wrong."""
    last = _LAST_WORD.fullmatch(text)
    if last is None:
        return Begun(text.strip(), parse_filters(text, fields, names))
    word, before = last["word"], text[: last.start("word")]
    filters = parse_filters(before, fields, names)
    try:
        filters_of_word = parse_filters(word, fields, names)
    except UsageError as problem:
        return Begun(before.strip(), filters, problem)
    is_meant = word in fields.fields["status"].choices or ("." in word and word in names)
    if is_typed and not is_meant and any(name.startswith(word) for name in names):
        return Begun(before.strip(), filters)
    return Begun(text.strip(), filters + filters_of_word)


def candidates(text: str, fields: FieldSet[Any], names: Sequence[str]) -> list[str]:
    """What the last word of a text may become: names of fields (`names`, as filters write them),
    or after an operator the values that are known."""
    begun, options = _begun(text, fields, names)
    return [option for option in options if option.startswith(begun) and option != begun]


def completed(text: str, fields: FieldSet[Any], names: Sequence[str]) -> str | None:
    """The text with the first candidate; None if there is none."""
    found = candidates(text, fields, names)
    begun, _ = _begun(text, fields, names)
    return text + found[0][len(begun) :] if found else None


def _begun(text: str, fields: FieldSet[Any], names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """What is typed of a name or of a value, and what it may become."""
    match = _LAST_WORD.match(text)
    if match is None:
        return "", ()
    condition = _CONDITION.fullmatch(match["word"])
    if condition is None:
        return match["word"], names
    return condition["value"].rpartition(",")[2], _values(
        condition["name"], condition["op"], fields
    )


def _values(name: str, operator: str, fields: FieldSet[Any]) -> Sequence[str]:
    """The values that a field can have, as far as they are known."""
    try:
        field = fields.find(name)
    except UsageError:
        return ()
    if operator == ":exists:" or field.kind is Kind.FLAG:
        return ("true", "false")
    return (*field.choices, *dict(field.flags))
