"""Draws the terminal UI over the gallery, as an SVG: ``python tests/ui_picture.py docs/ui.svg``."""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

import gallery
import pytest
from tui_support import text_of, until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.feed import Feed
from xt_tui.state import Health

_RUNS, _RUNS_OF_SEARCH = 21, 18
_TO_SEARCH = ("2", "G", "3")
_BY_LOSS = ("greater_than_sign", "greater_than_sign")
_MARKS = (
    "home",
    "space",
    "down",
    "down",
    "space",
    "down",
    "down",
    "down",
    "space",
    "down",
    "space",
)
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
        await pilot.press(*_TO_SEARCH)
        await until(pilot, lambda: len(app.runs.table.keys) == _RUNS_OF_SEARCH, "the search")
        await pilot.press(*_BY_LOSS)
        await until(pilot, lambda: "loss▲" in text_of(app), "the best first")
        await pilot.press(*_MARKS)
        await until(pilot, lambda: "4 marked" in str(app.runs.border_subtitle))
        drawn = [f"{run.name} 0." for run in app.runs.chosen]
        await until(pilot, lambda: all(name in text_of(app) for name in drawn), "curves")
        await app.workers.wait_for_complete()
        await pilot.pause()
        # Fonts are those of the reader: nothing is loaded from elsewhere.
        return _FONT_FACES.sub("", app.export_screenshot(title="xt tui"))


if __name__ == "__main__":
    raise SystemExit(main())
