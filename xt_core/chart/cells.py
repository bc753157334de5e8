"""Text measured in terminal cells, so that a row is exactly as wide as it claims."""

import unicodedata
from typing import NamedTuple

_ZERO_WIDTH = frozenset({"Mn", "Me", "Mc"})
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Span(NamedTuple):
    """Part of a row, in one style."""

    text: str
    style: str


def printable(text: str, *, ascii_only: bool = False) -> str:
    """`text` without what would move the cursor or join characters into one glyph.

    Control characters become spaces; joiners and variation selectors go. With `ascii_only`,
    any other character that ASCII lacks becomes ``?``.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_printable_character, unicodedata.normalize("NFC", text)))
    return text.encode("ascii", "replace").decode("ascii") if ascii_only else text


def _printable_character(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        return " "
    if unicodedata.category(character) in _UNPRINTABLE:
        return ""
    if ord(character) in _VARIATION_SELECTORS or ord(character) in _SKIN_TONES:
        return ""
    return character


def cell_width(text: str) -> int:
    """How many terminal cells a printable text takes."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int, *, ellipsis: str = "…") -> str:
    """`text`, or as much of it as `width` cells hold, ending in the one-cell `ellipsis`."""
    if cell_width(text) <= width:
        return text
    if width <= 0:
        return ""
    room = width - 1
    kept = []
    for character in text:
        room -= _character_width(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + ellipsis
