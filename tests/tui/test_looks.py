"""What each screen looks like: in four sizes of the terminal, each in dark, light and no colours.

A picture in `__snapshots__` is the text in each size and, below it, how long each line is in which
style, for each set of colours: styles are letters, and what those mean stands at the end. A change
of looks that is meant is taken over by ``pytest tests/tui/test_looks.py --snapshot-update``.

Journeys go from one screen to the next, since an app costs more to start than a picture to take.
"""

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import gallery
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.filter import Monochrome
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, TextArea
from tui_support import text_of, until, until_loaded

from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.presets import Preset, save_preset
from xt_tui import background
from xt_tui.app import XtApp
from xt_tui.console.attachment import Attachment
from xt_tui.feed import Feed
from xt_tui.state import Batch, Health

FIRST = (120, 36)
SIZES = (FIRST, (80, 24), (60, 20), (200, 60))
COLORS = ("dark", "none", "light")
"""Light last: to go from dark to no colours costs least."""
RUNS = 21
DIALOG = ".dialog"
TEAMS = """
external-services:
  labmongo: {type: mongo, mongo-connection-string: "$env:LAB_MONGO"}
  labfiles: {type: storage, provider: directory, path: /shared/xt}
teams:
  lab: {mongo: labmongo, storage: labfiles}
"""
_parse: Callable[..., list[RuleSet]] = Stylesheet._parse_rules
_RULES: dict[object, list[RuleSet]] = {}
_drawn = Counter[str]()
"""How often the terminal would have been sent something."""


