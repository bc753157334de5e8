"""A view of growing text: the last lines of a console, followed until the user scrolls away.

Lines are kept as they came and styled when drawn. Control codes cannot reach the terminal, a line
redrawn with carriage returns shows its last state, and what is far back is let go.
"""

import re
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from xt_core.query.table import display_width, printable

_MOST_LINES = 20_000
_LONGEST_LINE = 2_000
_LONGEST_BYTES = _LONGEST_LINE * 4
_SIDEWAYS_CELLS = 8
_STYLE_CODE = re.compile(r"\x1b\[[0-9;:]*m")


class TextView(ScrollView, can_focus=True):
    """Appends bytes, follows the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "down", show=False),
        Binding("up,k", "scroll_by(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "scroll_page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "scroll_page(-1)", "page up", show=False),
        Binding("left,h", "sideways(-1)", "left", show=False),
        Binding("right,l", "sideways(1)", "right", show=False),
        Binding("home,g", "first", "first line", show=False),
        Binding("end,G", "follow", "follow the end", show=False),
    ]

    class FollowingChanged(Message):
        """The user scrolled away from the end, or back to it."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []
        self._rest = b""
        self._widest = 0
        self.following = True
        self.new_lines = 0
        """Lines that came since the user scrolled away."""

    @property
    def lines(self) -> list[str]:
        """What is shown, as text without styles; an unfinished last line is among it."""
        return [self._styled(number).plain for number in range(len(self._lines))]

    def clear(self) -> None:
        self._lines, self._rest, self._widest = [], b"", 0
        self.following, self.new_lines = True, 0
        self._resized()

    def append(self, data: bytes) -> None:
        """More text; it may end within a line, or within a character."""
        if self._rest and self._lines:
            self._lines.pop()
        before = len(self._lines)
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = _last_state(rest)[:_LONGEST_BYTES]
        self._lines += [_decoded(line) for line in whole]
        if not self.following:
            self.new_lines += len(whole)
        if self._rest:
            self._lines.append(_decoded(self._rest))
        self._widest = max([self._widest, *map(_width, self._lines[before:])])
        self._forget_first(len(self._lines) - _MOST_LINES)
        self._resized()

    def _forget_first(self, number: int) -> None:
        """What the user looks at stays in place."""
        if number > 0:
            del self._lines[:number]
            if not self.following:
                self.scroll_to(y=self.scroll_offset.y - number, animate=False, force=True)

    def _resized(self) -> None:
        self.virtual_size = Size(self._widest, len(self._lines))
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

    def action_sideways(self, by: int) -> None:
        x = self.scroll_offset.x + by * _SIDEWAYS_CELLS
        self.scroll_to(x=x, animate=False, force=True)

    def action_follow(self) -> None:
        self._set_following(True)
        self.scroll_end(animate=False, force=True)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        super()._on_mouse_scroll_up(event)
        self._set_following(self.max_scroll_y == 0)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        super()._on_mouse_scroll_down(event)
        self._set_following(self.scroll_target_y >= self.max_scroll_y)

    def _scroll(self, y: float) -> None:
        self._set_following(y >= self.max_scroll_y)
        self.scroll_to(y=y, animate=False, force=True)

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following, self.new_lines = following, 0
            self.post_message(self.FollowingChanged())


def _width(line: str) -> int:
    """The cells of a line, without parsing its styles."""
    plain = _STYLE_CODE.sub("", line) if "\x1b" in line else line
    return display_width(plain.replace("\t", "    "))


def _last_state(line: bytes) -> bytes:
    """What a terminal still shows of a line: from its last carriage return that text follows."""
    bare = line.rstrip(b"\r")
    return line[bare.rfind(b"\r") + 1 :]


def _decoded(line: bytes) -> str:
    """The line as a terminal would leave it, cut to a length."""
    shown = _last_state(line).rstrip(b"\r")
    return shown[:_LONGEST_BYTES].decode("utf-8", "replace")[:_LONGEST_LINE]
