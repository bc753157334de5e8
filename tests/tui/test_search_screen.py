"""The search of a job, on a screen of its own."""

import math
import threading
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static
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

from xt_core.model.records import Job, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.nodes.controllers import Controllers
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.panes.details import Page
from xt_tui.screens.compare import CompareScreen
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.help import HelpScreen
from xt_tui.screens.search import SearchScreen
from xt_tui.widgets.table import Table


def sets(screen: SearchScreen) -> list[str]:
    return [key.partition("/")[2] for key in screen.sets.table.keys]


async def test_a_search_is_shown_whole_with_the_best_set_first(session: Session) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        screen = await open_search(pilot)
        facts = str(screen.query_one("#search-facts", Static).render()).split("\n")
        assert facts[0] == "job1 running: static grid, "
        assert facts[1].endswith("4 completed, 1 running, 0 waiting, 1 failed, 0 cancelled, of 6")
        best = "best (least loss): run1.5, 0.2"
        facts_now = screen.query_one("#search-facts", Static)
        await until(
            pilot,
            lambda: (
                str(facts_now.render()).split("\n")[2] == f"{best} · of those running: run1.6, 0.1"
            ),
        )
        assert facts[2].startswith(best)
        assert sets(screen) == [f"run1.{number}" for number in range(6, 0, -1)]
        await until(pilot, lambda: "best so far (least loss)" in shown(screen, "progress"))
        assert "still running, best first: run1.6 0.1" in shown(screen, "progress")
        assert "best so far 0.2  ◆ completed  ◇ running" in shown(screen, "progress")
        assert list(screen.sets.runs["ws1/run1.6"].hparams.items()) == [("lr", 0.6)]
        await pilot.press("2")
        await until(pilot, lambda: "it takes 10 completed runs" in shown(screen, "parameters"))
        assert "loss by parameter" in shown(screen, "parameters")
        await pilot.press("4")
        assert screen.focused is not screen.sets.table, (
            "one objective: no front, the sets are the third"
        )
        assert "3 Sets" in text_of(app_of(pilot))
        await pilot.press("3", "r")
        assert screen.focused is screen.sets.table
        await until(pilot, lambda: sets(screen)[0] == "run1.1")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_it_follows_the_job(session: Session) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        screen = await open_search(pilot)
        await until(pilot, lambda: "best so far" in shown(screen, "progress"))
        before = shown(screen, "progress")
        log_loss(session, "run1.6", 0.05)
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: shown(screen, "progress") != before)
        facts = screen.query_one("#search-facts", Static)
        await until(pilot, lambda: "best (least loss): run1.6, 0" in str(facts.render()))
        await until(pilot, lambda: "✔ completed" in text_of(app_of(pilot)))


