"""What each pane looks like: in four sizes of the terminal, and in light and no colours.

A picture in `__snapshots__` is the text in each size and, below it, how long each line is in which
style, for each set of colours: styles are letters, and what those mean stands at the end. A change
of looks that is meant is taken over by ``pytest tests/tui/test_looks.py --snapshot-update``.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import gallery
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App
from textual.filter import Monochrome
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input, TextArea
from tui_support import text_of, until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.feed import Feed
from xt_tui.state import Health

PICTURES = (
    ((120, 36), "dark"),
    ((120, 36), "light"),
    ((120, 36), "none"),
    ((80, 24), "dark"),
    ((60, 20), "dark"),
    ((200, 60), "dark"),
)
RUNS = 21


class Screens(SingleFileSnapshotExtension):
    """Text files."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@dataclass(frozen=True)
class Look:
    """Where keys lead to, and a text by which one knows that it is there."""

    name: str
    keys: tuple[str, ...]
    shows: str

    def __str__(self) -> str:
        return self.name


LOOKS = (
    Look("runs", (), "run1.1"),
    Look("details", ("6", "z"), "run1.1"),
    Look("details-events", ("6", "h", "h", "z"), "started"),
    Look("nodes", ("7",), "GPUs"),
    Look("help", ("question_mark",), "Keys"),
    Look("launch", ("n",), "search space"),
    Look("columns", ("C",), "metrics.loss"),
    Look("views", ("V",), "Views of runs"),
    Look("sort", ("O",), "metrics.loss"),
    Look("group", ("B",), "hparams.lr"),
    Look("cancel", ("G", "c"), "Cancel run3.2?"),
    Look("notes", ("i",), "ctrl+s"),
    Look("tags", ("t",), "tags"),
    Look("box", ("b",), "address"),
)
"""Of a dialog the picture is of itself: what lies behind it has pictures of its own."""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The gallery, in a home whose path is no longer than others."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Feed, "_health", lambda feed: Health(2_600_000, 54_100_000_000))
    monkeypatch.setattr(Input, "_toggle_cursor", lambda field: None)  # it does not blink
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda field: None)
    (tmp_path / "code").mkdir()
    own = Session(Home(tmp_path / ".xt"), tmp_path / "code", {"PATH": "/usr/bin:/bin"})
    yield own
    own.close()


@pytest.fixture
def work(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    gallery.fill(session, gallery.StandingClock(monkeypatch))
    return session


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_looks_as_before(look: Look, work: Session, snapshot: SnapshotAssertion) -> None:
    app = XtApp(work)
    async with app.run_test(size=PICTURES[0][0]) as pilot:
        await until_loaded(pilot, RUNS)
        await until(pilot, lambda: " step " in text_of(app), "a chart")
        await pilot.press(*look.keys)
        await until(pilot, lambda: look.shows in text_of(app), look.shows)
        assert await _pictures(pilot) == snapshot.use_extension(Screens)


async def _pictures(pilot: Pilot[int]) -> str:
    """The screen in all sizes, and in one of them in all colours: those go by no size."""
    letters, lines = Letters(), list[str]()
    for size, colors in PICTURES:
        _wear(pilot.app, colors)
        if pilot.app.size != size:
            await pilot.resize_terminal(*size)
        strips = await _strips(pilot)
        lines.append(f"{size[0]} × {size[1]}, {colors}")
        if colors == "dark":
            texts = [strip.text.rstrip() for strip in strips]
            lines += texts
        assert [strip.text.rstrip() for strip in strips] == texts, f"another text if {colors}"
        lines += map(letters.row, strips)
    return "\n".join([*lines, *letters.meanings()])


class Letters:
    """Names of styles."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def row(self, strip: Strip) -> str:
        """The styles of a line, each with the number of its cells."""
        styled = [(str(part.style), part.cell_length) for part in strip]
        return "".join(
            f"{self._name(style)}{sum(length for _, length in parts)}"
            for style, parts in itertools.groupby(styled, key=itemgetter(0))
        )

    def _name(self, style: str) -> str:
        count = len(self._names)
        first, second = chr(ord("A") + count // 26), chr(ord("a") + count % 26)
        return self._names.setdefault(style, f"{first}{second}")

    def meanings(self) -> list[str]:
        return [f"{name} {style}" for style, name in self._names.items()]


def _wear(app: App[int], colors: str) -> None:
    """Dark, light, or what is left of dark where NO_COLOR is set."""
    app._filters = [each for each in app._filters if not isinstance(each, Monochrome)]
    app.no_color = colors == "none"
    if app.no_color:
        app._filters.append(Monochrome())
    app.theme = "xt-light" if colors == "light" else "xt-dark"


async def _strips(pilot: Pilot[int]) -> list[Strip]:
    """What the terminal is sent, once nothing moves any more."""
    before: list[Strip] = []
    while True:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        strips = _in_front(pilot.app)
        if strips == before:
            return strips
        before = strips


def _in_front(app: App[int]) -> list[Strip]:
    """The dialog that is open, else the screen."""
    strips = app.screen._compositor.render_strips()
    for dialog in app.screen.query(".dialog"):
        x, y, width, height = dialog.region
        return [strip.crop(x, x + width) for strip in strips[y : y + height]]
    return strips
