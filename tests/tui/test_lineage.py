"""Reruns and what they were made from: told in the details, gone to by key, compared."""

from dataclasses import replace
from functools import partial

from support import Xt
from textual.widgets import OptionList
from tui_support import told, until, until_loaded

from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.screens.choose import ChoiceScreen
from xt_tui.screens.compare import CompareScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.widgets.side_by_side import SideBySide


def add_rerun(session: Session, number: int, origin: str, style: str = "single") -> None:
    """A job of that number, with a completed run of the same number."""
    job = Job(f"job{number}", "ws1", "again", style, "local", "ada", 1e9, 1, 1, rerun_of=origin)
    run = Run("ws1", f"run{number}", job.name, "again", "node0", RunStatus.QUEUED, 1e9)
    session.store.add_job(job, [run], [])
    for status in (RunStatus.RUNNING, RunStatus.COMPLETED):
        session.store.change_run(RunChange("ws1", run.name, status))


def was_told(app: XtApp, reason: str) -> bool:
    return told(app)[-1:] == [reason]


def facts(app: XtApp) -> list[str]:
    """The lines of the details that tell of origins and reruns."""
    return [line.strip() for line in app.details.text.splitlines() if "rerun" in line]


async def test_details_tell_of_origin_and_reruns_as_these_come(session: Session) -> None:
    add_rerun(session, 3, "run1.2")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 8)
        app.runs.go_to("ws1/run3")
        await until(pilot, lambda: facts(app) == ["rerun of     run1.2"])
        app.runs.go_to("ws1/run1.2")
        await until(pilot, lambda: facts(app) == ["rerun as     job3"])
        add_rerun(session, 4, "run1.2")
        await until(pilot, lambda: facts(app) == ["rerun as     job3, job4"])
        add_rerun(session, 5, "job1")
        await pilot.press("2")
        app.jobs.go_to("job1")
        expected = "rerun as     job3 (of run1.2), job4 (of run1.2), job5"
        await until(pilot, lambda: facts(app) == [expected])
        app.jobs.go_to("job5")
        await until(pilot, lambda: facts(app) == ["rerun of     job1"])


async def test_a_key_goes_to_the_origin_and_back(session: Session) -> None:
    add_rerun(session, 3, "run1.2")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 8)
        await pilot.press("o")  # run1.1
        await until(
            pilot, lambda: told(app) == ["run1.1 is no rerun, and nothing was made from it"]
        )
        await pilot.press("G", "o")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")
        assert app.jobs.table.cursor_key == "all"  # it was in sight
        await pilot.press("o")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run3")
        await pilot.press("2")
        app.jobs.go_to("job3")
        await until(pilot, lambda: app.runs.table.keys == ["ws1/run3"])
        await pilot.press("o")  # what is not in sight is brought there
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")
        assert (app.jobs.job, app.main.pane) == ("job1", app.runs)
        await pilot.press("2", "o")
        await until(pilot, lambda: app.jobs.job == "job3")
        assert app.on_jobs


async def test_of_several_one_is_chosen(session: Session) -> None:
    add_rerun(session, 3, "run1.2")
    add_rerun(session, 4, "run3")
    add_rerun(session, 5, "job3", "repeat")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 9 + 1)
        app.runs.go_to("ws1/run3")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        options = app.screen.query_one("#choices", OptionList).options
        assert [str(option.prompt) for option in options] == [
            "run1.2  run3 was made from it",
            "job5    ✔ completed, was made from job3",
            "job4    ✔ completed, was made from run3",
        ]
        await pilot.press("j", "enter")  # a job that is no single run
        await until(pilot, lambda: app.jobs.job == "job5")
        assert app.on_jobs
        await pilot.press("o")
        await until(pilot, lambda: app.jobs.job == "job3")


