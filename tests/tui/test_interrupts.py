"""Ctrl-C wherever something is open: it closes that, and stops, launches and crashes nothing."""

import functools

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input
from tui_support import told, until, until_loaded

from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.screens.check import CheckScreen
from xt_tui.screens.team import TeamScreen

GARBAGE = "c\x1b[31m\x00y\u202e*\r\n" * 1_500
DIALOGS = {
    "c": "ConfirmScreen",
    "n": "LaunchScreen",
    "t": "AskScreen",
    "i": "NoteScreen",
    "question_mark": "HelpScreen",
    "colon": "PaletteScreen",
    "V": "ViewsScreen",
    "C": "ColumnsScreen",
    "O": "FieldScreen",
    "B": "FieldScreen",
    "Y": "ChoiceScreen",
    "E": "EventsScreen",
    "8": "ThemeScreen",
    "b": "BoxScreen",
    "S": "SearchScreen",
    "equals_sign": "CompareScreen",
    "ctrl+o": "JumpScreen",
}
"""What each key opens on the runs pane, by the name of its class."""
RESIZED = ("LaunchScreen", "ColumnsScreen", "SearchScreen")


def is_shown(app: XtApp, screen: str) -> bool:
    return type(app.screen).__name__ == screen


async def mark_two(pilot: Pilot[int], app: XtApp) -> None:
    """Mark runs of which one runs, for every dialog to have something to be about."""
    await pilot.press("O", "minus", *"run", "enter", "g", "j", "v", "j", "v")
    await until(pilot, lambda: len(app.runs.chosen) == 2)


async def test_ctrl_g_does_what_esc_does_in_every_dialog(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await mark_two(pilot, app)
        for key, screen in DIALOGS.items():
            await pilot.press(key)
            await until(pilot, functools.partial(is_shown, app, screen), screen)
            await pilot.press("ctrl+g")
            await until(pilot, lambda: app.screen is app.main, f"{screen} to close")
        name = session.team.name
        for dialog in (CheckScreen(session, "gpu1"), TeamScreen({name: session.team}, name)):
            app.push_screen(dialog)
            await until(pilot, functools.partial(is_shown, app, type(dialog).__name__))
            await pilot.press("ctrl+g")
            await until(pilot, lambda: app.screen is app.main, "it to close")
        assert app.state.pending == {}


async def test_ctrl_c_closes_every_dialog_whatever_was_pasted_into_it(session: Session) -> None:
    before = [session.store.run("ws1", f"run1.{number}") for number in range(1, 7)]
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await mark_two(pilot, app)
        for key, screen in DIALOGS.items():
            await pilot.press(key)
            await until(pilot, functools.partial(is_shown, app, screen), screen)
            app.post_message(events.Paste(GARBAGE))
            if screen in RESIZED:
                await pilot.resize_terminal(60, 20)
            await pilot.press("ctrl+c")
            if screen == "NoteScreen":  # what was written is not lost by one key
                assert app.screen is not app.main
                await pilot.press("ctrl+c")
            await until(pilot, lambda: app.screen is app.main, f"{screen} to close")
            if screen in RESIZED:
                await pilot.resize_terminal(140, 40)
        assert len(app.runs.chosen) == 2
        assert app.state.pending == {}
        for pane in ("2", "3", "4"):
            await pilot.press(pane, "slash")
            await until(pilot, lambda: isinstance(app.focused, Input), f"the field of {pane}")
            app.post_message(events.Paste(GARBAGE))
            await pilot.press("ctrl+c")
            await until(pilot, lambda: not isinstance(app.focused, Input), f"{pane} to close")
        app.post_message(events.Paste(GARBAGE))
        await pilot.press("3", "ctrl+c")
        await until(pilot, lambda: told(app)[-1] == "q leaves; whatever runs goes on")
        assert len(app.state.runs) == 7
    assert [session.store.run("ws1", run.name) for run in before] == before
