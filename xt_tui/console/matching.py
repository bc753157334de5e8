"""What a line is searched for: a text, a regular expression, or the traces of an error."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from xt_core.errors import UsageError
from xt_core.query.regexes import Regex, TooSlowError
from xt_core.tracebacks import error_lines, error_span

T = TypeVar("T")

_PIECE_SECONDS = 1.0
"""How long a regular expression may look at lines that are kept together."""
_SIGHT_SECONDS = 0.005
"""How long at a line that is being drawn."""
_MOST_SLOW = 2
"""Lines that may take longer: those drawn after them are not looked at."""


class Matcher(ABC):
    """Finds lines in many, and the places in one."""

    @abstractmethod
    def lines_in(self, text: str) -> list[int]:
        """The places, among the lines of a text, of those that match. Raises TooSlowError."""

    @abstractmethod
    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where a line in sight matches: (start, stop) of each place."""

    def matches(self, line: str) -> bool:
        """Whether a line in sight matches."""
        return bool(self.lines_in(f"{line}\n"))


class TextMatcher(Matcher):
    """A text as it stands; without capitals in it, capitals do not matter."""

    def __init__(self, text: str) -> None:
        self._folds = text == text.lower()
        self._text = text

    def lines_in(self, text: str) -> list[int]:
        if self._folds:
            text = text.lower()
        found, number, place = list[int](), 0, 0
        while (hit := text.find(self._text, place)) >= 0:
            number += text.count("\n", place, hit)
            found.append(number)
            place = text.find("\n", hit)
            if place < 0:
                break
        return found

    def spans(self, line: str) -> list[tuple[int, int]]:
        pattern = re.compile(re.escape(self._text), re.IGNORECASE if self._folds else 0)
        return [match.span() for match in pattern.finditer(line)]


class PatternMatcher(Matcher):
    """A regular expression, matched line by line; the same rule for capitals."""

    def __init__(self, pattern: str) -> None:
        """Raises UsageError for what is no regular expression."""
        letters = re.sub(r"\\.", "", pattern)
        try:
            self._regex = Regex(pattern, ignores_case=letters == letters.lower())
        except ValueError as error:
            raise UsageError(f"no regular expression: {error}") from None
        self._slow = 0

    def lines_in(self, text: str) -> list[int]:
        return self._regex.lines_in(text, _PIECE_SECONDS) if text else []

    def spans(self, line: str) -> list[tuple[int, int]]:
        return self._quickly(lambda: self._regex.spans(line, _SIGHT_SECONDS), [])

    def matches(self, line: str) -> bool:
        return self._quickly(lambda: self._regex.is_in(line, _SIGHT_SECONDS), False)

    def _quickly(self, look: Callable[[], T], otherwise: T) -> T:
        """In the UI's own thread: what takes long is not done, and not tried for ever."""
        if self._slow < _MOST_SLOW:
            try:
                return look()
            except TooSlowError:
                self._slow += 1
        return otherwise


class ErrorMatcher(Matcher):
    """Tracebacks, each as one, and lines that tell of an error."""

    def lines_in(self, text: str) -> list[int]:
        return error_lines(text)

    def spans(self, line: str) -> list[tuple[int, int]]:
        span = error_span(line)
        return [] if span is None else [span]


def matcher_of(text: str, *, is_pattern: bool) -> Matcher:
    """What the user typed. Raises UsageError for a wrong regular expression."""
    return PatternMatcher(text) if is_pattern else TextMatcher(text)
