"""The lines of a buffer that match, kept as the buffer grows.

An index is brought forward piece by piece, in a thread of its own; readers see what has been found
by now.
"""

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from xt_core.query.regexes import TooSlowError
from xt_tui.console.ansi import plain_lines
from xt_tui.console.lines import LineBuffer
from xt_tui.console.matching import Matcher

_FAR = 10_000  # lines
_AT_ONCE = 20_000  # lines


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
        self.is_too_slow = False
        """Whether it looks at no more lines, since that takes too long."""

    @property
    def is_behind(self) -> bool:
        """Whether there are lines that it has not seen and will look at."""
        buffer = self._buffer
        if self.is_too_slow:
            return False
        is_redrawn = self._taken_back < len(buffer.taken_back)
        return is_redrawn or self._first > buffer.first or self._end < buffer.end

    @property
    def is_far_behind(self) -> bool:
        """Whether so much is to be looked at that a reader should be told."""
        buffer = self._buffer
        if self.is_too_slow:
            return False
        return self._first > buffer.first or self._end + _FAR < buffer.end

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
        try:
            self._advance()
        except TooSlowError:
            self.is_too_slow = True
            self.version += 1

    def _advance(self) -> None:
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
        """The next of the lines that were put before the others, backwards from what it knows."""
        before: array[int] = array("q")
        place = first = max(first, self._first - _AT_ONCE)
        while place < self._first:
            found, place = self._look_at(place)
            before.extend(number for number in found if number < self._first)
        self._matches = before + self._matches
        self._first = first
        if first == self._buffer.first or not self.context:  # once only: it goes through them all
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

    def has_seen(self, first: int, end: int) -> bool:
        """Whether it has seen the finished lines from one number up to before another, or has
        given up."""
        return self.is_too_slow or (self._first <= first and self._end >= end)


def catch_up(buffer: LineBuffer, indexes: Callable[[], Sequence[LineIndex]], rest: float) -> None:
    """Bring indexes to where the buffer is now, and leave others the processor for `rest` seconds
    after each piece. `indexes` is asked anew each time: some may not be wanted any more."""
    first, end = buffer.first, buffer.end
    while behind := [index for index in indexes() if not index.has_seen(first, end)]:
        for index in behind:
            index.advance()
        end = min(end, buffer.end)
        time.sleep(rest)
