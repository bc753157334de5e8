"""Start positions in a console: ``start``, ``end``, ``-N`` (the last N lines), ``@BYTE``."""

import os

_CHUNK = 1 << 18
_LARGEST_OFFSET = 1 << 40  # a file system may refuse more


def is_start(text: str) -> bool:
    """Whether the text is a start position."""
    if text in ("start", "end"):
        return True
    return text[:1] in ("@", "-") and text[1:].isascii() and text[1:].isdigit()


def start_offset(descriptor: int, size: int, start: str) -> int:
    """The byte that a start position means in an open file of that size. Raises ValueError.

    ``@BYTE`` may lie beyond the end: a living run may yet print as much.
    """
    if start == "start":
        return 0
    if start == "end":
        return size
    if start.startswith("@"):
        return min(int(start[1:]), _LARGEST_OFFSET)
    if start.startswith("-"):
        return _last_lines(descriptor, size, int(start[1:]))
    raise ValueError(f"not a start position: {start!r}")


def _last_lines(descriptor: int, size: int, lines: int) -> int:
    """Where the last lines begin; reads back from the end only, however large the file."""
    position, wanted = size, lines
    if lines <= 0:
        return size
    if size and os.pread(descriptor, 1, size - 1) == b"\n":
        wanted += 1
    while position > 0:
        begin = max(0, position - _CHUNK)
        block = os.pread(descriptor, position - begin, begin)
        index = len(block)
        while (index := block.rfind(b"\n", 0, index)) >= 0:
            wanted -= 1
            if wanted == 0:
                return begin + index + 1
        position = begin
    return 0
