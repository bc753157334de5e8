"""Regular expressions as users type them: Python's, but none of them holds the program up.

Python's own `re` may try for years (`(a+)+$`, and a line of forty characters), and no other thread
works meanwhile. The library `regex` lets them work, and gives up in time. It knows more than
Python's grammar; a pattern is spelled so that it means to it what it means to Python.
"""

import re
import time
import warnings
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any

from xt_core.errors import UsageError

_PART = re.compile(
    r"\\N\{[^}]*\}|\\.|\(\?#[^)]*\)"  # escapes and comments stay as they are
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|\{(?:\d+(?:,\d*)?|,\d+)\}"
    r"|(?P<any>\{,\})|(?P<brace>\{)",
    re.DOTALL,
)
_VALUE_SECONDS = 1.0
_LEAST_SECONDS = 0.02
"""What each text is given, however long those before it took."""
_IN_SET = re.compile(r"\\.|\[", re.DOTALL)


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
        import regex

        flags = regex.VERSION0 | (regex.IGNORECASE if self._ignores_case else 0)
        return regex.compile(_PART.sub(_spelled, self.text), flags)

    def is_in(self, text: str, seconds: float) -> bool:
        """Whether a text has it. Raises TooSlowError."""
        return bool(self.places([text], seconds))

    def places(self, texts: Iterable[str], seconds: float) -> list[int]:
        """The places, among many texts, of those that have it. Raises TooSlowError where they
        take longer together, and one of them long; a slow machine is no reason."""
        search, now, end = self._compiled.search, time.monotonic, time.monotonic() + seconds
        try:
            return [
                place
                for place, text in enumerate(texts)
                if search(text, concurrent=True, timeout=max(_LEAST_SECONDS, end - now()))
            ]
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
