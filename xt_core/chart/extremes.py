"""The least and the greatest of any stretch of a list that grows at its end.

The least and greatest of every full block of the list are kept, so that a stretch of any length
costs a few comparisons, and what was appended is looked at once.
"""

_BLOCK = 64


class Extremes:
    """Of `values`, whose numbers are finite, and which change only in that more are appended."""

    def __init__(self, values: list[float]) -> None:
        self._values = values
        self._low = list[float]()
        self._high = list[float]()

    def _grow(self) -> None:
        """Take in what was appended."""
        values = self._values
        for start in range(len(self._low) * _BLOCK, len(values) - _BLOCK + 1, _BLOCK):
            block = values[start : start + _BLOCK]
            self._low.append(min(block))
            self._high.append(max(block))

    def within(self, start: int, stop: int) -> tuple[float, float]:
        """The least and the greatest of values[start:stop], which is not empty."""
        if stop - start <= 2 * _BLOCK:
            part = self._values[start:stop]
            return min(part), max(part)
        self._grow()
        first, last = -(-start // _BLOCK), stop // _BLOCK
        ends = self._values[start : first * _BLOCK] + self._values[last * _BLOCK : stop]
        return min(ends + self._low[first:last]), max(ends + self._high[first:last])
