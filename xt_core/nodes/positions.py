"""Start positions in a console: ``start``, ``end``, ``-N`` (the last N lines), ``@BYTE``."""

import os
from collections.abc import Callable
from typing import BinaryIO

_CHUNK = 1 << 18
_LARGEST_OFFSET = 1 << 40  # a file system may refuse more

ReadAt = Callable[[int, int], bytes]
"""Reads so many bytes from a position of a console."""


def of_descriptor(descriptor: int) -> ReadAt:
    """Reads an open file, and leaves its position alone."""
    return lambda length, position: os.pread(descriptor, length, position)


def of_stream(stream: BinaryIO) -> ReadAt:
    """Reads a seekable stream."""

    def read(length: int, position: int) -> bytes:
        stream.seek(position)
        return stream.read(length)

    return read


def is_start(text: str) -> bool:
    """Whether the text is a start position."""
    if text in ("start", "end"):
        return True
    return text[:1] in ("@", "-") and text[1:].isascii() and text[1:].isdigit()


def start_offset(read: ReadAt, size: int, start: str) -> int:
    """The byte that a start position means in a console of that size. Raises ValueError.

    ``@BYTE`` may lie beyond the end: a living run may yet print as much.
    """
    if start == "start":
        return 0
    if start == "end":
        return size
    if start.startswith("@"):
        return min(int(start[1:]), _LARGEST_OFFSET)
    if start.startswith("-"):
        return _last_lines(read, size, int(start[1:]))
    raise ValueError(f"not a start position: {start!r}")


def _last_lines(read: ReadAt, size: int, lines: int) -> int:
    """Where the last lines begin; reads back from the end only, however large the file."""
    position, wanted = size, lines
    if lines <= 0:
        return size
    if size and read(1, size - 1) == b"\n":
        wanted += 1
    while position > 0:
        begin = max(0, position - _CHUNK)
        block = read(position - begin, begin)
        index = len(block)
        while (index := block.rfind(b"\n", 0, index)) >= 0:
            wanted -= 1
            if wanted == 0:
                return begin + index + 1
        position = begin
    return 0