class Screens(SingleFileSnapshotExtension):
    """Text files."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@dataclass(frozen=True)
class Look:
    """Where keys lead to, a text by which one knows that it is there, and the way back."""

    name: str
    keys: tuple[str, ...]
    shows: str
    back: tuple[str, ...] = ("escape",)
    first: Callable[[XtApp], object] = lambda app: None
    """What is done before the keys."""


def _typed(text: str) -> list[str]:
    return ["space" if character == " " else character for character in text]


def _at_run(run: str) -> Callable[[XtApp], object]:
    return lambda app: app.runs.go_to(f"ws1/{run}")


def _mark(*runs: str) -> Callable[[XtApp], object]:
    """Mark these runs, and no others."""

    def mark(app: XtApp) -> None:
        app.runs.clear_marks()
        for run in runs:
            app.runs.go_to(f"ws1/{run}")
            app.runs.toggle_mark()

    return mark


def _at_job(job: str) -> Callable[[XtApp], object]:
    return lambda app: app.jobs.go_to(job)


def _tell(app: XtApp) -> None:
    app.events.add("information", "launched", "job2: 1 run (single)")
    app.events.add("error", "not saved", "/home/ada/digits/output.txt: No space left on device")
    app.events.add("warning", "cannot cancel", "what is chosen has ended")


def _lose_store(app: XtApp) -> None:
    """The store does not answer, and has not for a while."""
    app.post_message(XtApp.Fed(app.feed, Batch([], [], None, "the stats store does not answer")))


JOURNEYS: dict[str, tuple[Look, ...]] = {
    "panes": (
        Look("runs", (), "run1.1", ()),
        Look("jump", ("ctrl+o",), " a "),
        Look("filter-error", ("slash", *"lss<1"), "no field"),
        Look("details", ("6", "z"), "run1.1", ("z", "3")),
        Look("details-events", ("6", "h", "h", "z"), "started", ("l", "l", "z", "3")),
        Look("nodes", ("7",), "GPUs", ("4", "3")),
    ),
    "tables": (
        Look("columns", ("C",), "metrics.loss"),
        Look("views", ("V",), "Views of runs"),
        Look("sort", ("O",), "metrics.loss"),
        Look("group", ("B",), "hparams.lr"),
        Look("cancel", ("G", "c"), "Cancel run3.2?"),
        Look("notes", ("i",), "ctrl+s"),
        Look("tags", ("t",), "tags"),
        Look("box", ("b",), "address"),
    ),
    "shell": (
        Look("help", ("question_mark",), "Keys"),
        Look("help-found", ("question_mark", *"copy"), "copy"),
        Look("palette", ("ctrl+p",), "show and search"),
        Look("themes", ("8",), "Which colours?"),
        Look("events", ("E",), "No space left", first=_tell),
    ),
    "launch": (
        Look("launch", ("n",), "search space"),
        Look("launch-wrong", ("n", *_typed("train.py --lr=[$uniform(2)]")), "hyperparameter lr"),
        Look("rerun", ("N",), "single: 1 run", first=_at_run("run2")),
        Look("presets", ("n", "ctrl+r"), "Which preset?", ("escape", "escape")),
    ),
    "output": (
        Look("output", ("a", "z"), "bad", (), _at_run("run2")),
        Look("output-found", ("slash", *"loss=0.0", "enter"), "/40", ()),
        Look("output-filtered", ("ampersand", *_typed("epoch 1"), "enter"), "10 lines", ()),
        Look("save-output", ("s",), "that match", ("escape",)),
        Look(
            "output-error", ("escape", "escape", "3", "a", "e"), "ValueError", (), _at_run("run1.7")
        ),
        Look("output-merged", ("3", "a"), "3 of 3", (), _mark("run1.4", "run1.5", "run1.7")),
    ),
    "metrics": (
        Look("metrics", ("2", "4", "z"), "10 best", (), _at_job("job1")),
        Look("metrics-large", ("enter", "x"), "crosshair", ("x", "enter")),
        Look("metrics-filtered", ("slash", *"acc"), "metrics acc"),
        Look("metrics-system", ("3", "4", "U"), "cpu_percent", (), _mark("run1.4", "run1.5")),
    ),
    "search": (
        Look("search", ("2", "S"), "run_index", (), _at_job("job1")),
        Look("search-parameters", ("2",), "importance"),
        Look("compare", ("3", "equals_sign"), "differ", first=_mark("run1.4", "run1.5", "run1.7")),
    ),
}
"""Of a dialog the picture is of itself: what lies behind it has pictures of its own."""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Of a home whose path is no longer than others."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Feed, "_health", lambda feed: Health(2_600_000, 54_100_000_000))
    monkeypatch.setattr(Input, "_toggle_cursor", lambda field: None)  # it does not blink
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda field: None)
    monkeypatch.setattr(Attachment, "start", _read_at_once)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(Compositor, "render_update", _drawn_for_nobody)
    monkeypatch.setattr(XtApp, "_background_screens", property(_seen_behind))
    monkeypatch.setattr(App, "refresh_css", _restyle)
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parsed_once)
    monkeypatch.setattr(background.Background, "_rest_seconds", lambda _self, _took: 0.0)
    (tmp_path / "code").mkdir()
    for script in ("train.py", "pretrain.py"):
        (tmp_path / "code" / script).touch()
    own = Session(Home(tmp_path / ".xt"), tmp_path / "code", {"PATH": "/usr/bin:/bin"})
    yield own
    own.close()


def _read_at_once(attachment: Attachment) -> None:
    """Lines of several runs come in the runs' order."""
    attachment._thread.start()
    attachment._thread.join()


def _seen_behind(app: XtApp) -> list[Screen[Any]]:
    """What is behind a dialog is in no picture: it is not laid out in each size."""
    return [] if app.screen.query(DIALOG) else App._background_screens.__get__(app)


def _restyle(app: App[int], animate: bool = True) -> None:
    """Style what is in the picture, and nothing behind it."""
    app.stylesheet.set_variables(app.get_css_variables())
    app.stylesheet.reparse()
    app.stylesheet.update(app, animate=False)
    for screen in app._background_screens:
        app.stylesheet.update(screen, animate=False)
    app.screen._refresh_layout(app.size)


