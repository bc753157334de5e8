"""Draws the terminal UI over the gallery, as an SVG: ``python tests/ui_picture.py docs/ui.svg``."""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

import gallery
import pytest
from tui_support import names, text_of, until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.feed import Feed
from xt_tui.state import Health

_RUNS = 21
_KEYS = ("space", "space", "down", "space", "down", "space", "up")
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> int:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "HOME", folder)
        patch.setattr(Feed, "_health", lambda feed: Health(2_600_000, 54_100_000_000))
        (code := Path(folder, "code")).mkdir()
        session = Session(Home(Path(folder, ".xt")), code, {"PATH": "/usr/bin:/bin"})
        gallery.fill(session, gallery.StandingClock(patch))
        picture = asyncio.run(_picture(session))
        session.close()
    target.write_text(picture)
    return 0


async def _picture(session: Session) -> str:
    """A search with the curves of several runs over each other."""
    app = XtApp(session)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_loaded(pilot, _RUNS, as_at_first=True)
        await pilot.press("2", "G")
        await until(pilot, lambda: names(app)[0] == "run1.1", "the runs of the search")
        await pilot.press("3", "g", *_KEYS)
        await until(pilot, lambda: "4 marked" in str(app.runs.border_subtitle))
        drawn = [f"run1.{number} 0." for number in (1, 2, 4, 6)]
        await until(pilot, lambda: all(name in text_of(app) for name in drawn), "curves")
        await app.workers.wait_for_complete()
        await pilot.pause()
        # Fonts are those of the reader: nothing is loaded from elsewhere.
        return _FONT_FACES.sub("", app.export_screenshot(title="xt tui"))


if __name__ == "__main__":
    raise SystemExit(main())