async def test_runs_of_the_results_are_cancelled_marked_and_compared(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = list[str]()
    monkeypatch.setattr(
        Controllers, "cancel", lambda _self, runs: cancelled.extend(run.name for run in runs)
    )
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        screen, app = await open_search(pilot), app_of(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        keys = [" ".join(line.split()) for line in text_of(app).split("\n")]
        assert any("The results of a search" in line for line in keys)
        assert any("space mark or unmark the run" in line for line in keys)
        await pilot.press("escape", "j", "c")
        await until(pilot, lambda: told(app) == ["what is chosen has ended"])
        app.read_only = True
        await pilot.press("k", "c", "j")
        await until(pilot, lambda: told(app)[-1].startswith("it is read-only"))
        app.read_only = False
        await pilot.press("k", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "Cancel run1.6?" in text_of(app)
        await pilot.press("y")
        await until(pilot, lambda: cancelled == ["run1.6"])
        await until(pilot, lambda: app.screen is screen and "◍ cancelling" in text_of(app))
        await pilot.press("equals_sign")
        await until(pilot, lambda: told(app)[-1].startswith("mark the runs to compare"))
        await pilot.press("space", "v", "j", "v", "u", "asterisk")
        assert len(screen.sets.chosen) == 6
        await pilot.press("u", "space", "space", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "1 run against" in text_of(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_sets_are_filtered_and_enter_goes_to_the_run(session: Session) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        screen = await open_search(pilot)
        before = sets(screen)
        await pilot.press("slash", *"hparams.lr<.3")
        await until(pilot, lambda: sets(screen) == ["run1.2", "run1.1"])
        await pilot.press("escape")  # out of the filter, not of the results
        await until(pilot, lambda: sets(screen) == before)
        assert screen.is_current
        await pilot.press("slash", *"hparams.lr<.3", "enter")
        await until(pilot, lambda: sets(screen) == ["run1.2", "run1.1"])
        await pilot.press("enter")
        app = app_of(pilot)
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: app.runs.run is not None and app.runs.run.name == "run1.2")
        assert app.main.pane is app.runs


async def test_enter_goes_to_the_run_also_if_a_filter_hides_it(session: Session) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("3", "slash", *"hparams.lr>.5", "enter")
        await until(pilot, lambda: list(app.runs.table.keys) == ["ws1/run1.6"])
        await pilot.press("S")
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: sets(screen)[-1:] == ["run1.1"])
        await pilot.press("z")
        assert screen.maximized is screen.sets
        await pilot.press("1")
        assert screen.maximized is None, "the charts cannot be seen beside the sets alone"
        await until(pilot, lambda: isinstance(screen.focused, Page))
        await pilot.press("z")
        charts = screen.query_one("#search-charts")
        await until(pilot, lambda: screen.maximized is charts)
        await until(pilot, lambda: charts.size.height == screen.size.height)
        await pilot.press("3")
        assert screen.maximized is None
        await until(pilot, lambda: screen.focused is screen.sets.table)
        await pilot.press("G", "enter")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: app.runs.run is not None and app.runs.run.name == "run1.1")
        assert app.jobs.job is None
        await until(pilot, lambda: len(app.runs.table.keys) == 7, "the runs of all jobs, as before")
        assert app.runs.run is not None
        assert app.runs.run.name == "run1.1"
        assert app.main.pane is app.runs


async def test_keys_wait_for_the_sets_and_are_let_go_if_the_screen_is_left(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, may_read = type(session.store).search_history, threading.Event()

    def read_late(*of: Any) -> Any:
        assert may_read.wait(60)
        return read(*of)

    monkeypatch.setattr(type(session.store), "search_history", read_late)
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        app = await until_loaded(pilot, 7)
        app.runs.go_to("ws1/run1.2")
        app.post_message(events.Key("S", "S"))
        app.post_message(events.Key("enter", None))
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: screen.query(Table))
        assert sets(screen) == []
        may_read.set()
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: app.runs.run is not None and app.runs.run.name == "run1.6")

        may_read.clear()
        app.post_message(events.Key("S", "S"))
        app.post_message(events.Key("k", "k"))
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: screen.query(Table))
        screen.dismiss(None)  # as a click on the key that leads back does it
        await until(pilot, lambda: app.runs.run is not None and app.runs.run.name == "run1.5")
        assert screen.part == ""  # what draws late finds nothing to draw
        may_read.set()


async def test_several_objectives_have_a_front(session: Session) -> None:
    add_two_objectives(session)
    async with XtApp(session).run_test(size=(100, 30)) as pilot:
        app = await until_loaded(pilot, 10)
        await until(pilot, lambda: "job3" in app.jobs.table.keys)
        app.jobs.table.move_to("job3")
        await pilot.press("2")
        await until(pilot, lambda: app.jobs.job == "job3")
        await pilot.press("S")
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: screen.sets.table.keys)
        await pilot.press("3")
        await until(pilot, lambda: "Pareto front: 2 of 3 completed runs" in shown(screen, "front"))


async def test_a_single_run_is_no_search(session: Session) -> None:
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: len(app.jobs.table.keys) == 3)
        await pilot.press("2", "j")
        await until(pilot, lambda: app.jobs.job == "job2")
        await pilot.press("S")
        await until(pilot, lambda: told(app))
        assert told(app) == ["job2 is a single run"]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_every_size_of_terminal_shows_sets_and_charts(
    session: Session, size: tuple[int, int]
) -> None:
    async with XtApp(session).run_test(size=size) as pilot:
        screen = await open_search(pilot)
        await until(pilot, lambda: "best so far" in shown(screen, "progress"))
        app = app_of(pilot)
        await until(pilot, lambda: "run1.6" in text_of(app))
        assert "1 Progress" in text_of(app)