def _parsed_once(sheet: Stylesheet, *source: object, **more: object) -> list[RuleSet]:
    """The same rules for each app, and each time that it wears the same colours."""
    key = (source, frozenset(more.items()), frozenset(sheet._variables.items()))
    if key not in _RULES:
        _RULES[key] = _parse(sheet, *source, **more)
    return _RULES[key]


def _drawn_for_nobody(compositor: Compositor, *_: object, **__: object) -> None:
    """What no terminal shows costs nothing, and is but counted: most of the time would go there."""
    compositor._dirty_regions.clear()
    _drawn["times"] += 1


@pytest.fixture
def own_clock(monkeypatch: pytest.MonkeyPatch) -> gallery.StandingClock:
    return gallery.StandingClock(monkeypatch)


@pytest.fixture
def work(session: Session, own_clock: gallery.StandingClock) -> Session:
    gallery.fill(session, own_clock)
    save_preset(session.team_home, "wide", Preset("train.py --epochs=3", {}, [("lr", "[.1,.2]")]))
    return session


@pytest.mark.parametrize("journey", JOURNEYS)
async def test_looks_as_before(journey: str, work: Session, snapshot: SnapshotAssertion) -> None:
    app = XtApp(work)
    async with app.run_test(size=FIRST) as pilot:
        await until_loaded(pilot, RUNS)
        await until(pilot, lambda: " step " in text_of(app), "a chart")
        await _rest_of_feed(app)
        pictures = {look.name: await _taken(pilot, look) for look in JOURNEYS[journey]}
    for name, picture in pictures.items():
        assert picture == snapshot(name=name, extension_class=Screens)


async def test_a_first_run_looks_as_before(
    session: Session, own_clock: gallery.StandingClock, snapshot: SnapshotAssertion
) -> None:
    app = XtApp(session)
    async with app.run_test(size=FIRST) as pilot:
        await until(pilot, lambda: "launch a script" in text_of(app), "the welcome")
        await _rest_of_feed(app)
        picture = await _taken(pilot, Look("first-run", (), "launch a script", ()))
    assert picture == snapshot(extension_class=Screens)


async def test_work_of_a_team_looks_as_before(
    work: Session, own_clock: gallery.StandingClock, snapshot: SnapshotAssertion
) -> None:
    """More running than is cancelled by a single key; other teams; a store that goes away."""
    gallery.crowd(work)
    (work.home.root / "config.yaml").write_text(TEAMS)
    work.reload_config()
    app = XtApp(work)
    async with app.run_test(size=FIRST) as pilot:
        await until_loaded(pilot, RUNS + 24)
        await _rest_of_feed(app)
        looks = (
            Look("cancel-many", ("asterisk", "c"), "to confirm"),
            Look("teams", ("T",), "Work with"),
            Look("stale", ("u",), "1 error", (), _lose_store),
        )
        pictures = {look.name: await _taken(pilot, look) for look in looks}
    for name, picture in pictures.items():
        assert picture == snapshot(name=name, extension_class=Screens)


async def _rest_of_feed(app: XtApp) -> None:
    """All that there is has come; nothing more does."""
    await asyncio.to_thread(app.feed.stop)


async def _taken(pilot: Pilot[int], look: Look) -> str:
    """The pictures of a look, and then the way back."""
    app = pilot.app
    assert isinstance(app, XtApp)
    look.first(app)
    await pilot.pause()
    await pilot.press(*look.keys)
    await until(pilot, lambda: look.shows in text_of(app), f"{look.name}: {look.shows}")
    pictures = await _pictures(pilot, app)
    await pilot.press(*look.back)
    if look.back:
        await until(pilot, lambda: app.screen is app.main, f"the way back from {look.name}")
    return pictures


