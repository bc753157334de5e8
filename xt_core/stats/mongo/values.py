"""Logged names and values as BSON, so that the server compares them as XT does.

A name becomes a field name without dots, dollars and NULs. What BSON or an order of values cannot
hold becomes a document, which equals and orders with nothing: NaN, infinities and integers beyond
64 bits are `{"odd": JSON}`, text that is not Unicode is `{"text": JSON}`.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Value

_UNSAFE = re.compile("[%.$\x00\ud800-\udfff]")
_ESCAPED = re.compile("%([0-9a-f]{4})")
_NAMELESS = "%"


def field_name(name: str) -> str:
    """The name as a field's; the inverse of `logged_name`."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):04x}", name) or _NAMELESS


def logged_name(field: str) -> str:
    """The name as it was logged."""
    if field == _NAMELESS:
        return ""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), field) if "%" in field else field


def to_bson(value: Value) -> Any:
    """One value."""
    if isinstance(value, str):
        return str(value) if _is_unicode(value) else {"text": dumps(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"odd": dumps(value)}
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return {"odd": dumps(value)}
    return value


def from_bson(value: Any) -> Any:
    """The inverse of `to_bson`."""
    if isinstance(value, dict):
        ((_, text),) = value.items()
        return loads(text)
    return value


def map_to_bson(values: Mapping[str, Value]) -> dict[str, Any]:
    """Names with values."""
    return {field_name(name): to_bson(value) for name, value in values.items()}


def map_from_bson(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `map_to_bson`."""
    return {logged_name(name): from_bson(value) for name, value in fields.items()}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
