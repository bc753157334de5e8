"""The filter bar and the dialog of sort orders: completion, history, hits, any field."""

import threading

import pytest
from textual.widgets import Input
from tui_support import names, text_of, until, until_loaded

from xt_core.model.records import Run
from xt_core.query import regexes
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.views import View
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.submit.submission import Submission
from xt_tui.app import XtApp
from xt_tui.completion import completed
from xt_tui.panes.arranging import Arrangement, Wish
from xt_tui.screens.field import FieldScreen

ALL = ["run1.1", "run1.2", "run1.3", "run1.4", "run1.5", "run1.6", "run2"]
NAMES = ["run", "run_index", "status", "hparams.lr", "metrics.loss", 'tags."a b"']


def test_names_and_known_values_are_completed() -> None:
    def of(text: str) -> str | None:
        return completed(text, RUN_FIELDS, NAMES)

    assert of("st") == "status"
    assert of("metrics.loss<.2 hp") == "metrics.loss<.2 hparams.lr"
    assert of("status=r") == "status=running"
    assert of("status!=comp") == "status!=completed"
    assert of("status=running,err") == "status=running,error"
    assert of("status=running") is None
    assert of("is_parent=") == "is_parent=true"
    assert of("tags.best:exists:f") == "tags.best:exists:false"
    assert of("nothing=x") is None
    assert of("metrics.loss<") is None
    assert of("") is None
    assert of("status=running ") is None
    assert of("experiment='st") is None


async def test_the_filter_is_completed_counted_and_remembered(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"stat", "tab", *"=c", "tab")
        bar = app.runs.query_one(".filter", Input)
        await until(pilot, lambda: bar.value == "status=created")
        await pilot.press(*["backspace"] * 6, *"om", "tab")
        await until(pilot, lambda: names(app) == [ALL[0], ALL[1], ALL[3], ALL[4], ALL[6]])
        assert bar.value == "status=completed"
        await until(pilot, lambda: "5 of 7" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "5 of 7 runs · filter status=completed" in text_of(app))
        await pilot.press("/", *" metrics.loss<.25")
        await until(pilot, lambda: names(app) == ["run1.5"])
        await pilot.press("enter", "ctrl+g")
        await until(pilot, lambda: names(app) == ALL)
        await pilot.press("/", *"ERR")  # a word: of names, tags and notes, or the begin of a state
        await until(pilot, lambda: names(app) == ["run1.3"])
        await pilot.press(*["backspace"] * 3, *"run")  # it may become run=…: enter tells
        await until(pilot, lambda: names(app) == ALL and "run_index" in text_of(app))
        await pilot.press(*"2", "enter")
        await until(pilot, lambda: names(app) == ["run2"])
        app.runs.apply(View(filter="job"))  # nobody types on
        await until(pilot, lambda: names(app) == ALL and "7 of 7 runs · filter job" in text_of(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "filter job" not in text_of(app))
    async with XtApp(session).run_test(size=(60, 20)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"hparams.l")
        await until(pilot, lambda: "hparams.lr" in text_of(app).splitlines()[2])
        await pilot.press("ctrl+u", *"run=run9")
        await until(pilot, lambda: "no run matches the filter" in text_of(app))
        await pilot.press("backspace", "2", "up", "up")
        bar = app.runs.query_one(".filter", Input)
        await until(pilot, lambda: bar.value == "status=completed metrics.loss<.25")
        await pilot.press("up")
        await until(pilot, lambda: bar.value == "status=completed")
        await until(pilot, lambda: "5 of 7" in text_of(app))
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: bar.value == "run=run2" and names(app) == ["run2"])
        await pilot.press("space", *"x=")
        await until(pilot, lambda: "malformed" in text_of(app) or "no field" in text_of(app))
        assert names(app) == ["run2"]


