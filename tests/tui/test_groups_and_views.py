"""Groups and views of the runs, and what stays with its row whatever becomes of the order."""

import random
from collections.abc import Sequence
from dataclasses import replace

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input
from tui_support import log_values, names, text_of, told, until, until_loaded

from xt_core import clock
from xt_core.choices import Choices
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.query.columns import only_column
from xt_core.query.filters import matches_all, parse_filter
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort, sort_records
from xt_core.query.views import View, views_of
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.groups import Grouping, group_key, is_group
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.screens.views import ViewsScreen
from xt_tui.widgets.table import Table

STATUSES = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.COMPLETED)


def a_run(number: int, dice: random.Random) -> Run:
    return Run(
        "ws1", f"run{number}", f"job{dice.randrange(1, 4)}", "e", "node0", dice.choice(STATUSES),
        1e9, metrics={"loss": dice.choice([0.1, 0.2, 0.3, float("nan")])},
        hparams={"opt": dice.choice(["adam", "sgd"])},
    )  # fmt: skip


class SomePane(RecordsPane[Run]):
    """Runs, and nothing around them."""

    def __init__(self, runs: dict[str, Run]) -> None:
        super().__init__(
            "Runs",
            id="runs",
            noun="run",
            records=runs,
            fields=RUN_FIELDS,
            order=RecordOrder(RUN_FIELDS, runs, lambda run: run.full_name, lambda run: False),
            selection=Selection("run"),
            empty="",
            example="",
        )

    def column_text(self, keys: Sequence[str]) -> str:
        return "run,status,metrics.*,hparams.*"

    def status_of(self, record: Run) -> str:
        return str(record.status)

    @property
    def asked(self) -> int:
        return self._asked

    @property
    def shown(self) -> int:
        return self._arrangement.asked

    def group_of(self, key: str) -> str | None:
        return self._arrangement.groups.of.get(key)

    @property
    def marks(self) -> set[str]:
        return set(self._marks.keys)


class SomeApp(App[int]):
    def __init__(self, pane: SomePane) -> None:
        super().__init__()
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield self.pane


def test_a_record_that_has_not_changed_keeps_its_group() -> None:
    dice = random.Random(1)
    runs = {run.full_name: run for run in (a_run(number, dice) for number in range(20))}
    grouping = Grouping(only_column("status", RUN_FIELDS))
    keys = list(runs)
    by_key, of = grouping.groups(keys, runs, 0.0)
    assert sorted(key for group in by_key.values() for key in group.keys) == sorted(keys)
    assert all(of[key] == group_key(str(runs[key].status)) for key in keys)
    runs["ws1/run3"] = replace(runs["ws1/run3"], status=RunStatus.ERROR)
    by_key, of = grouping.groups(keys, runs, 0.0)
    assert list(by_key[group_key("error")].keys) == ["ws1/run3"]
    assert not is_group("ws1/run3")


async def test_cursor_and_marks_stay_with_their_runs_whatever_happens() -> None:
    dice = random.Random(7)
    runs = {run.full_name: run for run in (a_run(number, dice) for number in range(1, 61))}
    pane = SomePane(runs)
    async with SomeApp(pane).run_test(size=(100, 30)) as pilot:
        pane.note(list(runs.values()))
        await settled(pilot, pane)
        condition, sort, reverse, group = "", "run", False, ""
        for step in range(40):
            before, marks = pane.table.cursor_key, pane.marks
            what = dice.choice(["change", "change", "sort", "filter", "group", "mark", "move"])
            if what == "change":
                changed = [a_run(dice.randrange(1, 80), dice) for _ in range(dice.choice([1, 9]))]
                runs |= {run.full_name: run for run in changed}
                pane.note(list({run.full_name: run for run in changed}.values()))
                pane.update_rows()
            elif what == "sort":
                sort, reverse = dice.choice(["run", "metrics.loss", "status,-job"]), step % 2 == 0
                pane.sort_by(sort, reverse)
            elif what == "filter":
                condition = dice.choice(["", "status!=queued", "metrics.loss<.25"])
                pane.selection = replace(
                    pane.selection,
                    filters=(parse_filter(condition, RUN_FIELDS),) if condition else (),
                )
                pane.update_rows()
            elif what == "group":
                group = dice.choice(["", "job", "hparams.opt"])
                pane.group_by(group)
            elif what == "mark":
                pane.toggle_mark()
                continue
            else:
                pane.table.action_cursor(dice.choice([-7, -1, 2, 11]))
                if is_group(pane.table.cursor_key or ""):
                    pane.table.action_choose()
                await pilot.pause()
                continue
            await settled(pilot, pane)
            assert pane.marks == marks
            assert before is not None
            if before in pane.table.keys:
                assert pane.table.cursor_key == before
            elif pane.group_of(before):
                assert pane.table.cursor_key == pane.group_of(before)
            filters = pane.selection.filters
            now = clock.now()
            hits = [run for run in runs.values() if matches_all(filters, run, now)]
            hits = sort_records(hits, parse_sort(sort, RUN_FIELDS), reverse, now)
            if marks & {run.full_name for run in hits}:
                chosen = [run.full_name for run in pane.chosen]
                assert chosen == [run.full_name for run in hits if run.full_name in marks]
            if not group:
                assert list(pane.table.keys) == [run.full_name for run in hits]


