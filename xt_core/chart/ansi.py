"""A chart as text for a terminal or a file."""

from xt_core.chart.braille import BRAILLE_BLOCK
from xt_core.chart.cells import Span
from xt_core.chart.glyphs import KEY
from xt_core.chart.palette import is_dim, series_color, series_letter, series_number
from xt_core.chart.render import Chart

_RESET = "\x1b[0m"
_STYLES = {
    "title": "\x1b[1m",
    "axis": "\x1b[38;5;244m",
    "label": "\x1b[38;5;250m",
    "cursor": "\x1b[38;5;244m",
    "note": "\x1b[38;5;244m",
}
_LETTER_EVERY = 8
"""Cells between the letters on a line that has no colour."""


def to_ansi(chart: Chart, color: bool) -> str:
    """The rows of a chart, joined by newlines.

    Without colour there is no escape sequence at all, and where a chart has several series each
    bears its letter: in the legend, and every so often on its line.
    """
    if color:
        return "\n".join("".join(map(_escaped, row)) for row in chart.rows)
    series = {style for row in chart.rows for _, style in row if series_number(style) is not None}
    write = _lettered if len(series) > 1 else _plain
    return "\n".join(map(write, chart.rows))


def _escaped(span: Span) -> str:
    color = series_color(span.style)
    if color is None:
        start = _STYLES.get(span.style)
    else:
        start = f"\x1b[{'2;' if is_dim(span.style) else ''}38;5;{color.code}m"
    return f"{start}{span.text}{_RESET}" if start else span.text


def _plain(row: tuple[Span, ...]) -> str:
    return "".join(span.text for span in row)


def _lettered(row: tuple[Span, ...]) -> str:
    parts: list[str] = []
    column = 0
    for text, style in row:
        number = series_number(style)
        if number is None:
            parts.append(text)
        else:
            letter = series_letter(number)
            # Every series starts elsewhere, so that lines which coincide show more than one.
            parts.extend(
                letter
                if character == KEY or _bears_letter(character, at + 3 * number)
                else character
                for at, character in enumerate(text, column)
            )
        column += len(text)
    return "".join(parts)


def _bears_letter(character: str, place: int) -> bool:
    return ord(character) >= BRAILLE_BLOCK and place % _LETTER_EVERY == 0
