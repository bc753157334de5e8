"""Writes notes: a text of several lines, here or in the user's own editor."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from xt_tui.acting import programs
from xt_tui.widgets.dialog import Dialog

_KEYS = "ctrl+s saves · ctrl+e opens it in $EDITOR · esc or ctrl+g leaves"
_UNSAVED = "not saved: ctrl+s saves, esc or ctrl+g once more leaves"


class NoteScreen(ModalScreen[str | None]):
    """Ends with the text to keep, or None. What was changed is not lost by one key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", priority=True),
        Binding("ctrl+e", "edit", "in the editor", priority=True),
        Binding("escape,ctrl+g", "leave", "leave", priority=True),
    ]

    def __init__(self, title: str, text: str, warning: str, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._title, self._text, self._warning = title, text, warning
        self._environ = environ
        self._is_warned = False

    def compose(self) -> ComposeResult:
        with Dialog(self._title, _KEYS, id="note"):
            if self._warning:
                yield Static(self._warning, classes="hint", markup=False)
            yield TextArea(self._text, id="note-text", highlight_cursor_line=False, compact=True)

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.focus()
        area.move_cursor(area.document.end)

    def action_save(self) -> None:
        self.dismiss(self.query_one(TextArea).text.rstrip())

    def action_leave(self) -> None:
        if self.query_one(TextArea).text == self._text or self._is_warned:
            self.dismiss(None)
            return
        self._is_warned = True
        self.query_one(Dialog).say(_UNSAVED, is_error=True)

    def action_edit(self) -> None:
        """Let the user go on in the editor; what is written there comes back."""
        area = self.query_one(TextArea)
        try:
            written = self._edited(area.text)
        except OSError as error:
            text = f"it cannot be edited in a file: {error.strerror}"
            self.notify(text, severity="error", markup=False)
            return
        if written is not None:
            area.text = written.rstrip("\n")
            area.move_cursor(area.document.end)

    def _edited(self, text: str) -> str | None:
        """What the editor makes of a text; None, which is told, if there is no editor, or it leaves
        nothing. Raises OSError where there is no file for it."""
        with tempfile.TemporaryDirectory(prefix="xt-") as folder:
            file = Path(folder) / "notes.md"
            lines = f"{text}\n" if text else ""  # a file of lines, as editors have it
            file.write_text(lines, encoding="utf-8", errors="backslashreplace")
            if not programs.edit(self.app, file, self._environ):
                return None
            try:
                return file.read_text(encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                told = f"what the editor left cannot be read: {error.strerror}"
                self.notify(told, severity="error", markup=False)
                return None
