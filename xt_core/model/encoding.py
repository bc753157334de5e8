"""Values as valid JSON: NaN and the infinities are written ``{"$float": "NaN"}``.

`dumps` and `loads` are inverse to each other for every `Value` and for nested data of them.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_TOGETHER = 1_000
"""Documents that are read in one go, about a millisecond: no other thread works meanwhile."""


def dumps(data: object) -> str:
    """Compact, ASCII-only, valid JSON (lone surrogates of undecodable bytes survive escaped)."""
    try:
        return json.dumps(data, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_mark_special(data), allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """The inverse of `dumps`; raises ValueError for anything that is not JSON."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if "$float" in text:
        return json.loads(text, object_hook=_unmark_special)
    return json.loads(text)


def loads_all(texts: Sequence[str]) -> list[Any]:
    """The data of many documents, read together: quicker than one by one."""
    data: list[Any] = []
    for start in range(0, len(texts), _TOGETHER):
        data += loads(f"[{','.join(texts[start : start + _TOGETHER])}]")
    return data


def plain(data: Any) -> Any:
    """The data with NaN and infinities as None, for JSON that other programs read."""
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    return data


def _mark_special(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return {"$float": "NaN" if data != data else "Infinity" if data > 0 else "-Infinity"}
    if isinstance(data, dict):
        return {key: _mark_special(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_mark_special(value) for value in data]
    return data


def _unmark_special(data: dict[str, Any]) -> Any:
    if len(data) == 1 and "$float" in data:
        return _SPECIAL.get(data["$float"], math.nan)
    return data
