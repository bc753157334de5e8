"""Draws the terminal UI over the gallery for the documentation, as SVGs:
``python tests/pictures.py docs/pictures``."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import gallery
import pytest
from textual.pilot import Pilot
from tui_support import text_of, until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.feed import Feed
from xt_tui.state import Health

_RUNS, _RUNS_OF_SEARCH = 21, 18
_TO_SEARCH = ("2", "G", "3")
_BY_LOSS = ("greater_than_sign", "greater_than_sign")
_NEXT = ("down", "down")
_MARKS = ("home", "space", *_NEXT, "space", *_NEXT, "down", "space", "down", "space")
_COMMAND = (
    "xt run --search-type tpe --runs 24 --seed 7 --concurrent 4 --primary-metric loss "
    "--minimize --early-stopping median train.py --epochs=20 "
    "--lr=[$loguniform(-9,-2)] --hidden=[16,32,64]"
)
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

Scene = Callable[[XtApp, Pilot[int]], Awaitable[None]]
"""Goes on from where the scene before has left the UI."""


async def runs(app: XtApp, pilot: Pilot[int]) -> None:
    """A search with the curves of several runs over each other."""
    await pilot.press(*_TO_SEARCH)
    await until(pilot, lambda: len(app.runs.table.keys) == _RUNS_OF_SEARCH, "the search")
    await pilot.press(*_BY_LOSS)
    await until(pilot, lambda: "loss▲" in text_of(app), "the best first")
    await pilot.press(*_MARKS)
    await until(pilot, lambda: "4 marked" in str(app.runs.border_subtitle))
    drawn = [f"{run.name} 0." for run in app.runs.chosen]
    await until(pilot, lambda: all(name in text_of(app) for name in drawn), "curves")


async def charts(app: XtApp, pilot: Pilot[int]) -> None:
    """All metrics of the search, grouped by a hyperparameter, at a crosshair."""
    await pilot.press("u", "B", *"hparams.hidden", "enter")
    await until(pilot, lambda: "by hidden" in text_of(app), "groups")
    await pilot.press("2", "4", "z", "B", "x", *["left"] * 12)
    await until(pilot, lambda: "│ step" in text_of(app), "a crosshair")


async def search(app: XtApp, pilot: Pilot[int]) -> None:
    """The results of the search."""
    await pilot.press("x", "z", "2", "S")
    await until(pilot, lambda: "best so far" in text_of(app), "the curve")


async def launch(app: XtApp, pilot: Pilot[int]) -> None:
    """The form, filled."""
    await pilot.press("q", "n")
    await until(pilot, lambda: "search space" in text_of(app), "the form")
    await pilot.press(*_COMMAND, "tab")
    await until(pilot, lambda: "dynamic tpe: 24 runs" in text_of(app), "the preview")


SCENES: tuple[Scene, ...] = (runs, charts, search, launch)


def main() -> int:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "HOME", folder)
        patch.setattr(Feed, "_health", lambda feed: Health(2_600_000, 54_100_000_000))
        (code := Path(folder, "code")).mkdir()
        (code / "train.py").touch()
        session = Session(Home(Path(folder, ".xt")), code, {"PATH": "/usr/bin:/bin"})
        gallery.fill(session, gallery.StandingClock(patch))
        asyncio.run(_draw_all(session, target))
        session.close()
    return 0


async def _draw_all(session: Session, target: Path) -> None:
    app = XtApp(session)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_loaded(pilot, _RUNS, as_at_first=True)
        for scene in SCENES:
            await scene(app, pilot)
            await app.workers.wait_for_complete()
            await pilot.pause()
            # Fonts are those of the reader: nothing is loaded from elsewhere.
            picture = _FONT_FACES.sub("", app.export_screenshot(title="xt"))
            (target / f"{scene.__name__}.svg").write_text(picture)


if __name__ == "__main__":
    raise SystemExit(main())
