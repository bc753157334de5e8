"""The panes: what they show, and that cursors, marks and filters hold while rows change."""

import json
import re
import threading
from dataclasses import replace

import pytest
from rich.text import Text
from textual.widgets import Static
from tui_support import attached, log_loss, log_values, names, text_of, told, until, until_loaded

from xt_core import clock
from xt_core.errors import UnavailableError
from xt_core.home import Home
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import RunStatus
from xt_core.nodes.states import silent_node
from xt_core.query.registry import JobRow
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.panes.teams import TeamsPane
from xt_tui.state import Batch, ViewState

SIZES = [(60, 20), (80, 24), (120, 36), (200, 60)]
ALL = ["run1.1", "run1.2", "run1.3", "run1.4", "run1.5", "run1.6", "run2"]


async def test_jobs_runs_and_the_team_are_shown(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        assert names(app) == ALL
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job2", "job1"])
        screen = text_of(app)
        for part in ("● local", "controller starts", "7 runs, 2 jobs", "5/6 1✘", "0.2 loss",
                     "✔ completed", "▶ running", " free"):  # fmt: skip
            assert part in screen


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_of_terminal_is_usable(session: Session, size: tuple[int, int]) -> None:
    async with XtApp(session).run_test(size=size) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "run1.1" in text_of(app))
        await pilot.press("2")
        await until(pilot, lambda: app.on_jobs)
        await until(pilot, lambda: "job1" in text_of(app))
        await pilot.press("3")
        await until(pilot, lambda: app.focused is app.runs.table)
        await until(pilot, lambda: "run1.1" in text_of(app))


