"""How a snapshot is written down.

It is an ordinary zip with the entries sorted and every time fixed. A name that is not UTF-8 is
shown with ``\\xNN`` escapes, and its true bytes stand in an extra field (id 0x5854, "XT") of the
entry. The text of a symbolic link leads upwards first and then downwards, and never above the top.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipInfo

_TRUE_NAME = 0x5854
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)


class Entry(NamedTuple):
    """An entry of the zip and what it is made of: ``kind`` is a file type of the stat module."""

    name: str
    source: str
    kind: int
    size: int = 0
    link: str = ""


def folders_of(name: str) -> Iterator[str]:
    """The folders that an entry lies in, the innermost first."""
    while name := name.rpartition("/")[0]:
        yield name


def entry_info(name: str, mode: int, taken: set[str]) -> ZipInfo:
    """The head of an entry; the name it is shown with differs from those ``taken``, and joins them.

    ``name`` ends with a slash for a folder; ``mode`` is as in the stat module.
    """
    raw = os.fsencode(name)
    shown = raw.decode("utf-8", "backslashreplace")
    while shown in taken:
        shown += "~"
    taken.add(shown)
    info = ZipInfo(shown, _FIRST_TIME)
    info.create_system = 3  # Unix, whose modes follow
    info.external_attr = mode << 16
    if shown != name:
        info.extra = struct.pack("<HH", _TRUE_NAME, len(raw)) + raw
    return info


def true_name(info: ZipInfo) -> str:
    """The name of an entry, a trailing slash included."""
    extra = info.extra
    while len(extra) >= 4:
        identifier, length = struct.unpack_from("<HH", extra)
        if identifier == _TRUE_NAME:
            return os.fsdecode(extra[4 : 4 + length])
        extra = extra[4 + length :]
    return info.filename


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