def app_of(pilot: Pilot[int]) -> XtApp:
    assert isinstance(pilot.app, XtApp)
    return pilot.app


def add_two_objectives(session: Session) -> None:
    """job3: three completed runs with loss 3, 2, 1 and size 1, 2, 2."""
    store = session.store
    job = Job("job3", "ws1", "third", "static", "local", "ada", 1e9, 3, 1, "grid",
              primary_metric="loss", maximize=False,
              objectives=[Objective("loss", False), Objective("size", False)])  # fmt: skip
    parent = Run("ws1", "run3", "job3", "third", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED, "node0") for n in range(3)]
    store.add_job(job, [parent], items)
    for loss, size in ((3.0, 1.0), (2.0, 2.0), (1.0, 2.0)):
        claimed = store.claim_child(parent, "node0")
        assert claimed is not None
        item, run = claimed
        store.set_hparams(run, item, {"x": loss}, {})
        log_values(session, run.name, {"loss": loss, "size": size})
        store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING, "started"))
        store.change_run(RunChange("ws1", run.name, RunStatus.COMPLETED, "ended"))


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (RunStatus.COMPLETED, "nothing to show: 2 runs completed, none with a finite loss"),
        (RunStatus.ERROR, "nothing to show: 2 runs failed, none has completed"),
    ],
)
async def test_why_there_is_nothing_to_draw_is_told(
    session: Session, end: RunStatus, why: str
) -> None:
    job = Job("job3", "ws1", "third", "static", "local", "ada", 1e9, 2, 1, "grid",
              primary_metric="loss", maximize=False)  # fmt: skip
    parent = Run("ws1", "run3", "job3", "third", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job3", n, WorkItemStatus.UNSTARTED, "node0") for n in range(2)]
    session.store.add_job(job, [parent], items)
    for number in (1, 2):
        claimed = session.store.claim_child(parent, "node0")
        assert claimed is not None
        item, run = claimed
        session.store.set_hparams(run, item, {"x": number}, {})
        log_values(session, run.name, {"loss": math.nan})
        for status, event in ((RunStatus.RUNNING, "started"), (end, "ended")):
            session.store.change_run(RunChange("ws1", run.name, status, event))
    async with XtApp(session).run_test(size=(100, 40)) as pilot:
        app = await until_loaded(pilot, 9)
        app.runs.go_to("ws1/run3.1")
        await until(pilot, lambda: app.main.meant_job == "job3")
        await pilot.press("S")
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        await until(pilot, lambda: screen.query("#search-progress"))
        await until(pilot, lambda: why in shown(screen, "progress"))


async def test_where_nobody_chose_a_metric_the_search_is_judged_by_what_its_runs_log(
    session: Session,
) -> None:
    job = Job(
        "job3", "ws1", "third", "static", "local", "ada", 1e9, 1, 1, "grid",
        primary_metric="test-acc", objectives=[Objective("test-acc", True)],
        is_metric_default=True,
    )  # fmt: skip
    parent = Run("ws1", "run3", "job3", "third", "node0", RunStatus.QUEUED, 1e9, is_parent=True)
    items = [WorkItem("job3", 0, WorkItemStatus.UNSTARTED, "node0")]
    session.store.add_job(job, [parent], items)
    session.store.claim_child(parent, "node0")
    fields = {"hparams": {"lr": 1}}
    change = RunChange("ws1", "run3.1", RunStatus.RUNNING, "started", fields=fields)
    session.store.change_run(change)
    async with XtApp(session).run_test(size=(120, 44)) as pilot:
        app = await until_loaded(pilot, 8)
        await pilot.press("2", "j")
        await until(pilot, lambda: app.jobs.job == "job3")
        await pilot.press("S")
        screen = await until(pilot, lambda: isinstance(app.screen, SearchScreen) and app.screen)
        assert screen.sets.selection.sort == "metrics.test-acc"
        log_values(session, "run3.1", {"val/loss": 0.5, "step_time": 2.0})
        await until(pilot, lambda: "best so far (least val/loss)" in shown(screen, "progress"))
        assert screen.sets.selection.sort == "metrics.val/loss"
        await until(pilot, lambda: any("val/loss" in each for each in headings(screen)))


def headings(screen: SearchScreen) -> list[str]:
    return [column.header.strip() for column in screen.sets.table._columns]
