"""The files of a node's outbox: its controller writes them, commands on the same machine read them.

An entry is a numbered version of an artifact; of a key the one with the largest number counts.
"""

import os
from glob import escape
from pathlib import Path

_FLAT = "flat/"
_DIGITS = 12
_LONGEST_NAME = 255


def entry_name(number: int, key: str) -> str:
    """An entry's place in the outbox, without folders of its own if its name is not too long for
    that: to make and remove those takes most of the time."""
    flat = f"{number:0{_DIGITS}d}-{_quoted(key)}"
    if len(os.fsencode(flat)) <= _LONGEST_NAME:
        return f"{_FLAT}{flat}"
    return f"{number:0{_DIGITS}d}/{key}"


def parse_entry(name: str) -> tuple[int, str]:
    """The number and key of an entry."""
    if name.startswith(_FLAT):
        number, _, key = name.removeprefix(_FLAT).partition("-")
        return int(number), key.replace("%2F", "/").replace("%25", "%")
    number, _, key = name.partition("/")
    return int(number), key


def waiting_file(outbox: Path, key: str) -> Path | None:
    """The newest entry of a key, if one waits."""
    digits = "[0-9]" * _DIGITS
    found = [*outbox.glob(f"{_FLAT}{digits}-{escape(_quoted(key))}")]
    found += outbox.glob(f"{digits}/{escape(key)}")
    names = ((parse_entry(path.relative_to(outbox).as_posix())[0], path) for path in found)
    return max(names, default=(0, None))[1]


def _quoted(key: str) -> str:
    return key.replace("%", "%25").replace("/", "%2F")
