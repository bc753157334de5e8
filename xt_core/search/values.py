"""Values of hyperparameters as text: the type a text has, and lists of such texts.

Invariant: `split_items` reads back every non-null value that `quote_value` writes, type included.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from xt_core.model.records import Value

QUOTES = "\"'"
CLOSERS = {"(": ")", "[": "]", "{": "}"}
INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
FLOAT = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?")
NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_][A-Za-z0-9_./:@%+-]*")
ESCAPE = re.compile(r"\\([\\\"'])")
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1
"""Integers beyond stay text: the stats stores hold 64 bits."""
LONGEST_INTEGER = len(str(SMALLEST_INTEGER))


class QuotedText(str):
    """Text that stood in quotes in a file: `'1e-3'` is no number."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a comma-separated list; `text` is without the quotes if it was `quoted`."""

    text: str
    quoted: bool

    @property
    def value(self) -> Value:
        """The typed value: quoted text is always a string."""
        return self.text if self.quoted else parse_value(self.text)


def parse_value(text: str) -> Value:
    """The value of an unquoted text.

    `3` and `-1` are int, `.5` and `1e-3` float, `true` and `false` in any case bool; everything
    else is a string, among it `nan`, `inf`, `none`, digits with leading zeros (`007`), and
    integers of more than 64 bits.
    """
    if INTEGER.fullmatch(text):
        short = len(text) <= LONGEST_INTEGER
        return int(text) if short and SMALLEST_INTEGER <= int(text) <= LARGEST_INTEGER else text
    if FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return lowered == "true"
    return text


def render_value(value: Value) -> str:
    """The value as a program's argument: `true`/`false`, floats in their shortest exact form."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def quote_value(value: Value) -> str:
    """The value as an item of a list, in quotes where it would otherwise be read differently."""
    text = render_value(value)
    if not isinstance(value, str):
        return text
    if NEEDS_NO_QUOTES.fullmatch(text) and isinstance(parse_value(text), str):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_items(body: str) -> list[Item]:
    """The items of a comma-separated list.

    Quotes (at the start of an item) and brackets protect commas; within quotes a backslash
    escapes a quote or a backslash, and is itself otherwise. Raises ValueError.
    """
    return [_item(body[start:end]) for start, end in _item_spans(body)]


def _item_spans(body: str) -> Iterator[tuple[int, int]]:
    start = position = 0
    open_brackets: list[str] = []
    while position < len(body):
        char = body[position]
        if char in QUOTES and (open_brackets or not body[start:position].strip()):
            position = _closing_quote(body, position)
        elif char in CLOSERS:
            open_brackets.append(char)
        elif char in CLOSERS.values():
            if not open_brackets or CLOSERS[open_brackets.pop()] != char:
                raise ValueError(f"unbalanced {char}")
        elif char == "," and not open_brackets:
            yield start, position
            start = position + 1
        position += 1
    if open_brackets:
        raise ValueError(f"unbalanced {open_brackets[-1]}")
    yield start, len(body)


def _closing_quote(text: str, opening: int) -> int:
    quote = text[opening]
    position = opening + 1
    while position < len(text):
        if ESCAPE.match(text, position):
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    raise ValueError(f"unbalanced {quote}")


def _item(raw: str) -> Item:
    text = raw.strip()
    if not text:
        raise ValueError("an empty value")
    if text[0] not in QUOTES:
        return Item(text, quoted=False)
    if _closing_quote(text, 0) != len(text) - 1:
        raise ValueError(f"text after a closing {text[0]}")
    return Item(ESCAPE.sub(r"\1", text[1:-1]), quoted=True)
