"""Actions: declared once, guarded, confirmed; and the launch form."""

import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, Select, Static
from tui_support import attached, text_of, told, until, until_loaded

from xt_core.errors import UnavailableError, UsageError
from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.nodes.controllers import Controllers
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.submit.submission import Submission
from xt_tui.actions import ACTIONS
from xt_tui.app import XtApp, run_app
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.widgets.option_fields import OptionFields

ALL_MEANT = "no job is chosen: the cursor is on all of them"


async def test_states_are_told_by_glyph_and_word_without_colours(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for part in ("✔ completed", "✘ error", "▶ running"):
            assert part in text_of(app)
        colors = {
            segment.style.color.triplet
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.color and segment.style.color.triplet
        }
        assert colors
        assert all(red == green == blue for red, green, blue in colors)


def test_no_key_means_two_things_in_a_pane() -> None:
    keys = [(action.pane, key) for action in ACTIONS.values() for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


async def test_what_cannot_be_done_says_why(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("c")  # run1.1 has ended
        await until(pilot, lambda: told(app) == ["run1.1 has ended"])
        assert not isinstance(app.screen, ConfirmScreen)
        await pilot.press("G", "R")
        await until(pilot, lambda: told(app)[-1] == "run2 is not running")
        await pilot.press("g", "space", "G", "k", "c")  # run1.6 runs, but run1.1 is meant
        meant = "run1.1, which is marked, has ended: u unmarks it"
        await until(pilot, lambda: told(app)[-1] == meant)
        await pilot.press("g", "j", "space", "c")
        await until(pilot, lambda: told(app)[-1] == "the 2 marked runs have ended: u unmarks them")


async def test_cancel_asks_and_no_is_the_default(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "k", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "Cancel run1.6?" in text_of(app)
        focused = app.focused
        assert isinstance(focused, Button)
        assert focused.id == "no"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        assert app.state.pending == {}
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))


async def test_a_job_is_cancelled_from_the_jobs_pane_and_restarted(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: list(app.jobs.table.keys) == ["all", "job2", "job1"])
        await pilot.press("2", "c")
        await until(pilot, lambda: told(app)[-1:] == [ALL_MEANT])
        await pilot.press("G", "c")
        await until(pilot, lambda: "Cancel job1?" in text_of(app))
        assert "1 running run, 0 waiting" in text_of(app)
        await pilot.press("n", "R")
        await until(pilot, lambda: "Restart the running runs of job1?" in text_of(app))
        assert "run1.6" in text_of(app)
        await pilot.press("n", "3", "g", "R")
        await until(pilot, lambda: told(app)[-1] == "run1.1 is not running")
        app.runs.go_to("ws1/run1.6")
        await pilot.press("R")
        await until(pilot, lambda: "Restart run1.6?" in text_of(app))
        await pilot.press("n")


async def test_a_failure_is_told_and_the_badge_taken_back(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def fail(_self: Controllers, runs: list[Run]) -> None:
        release.wait()
        raise UnavailableError("the node is away", "try later")

    monkeypatch.setattr(Controllers, "cancel", fail)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "k", "c", "y")
        await until(pilot, lambda: "◍ cancelling" in text_of(app))
        release.set()
        await until(pilot, lambda: "the node is away\ntry later" in told(app))
        await until(pilot, lambda: "◍ cancelling" not in text_of(app))


async def test_a_badge_stays_until_the_feed_confirms(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Controllers, "cancel", lambda _self, runs: None)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "G", "k", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n", "c")  # as long as nothing is done, the marks stay
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert app.runs.marked == 2
        assert "1 run more that you chose ended before" in text_of(app)
        await pilot.press("y")
        await until(pilot, lambda: told(app) == ["run1.6 running"])
        assert [run.name for run in app.runs.chosen] == ["run1.1"]
        assert "◍ cancelling" in text_of(app)
        session.store.change_run(RunChange("ws1", "run1.6", RunStatus.CANCELLED, "ended"))
        await until(pilot, lambda: "■ cancelled" in text_of(app))
        assert app.state.pending == {}


async def test_the_output_pane_acts_on_the_run_that_it_shows(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "a")  # run2, which has ended
        await until(pilot, lambda: attached(app) == ["ws1/run2"])
        await until(pilot, lambda: app.main.pane is app.output)
        app.runs.table.move_to("ws1/run1.6")
        await pilot.press("c")
        await until(pilot, lambda: told(app) == ["run2 has ended"])
        assert not isinstance(app.screen, ConfirmScreen)


async def test_quit_leaves(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


def test_without_a_terminal_the_ui_does_not_start(session: Session) -> None:
    with pytest.raises(UsageError, match="needs a terminal"):
        run_app(session)


# The launch form ------------------------------------------------------------------------


def preview(app: XtApp) -> str:
    return str(app.screen.query_one("#preview", Static).render())


async def test_the_form_shows_what_would_be_run(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        field = app.screen.query_one("#command", Input)
        field.value = "t.py --lr=[.1,.2] 'a b'"
        await until(pilot, lambda: "static grid: 2 runs" in preview(app))
        assert preview(app).splitlines()[1:] == [
            f"first: {Path(sys.executable).name} -u t.py --lr=0.1 'a b'",
            "set   lr",
            "---  ---",
            "  0  0.1",
            "  1  0.2",
        ]
        app.screen.query_one("#option-runs", Input).value = "5"
        await until(pilot, lambda: "static random: 5 runs" in preview(app))
        assert app.screen.query_one("#go", Button).disabled is False
        app.screen.query_one("#option-runs", Input).value = ""
        await app.screen.query_one(OptionFields).show_more()
        app.screen.query_one("#option-raw-args", Select).value = "yes"
        await until(pilot, lambda: "single: 1 run\n" in preview(app))


async def test_the_form_tells_what_is_wrong_and_does_not_launch(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await app.screen.query_one(OptionFields).show_more()
        for command, option, text, message in (
            ("nope.py", "runs", "", "there is no script or program nope.py"),
            ("t.py 'open", "runs", "", "the command has no closing quotation"),
            ("t.py", "runs", "many", "--runs many is not a number"),
            ("t.py --lr=[]", "runs", "", "hyperparameter lr: no values, in '[]'"),
            ("t.py", "setup", "moon", "there is no setup 'moon'"),
            ("t.py", "env", "x", "--env x is not NAME=VALUE"),
        ):
            field = app.screen.query_one(f"#option-{option}", Input)
            field.value = text
            app.screen.query_one("#command", Input).value = command
            await until(pilot, partial(is_previewed, app, message), message)
            assert app.screen.query_one("#go", Button).disabled is True
            field.value = ""
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LaunchScreen))


def is_previewed(app: XtApp, message: str) -> bool:
    return message in preview(app)


async def test_the_form_gives_the_command_to_copy(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        app.screen.query_one("#option-concurrent", Input).value = "2"
        app.screen.query_one("#command", Input).value = "t.py --lr=[.1,.2]"
        await until(pilot, lambda: "2 runs" in preview(app))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app.clipboard != "")
        assert app.clipboard == "xt run --concurrent 2 t.py '--lr=[.1,.2]'"


class Submissions:
    """Takes the place of `submit`: keeps what was asked for, and waits until it is released."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.release = threading.Event()

    def __call__(self, _session: Session, prepared: Any, _note: Any) -> Submission:
        self.commands.append(prepared.request.command)
        self.release.wait()
        raise UnavailableError("the disk is full", "make room")


@pytest.fixture
def submissions(monkeypatch: pytest.MonkeyPatch) -> Submissions:
    own = Submissions()
    monkeypatch.setattr("xt_tui.launching.submit", own)
    return own


async def test_what_is_launched_is_what_was_typed_last_and_only_once(
    session: Session, submissions: Submissions
) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press(*"t.py old")
        await until(pilot, lambda: "t.py old" in preview(app))
        await pilot.press(*" new", "enter", "ctrl+l", "ctrl+l")
        await until(pilot, lambda: submissions.commands == [["t.py", "old", "new"]])
        await pilot.press("enter")
        submissions.release.set()
        await until(pilot, lambda: preview(app) == "the disk is full make room")
        assert len(submissions.commands) == 1
        assert not app.screen.query_one("#go", Button).disabled


async def test_enter_in_an_option_launches_nothing(
    session: Session, submissions: Submissions
) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until(pilot, lambda: "write the command" in preview(app))
        await pilot.press(*"t.py", "tab", "2", "enter", "3", "enter")
        assert app.screen.query_one(OptionFields).parameters.written == [("2", "3")]
        await pilot.press("ctrl+g")
        await until(pilot, lambda: not isinstance(app.screen, LaunchScreen))
        assert submissions.commands == []
