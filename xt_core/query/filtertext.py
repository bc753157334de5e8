"""Filters written in one line, as in the terminal UI and its views: separated by blanks."""

import re
from collections.abc import Iterator

from xt_core.errors import UsageError
from xt_core.query.fields import unquote

_WORD = re.compile(r"""(?:\\[\s"']|"[^"]*"|'[^']*'|[^\s"'])+""")
_ESCAPED = re.compile(r"""\\([\s"'])""")
_OPERATOR = re.compile(r":\w+:|[=<>]")


def split_conditions(text: str) -> list[str]:
    r"""The filters of a line, each as of `xt list --filter`.

    Blanks in quotes, or behind a backslash, do not separate. Quotes stay where they are, for they
    tell a word from what joins conditions elsewhere (``"and"``); but those around a whole condition
    go. Backslashes stay, for regular expressions. Raises UsageError for a quote without its end.
    """
    return [_without_quotes(word) for word in _words(text)]


def _words(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        word = _WORD.match(text, place)
        if word is None:
            raise UsageError("a quote is not closed", "close it")
        yield _ESCAPED.sub(r"\1", word[0])
        place = word.end()


def _without_quotes(word: str) -> str:
    inner = unquote(word)
    is_condition = word[0] not in inner and _OPERATOR.search(inner) is not None
    return inner if is_condition else word
