"""The lines of a buffer that match, kept as the buffer grows.

An index is brought forward piece by piece, in a thread of its own; readers see what has been found
by now.
"""

from array import array
from bisect import bisect_left, bisect_right

from xt_tui.console.ansi import plain_lines
from xt_tui.console.lines import LineBuffer
from xt_tui.console.matching import Matcher


class LineIndex:
    """Numbers of matching lines in order, and of those shown with `context` lines around them."""

    def __init__(self, matcher: Matcher, buffer: LineBuffer, context: int = 0) -> None:
        self.matcher, self.context = matcher, context
        self._buffer = buffer
        self._matches: array[int] = array("q")
        self._shown: array[int] = array("q")
        self._first = self._end = buffer.first
        self._taken_back = len(buffer.taken_back)
        self.version = 0
        """Changes with what is found."""

    @property
    def is_behind(self) -> bool:
        """Whether there are lines that it has not seen."""
        buffer = self._buffer
        is_redrawn = self._taken_back < len(buffer.taken_back)
        return is_redrawn or self._first > buffer.first or self._end < buffer.end

    @property
    def matches(self) -> "array[int]":
        """The lines that match, among those that are finished."""
        return self._matches

    @property
    def shown(self) -> "array[int]":
        """Those, and the lines around them."""
        return self._shown if self.context else self._matches

    def advance(self) -> None:
        """Look at one more piece: of those before what it knows, or of those after it."""
        with self._buffer.lock:
            first, end = self._buffer.first, self._buffer.end
            taken_back = self._buffer.taken_back[self._taken_back :]
            self._taken_back += len(taken_back)
        if taken_back and min(taken_back) < self._end:
            self._end = min(taken_back)
            self._matches = self._matches[: bisect_left(self._matches, self._end)]
            self._shown = self._around(self._matches, [])
            self.version += 1
        if first < self._first:
            self._look_before(first)
        elif self._end < end:
            found, stop = self._look_at(self._end)
            self._end = stop
            if found:
                self._matches.extend(found)
            if self.context:
                self._shown = self._around(found, self._shown)
            self.version += bool(found)

    def _look_before(self, first: int) -> None:
        """All of the lines that were put before the others."""
        before: array[int] = array("q")
        place = first
        while place < self._first:
            found, place = self._look_at(place)
            before.extend(number for number in found if number < self._first)
        self._matches = before + self._matches
        self._first = first
        self._shown = self._around(self._matches, [])
        self.version += 1

    def _look_at(self, place: int) -> tuple[list[int], int]:
        data, stop = self._buffer.piece(place)
        return [place + number for number in self.matcher.lines_in(plain_lines(data))], stop

    def _around(
        self, matches: "list[int] | array[int]", shown: "list[int] | array[int]"
    ) -> "array[int]":
        """The shown lines and, with context, those about more matches."""
        result: array[int] = array("q", shown)
        if not self.context:
            return result
        last = bisect_right(self._matches, result[-1]) - 1 if result else -1
        owed = [self._matches[last]] if last >= 0 else []  # what follows it had not come yet
        for match in (*owed, *matches):
            start = max(match - self.context, result[-1] + 1 if result else self._buffer.first)
            result.extend(range(start, min(match + self.context + 1, self._end)))
        return result

    def place_of(self, number: int) -> int:
        """How many lines match up to this one."""
        return bisect_right(self._matches, number)

    def next(self, number: int, step: int) -> int | None:
        """The matching line after a line (step 1) or before it (-1); round at the ends."""
        matches = self._matches
        if not matches:
            return None
        place = bisect_right(matches, number) if step > 0 else bisect_left(matches, number) - 1
        return matches[place % len(matches)]
