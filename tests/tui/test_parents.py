"""A job before its first run, or that never had one: its parent tells how it goes, and why."""

from tui_support import text_of, until

from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.screens.confirm import ConfirmScreen


def _begin(session: Session) -> None:
    """job3: two runs to come, once the script of run3 has ended."""
    store = session.store
    job = Job("job3", "ws1", "e", "repeat", "local", "ada", 1e9, 2, 1)
    parent = Run("ws1", "run3", "job3", "e", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED, "node0") for n in range(2)]
    store.add_job(job, [parent], items)
    fields = {"command": "prepare.py"}
    store.change_run(RunChange("ws1", "run3", RunStatus.RUNNING, "started", fields=fields))


def _fail(session: Session) -> None:
    session.artifacts.put_bytes("ws1/runs/run3/logs/output.txt", b"ValueError: no data\n")
    session.store.cancel_unstarted("job3")
    fields = {"exit_code": 1, "error": "parent script: exit code 1"}
    session.store.change_run(RunChange("ws1", "run3", RunStatus.ERROR, "ended", fields=fields))


async def test_a_parent_script_is_seen_followed_and_cancelled_before_there_are_runs(
    session: Session,
) -> None:
    _begin(session)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.jobs.table.place("job3") is not None)
        assert app.state.job_status(app.state.jobs["job3"]) == "running"
        await pilot.press("2")
        app.jobs.go_to("job3")
        told = "no runs yet: run3 (a shows its output) runs the parent script"
        await until(pilot, lambda: told in text_of(app))
        await pilot.press("6")
        said = "run3 running on node0: parent script: prepare.py"
        await until(pilot, lambda: said in app.details.text)
        await pilot.press("2", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "1 parent script, 0 running runs, 2 waiting" in text_of(app)
        await pilot.press("escape")
        assert [run.name for run in app.main.output_of] == ["run3"]
        _fail(session)  # a living one would be asked for at a controller, which would be started
        await until(pilot, lambda: app.state.parents["ws1/run3"].status == "error")
        await pilot.press("a")
        await until(pilot, lambda: "run3 (parent) · ✘ error" in str(app.output.border_subtitle))


async def test_a_failed_parent_script_tells_why_there_are_no_runs(session: Session) -> None:
    _begin(session)
    _fail(session)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.jobs.table.place("job3") is not None)
        app.jobs.go_to("job3")
        told = "no runs: run3 (a shows its output) failed: parent script: exit code 1"
        await until(pilot, lambda: told in text_of(app))
        await pilot.press("2", "6")
        await until(pilot, lambda: "first_error  ValueError: no data" in app.details.text)
        assert "parent       run3 error on node0: parent script: exit code 1" in app.details.text
        assert "its output   xt attach run3" in app.details.text
        await pilot.press("3", "a")
        await until(pilot, lambda: app.output.view.lines == ["ValueError: no data"])


async def test_once_there_are_runs_output_is_theirs(session: Session) -> None:
    _begin(session)
    _fail(session)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.jobs.table.place("job3") is not None)
        await until(pilot, lambda: [run.name for run in app.main.output_of] == ["run2"])
        await pilot.press("3", "slash", *"nothing", "enter")
        await until(pilot, lambda: not app.runs.chosen)
        assert app.main.output_of == []
