"""What a console's bytes look like: plain text, and runs of text with the colours they had.

Only colours and text styles survive. Everything else that a terminal would obey is left out, or
shown as a character: nothing of a console reaches the terminal as a control code.
"""

import re
from functools import lru_cache

from rich.style import Style
from rich.text import Text

from xt_core.query.table import display_width, printable

LONGEST_LINE = 16_384
"""Characters of a line that are shown; what is longer ends in a mark."""

STYLE_CODE = re.compile(r"\x1b\[([0-9;:]*)m")
_SERIES = re.compile(r";?38;9;([0-9]{1,3})")
"""The number of a run's colour: XT's own code, whose colour is the theme's."""
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # cursor, erasing, colours, modes
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles, links, device strings
    r"|[ -/]*[0-~])"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2800-\u28ff]*"
)
_TAB = 8
_LONGEST_MARK = 40  # bytes
_CUT = re.compile(rb" \xe2\x80\xa6 ([0-9,]+) more\Z")


def decoded(line: bytes) -> str:
    """A line as text, invalid bytes as replacement characters, what is too long cut off."""
    if len(line) <= LONGEST_LINE:
        return whole(line)
    left_out = 0
    if cut := _CUT.search(line, len(line) - _LONGEST_MARK):  # it was longer once
        line, left_out = line[: cut.start()], int(cut[1].replace(b",", b""))
    left_out += max(0, len(line) - LONGEST_LINE)
    return line[:LONGEST_LINE].decode("utf-8", "replace") + cut_mark(left_out)


def whole(line: bytes) -> str:
    """A line as text, as much of it as there is."""
    return line.decode("utf-8", "replace")


def cut_mark(left_out: int) -> str:
    """What stands at the end of a line that is too long to be shown."""
    return f" … {left_out:,} more"


def plain(text: str) -> str:
    """A text without styles, each character as it is shown."""
    if text.isprintable():
        return text
    return _visible(_SEQUENCE.sub("", text), 0)


def plain_lines(data: bytes) -> str:
    """Many lines as plain text, for searching: line by line as `plain` has them but for tabs."""
    text = data.decode("utf-8", "replace")
    return _SEQUENCE.sub("", text).replace("\x07", "") if "\x1b" in text else text


def styled(text: str) -> list[tuple[str, str]]:
    """(characters as they are shown, style codes in force) of a line."""
    if text.isprintable():
        return [(text, "")]
    runs: list[tuple[str, str]] = []
    codes, place, column = "", 0, 0
    for match in STYLE_CODE.finditer(text):
        column = _add(runs, text[place : match.start()], codes, column)
        codes, place = after_code(codes, match[1]), match.end()
    _add(runs, text[place:], codes, column)
    return runs


def cells(text: str) -> int:
    """The terminal cells of a text with style codes."""
    if "\x1b" in text:
        text = STYLE_CODE.sub("", text)
    if text.isascii() or _NARROW.fullmatch(text):  # the quick case of most progress bars
        return len(text)
    return display_width(text)


def expanded(text: str, column: int) -> str:
    """A text that begins in a column, with blanks up to the next stop for each tab."""
    parts = text.split("\t")
    for place, part in enumerate(parts[:-1]):
        column += cells(part)
        blanks = _TAB - column % _TAB
        parts[place] += " " * blanks
        column += blanks
    return "".join(parts)


def after_code(codes: str, code: str) -> str:
    """The style codes in force after one more. A reset forgets those before it."""
    if code.strip("0;") == "":
        return ""
    if code.startswith(("0;", ";")):
        return code
    return f"{codes};{code}"[-200:].partition(";")[2] if len(codes) > 200 else f"{codes};{code}"


def in_series_color(text: str, number: int) -> str:
    """A text with the code for a run's colour, and the one that ends it."""
    return f"\x1b[38;9;{number}m{text}\x1b[0m"


def series_of(codes: str) -> int | None:
    """The number of a run's colour, where that is what style codes stand for."""
    found = _SERIES.fullmatch(codes)
    return None if found is None else int(found[1])


@lru_cache(maxsize=1024)
def style_of(codes: str) -> Style:
    """The style that codes stand for."""
    spans = Text.from_ansi(f"\x1b[{codes.strip(';').replace(':', ';')}mx").spans
    style = spans[0].style if spans else Style.null()
    return style if isinstance(style, Style) else Style.null()


def _add(runs: list[tuple[str, str]], text: str, codes: str, column: int) -> int:
    if not text:
        return column
    shown = text if text.isprintable() else _visible(_SEQUENCE.sub("", text), column)
    runs.append((shown, codes))
    return column + cells(shown)


def _visible(text: str, column: int) -> str:
    """Text without escape sequences, its tabs and control characters made visible."""
    if "\t" in text:
        text = expanded(text, column)
    text = _CONTROL.sub(_picture, text)
    return text if text.isprintable() else printable(text)


def _picture(match: re.Match[str]) -> str:
    """A bell is not for the eye; other control characters have pictures of their own."""
    code = ord(match[0])
    if code == 7:
        return ""
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else chr(0x2400 + code)