async def test_any_field_and_several_can_be_sorted_by(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("O", *"created")
        await until(pilot, lambda: isinstance(app.screen, FieldScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.runs.selection.sort == "created")
        await pilot.press("O", *"-status,-lr")
        await until(pilot, lambda: "-status,-hparams.lr" in text_of(app))
        await pilot.press("enter")
        by_status = ["run1.6", "run1.3", "run1.5", "run1.4", "run1.2", "run1.1", "run2"]
        await until(pilot, lambda: names(app) == by_status)
        await until(pilot, lambda: "status▼1" in text_of(app) and "lr▼2" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: names(app)[:2] == ["run1.1", "run1.2"])
        await pilot.press("O", *"nonsens")
        await until(pilot, lambda: "there is no field 'nonsens'" in text_of(app))
        await pilot.press("enter", "ctrl+g")
        await until(pilot, lambda: not isinstance(app.screen, FieldScreen))
        assert app.runs.selection.sort == "-status,-hparams.lr"


async def test_a_filter_that_takes_for_ever_is_told_and_not_used(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regexes, "_VALUE_SECONDS", 0.05)
    fields = {"hparams": {"text": "x" * 5_000}}
    session.store.change_run(RunChange("ws1", "run1.6", fields=fields))
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"hparams.text:regex:(x+x+)+y")
        await until(pilot, lambda: "the regular expression (x+x+)+y takes too long" in text_of(app))
        await until(pilot, lambda: names(app) == ALL)
        await pilot.press("enter")
        await until(pilot, lambda: "7 runs" in str(app.runs.border_subtitle))
        await pilot.press("/", "backspace", "x")
        await until(pilot, lambda: names(app) == ["run1.6"])


async def test_a_name_that_no_run_has_is_told_and_one_without_its_family_is_found(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"metrics.los<.25")
        hint = "no run has logged metrics.los; did you mean metrics.loss?"
        await until(pilot, lambda: hint in text_of(app) and "0 of 7" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: hint in text_of(app) and app.focused is app.runs.table)
        await pilot.press("/", *" and (")
        await until(pilot, lambda: "'and' joins no conditions: all conditions hold" in text_of(app))
        await pilot.press("ctrl+u", *"loss<.25 status=running,error")
        await until(pilot, lambda: names(app) == ["run1.6"])
        assert hint not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "filter loss<.25" in text_of(app))
        app.runs.apply(View(filter="lr<.15"))
        await until(pilot, lambda: names(app) == ["run1.1"])


async def test_no_filter_hides_what_was_launched(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for pane in (app.jobs, app.runs):
            pane.apply(View(filter="job=job1"))
        await until(pilot, lambda: names(app) == ALL[:6])
        app.launched(Submission("ws1", "job2", ["run2"], "single", 1, ["node0"]))
        await until(pilot, lambda: app.jobs.job == "job2" and names(app) == ["run2"])
        assert not app.jobs.is_filtered
        assert not app.runs.is_filtered


@pytest.mark.parametrize("is_left", [False, True])
async def test_the_cursor_stays_with_a_row_that_an_old_arrangement_lacks(
    session: Session, monkeypatch: pytest.MonkeyPatch, is_left: bool
) -> None:
    """Unless the user leaves that row meanwhile."""
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        pane, may_go_on = app.runs, threading.Event()
        arrange = pane._arranger.arrange

        def arrange_late(wish: Wish[Run], now: float) -> Arrangement[Run]:
            assert may_go_on.wait(60)
            return arrange(wish, now)

        monkeypatch.setattr(pane._arranger, "arrange", arrange_late)
        pane.apply(View(filter="run=run1.1"))
        pane.clear_filter()
        pane.go_to("ws1/run1.4")
        assert pane.table.cursor_key == "ws1/run1.4"
        if is_left:
            pane.table.action_cursor(1)
        asked = pane._asked
        may_go_on.set()
        await until(pilot, lambda: pane._arrangement.asked >= asked)
        assert names(app) == ALL
        assert pane.table.cursor_key == ("ws1/run1.5" if is_left else "ws1/run1.4")
