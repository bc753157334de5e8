"""What comes late: after the user has left a screen, or to one under another, or of other work."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from tui_support import (
    log_loss,
    log_values,
    open_search,
    shown,
    text_of,
    told,
    until,
    until_loaded,
)

from xt_core import annotations
from xt_core.errors import UsageError
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange, RunQuery
from xt_core.submit.submission import Submission
from xt_tui.acting import annotating, teams
from xt_tui.acting.steering import Acted
from xt_tui.app import XtApp
from xt_tui.charting.choice import Choice, Wanted
from xt_tui.panes.metrics import MetricsPane
from xt_tui.panes.rows import RowsPane
from xt_tui.screens.ask import AskScreen
from xt_tui.screens.box import BoxScreen
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.search import SearchScreen
from xt_tui.widgets.preview import Preview

JOB2 = Submission("ws1", "job2", ["run2"], "single", 1, ["node0"])
LAUNCHED = "job2: 1 run (single)"


async def form_of(pilot: Pilot[int]) -> LaunchScreen:
    """The launch form, just opened."""
    await pilot.press("n")
    app = pilot.app
    form = await until(pilot, lambda: isinstance(app.screen, LaunchScreen) and app.screen)
    assert isinstance(form, LaunchScreen)
    return form


async def test_a_form_under_another_dialog_ends_when_that_is_left(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_submit, submitted = threading.Event(), []

    def submit(form: LaunchScreen, request: object) -> LaunchScreen.Submitted:
        submitted.append(request)
        assert may_submit.wait(60)
        return form.Submitted(JOB2)

    monkeypatch.setattr(LaunchScreen, "_submit", submit)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await form_of(pilot)
        form.command.value = "true"
        await until(pilot, lambda: not form.query_one("#go").disabled)
        await pilot.press("ctrl+l", "ctrl+s", *"mine")
        asking = await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.screen)
        may_submit.set()
        await until(pilot, lambda: not any(each.description == "submit" for each in app.workers))
        await pilot.pause()
        assert (app.screen, LAUNCHED in told(app)) == (asking, False)
        await pilot.press("escape", "ctrl+l")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: LAUNCHED in told(app))
        assert len(submitted) == 1


@pytest.mark.parametrize("submission", [JOB2, None])
async def test_what_becomes_of_a_launch_is_told_if_its_form_is_just_left(
    session: Session, submission: Submission | None
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await form_of(pilot)
        form.post_message(form.Submitted(submission, "" if submission else "disk full"))
        form.action_leave()
        await until(pilot, lambda: (LAUNCHED if submission else "disk full") in told(app))
        assert app.screen is app.main


async def test_a_preview_of_a_form_that_is_left_is_not_shown(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for turns in range(12):
            form = await form_of(pilot)
            preview = form.query_one(Preview)
            form.dismiss(None)
            for _ in range(turns):
                await asyncio.sleep(0)
            preview.post_message(preview.Previewed(preview._typed, None, []))
            await until(pilot, lambda: app.screen is app.main)


async def test_a_box_that_was_added_is_told_if_its_form_is_just_left(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("b")
        form = await until(pilot, lambda: isinstance(app.screen, BoxScreen) and app.screen)
        form.post_message(form.Ended("gpu1"))
        form.dismiss(None)
        await until(pilot, lambda: "box gpu1 was added" in told(app))
        assert app.screen is app.main


async def test_what_was_done_for_another_team_is_told_and_not_shown(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        row, other = app.state.jobs["job2"], session.beside()
        theirs = row._replace(job=replace(row.job, name="job9"))
        app.post_message(Acted("job9 archived", [], rows=[theirs], session=other))
        await until(pilot, lambda: "job9 archived" in told(app))
        assert sorted(app.state.jobs) == ["job1", "job2"]
        app.post_message(Acted("job9 noted", [], rows=[theirs], session=app.session))
        await until(pilot, lambda: "job9 noted" in told(app))
        assert sorted(app.state.jobs) == ["job1", "job2", "job9"]
        other.close()


async def test_an_act_fails_while_a_search_is_being_opened(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        app.runs.go_to("ws1/run1.6")
        await until(pilot, lambda: app.main.meant_job == "job1")
        app.call_next(app.open_search)  # as the palette does it
        app.call_later(lambda: None)
        app.post_message(Acted("", ["ws1/run1.6"], UsageError("no controller", ""), doing="x"))
        await until(pilot, lambda: isinstance(app.screen, SearchScreen))
        await until(pilot, lambda: "no controller" in told(app))


async def test_a_filter_is_not_given_up_for_an_older_one_that_was_too_slow(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("3", "slash", *"run1.2")
        await until(pilot, lambda: app.runs.table.keys == ["ws1/run1.2"])
        typed = app.runs.selection.filters
        app.runs.post_message(RowsPane.TooSlow("a regular expression", tuple(reversed(typed))))
        await pilot.pause()
        assert (app.runs.is_filtered, app.runs.selection.filters) == (True, typed)
        app.runs.post_message(RowsPane.TooSlow("a regular expression", typed))
        await until(pilot, lambda: not app.runs.is_filtered)


async def test_curves_chosen_for_another_job_are_not_drawn(session: Session) -> None:
    for number in range(3, 16):
        job = Job(f"job{number}", "ws1", "more", "single", "local", "ada", 1e9, 1, 1)
        run = Run("ws1", f"run{number}", job.name, "more", "node0", RunStatus.COMPLETED, 1e9)
        session.store.add_job(job, [run], [])
        log_loss(session, run.name, number)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 20)
        await pilot.press("3", "asterisk")
        await until(pilot, lambda: "the 10 best" in str(app.metrics.border_subtitle))
        chosen = [app.state.runs[key] for key in app.runs.table.keys]
        theirs = [replace(run, job="job9", metrics={"other": 1.0}) for run in chosen]
        for runs in (theirs, [replace(run, job=chosen[0].job) for run in theirs]):
            assert app.metrics.logged == ["loss"]
            app.metrics.post_message(MetricsPane.Chosen(Choice(runs[:10]), Wanted(runs, "loss")))
            await pilot.pause()
        assert app.metrics.logged == ["other"]


async def test_what_was_begun_before_another_team_was_shown_is_done_to_its_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating, "_PART", 1)
    begun, may_go_on, closed = threading.Event(), threading.Event(), threading.Event()
    plain, close = annotations.annotate, session.close

    def annotate(*change: Any) -> None:
        if len(change[1]) and change[1][0].name == "run1.3":
            begun.set()
            assert may_go_on.wait(60)
        plain(*change)

    def closing() -> None:
        close()
        closed.set()

    monkeypatch.setattr(annotating, "annotate", annotate)
    monkeypatch.setattr(session, "close", closing)
    monkeypatch.setattr(teams, "Session", lambda *_: Session(session.home, session.cwd, {}))
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("asterisk", "t", *"best", "enter")
        await until(pilot, begun.is_set)
        teams.switch(app, "other")
        await until(pilot, lambda: app.session is not session and app.state.loaded)
        assert not closed.is_set()
        may_go_on.set()
        await until(pilot, closed.is_set)
        store = app.session.store
        assert all("best" in run.tags for run in store.find_runs(RunQuery(parents=False))[0])
        app.session.close()


async def test_what_was_launched_for_another_team_is_told_and_not_gone_to(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await form_of(pilot)
        form._purpose = ("another", "")
        await pilot.press("escape")
        await until(pilot, lambda: form not in app.screen_stack)
        await pilot.press("slash", *"lr>.2", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 4)
        before = app.jobs.table.cursor_key
        form._tell(app, form.Submitted(JOB2))
        await until(pilot, lambda: told(app)[-1:] == [LAUNCHED])
        await pilot.pause()
        assert (app.jobs.table.cursor_key, app.runs.is_filtered) == (before, True)


async def test_a_chart_whose_drawing_was_overtaken_is_drawn(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        await until_loaded(pilot, 7)
        screen = await open_search(pilot)
        await until(pilot, lambda: "best so far" in shown(screen, "progress"))
        may_draw, drawing, plain = threading.Event(), threading.Event(), SearchScreen._text

        def text(own: SearchScreen, *part: Any) -> Text:
            drawing.set()
            assert may_draw.wait(60)
            return plain(own, *part)

        monkeypatch.setattr(SearchScreen, "_text", text)
        session.store.change_run(RunChange("ws1", "run1.6", fields={"notes": "a"}))
        await until(pilot, drawing.is_set)
        log_values(session, "run1.6", {"loss": 0.01})
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        ended = "5 completed, 0 running"
        await until(pilot, lambda: ended in str(screen.query_one("#search-facts").render()))
        await pilot.press("2")  # asks for another chart before that one is begun
        await until(pilot, lambda: screen._asked is not None and screen._asked[0] == "parameters")
        may_draw.set()
        await until(pilot, lambda: "loss by parameter" in shown(screen, "parameters"))
        await pilot.press("1")
        await until(pilot, lambda: "best so far 0.01" in shown(screen, "progress"))


async def test_a_cancel_in_the_results_counts_what_is_chosen_there(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("3", "asterisk")
        app.runs.go_to("ws1/run1.6")
        await until(pilot, lambda: app.main.meant_job == "job1")
        await pilot.press("S")
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: len(screen.sets.table.keys) == 6)
        screen.sets.table.move_to("ws1/run1.6")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await until(pilot, lambda: "SIGTERM, the grace period" in text_of(app))
        assert "more that you chose" not in text_of(app)
