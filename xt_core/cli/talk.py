"""How commands talk: notes, errors and progress on standard error, documents and what charts are
drawn with on standard output."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from xt_core.errors import XTError

if TYPE_CHECKING:
    from xt_core.chart.glyphs import Glyphs


def note(text: str) -> None:
    """A line for the user."""
    print(text, file=sys.stderr, flush=True)


def report_error(error: XTError, *, as_json: bool) -> None:
    """``xt: error: WHAT`` and ``hint: …``; with `as_json` a document on standard output."""
    if as_json:
        content = {"kind": error.kind, "message": error.message, "hint": error.hint}
        emit_json({"error": content})
        return
    note(f"xt: error: {error.message}")
    if error.hint:
        note(f"hint: {error.hint}")


def emit_json(document: Any) -> None:
    """One JSON document on standard output: indented for a terminal, else compact."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(document, indent=indent), flush=True)


def stdout_glyphs() -> "Glyphs":
    """What charts are drawn with there; what is no terminal has no limits of one."""
    from xt_core.chart import fitting_glyphs

    return fitting_glyphs(os.environ if sys.stdout.isatty() else {}, sys.stdout.encoding)


_BAR_CELLS = 30


class Progress:
    """A line that is rewritten, on a terminal only."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, text: str) -> None:
        if sys.stderr.isatty() and text != self._shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._shown = text

    def show_bytes(self, done: int, total: int) -> None:
        """How far something is that moves so many bytes; gone once it is complete."""
        from xt_core.query.formats import byte_text

        if done >= total:
            self.clear()
            return
        full = _BAR_CELLS * done // max(1, total)
        bar = "━" * full + "─" * (_BAR_CELLS - full)
        self.show(f"{bar} {byte_text(done)} of {byte_text(total)}")

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = ""
