"""A field of one line that takes all of a paste: its lines in one, as a shell would join them.

Its size must not depend on its text: then a key costs no new layout of the screen.
"""

import re

from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.widgets import Input

from xt_core.query.table import truncate

_LINE_END = re.compile(r"\s*\\?\n\s*")
"""With the backslash that carries a command on in the next line, and the indents of both."""


class OneLineInput(Input):
    """Textual's takes a paste's first line, and says nothing of the others; and it has the whole
    screen laid out again at each key."""

    virtual_size = reactive(Size(0, 0), layout=False)
    """How long the text is, for scrolling; no other widget is moved by that."""

    _hint = ""
    """What stands in an empty field that has room for all of it."""

    def on_mount(self) -> None:
        self._hint = self.placeholder

    def on_resize(self) -> None:
        """A hint that is cut says so."""
        self.placeholder = truncate(self._hint, self.content_size.width)

    def on_paste(self, event: events.Paste) -> None:
        """Put the text in the place of what is selected."""
        event.stop()
        event.prevent_default()
        self.replace(in_one_line(self.meant(event.text)), *sorted(self.selection))

    def meant(self, pasted: str) -> str:
        """What of a pasted text is taken."""
        return pasted


def in_one_line(text: str) -> str:
    """A text without line ends."""
    return _LINE_END.sub(" ", "\n".join(text.strip().splitlines()))