async def settled(pilot: Pilot[int], pane: SomePane) -> None:
    await until(pilot, lambda: pane.shown == pane.asked, "the rows to be arranged")


async def test_runs_are_grouped_opened_and_marked_by_group(session: Session) -> None:
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("B", *"status", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 3)
        await until(pilot, lambda: "7 runs · 3 by status" in text_of(app))
        screen = text_of(app)
        assert "▸ completed        5  loss best 0.2, mean 0.4" in screen
        assert "▸ running          1  loss best 0.1, mean 0.1" in screen
        await pilot.press("G", "space")
        assert [run.name for run in app.runs.chosen] == ["run1.6"]
        await pilot.press("u", "g", "space", "enter")
        marked = ["run1.1", "run1.2", "run1.4", "run1.5", "run2"]
        assert [run.name for run in app.runs.chosen] == marked
        await until(pilot, lambda: len(app.runs.table.keys) == 4, "the second group to be open")
        await pilot.press("g", "enter")
        await until(pilot, lambda: names(app)[1:3] == ["run1.1", "run1.2"])
        assert "▾ completed" in text_of(app)
        await pilot.press("j", "space")
        await until(pilot, lambda: "◐ " in text_of(app))
        await pilot.press("k", "k", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 4)
        await pilot.press("B", *"(no", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 7)
        assert [run.name for run in app.runs.chosen] == marked[1:]


async def test_the_best_of_a_metric_that_is_not_the_jobs_goal_goes_by_its_name(
    session: Session,
) -> None:
    for number in (3, 4):
        name = f"run{number}"
        job = Job(f"job{number}", "ws1", "third", "single", "local", "ada", 1e9, 1, 1)
        run = Run("ws1", name, job.name, "third", "node0", RunStatus.QUEUED, 1e9)
        session.store.add_job(job, [run], [])
        session.store.change_run(RunChange("ws1", name, RunStatus.RUNNING, "started"))
        log_values(session, name, {"loss": float(number)})
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 9)
        await pilot.press("B", *"experiment", "enter")
        await until(pilot, lambda: "loss best 3.0, mean 3.5" in text_of(app))


async def _arranged(pilot: Pilot[int], app: XtApp) -> None:
    await until(pilot, lambda: app.runs._arrangement.asked == app.runs._asked, "their order")


async def test_order_group_and_smoothing_are_as_they_were_left(session: Session) -> None:
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7, as_at_first=True)
        app.runs.sort_by("metrics.loss", reverse=True)
        app.runs.group_by("status")
        app.metrics.next_smoothing()
        await _arranged(pilot, app)
        left = list(app.runs.table.keys)
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 3, as_at_first=True)
        await _arranged(pilot, app)
        assert list(app.runs.table.keys) == left
        assert (app.runs.selection.sort, app.runs.selection.reverse) == ("metrics.loss", True)
        assert app.metrics.view.smoothing == 0.6
        app.runs.apply(app.runs.plain_view)
        while app.metrics.view.smoothing:
            app.metrics.next_smoothing()
    choices = Choices(session.team_home.team_root)
    for part in ("runs order", "runs group", "smoothing"):
        assert choices.get(part) is None
    choices.put("runs order", ["gone", False])
    choices.put("runs group", "(no")
    choices.put("smoothing", "much")
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7, as_at_first=True)
        assert app.runs.view == app.runs.plain_view
        assert app.metrics.view.smoothing == 0


async def test_a_view_is_saved_applied_and_deleted(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"status=completed", "enter", "O", *"-metrics.loss", "enter")
        best_last = ["run1.1", "run1.2", "run1.4", "run1.5", "run2"]
        await until(pilot, lambda: names(app) == best_last)
        await pilot.press("V", "s")
        await until(pilot, lambda: isinstance(app.screen, ViewsScreen))
        app.screen.query_one(Input).value = "worst first"
        await pilot.press("enter", "q")
    views = views_of(Choices(session.team_home.team_root), "runs", RUN_FIELDS)
    assert views == {"worst first": View("status=completed", "-metrics.loss")}
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("V", "j")
        await until(pilot, lambda: "filter status=completed · sort -metrics.loss" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: names(app) == best_last)
        await pilot.press("V", "enter")
        await until(pilot, lambda: len(names(app)) == 7 and app.runs.selection.sort == "run")
        await pilot.press("V", "j", "d", "d", "escape")
        await until(pilot, lambda: not isinstance(app.screen, ViewsScreen))
        assert app.runs.saved_views() == {}
        app.runs.save_views({"old": View(sort="metrics.loss", filter="gone<1")})
        await pilot.press("V", "j", "enter")
        await until(pilot, lambda: "there is no field 'gone'" in "".join(told(app)))
        assert app.runs.selection.sort == "run"
        assert isinstance(app.focused, Table)
