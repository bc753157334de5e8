"""What a line is searched for: a text, a regular expression, or the traces of an error."""

import re
from abc import ABC, abstractmethod

from xt_core.errors import UsageError

_SIGNS = (
    "Traceback (", "Error: ", "Exception: ", "ERROR", "CRITICAL", "FATAL", "error: ", "fatal: ",
    "CUDA out of memory", "Segmentation fault", "core dumped", "panicked at",
)  # fmt: skip
_ERROR = re.compile(
    r"^(?:\S+ │ )?(?:"
    r"Traceback \(most recent call last\):"
    r"(?:\n(?:\S+ │ )?(?:[ \t].*|(?=\n)))*"  # its frames, and the line that names the error
    r"(?:\n(?:\S+ │ )?[\w.]+(?::.*|$))?"
    r"|(?:[\w.]*\.)?\w*(?:Error|Exception): .*"
    r"|.*\b(?:ERROR|CRITICAL|FATAL)\b.*"
    r"|.*(?:CUDA out of memory|Segmentation fault|core dumped|panicked at).*"
    r"|.*(?:^|[\s\]])(?:error|fatal): .*)",
    re.MULTILINE,
)


class Matcher(ABC):
    """Finds lines in many, and the places in one."""

    @abstractmethod
    def lines_in(self, text: str) -> list[int]:
        """The places, among the lines of a text, of those that match."""

    @abstractmethod
    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where a line matches: (start, stop) of each place."""

    def matches(self, line: str) -> bool:
        """Whether a line matches."""
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
            self._pattern = re.compile(pattern, re.IGNORECASE if letters == letters.lower() else 0)
        except (re.error, OverflowError) as error:
            raise UsageError(f"no regular expression: {error}") from None

    def lines_in(self, text: str) -> list[int]:
        search = self._pattern.search
        lines = text.removesuffix("\n").split("\n") if text else []
        return [number for number, line in enumerate(lines) if search(line)]

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [match.span() for match in self._pattern.finditer(line) if match.group()]


class ErrorMatcher(Matcher):
    """Tracebacks, each as one, and lines that tell of an error."""

    def lines_in(self, text: str) -> list[int]:
        found, number, place = list[int](), 0, 0
        if not any(sign in text for sign in _SIGNS):  # much quicker than the expression
            return found
        for match in _ERROR.finditer(text):
            number += text.count("\n", place, match.start())
            place = match.start()
            found.append(number)
        return found

    def spans(self, line: str) -> list[tuple[int, int]]:
        match = _ERROR.match(line)
        return [] if match is None else [match.span()]


def matcher_of(text: str, *, is_pattern: bool) -> Matcher:
    """What the user typed. Raises UsageError for a wrong regular expression."""
    return PatternMatcher(text) if is_pattern else TextMatcher(text)
