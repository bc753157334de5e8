"""Waiting for the terminal UI: for conditions, never for a time."""

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from xt_core.model.records import MetricRecord, Value
from xt_core.session import Session
from xt_core.stats.store import JournalBatch
from xt_tui.app import XtApp
from xt_tui.panes.rows import RowsPane
from xt_tui.screens.search import SearchScreen

PATIENCE_SECONDS = 60.0


async def until(pilot: Pilot[int], holds: Callable[[], Any], what: str = "the condition") -> Any:
    """Let the app work until a condition holds; its value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := holds()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await pilot.pause(0.02)
    return value


async def until_loaded(pilot: Pilot[int], runs: int, *, as_at_first: bool = False) -> XtApp:
    """Wait until so many runs are shown; the oldest first, unless they are to stand as they do at
    first."""
    app = pilot.app
    assert isinstance(app, XtApp)
    if not as_at_first and app.runs.selection.reverse:
        app.runs.reverse()
    await until(pilot, lambda: len(app.runs.table.keys) == runs, f"{runs} runs to be shown")
    await until(pilot, lambda: _stands(app.runs), "their order")
    if not as_at_first:
        app.runs.table.rest_at_top()
    return app


def _stands(pane: RowsPane[Any]) -> bool:
    """Whether all rows there are have come, as they are to be: from now on the cursor stays."""
    return pane._all_asked is not None and pane._arrangement.asked == pane._asked


def names(app: XtApp) -> list[str]:
    """The runs shown, without their workspace."""
    return [key.partition("/")[2] for key in app.runs.table.keys]


def attached(app: XtApp) -> list[str]:
    """The full names of the runs whose output is shown."""
    return [run.full_name for run in app.output.runs]


def told(app: XtApp) -> list[str]:
    """What notifications have said, the newest last."""
    return [event.message for event in reversed(app.events.newest_first())]


def text_of(app: XtApp) -> str:
    """What is on screen, as plain text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])[: (width + 1) * height]


def log_loss(session: Session, run: str, loss: float) -> None:
    """Two steps of a metric."""
    log_values(session, run, {"loss": loss * 2}, {"loss": loss})


def log_values(session: Session, run: str, *values: dict[str, Value]) -> None:
    """A step of metrics for each of these."""
    start = session.store.journal_end("ws1", run)
    points = [
        MetricRecord(start + step, 1e9, float(step), each) for step, each in enumerate(values)
    ]
    session.store.add_journal(JournalBatch("ws1", run, start, start + 10, points))


async def open_search(pilot: Pilot[int], job: int = 2) -> SearchScreen:
    """The results of the job that stands so many rows below "all"."""
    app = await until_loaded(pilot, 7)
    await until(pilot, lambda: len(app.jobs.table.keys) >= 3)
    await pilot.press("2", *["j"] * job)
    await until(pilot, lambda: app.jobs.job is not None)
    await pilot.press("S")
    screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
    assert isinstance(screen, SearchScreen)
    await until(pilot, lambda: screen.sets.table.keys)
    return screen


def shown(screen: SearchScreen, part: str) -> str:
    """What a part of the results shows."""
    return str(screen.query_one(f"#search-{part}", Static).render())
