"""What goes wrong, be it a defect of XT, is told, and harms nothing else."""

import asyncio
import threading
from functools import partial

import pytest
from textual.widgets import Static
from tui_support import told, until, until_loaded

from xt_core.choices import Choices
from xt_core.errors import UnavailableError
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui import feed
from xt_tui.acting import controllers, scripts
from xt_tui.acting.lookups import look_up
from xt_tui.app import XtApp
from xt_tui.leaving import Acts
from xt_tui.screens import box
from xt_tui.screens.box import BoxScreen
from xt_tui.screens.check import CheckScreen
from xt_tui.screens.field import FieldScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.note import NoteScreen
from xt_tui.screens.team import TeamScreen

DEFECT = "RuntimeError: a defect"


def is_told(app: XtApp, times: int) -> bool:
    return told(app).count(DEFECT) == times


def defect(*_arguments: object) -> None:
    raise RuntimeError("a defect")


async def test_a_controller_that_could_not_be_started_may_be_started_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, "_start", defect)
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("7")
        await until(pilot, lambda: app.main.nodes.node is not None)
        for number in (1, 2):
            await pilot.press("s")
            await until(pilot, partial(is_told, app, number))
            await until(pilot, lambda: not app.main.nodes.is_starting("node0"))


async def test_a_box_that_could_not_be_added_may_be_sent_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "reach_new_box", defect)
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("b")
        form = await until(pilot, lambda: isinstance(app.screen, BoxScreen) and app.screen)
        await pilot.press(*"gpu1", "tab", *"host1", "ctrl+l")
        await until(pilot, lambda: DEFECT in str(form.query_one("#box-state", Static).render()))
        assert not form.query_one("#add").disabled


async def test_a_box_that_could_not_be_looked_at_may_be_looked_at_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xt_core.ssh.configured.box_address", defect)
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        screen = CheckScreen(session, "gpu1")
        app.push_screen(screen)
        report = await until(pilot, lambda: screen.query("#check-report")) and screen.query_one(
            "#check-report", Static
        )
        await until(pilot, lambda: str(report.render()) == f"  ✗ {DEFECT}\n")
        monkeypatch.setattr("xt_core.ssh.configured.box_address", lambda *_: defect_of("another"))
        await pilot.press("r")
        await until(pilot, lambda: str(report.render()) == "  ✗ RuntimeError: another\n")


def defect_of(text: str) -> None:
    raise RuntimeError(text)


async def test_what_failed_for_a_dialog_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "scripts", defect)
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("ctrl+f")
        await until(pilot, lambda: told(app)[-1:] == [DEFECT])


async def test_notes_are_kept_where_no_file_can_be_made_for_the_editor(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, NoteScreen))
        await pilot.press(*"abc")
        monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
        await pilot.press("ctrl+e")
        failure = "it cannot be edited in a file: No such file or directory"
        await until(pilot, lambda: told(app)[-1:] == [failure])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: session.store.run("ws1", "run1.1").notes == "abc")


async def test_an_order_that_is_none_is_told_in_its_dialog(session: Session) -> None:
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        before = app.runs.selection.sort
        for wrong, problem in (
            ("bogus,run", "there is no field 'bogus'"),
            (",run", "malformed sort order ',run"),
        ):
            await pilot.press("O")
            dialog = await until(pilot, lambda: isinstance(app.screen, FieldScreen) and app.screen)
            await pilot.press(*wrong, "enter")
            hint = dialog.query_one("#field-hint", Static)
            await until(pilot, partial(hint.has_class, "error"))
            assert str(hint.render()).startswith(problem)
            assert app.screen is dialog
            await pilot.press("escape")
        assert app.runs.selection.sort == before


@pytest.mark.parametrize("kept", [["xt-light"], {"a": 1}, 7, ""])
async def test_a_theme_that_is_none_keeps_nobody_out(session: Session, kept: object) -> None:
    Choices(session.home.root).put("theme", kept)
    async with XtApp(session).run_test(size=(80, 24)) as pilot:
        app = await until_loaded(pilot, 7)
        assert app.theme == "xt-dark"


async def test_a_team_that_is_no_longer_configured_may_be_left(session: Session) -> None:
    async with XtApp(session).run_test(size=(80, 24)) as pilot:
        app = await until_loaded(pilot, 7)
        chosen = list[str | None]()
        app.push_screen(TeamScreen({"local": session.team}, "gone"), chosen.append)
        await until(pilot, lambda: isinstance(app.screen, TeamScreen))
        await pilot.press("enter")
        await until(pilot, lambda: chosen == ["local"])


async def test_who_is_archived_is_not_gone_to_later(session: Session) -> None:
    session.store.change_run(RunChange("ws1", "run1.5", fields={"tags": {"archived": True}}))
    session.store.update_job("job2", tags={"archived": True})
    session.store.change_run(RunChange("ws1", "run2", fields={"tags": {"archived": True}}))
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 5)
        app.main.go_to_run("job1", "ws1/run1.5")
        app.main.go_to_job("job2")
        assert told(app) == [f"{name} is archived: A shows what is" for name in ("run1.5", "job2")]
        await pilot.press("3", "g", "j")
        at = app.runs.table.cursor_key
        await pilot.press("A")
        await until(pilot, lambda: len(app.runs.table.keys) == 7)
        assert app.runs.table.cursor_key == at == "ws1/run1.2"


async def test_look_ups_that_hang_hold_up_no_act_and_nobody_who_leaves(session: Session) -> None:
    acts, answer = Acts(), threading.Event()
    asyncio.get_running_loop().set_default_executor(acts)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for _ in range(acts._max_workers):
            look_up(app, "listing files", answer.wait, lambda _found: None)
            await pilot.press("escape")
        await pilot.press("t", *"best", "enter")
        await until(pilot, lambda: "best" in session.store.run("ws1", "run1.1").tags)
        await until(pilot, lambda: not acts.unfinished)
    answer.set()


async def test_garbage_is_looked_for_also_where_the_store_does_not_answer(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    plain = feed.Feed._show_newest

    def show(own: feed.Feed) -> object:
        if not answers.is_set():
            raise UnavailableError("no connection")
        return plain(own)

    monkeypatch.setattr(feed.Feed, "_show_newest", show)
    app, called = XtApp(session), list[bool]()
    app.when_loaded = lambda: called.append(app.state.loaded)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: called == [False])
        answers.set()
        await until(pilot, lambda: called == [False, True])
