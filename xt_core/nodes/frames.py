"""Frames: what streams of contents between a client and a controller are made of.

A frame's head is JSON behind its length (4 bytes, the first the highest); the bytes that it
announces follow it.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

HEAD_LENGTH = struct.Struct(">I")
MOST_HEAD_BYTES = 64 << 20


class CutFrameError(ConnectionError):
    """The stream ended within a frame."""


def pack_head(document: dict[str, Any]) -> bytes:
    """The head of a frame."""
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    return HEAD_LENGTH.pack(len(text)) + text


def read_head(read: Callable[[int], bytes]) -> dict[str, Any] | None:
    """The next frame's head; None at the end of the stream. Raises CutFrameError, ValueError."""
    prefix = read_exactly(read, HEAD_LENGTH.size, may_end=True)
    if not prefix:
        return None
    return dict(json.loads(read_exactly(read, head_size(prefix))))


def head_size(prefix: bytes) -> int:
    """How many bytes of JSON follow a length. Raises ValueError for what can be no head."""
    size = int(HEAD_LENGTH.unpack(prefix)[0])
    if size > MOST_HEAD_BYTES:
        raise ValueError(f"a frame's head of {size} bytes")
    return size


def read_exactly(read: Callable[[int], bytes], count: int, *, may_end: bool = False) -> bytes:
    """So many bytes of a stream; with `may_end`, none at its end."""
    parts, left = [], count
    while left:
        data = read(left)
        if not data:
            if may_end and left == count:
                return b""
            raise CutFrameError
        parts.append(data)
        left -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
