"""Names that nobody can ask for, which a script may log by all the same: no screen minds them."""

import pytest
from tui_support import log_values, open_search, text_of, told, until, until_loaded

from xt_core.model.records import Value
from xt_core.session import Session
from xt_core.stats.store import JournalBatch, RunChange
from xt_tui.app import XtApp
from xt_tui.screens.compare import CompareScreen

ODD: dict[str, Value] = {"": 1.5, "a\0b": 2.5, "\ud800": 3.5, "x\ny": 4.5, "fine": 5.5}


@pytest.fixture
def odd(session: Session) -> Session:
    """A store of which two runs have logged by such names, as hyperparameters and tags too."""
    for run in ("run1.1", "run1.2", "run2"):
        log_values(session, run, ODD)
        end = session.store.journal_end("ws1", run)
        session.store.add_journal(JournalBatch("ws1", run, end, end + 1, [], ODD, ODD))
        session.store.change_run(RunChange("ws1", run, fields={"notes": "odd"}))
    return session


async def test_tables_charts_and_details_show_the_others(odd: Session) -> None:
    async with XtApp(odd).run_test(size=(200, 60)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "fine" in text_of(app))
        await pilot.press("slash", *"metrics.fine>1", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 3)
        await pilot.press("4")
        await until(pilot, lambda: "fine" in app.metrics.metrics)
        await pilot.press("z", "pagedown", "pagedown", "z", "3", "B", *"metrics.fine", "enter")
        await until(pilot, lambda: app.runs.group)
        await pilot.press("B", *"(no", "enter", "O", *"metrics.fine", "enter", "C", "escape", "6")
        for _ in range(6):
            await pilot.press("l")
            await until(pilot, lambda: app.details.text)
        await pilot.press("3", "asterisk", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "against" in text_of(app))
        await pilot.press("a", "escape", "colon", *"fine", "escape")
        assert not [text for text in told(app) if "Error" in text]


async def test_results_show_the_others(odd: Session) -> None:
    async with XtApp(odd).run_test(size=(160, 48)) as pilot:
        screen = await open_search(pilot)
        await until(pilot, lambda: len(screen.sets.table.keys) == 6)
        await pilot.press("2", "3", "slash", *"metrics.fine>1", "enter")
        await until(pilot, lambda: len(screen.sets.table.keys) == 2)
        app = pilot.app
        assert isinstance(app, XtApp)
        assert not [text for text in told(app) if "Error" in text]
