"""Regular expressions as users type them: Python's, but none of them holds the program up.

Python's own `re` may try for years (`(a+)+$`, and a line of forty characters), and no other thread
works meanwhile. The library `regex` lets them work, and gives up in time. It knows more than
Python's grammar; a pattern is spelled so that it means to it what it means to Python.
"""

import re
import time
import warnings
from functools import cached_property, lru_cache
from typing import Any

from xt_core.errors import UsageError

_PART = re.compile(
    r"(?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}"
    r"|0[0-7]{0,2}|[1-3][0-7]{2}|[1-9][0-9]?|.))"
    r"|(?P<comment>\(\?#[^)]*\))"
    r"|(?P<flags>\(\?[a-zA-Z-]+[:)])"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|\{(?:\d+(?:,\d*)?|,\d+)\}"
    r"|(?P<any>\{,\})|(?P<brace>\{)",
    re.DOTALL,
)
_IN_SET = re.compile(r"\\.|\[", re.DOTALL)
_WITHIN_LINES = re.compile(r"\\(?:[bdwS]|[1-9][0-9]?|[^a-zA-Z0-9])", re.DOTALL)
"""Escapes that are no newline and know none."""
_MAYBE_NEWLINE = re.compile(r"\\[sWDnxuUN0-7]|[\x00-\x1f]")
"""In a set: what may stand for a newline."""
_VALUE_SECONDS = 1.0
_LEAST_SECONDS = 0.02
"""What each search is given, however long those before it took."""


class TooSlowError(UsageError):
    """A regular expression takes longer than anyone would wait."""

    def __init__(self, pattern: str) -> None:
        hint = "make it simpler: repeats within repeats, as (a+)+, can take for ever"
        super().__init__(f"the regular expression {pattern} takes too long", hint)


class Regex:
    """A regular expression, looked for in texts for so many seconds and no longer."""

    def __init__(self, text: str, *, ignores_case: bool = False) -> None:
        """Raises ValueError for what is no regular expression."""
        self.text, self._ignores_case = text, ignores_case
        try:
            with warnings.catch_warnings(category=FutureWarning, action="ignore"):
                re.compile(text)  # Python means to read `[[` in another way, some day
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from None

    @cached_property
    def _compiled(self) -> Any:
        """Made when it is first used: the library takes a while to load."""
        return _compiled(_PART.sub(_spelled, self.text), self._ignores_case)

    @cached_property
    def _of_lines(self) -> Any:
        """For many lines in one text, of which no match leaves its own; None if that cannot be
        said of the pattern."""
        try:
            text = _PART.sub(_spelled_for_lines, self.text)
        except _NotForLinesError:
            return None
        return _compiled(f"(?m){text}", self._ignores_case)

    def is_in(self, text: str, seconds: float) -> bool:
        """Whether a text has it. Raises TooSlowError."""
        return self._search(self._compiled, text, 0, seconds) is not None

    def lines_in(self, text: str, seconds: float) -> list[int]:
        """The places, among the lines of a text, of those that have it. Raises TooSlowError where
        they take longer together, and one of them long; a slow machine is no reason."""
        text, end = text.removesuffix("\n"), time.monotonic() + seconds
        found, place, number = list[int](), 0, 0

        def left() -> float:
            return max(_LEAST_SECONDS, end - time.monotonic())

        if self._of_lines is None:
            lines = enumerate(text.split("\n"))
            return [n for n, line in lines if self._search(self._compiled, line, 0, left())]
        while (match := self._search(self._of_lines, text, place, left())) is not None:
            number += text.count("\n", place, match.start())
            found.append(number)
            place = text.find("\n", match.start()) + 1
            if not place:
                break
            number += 1
        return found

    def _search(self, compiled: Any, text: str, place: int, seconds: float) -> Any:
        try:
            return compiled.search(text, place, concurrent=True, timeout=seconds)
        except (TimeoutError, MemoryError):
            raise TooSlowError(self.text) from None

    def spans(self, text: str, seconds: float) -> list[tuple[int, int]]:
        """Where it is in a text: (start, stop) of each place that is not empty. Raises
        TooSlowError."""
        try:
            found = self._compiled.finditer(text, concurrent=True, timeout=seconds)
            return [match.span() for match in found if match.group()]
        except (TimeoutError, MemoryError):
            raise TooSlowError(self.text) from None


@lru_cache(maxsize=64)
def regex_of(text: str) -> Regex:
    """The regular expression of a text, made once. Raises ValueError."""
    return Regex(text)


def is_found(pattern: str, value: str) -> bool:
    """Whether a value of a record has what a filter looks for. Raises TooSlowError."""
    return regex_of(pattern).is_in(value, _VALUE_SECONDS)


class _NotForLinesError(Exception):
    """A pattern may tell a line from the same line among others."""


def _compiled(text: str, ignores_case: bool) -> Any:
    import regex

    return regex.compile(text, regex.VERSION0 | (regex.IGNORECASE if ignores_case else 0))


def _spelled(match: re.Match[str]) -> str:
    """A part of a pattern without what Python takes literally and the library does not: braces
    that are no repeat (to the library, how much a match may differ), and brackets within a set."""
    if match["brace"]:
        return r"\{"
    if match["any"]:
        return "*"
    if match["set"]:
        inner = _IN_SET.sub(lambda part: r"\[" if part[0] == "[" else part[0], match["set"][1:])
        return f"[{inner}"
    return match[0]


def _spelled_for_lines(match: re.Match[str]) -> str:
    """The same, and so that it matches no newline. Raises _NotForLinesError."""
    part = _spelled(match)
    escape = match["escape"]
    if match["flags"] or escape in (r"\A", r"\Z", r"\B"):
        raise _NotForLinesError
    if match["set"] and part.startswith("[^"):
        return rf"{part[:-1]}\n]"
    is_open = escape and not _WITHIN_LINES.fullmatch(escape)
    if is_open or (match["set"] and _MAYBE_NEWLINE.search(part)):
        return rf"(?:(?!\n){part})"
    return part
