"""A text that is often told anew: the screen is laid out anew only where its size may change.

To lay the screen out costs as much as to draw all of it.
"""

from rich.cells import cell_len
from rich.text import Text
from textual.visual import VisualType
from textual.widgets import Static


class Facts(Static):
    """As Textual's Static, for plain and Rich texts; the same text once more costs nothing."""

    _told: "VisualType | None" = None
    _extent = (-1, -1)
    """The cells of its longest line, and its lines."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        if content == self._told:
            return
        self._told, before = content, self._extent
        self._extent = _extent(content)
        is_wrapped = self._extent[0] > self.size.width
        super().update(content, layout=layout and (is_wrapped or self._extent != before))


def _extent(content: VisualType) -> tuple[int, int]:
    lines = (content.plain if isinstance(content, Text) else str(content)).split("\n")
    return max(map(cell_len, lines)), len(lines)
