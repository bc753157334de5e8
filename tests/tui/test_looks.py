"""What each screen looks like, in four sizes of the terminal, dark, light and without colours.

The pictures in `__snapshots__` are what a terminal is sent: ``cat`` shows them. A change of looks
that is meant is taken over by ``pytest tests/tui/test_looks.py --snapshot-update``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gallery
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot
from tui_support import until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.feed import Feed
from xt_tui.screens.help import HelpScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.search import SearchScreen
from xt_tui.state import Health

SIZES = ((60, 20), (80, 24), (120, 36), (200, 60))
RUNS = 21
Ready = Callable[[XtApp], bool]


class Screens(SingleFileSnapshotExtension):
    """Text files with the codes of a terminal."""

    _write_mode = WriteMode.TEXT
    file_extension = "ansi"


@dataclass(frozen=True)
class Look:
    """Where keys lead to, and how one knows that it is there."""

    name: str
    keys: tuple[str, ...]
    is_there: Ready

    def __str__(self) -> str:
        return self.name


def _shows(kind: type) -> Ready:
    return lambda app: isinstance(app.screen, kind)


LOOKS = (
    Look("runs", (), lambda app: len(app.runs.table.keys) == RUNS),
    Look("output", ("end", "a"), lambda app: "done" in app.output.view.lines),
    Look("help", ("question_mark",), _shows(HelpScreen)),
    Look("launch", ("n",), _shows(LaunchScreen)),
    Look("search", ("S",), _shows(SearchScreen)),
)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The gallery, in a home whose path is no longer than others."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Feed, "_health", lambda feed: Health(2_600_000, 54_100_000_000))
    (tmp_path / "code").mkdir()
    own = Session(Home(tmp_path / ".xt"), tmp_path / "code", {"PATH": "/usr/bin:/bin"})
    gallery.fill(own, gallery.StandingClock(monkeypatch))
    yield own
    own.close()


@pytest.mark.parametrize("colors", ["dark", "light", "none"])
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_a_screen_looks_as_it_did(
    look: Look, colors: str, session: Session, snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if colors == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    app = XtApp(session)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_loaded(pilot, RUNS)
        app.theme = "textual-light" if colors == "light" else "textual-dark"
        await pilot.press(*look.keys)
        await until(pilot, lambda: look.is_there(app), look.name)
        pictures = [await _picture(pilot, *size) for size in SIZES]
    assert "\n".join(pictures) == snapshot.use_extension(Screens)


async def _picture(pilot: Pilot[int], width: int, height: int) -> str:
    """The screen in a size, once nothing moves any more."""
    app = pilot.app
    await pilot.resize_terminal(width, height)
    await app.workers.wait_for_complete()
    await pilot.pause()
    strips = app.screen._compositor.render_strips()
    return "\n".join([f"{width} × {height}", *(strip.render(app.console) for strip in strips)])
