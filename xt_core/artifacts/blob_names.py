"""Keys as blob names, and back.

A blob name cannot hold bytes that are not UTF-8, listings cannot show control characters, and
clients strip a dot at the end of a part. Such bytes, and ``%`` itself, stand as ``%XX`` (upper-case
hexadecimal); everything else stands as it is. Each key has one name: a blob whose name is not of
this form was not stored by XT, and no key reaches it.
"""

import re

from xt_core.artifacts.store import check_key
from xt_core.errors import UsageError

_MOST_CHARACTERS = 1024
_MOST_PARTS = 254
_AWKWARD = re.compile("%|[\x00-\x1f\x7f-\x9f\ufffe\uffff\udc80-\udcff]|\\.(?=/|$)")
_ESCAPED = re.compile("(?:%[0-9A-F]{2})+")


def blob_name(key: str) -> str:
    """The blob that holds a key; raises UsageError for a key that is malformed or too long."""
    name = _AWKWARD.sub(_escape, check_key(key))
    if len(name) > _MOST_CHARACTERS or name.count("/") >= _MOST_PARTS:
        raise UsageError(
            f"artifact name {key[:60]}… is too long for a blob: {len(name)} characters in "
            f"{name.count('/') + 1} parts, and {_MOST_CHARACTERS} in {_MOST_PARTS} is the most",
            "shorten the names of its folders",
        )
    return name


def key_of(name: str) -> str | None:
    """The key that a blob holds, or None if XT did not name it."""
    key = _ESCAPED.sub(_unescape, name)
    try:
        return key if blob_name(key) == name else None
    except UsageError:
        return None


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogateescape")
