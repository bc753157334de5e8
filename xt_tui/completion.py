"""What the user may be about to type into a filter: a field's name, or one of its values."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from xt_core.errors import UsageError
from xt_core.query.fields import FieldSet, Kind, Record
from xt_core.query.filters import Filter, parse_filter

_LAST_WORD = re.compile(r"""(?:^|.*\s)(?P<word>[^\s"']+)$""", re.DOTALL)
_CONDITION = re.compile(r"(?P<name>.+?)(?P<op>:exists:|==|!=|<>|=)(?P<value>.*)")


def parse_filters(text: str, fields: FieldSet[Record]) -> tuple[Filter[Record], ...]:
    """Filters separated by blanks, each as of `xt list --filter`. Raises UsageError."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError("a quote is not closed", "close it") from None
    return tuple(parse_filter(word, fields) for word in words)


def completed(text: str, fields: FieldSet[Any], names: Sequence[str]) -> str | None:
    """The text with its last word completed; None if nothing is known that begins so. `names` are
    those of the fields, as filters write them."""
    match = _LAST_WORD.match(text)
    if match is None:
        return None
    word = match["word"]
    condition = _CONDITION.fullmatch(word)
    if condition is None:
        begun, options = word, names
    else:
        begun = condition["value"]
        options = _values(condition["name"], condition["op"], fields)
    rest = [option for option in options if option.startswith(begun) and option != begun]
    return text + rest[0][len(begun) :] if rest else None


def _values(name: str, operator: str, fields: FieldSet[Any]) -> Sequence[str]:
    """The values that a field can have, as far as they are known."""
    try:
        field = fields.find(name)
    except UsageError:
        return ()
    if operator == ":exists:" or field.kind is Kind.FLAG:
        return ("true", "false")
    return field.choices