async def test_an_empty_store_says_what_to_do(session: Session, tmp_path: object) -> None:
    empty = Session(home=Home(session.home.root / "other"), cwd=session.cwd, environ={})
    async with XtApp(empty).run_test(size=(140, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.state.loaded)
        assert "no runs yet: press n" in text_of(app)
    empty.close()


async def test_the_jobs_cursor_chooses_whose_runs_are_shown(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: len(app.jobs.table.keys) == 3)
        await pilot.press("2", "j", "j")
        await until(pilot, lambda: names(app) == ALL[:-1])
        await pilot.press("k")
        await until(pilot, lambda: names(app) == ["run2"])
        await pilot.press("g")
        await until(pilot, lambda: names(app) == ALL)


async def test_the_cursor_stays_on_its_run_while_rows_change(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("j", "j", "j")
        assert app.runs.table.cursor_key == "ws1/run1.4"
        await pilot.press("r")
        await until(pilot, lambda: names(app) == ALL[::-1])
        assert app.runs.table.cursor_key == "ws1/run1.4"
        job = Job("job3", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
        session.store.add_job(
            job, [Run("ws1", "run9", "job3", "e", "node0", RunStatus.QUEUED, 1e9)], []
        )
        await until(pilot, lambda: names(app)[0] == "run9")
        assert app.runs.table.cursor_key == "ws1/run1.4"


async def test_runs_are_sorted_by_any_column(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press(">", ">")
        await until(pilot, lambda: app.runs.selection.sort == "metrics.loss")
        by_loss = ["run1.6", "run1.5", "run1.4", "run1.3", "run1.2", "run1.1", "run2"]
        await until(pilot, lambda: names(app) == by_loss)
        await pilot.press("r")
        await until(pilot, lambda: names(app) == [*ALL[:-1], "run2"])
        await pilot.press("<", "<")
        await until(pilot, lambda: app.runs.selection.sort == "run")


async def test_a_filter_works_while_it_is_typed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"metrics.loss<.35")
        await until(pilot, lambda: names(app) == ["run1.4", "run1.5", "run1.6"])
        await pilot.press("space", *"status=running", "enter")
        await until(pilot, lambda: names(app) == ["run1.6"])
        assert app.focused is app.runs.table
        await pilot.press("backspace")
        await until(pilot, lambda: names(app) == ALL)
        await pilot.press("/", *"duration>1h", "enter")
        await until(pilot, lambda: not names(app))
        then = clock.now() + 7200
        monkeypatch.setattr(clock, "now", lambda: then)
        app.runs.age()  # without any news
        await until(pilot, lambda: names(app) == ["run1.6"])


async def test_a_wrong_filter_is_told_inline_and_the_rows_stay(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("/", *"los<1")
        await until(pilot, lambda: "there is no field 'los'" in text_of(app))
        await until(pilot, lambda: names(app) == ALL)


async def test_marks_are_kept_by_run(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "space")
        assert [run.name for run in app.runs.chosen] == ["run1.1", "run1.2"]
        await pilot.press("r")
        await until(pilot, lambda: names(app) == ALL[::-1])
        assert {run.name for run in app.runs.chosen} == {"run1.1", "run1.2"}
        await pilot.press("*")
        assert len(app.runs.chosen) == 7
        await pilot.press("u")
        assert len(app.runs.chosen) == 1


async def test_curves_of_the_chosen_runs_are_drawn_and_grow(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "k")
        await until(pilot, lambda: app.metrics.metrics == ["loss"])
        await until(pilot, lambda: "run1.6 0.1" in text_of(app))
        log_loss(session, "run1.6", 0.05)
        await until(pilot, lambda: "run1.6 0.05" in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: "smoothed 0.6" in text_of(app))
        await pilot.press("L")
        assert app.metrics.view.log_y


async def test_details_show_the_run_under_the_cursor_section_by_section(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "enter")
        await until(pilot, lambda: app.details.text.startswith("ws1/run2"))
        await pilot.press("h")
        await until(pilot, lambda: "ws1/runs/run2/logs/output.txt" in app.details.text)
        await pilot.press("right", "l", "l")
        await until(pilot, lambda: app.details.text == "no metrics logged yet")
        await pilot.press("3", "g")
        summary = ["loss", "0.6", "0.6", "1.2", "2"]
        await until(pilot, lambda: app.details.text.splitlines()[-1].split() == summary)
        await pilot.press("6", "h", "y")
        await until(pilot, lambda: app.details.text.split() == ["lr", "0.1"])
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.split() == ["lr", "0.1"])
        assert told(app)[-1] == "hyperparameters of the details"
        await pilot.press("l", "l")
        await until(pilot, lambda: app.details.text == "nothing was sampled of it")
        await pilot.press("l")
        await until(pilot, lambda: app.details.section == "events")
        events = ["created", "queued", "download_before", "started", "ended"]
        await until(pilot, lambda: app.details.text.splitlines()[-1].split()[2] in events)
        console = b"epoch 1\n[rank0]: Traceback (most recent call last):\n[rank0]: KeyError: 'lr'\n"
        session.artifacts.put_bytes("ws1/runs/run1.3/logs/output.txt", console)
        await pilot.press("l", "l", "3", "j", "j")
        await until(pilot, lambda: "first_error  KeyError: 'lr'" in app.details.text)
        assert app.details.text.startswith("ws1/run1.3")


async def test_details_show_the_job_whose_pane_has_the_keys(session: Session) -> None:
    async with XtApp(session).run_test(size=(158, 60)) as pilot:
        app = await until_loaded(pilot, 7)
        page = app.details.query_one("#details-text", Static)

        def shown() -> str:
            return str(page.render())

        await until(pilot, lambda: len(app.jobs.table.keys) == 3)
        await pilot.press("2", "j", "j")
        assert shown() == ""  # nothing is read that nobody sees
        await pilot.press("6")
        await until(pilot, lambda: "best so far (least loss)" in shown())
        assert "4 completed, 1 running, 0 waiting, 1 failed" in shown()
        assert app.main.pane is app.details
        width = app.details.target.scrollable_content_region.width
        await until(
            pilot,
            lambda: max(len(line.rstrip()) for line in shown().split("\n")) == min(width, 100),
        )
        rows = [line.split() for line in shown().split("\n")[-7:-2]]
        assert rows[0] == ["run1.6", "running", "0.1", "0.6"]
        assert rows[4] == ["run1.2", "completed", "0.5", "0.2"]
        assert shown().endswith("S shows the whole search: all sets, importance, slices")
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: "5 completed, 0 running" in shown())
        await pilot.press("3", "g")
        await until(pilot, lambda: shown().startswith("ws1/run1.1"))


async def test_the_output_of_an_ended_run_is_shown_harmlessly(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "a")
        await until(pilot, lambda: len(app.output.view.lines) == 3)
        assert app.output.view.lines == ["hello", "100%", "green bell"]
        assert attached(app) == ["ws1/run2"]
        assert "\x07" not in text_of(app)


async def test_a_change_elsewhere_appears_by_itself(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        assert app.state.runs["ws1/run1.6"].status == "running"
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: app.state.runs["ws1/run1.6"].status == "completed")
        await until(pilot, lambda: app.state.jobs["job1"].counts.completed == 5)
        # A new job: counted at once, its best that of a run that still runs, and then of one that
        # has completed.
        job = Job("job3", "ws1", "e", "single", "local", "ada", 1e9, 1, 1, primary_metric="f1")
        single = Run("ws1", "run3", "job3", "e", "node0", RunStatus.QUEUED, 1e9)
        session.store.add_job(job, [single], [])
        session.store.change_run(RunChange("ws1", "run3", RunStatus.RUNNING, "started"))
        log_values(session, "run3", {"f1": 0.75}, {"f1": 0.5})
        await until(pilot, lambda: "▶ 0.5 f1" in text_of(app))
        assert "3 jobs" in text_of(app).split("all ")[1].splitlines()[0]
        session.store.change_run(RunChange("ws1", "run3", RunStatus.COMPLETED, "ended"))
        await until(pilot, lambda: " 0.5 f1" in text_of(app) and "▶ 0.5" not in text_of(app))


async def test_a_damaged_store_is_told_in_its_pane(session: Session) -> None:
    broken = Session(home=Home(session.home.root / "broken"), cwd=session.cwd, environ={})
    broken.home.create()
    broken.home.stats_file.write_bytes(b"no database" * 1000)
    async with XtApp(broken).run_test(size=(140, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: "damaged" in app.state.error)
        await until(pilot, lambda: "✘ local" in text_of(app))


async def test_many_runs_are_shown_and_the_ends_reached(session: Session) -> None:
    store = session.store
    runs = [
        Run("ws1", f"run{n}", "job3", "e", "node0", RunStatus.QUEUED, 1e9)
        for n in range(100, 100_100)
    ]
    store.add_job(Job("job3", "ws1", "e", "single", "local", "ada", 1e9, 1, 1), runs, [])
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 100_007, as_at_first=True)
        assert app.runs.table.cursor_key == "ws1/run100099", "the newest, which came last"
        await until(pilot, lambda: "run100099" in text_of(app))
        await pilot.press("G")
        assert app.runs.table.cursor_key == "ws1/run1.1"
        await until(pilot, lambda: "run1.1" in text_of(app))
        store.change_run(RunChange("ws1", "run200", RunStatus.RUNNING, "started"))
        await pilot.press("/", *"status=running", "enter")
        await until(pilot, lambda: names(app) == ["run200", "run1.6"])
        await pilot.press("backspace")
        await until(pilot, lambda: len(names(app)) == 100_007)
        await pilot.press("pageup", "g")
        assert app.runs.table.cursor_key == "ws1/run100099"


def a_node(name: str, state: str = "running", gpus: int = 0) -> dict[str, object]:
    controller = {"version": "1.0", "pid": 7, "uptime": 61.0} if state == "running" else None
    return {
        "name": name,
        "state": state,
        "controller": controller,
        "running": 2,
        "queued": 1,
        "gpus": gpus,
    }


def facts(session: Session, *nodes: dict[str, object], waiting: int = 0) -> list[str]:
    """What the teams pane tells of nodes."""
    job = Job("job9", "ws1", "e", "static", "local", "ada", 1e9, 9, 2)
    row = JobRow(job, JobCounts(unstarted=waiting))
    state = ViewState({}, {"job9": row}, {"nodes": list(nodes)}, living={"job9"})
    pane, text = TeamsPane(session, state), Text()
    pane._tell_nodes(text)
    return text.plain.splitlines()


def test_an_only_node_is_shown_with_its_controller(session: Session) -> None:
    assert facts(session, a_node("node0", gpus=1)) == [
        "● node0  2 running, 1 queued, 1 GPU",
        "  controller 1.0, pid 7, up 1m01s",
    ]
    assert facts(session, a_node("node0"), waiting=3)[0] == (
        "● node0  2 running, 1 queued, 3 waiting"
    )
    assert facts(session, a_node("node0"), a_node("node1"), waiting=1) == [
        "  1 work item waiting", *(f"● node{n}  2 running, 1 queued" for n in range(2)),
    ]  # fmt: skip


def test_several_nodes_take_a_line_each_and_stopped_ones_share_one(session: Session) -> None:
    nodes = [a_node("node1"), a_node("node2", "unresponsive")]
    stopped = [a_node("node0", "stopped"), a_node("node3", "stopped")]
    assert facts(session, stopped[0], *nodes, stopped[1]) == [
        "● node1  2 running, 1 queued",
        "✘ node2  its controller does not answer",
        "○ node0, node3  controller starts on demand",
    ]


async def test_details_that_could_not_be_read_are_read_as_soon_as_they_can_be(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> list[str]:
        raise UnavailableError("the store is away", "wait")

    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        monkeypatch.setattr("xt_tui.panes.sections.section_lines", away)
        await pilot.press("6", "l")
        await until(pilot, lambda: app.details.text == "the store is away\nwait")
        monkeypatch.undo()
        await until(pilot, lambda: "lr" in app.details.text, "the section at the feed's next look")


async def test_trends_that_could_not_be_read_are_read_as_soon_as_they_can_be(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def away(*_given: object) -> int:
        tried.set()
        raise UnavailableError("the store is away", "wait")

    monkeypatch.setattr(session.store, "journal_end", away)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, tried.is_set)
        assert "█▁" not in text_of(app)
        monkeypatch.undo()
        await until(pilot, lambda: text_of(app).count("█▁") == 6, "the trends at the next look")


async def test_another_session_is_shown_while_the_app_runs(session: Session) -> None:
    empty = Session(home=Home(session.home.root / "other"), cwd=session.cwd, environ={})
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        before = app.main
        app.show_session(empty)
        await until(pilot, lambda: app.main.is_open and app.state.loaded)
        assert app.main is not before
        assert names(app) == []
    empty.close()


async def test_what_nobody_hears_of_is_marked_and_its_duration_stands(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        app.feed.stop()
        begun = replace(app.state.runs["ws1/run1.6"], started=clock.now() - 1_000)
        heard = clock.iso((begun.started or 0.0) + 75.5)  # the text is rounded
        silent = {**silent_node("node0", "local", "unreachable"), "heard": heard}
        app.state._attended.add("node0")
        app.post_message(app.Fed(app.feed, Batch([begun], [], {"nodes": [silent]})))
        await until(pilot, lambda: text_of(app).count("▶ running ?") == 2)  # job1, and run1.6
        assert "1m15s" in text_of(app)
        assert "✔ completed ?" not in text_of(app)
        assert "✘ node0: unreachable since " in text_of(app)
        assert "7 s starts it" not in text_of(app)
        age = re.compile(r"as of 1[56]m\d+s ago: node0 is not heard of")
        app.runs.go_to("ws1/run1.6")
        await pilot.press("3", "6")
        await until(pilot, lambda: age.fullmatch(str(app.details.border_subtitle)))
        app.jobs.go_to("job1")
        await pilot.press("2", "6")
        await until(pilot, lambda: app.details.row is not None)
        assert age.fullmatch(str(app.details.border_subtitle))
        app.jobs.go_to("job2")
        await until(pilot, lambda: str(app.details.border_subtitle) == "")


async def test_a_run_that_somebody_cancels_is_not_asked_about_again(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        fields = {"cancel_requested": True}
        session.store.change_run(RunChange("ws1", "run1.6", fields=fields))
        await until(pilot, lambda: "◍ cancelling" in text_of(app))
        app.runs.go_to("ws1/run1.6")
        await pilot.press("3", "c")
        await until(pilot, lambda: told(app) == ["run1.6 is being cancelled"])
        session.store.update_job("job1", cancel_requested=True)
        session.store.change_run(RunChange("ws1", "run1.6", fields={"tags": {"a": 1}}))
        await until(pilot, lambda: text_of(app).count("◍ cancelling") == 2)
        await pilot.press("2")
        app.jobs.go_to("job1")
        await pilot.press("c")
        said = "job1 is being cancelled: what runs may take its grace period"
        await until(pilot, lambda: told(app)[-1] == said)


async def test_what_a_run_used_is_drawn_anew_for_another_width(session: Session) -> None:
    samples = [
        json.dumps({"time": 1e9 + n, "seconds": 1, "values": {"cpu_percent": n}}) for n in range(40)
    ]
    key = "ws1/runs/run1.1/logs/system.jsonl"
    session.artifacts.put_bytes(key, "".join(f"{line}\n" for line in samples).encode())
    async with XtApp(session).run_test(size=(120, 36)) as pilot:
        app = await until_loaded(pilot, 7)
        app.details.section = "system"
        await pilot.press("6")
        await until(pilot, lambda: "cpu_percent" in app.details.text)
        narrow = app.details.text
        await pilot.press("z")
        await until(pilot, lambda: len(app.details.text) > len(narrow))
        await pilot.press("z")
        await until(pilot, lambda: app.details.text == narrow)
