"""Plain-text tables for any terminal, delimited text for export, and grouping.

Widths are those of the terminal: wide characters take two cells, combining ones none. No cell can
move the cursor or break a line: control characters are shown as escapes.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence

from xt_core.query.columns import Column
from xt_core.query.fields import Record

_GAP = "  "
_ELLIPSIS = "…"
_NARROWEST = 8  # no text column is squeezed below this to fit the terminal
# Control characters, line and paragraph separators, marks that turn text round, lone surrogates.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What a terminal would obey, or what no output can encode."""
_NAMED_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def render_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    alignments: Sequence[str],
    max_width: int,
    terminal_width: int | None = None,
    whole: Collection[int] = (),
) -> list[str]:
    """The lines of a table: headers, a rule, rows.

    `alignments` are `left` or `right`. Cells wider than `max_width` end in an ellipsis. On a
    narrower terminal the widest text columns give way first, but for those at the places `whole`,
    then the last columns go, and an ellipsis in the header says so; without a terminal width
    nothing is left out.
    """
    table = [[printable(cell) for cell in row] for row in [headers, *rows]]
    limit = max(1, max_width)
    widths = [
        min(limit, max(display_width(row[index]) for row in table)) for index in range(len(headers))
    ]
    count = len(widths)
    if terminal_width is not None:
        texts = [place for place, alignment in enumerate(alignments) if alignment != "right"]
        _squeeze(widths, [place for place in texts if place not in whole], terminal_width)
        count = _columns_that_fit(widths, terminal_width)
    left_out = _GAP + _ELLIPSIS if count < len(widths) else ""
    lines = [
        _GAP.join(
            _fit(cell, width, alignment)
            for cell, width, alignment in zip(row[:count], widths, alignments, strict=False)
        )
        for row in table
    ]
    rule = _GAP.join("-" * width for width in widths[:count])
    return [lines[0] + left_out if left_out else lines[0].rstrip(), rule] + [
        line.rstrip() for line in lines[1:]
    ]


def to_csv(headers: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str) -> str:
    """The rows as delimited text, quoted where needed; None is empty. Lines end in a newline."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue()


def group_rows(
    records: Sequence[Record], column: Column[Record], now: float
) -> dict[str, list[Record]]:
    """The records by one column, groups and members in order of appearance.

    A format decides what is alike: `created:$do` groups by day, `hparams.lr:.1e` by size.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(column.group_text(record, now), []).append(record)
    return groups


def printable(text: str) -> str:
    r"""The text with what a terminal would obey shown as escapes such as `\n` and `\x1b`."""
    return UNSAFE.sub(_escape, text) if not text.isprintable() else text


def display_width(text: str) -> int:
    """The terminal cells that a printable text takes."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def truncate(text: str, width: int) -> str:
    """The text in at most `width` cells, ending in an ellipsis if it was longer."""
    if display_width(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _character_width(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS


def _fit(text: str, width: int, alignment: str) -> str:
    text = truncate(text, width)
    padding = " " * (width - display_width(text))
    return padding + text if alignment == "right" else text + padding


def _character_width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or "\u1160" <= character <= "\u11ff":
        return 0  # combining marks, joiners, and Hangul vowels and finals that join a syllable
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _NAMED_ESCAPES.get(match[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _squeeze(widths: list[int], texts: Sequence[int], terminal_width: int) -> None:
    """Narrow the widest of the columns `texts` until the table fits or they are as narrow as may
    be."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - terminal_width
    for _ in range(excess):
        widest = max(texts, key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1


def _columns_that_fit(widths: Sequence[int], terminal_width: int) -> int:
    """How many of the first columns fit, at least one, with room for a mark if not all do."""
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= terminal_width:
        return len(widths)
    used, mark = 0, len(_GAP + _ELLIPSIS)
    for count, width in enumerate(widths):
        used += width + (len(_GAP) if count else 0)
        if used + mark > terminal_width:
            return max(1, count)
    return len(widths)
