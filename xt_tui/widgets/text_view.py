"""A view of growing text: the last lines of a console, followed until the user scrolls away.

Lines are kept as they came and styled when drawn. Control codes cannot reach the terminal, a line
redrawn with carriage returns shows its last state, and what is far back is let go.
"""

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from xt_core.query.table import printable

_MOST_LINES = 20_000
_LONGEST_LINE = 2_000


class TextView(ScrollView, can_focus=True):
    """Appends bytes, follows the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "down", show=False),
        Binding("up,k", "scroll_by(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "scroll_page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "scroll_page(-1)", "page up", show=False),
        Binding("home,g", "first", "first line", show=False),
        Binding("end,G", "follow", "follow the end", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []
        self._rest = b""
        self._dropped = 0
        self.following = True

    @property
    def lines(self) -> list[str]:
        """What is shown, as text without styles; an unfinished last line is among it."""
        return [self._styled(number).plain for number in range(len(self._lines))]

    def clear(self) -> None:
        self._lines, self._rest, self._dropped = [], b"", 0
        self.following = True
        self._resized()

    def append(self, data: bytes) -> None:
        """More text; it may end within a line, or within a character."""
        if self._rest and self._lines:
            self._lines.pop()
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE * 4:
            self._rest = self._rest[: _LONGEST_LINE * 4]
        self._lines += [_decoded(line) for line in whole]
        if self._rest:
            self._lines.append(_decoded(self._rest))
        excess = len(self._lines) - _MOST_LINES
        if excess > 0:
            del self._lines[:excess]
            self._dropped += excess
        self._resized()

    def _resized(self) -> None:
        width = max((len(line) for line in self._lines[-200:]), default=0)
        self.virtual_size = Size(width, len(self._lines))
        if self.following:
            self.scroll_end(animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, number = self.size.width, int(top) + y
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        segments = [
            Segment(
                segment.text, self.rich_style + segment.style if segment.style else self.rich_style
            )
            for segment in self._styled(number).render(self.app.console, end="")
        ]
        return Strip(segments).crop_extend(int(left), int(left) + width, self.rich_style)

    def _styled(self, number: int) -> Text:
        line = self._lines[number]
        if "\x1b" not in line:
            return Text(printable(line.replace("\t", "    ")))
        text = Text.from_ansi(line.replace("\t", "    "))
        return Text(printable(text.plain)) if printable(text.plain) != text.plain else text

    # Moving -----------------------------------------------------------------------------

    def action_scroll_by(self, lines: int) -> None:
        self._scroll(self.scroll_offset.y + lines)

    def action_scroll_page(self, pages: int) -> None:
        self._scroll(self.scroll_offset.y + pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._scroll(0)

    def action_follow(self) -> None:
        self.following = True
        self.scroll_end(animate=False, force=True)

    def _scroll(self, y: float) -> None:
        self.following = y >= self.max_scroll_y
        self.scroll_to(y=y, animate=False, force=True)


def _decoded(line: bytes) -> str:
    """The line as a terminal would leave it: after its last carriage return, cut to a length."""
    line = line.rstrip(b"\r")
    shown = line.rpartition(b"\r")[2] or line
    return shown[: _LONGEST_LINE * 4].decode("utf-8", "replace")[:_LONGEST_LINE]
