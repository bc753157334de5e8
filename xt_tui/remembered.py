"""What the UI remembers of one home from one start to the next: the layout and the theme.

A file that cannot be read is told and passed over; one that cannot be written harms nothing.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from xt_tui.layout import Layout


@dataclass(frozen=True)
class Remembered:
    """The contents of the file."""

    layout: Layout = field(default_factory=Layout)
    theme: str = ""


def read(file: Path) -> tuple[Remembered, str]:
    """What is remembered, and what is wrong with the file ("" if nothing is)."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        theme = document.get("theme", "")
        if not isinstance(theme, str):
            raise ValueError("no theme")
        return Remembered(Layout.of(document.get("layout", {})), theme), ""
    except FileNotFoundError:
        return Remembered(), ""
    except (OSError, ValueError, AttributeError, TypeError):
        return Remembered(), f"{file} cannot be read: panes are as at first, and it is replaced"


def write(file: Path, remembered: Remembered) -> None:
    """Replace the file in one step, so that two UIs never leave a half of each."""
    document = {"layout": remembered.layout.as_dict(), "theme": remembered.theme}
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        os.replace(draft, file)
