"""Filter, sort and marks, on the runs and on the jobs alike."""

from textual.widgets import Input
from tui_support import log_loss, names, text_of, told, until, until_loaded

from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp

ALL = ["run1.1", "run1.2", "run1.3", "run1.4", "run1.5", "run1.6", "run2"]


def marked(app: XtApp) -> list[str]:
    return [run.name for run in app.runs.chosen]


async def test_jobs_are_filtered_and_sorted_when_their_pane_has_the_keys(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job2", "job1"])
        await pilot.press("2", "r")
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job1", "job2"])
        await pilot.press("/", *"status=running", "enter")
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job1"])
        assert names(app) == ALL
        await pilot.press("backspace")
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job1", "job2"])


async def test_the_newest_runs_come_first_unless_a_job_or_another_order_is_chosen(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7, as_at_first=True)
        await until(pilot, lambda: names(app) == ALL[::-1])
        await pilot.press("j", "2", "G")
        await until(pilot, lambda: names(app) == ALL[:-1], "a search in its own order")
        assert app.runs.table.cursor_key == "ws1/run1.6"
        await pilot.press("g")
        await until(pilot, lambda: names(app) == ALL[::-1])
        assert app.runs.table.cursor_key == "ws1/run1.6", "the cursor stays with its run"
        await pilot.press("3", "r")
        await until(pilot, lambda: names(app) == ALL)
        await pilot.press("2", "G", "g")
        await until(pilot, lambda: names(app) == ALL, "the user's order stays")


async def test_a_range_is_marked_by_moving_and_can_be_given_up(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "j", "v", "j", "j")
        await until(pilot, lambda: marked(app) == ["run1.1", "run1.3", "run1.4", "run1.5"])
        await pilot.press("k")
        await until(pilot, lambda: marked(app) == ["run1.1", "run1.3", "run1.4"])
        await until(pilot, lambda: "3 marked · marking a range: v ends it" in text_of(app))
        await pilot.press("v", "G")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run2")
        assert marked(app) == ["run1.1", "run1.3", "run1.4"]
        await pilot.press("v", "k")
        await until(pilot, lambda: len(marked(app)) == 5)
        await pilot.press("escape")
        await until(pilot, lambda: marked(app) == ["run1.1", "run1.3", "run1.4"])


async def test_marks_that_a_filter_hides_are_told_of_and_not_acted_on(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "space", "/", *"run!=run1.2", "enter")
        await until(pilot, lambda: names(app) == [ALL[0], *ALL[2:]])
        assert marked(app) == ["run1.1"]
        assert "1 marked · 1 mark out of sight" in text_of(app)


async def test_a_click_on_a_header_sorts_and_another_reverses(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "loss" in text_of(app))
        header = next(line for line in text_of(app).splitlines() if "run▲" in line)
        loss = header.index("loss") - app.runs.table.region.x
        await pilot.click("#runs-table", offset=(loss, 0))
        await until(pilot, lambda: names(app)[0] == "run1.6")
        await pilot.click("#runs-table", offset=(loss, 0))
        await until(pilot, lambda: names(app)[0] == "run1.1" and app.runs.selection.reverse)


async def test_a_run_that_changes_moves_to_its_place_and_leaves_a_filter(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"status=running", "enter")
        await until(pilot, lambda: names(app) == ["run1.6"])
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: names(app) == [])
        assert app.runs.run is None


async def test_tags_are_set_and_cleared_on_all_marked_runs(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "space", "t")
        await until(pilot, lambda: "Tags of 2 runs" in text_of(app))
        answer = app.screen.query_one("#answer", Input)
        answer.value = "=x"
        await until(pilot, lambda: "a tag without a name" in text_of(app))
        await pilot.press("enter")
        assert "Tags of 2 runs" in text_of(app)
        answer.value = "best, note=high"
        await pilot.press("enter")
        await until(pilot, lambda: told(app) == ["tags of 2 runs set"])
        tags = {"best": True, "note": "high"}
        assert [session.store.run("ws1", f"run1.{n}").tags for n in (1, 2, 3)] == [tags, tags, {}]
        await until(pilot, lambda: app.state.runs["ws1/run1.2"].tags == tags)
        await pilot.press("u", "g", "t")
        await until(pilot, lambda: "Tags of run1.1" in text_of(app))
        await pilot.press(*"-note", "enter")
        await until(pilot, lambda: session.store.run("ws1", "run1.1").tags == {"best": True})


async def test_the_chosen_names_are_copied_as_a_run_list(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == "ws1/run1.1")
        await pilot.press("space", "space", "y")
        await until(pilot, lambda: app.clipboard == "ws1/run1.1,ws1/run1.2")


async def test_the_lists_stand_still_while_they_are_paused(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        pane = app.runs

        def border() -> str:
            return str(pane.border_subtitle)

        def drawn(run: str) -> str:
            return next(line for line in text_of(app).splitlines() if f" {run} " in line)

        def change(run: str, loss: float) -> None:
            log_loss(session, run, loss)

        pane.sort_by("metrics.loss")
        await until(pilot, lambda: names(app)[0] == "run1.6")
        before, row = names(app), drawn("run1.1")
        await pilot.press("p")
        assert border() == "paused: 0 changes held, p goes on · 7 runs"
        change("run1.1", 0.01)
        change("run1.1", 0.02)
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: app.state.runs["ws1/run1.6"].status == "completed")
        await until(pilot, lambda: "paused: 2 changes held" in border())
        assert "paused: 1 change held" in str(app.jobs.border_subtitle)
        app.main.show_pending()  # rows are drawn anew, as they were
        await pilot.pause()
        assert (names(app), drawn("run1.1")) == (before, row)
        assert pane.chosen[0].metrics == {"loss": 0.02}, "what is done is done to what is"
        await pilot.press("r")  # what is new is in no other order either
        await until(pilot, lambda: names(app)[0] == "run1.1", "the order of what is held")
        await pilot.press("r", "p")
        await until(pilot, lambda: names(app)[0] == "run1.1")
        assert border() == "7 runs"
        assert "0.02" in drawn("run1.1")

        await pilot.press("p")
        change("run1.2", 0.3)
        await until(pilot, lambda: "paused: 1 change held" in border())
        job = Job("job3", "ws1", "third", "single", "local", "ada", 1e9, 1, 1)
        run = Run("ws1", "run3", "job3", "third", "node0", RunStatus.QUEUED, 1e9)
        session.store.add_job(job, [run], [])
        await until(pilot, lambda: "paused: 2 changes held" in border())
        asked = pane._asked
        await pilot.press("r")
        await until(pilot, lambda: pane._arrangement.asked > asked)
        assert sorted(names(app)) == sorted(before)
        app.main.go_to_run("job3", "ws1/run3")  # as the form does for what it launched
        await until(pilot, lambda: pane.table.cursor_key == "ws1/run3")
        assert "paused" not in border()


async def test_rows_that_changed_out_of_sight_are_current_when_they_are_shown_again(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "▶ running" in text_of(app))
        await pilot.press("5", "z")
        await until(pilot, lambda: "Runs ─" not in text_of(app))
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: app.state.runs["ws1/run1.6"].status == "completed")
        await until(pilot, lambda: app.state.jobs["job1"].counts.running == 0)
        await pilot.press("z")
        await until(pilot, lambda: "run1.6" in text_of(app))
        assert "run1.6  ✔ completed" in text_of(app)
        assert "6/6 1✘" in text_of(app)