async def _pictures(pilot: Pilot[int], app: XtApp) -> str:
    """The screen in all sizes and colours. Every other size begins with the colours that the one
    before ended with, and the last one ends in dark again: to put them on takes time."""
    letters, lines = Letters(), list[str]()
    for place, size in enumerate(SIZES):
        if app.size != size:
            await pilot.resize_terminal(*size)
            await _laid_out(pilot, app)
        taken = {colors: await _worn(pilot, app, colors) for colors in COLORS[:: (-1) ** place]}
        texts = [strip.text.rstrip() for strip in taken["dark"]]
        lines += [f"{size[0]} × {size[1]}", *texts]
        for colors in sorted(COLORS):
            is_alike = [strip.text.rstrip() for strip in taken[colors]] == texts
            assert is_alike, f"another text if {colors}"
            lines += [colors, *map(letters.row, taken[colors])]
    await pilot.resize_terminal(*FIRST)
    return "\n".join([*lines, *letters.meanings()])


async def _worn(pilot: Pilot[int], app: XtApp, colors: str) -> list[Strip]:
    """The screen in some colours, once nothing moves any more. To draw it may be what has more
    read, as of the rows in sight."""
    if _wears(app) == colors:
        await pilot.pause()
    else:
        _wear(app, colors)
    if app._background_screens:
        app.screen.refresh()  # it remembers how it was drawn with nothing behind it
    await _all_handled(pilot, app)
    for screen in app._background_screens:
        screen._refresh_layout(app.size)
        await _all_handled(pilot, app)
    while True:
        strips, before = _in_front(app), _drawn["times"]
        await _all_handled(pilot, app)
        if _drawn["times"] == before:
            return strips


async def _laid_out(pilot: Pilot[int], app: XtApp) -> None:
    """Let a resize do what it does, also on screens behind: Textual leaves what comes of it there
    until they are in front."""
    await _all_handled(pilot, app)
    for screen in app._background_screens:
        screen._refresh_layout(app.size)


async def _all_handled(pilot: Pilot[int], app: XtApp) -> None:
    """Let everybody do what they have to do, until nothing comes of it. As `Pilot.pause`, but
    without a wait for the processor to be idle."""
    quiet = 0
    while quiet < 2:
        before = _drawn["times"]
        await until(pilot, lambda: _is_at_rest(app), "the panes to be at rest")
        await app.workers.wait_for_complete()
        await asyncio.gather(*background.TASKS)
        await pilot._wait_for_screen()
        app.screen._on_timer_update()
        if app._background_screens:  # those behind are not waited for: they have to be idle
            await pilot.pause()
        quiet = quiet + 1 if _drawn["times"] == before else 0


def _is_at_rest(app: XtApp) -> bool:
    """Whether no pane waits to show what it has."""
    return app.main._resting is None and app.metrics._timer is None


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


def _wears(app: App[int]) -> str:
    """Dark, light, or what is left of dark where NO_COLOR is set."""
    return "none" if app.no_color else "light" if app.theme == "xt-light" else "dark"


def _wear(app: App[int], colors: str) -> None:
    """Put on what `_wears` tells of."""
    app.no_color = colors == "none"
    app._filters = [each for each in app._filters if not isinstance(each, Monochrome)]
    app._filters += [Monochrome()] if app.no_color else []
    theme = "xt-light" if colors == "light" else "xt-dark"
    if app.theme == theme:
        app._refresh_truecolor_filter(app.ansi_theme)
        _restyle(app)
        for screen in (app.screen, *app._background_screens):
            for widget in screen.walk_children(Widget):
                widget.notify_style_update()  # it may keep what it has drawn
                widget.refresh()
        app.theme_changed_signal.publish(app.current_theme)
    app.theme = theme


def _in_front(app: App[int]) -> list[Strip]:
    """The dialog that is open, else the screen, with what is seen of the one behind it."""
    visible_screen_stack.set(list(app._background_screens))
    compositor = app.screen._compositor
    for dialog in app.screen.query(DIALOG):
        x, y, width, height = dialog.region
        chops = compositor._render_chops(dialog.region, range(y, y + height).__contains__)
        strips = [Strip.join(chop.values()) for chop in chops[y : y + height]]
        return [strip.crop(x, x + width) for strip in strips]
    return compositor.render_strips()