async def test_what_cannot_be_gone_to_says_why(session: Session) -> None:
    add_rerun(session, 3, "run1.2")
    add_rerun(session, 4, "ws9/run7")
    add_rerun(session, 5, "run2")
    session.store.change_run(RunChange("ws1", "run1.2", fields={"tags": {"archived": True}}))
    session.store.update_job("job2", tags={"archived": True})
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 9)
        for run, reason in (
            ("run3", "run1.2 is archived: A shows what is"),
            ("run4", "ws9/run7 is not there"),
            ("run5", "job2 is archived: A shows what is"),
        ):
            app.runs.go_to(f"ws1/{run}")
            await pilot.press("o")
            await until(pilot, partial(was_told, app, reason))
        await pilot.press("g", "space", "space", "o")
        await until(pilot, lambda: told(app)[-1] == "2 runs are marked: choose one")
        await pilot.press("u", "A")
        await until(pilot, lambda: "ws1/run1.2" in app.runs.table.keys)
        app.runs.go_to("ws1/run3")
        await pilot.press("o")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")


async def test_a_rerun_is_compared_with_its_origin_and_that_with_its_reruns(
    session: Session,
) -> None:
    add_rerun(session, 3, "run1.2")
    add_rerun(session, 4, "run1.2")
    add_rerun(session, 5, "job1")
    add_rerun(session, 6, "job3")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 11)

        async def compared() -> list[str]:
            await pilot.press("plus")
            await until(pilot, lambda: isinstance(app.screen, CompareScreen))
            await until(pilot, lambda: app.screen.query_one(SideBySide)._shown.names)
            return list(app.screen.query_one(SideBySide)._shown.names)

        app.runs.go_to("ws1/run4")
        await pilot.press("g", "space")  # marks are not what is meant
        await pilot.press("plus")
        await until(
            pilot, lambda: told(app)[-1] == "run1.1 is no rerun, and nothing was made from it"
        )
        await pilot.press("u")
        app.runs.go_to("ws1/run4")
        assert await compared() == ["run1.2", "run4"]
        await pilot.press("enter")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")
        assert await compared() == ["run1.2", "run3", "run4"]
        await pilot.press("escape")
        app.runs.go_to("ws1/run6")
        assert await compared() == ["run3", "run6"]
        await pilot.press("escape")
        app.runs.go_to("ws1/run5")
        await pilot.press("plus")
        reason = "run5 was made from job1, a search: mark runs of it, = compares them"
        await until(pilot, lambda: told(app)[-1] == reason)
        await pilot.press("2")
        app.jobs.go_to("job1")
        await until(pilot, lambda: app.jobs.job == "job1")
        await pilot.press("plus")
        reason = "job1 is a search: mark runs of it, = compares them"
        await until(pilot, lambda: told(app)[-1] == reason)


async def test_runs_of_a_search_made_again_are_compared_by_their_index(session: Session) -> None:
    again = replace(session.store.job("job1"), name="job3", rerun_of="job1")
    parent = replace(session.store.run("ws1", "run1"), name="run3", job="job3")
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED, "node0") for n in (2, 9)]
    session.store.add_job(again, [parent], items)
    for _ in items:
        session.store.claim_child(session.store.run("ws1", "run3"), "node0")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 9)
        app.runs.go_to("ws1/run3.1")
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        table = app.screen.query_one(SideBySide)
        await until(pilot, lambda: table._shown.names == ["run1.3", "run3.1"])
        await pilot.press("escape")
        app.runs.go_to("ws1/run3.2")
        await pilot.press("plus")
        reason = "run3.2 was made from job1, a search: mark runs of it, = compares them"
        await until(pilot, lambda: was_told(app, reason))


async def test_a_column_and_a_filter_tell_what_runs_were_made_from(session: Session) -> None:
    add_rerun(session, 3, "run1.2")
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 8)
        await pilot.press("slash", *"rerun_of=run1.2", "enter")
        await until(pilot, lambda: app.runs.table.keys == ["ws1/run3"])
        await pilot.press("2", "slash", *"rerun_of=run1.2", "enter")
        await until(pilot, lambda: app.jobs.table.keys == ["all", "job3"])


async def test_what_the_form_launches_again_knows_what_it_was_made_from(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("nothing.py")
    assert xt.wait_job("job1") == "completed"
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 1)
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until(pilot, lambda: not app.screen.query_one("#go").disabled)
        await pilot.press(*" x", "ctrl+l")  # also if it is changed
        await until(pilot, lambda: app.jobs.job == "job2")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run2")
        await pilot.press("o")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1")
    assert session.store.job("job2").rerun_of == "run1"
    assert session.store.job("job2").command == "nothing.py x"
