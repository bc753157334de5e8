"""Keys that come faster than what they open, all in one burst."""

import threading
from dataclasses import replace

import pytest
from textual import events
from textual.geometry import Offset
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input, TextArea
from textual.widgets._toast import Toast
from tui_support import PATIENCE_SECONDS, names, text_of, told, until, until_loaded

from xt_core.errors import UsageError
from xt_core.session import Session
from xt_tui.acting.lookups import look_up
from xt_tui.actions import ACTIONS
from xt_tui.app import XtApp
from xt_tui.panes import awaited
from xt_tui.panes.awaited import Awaited
from xt_tui.screens.events import EventsScreen
from xt_tui.screens.jump import JumpScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.note import NoteScreen


def burst(pilot: Pilot[int], *typed: str) -> None:
    """Send keys as a terminal does that has them all at once; several characters are a text."""
    for text in typed:
        keys = [text] if text in ("enter", "ctrl+s", "ctrl+o", "ctrl+c", "escape") else text
        for key in keys:
            event = (
                events.Key(_character_to_key(key), key) if len(key) == 1 else events.Key(key, None)
            )
            pilot.app.post_message(event)


async def test_a_key_right_behind_esc_is_not_lost_with_it(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        burst(pilot, "E")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        app.post_message(events.Key("alt+n", "n"))  # as a terminal's reader takes the two
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        app.post_message(events.Key("alt+5", "5"))
        await until(pilot, lambda: app.main.pane is app.output)
        assert app.screen is app.main


async def test_what_is_typed_behind_a_key_lands_in_what_the_key_opens(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        burst(pilot, "/", "hparams.lr>.3")  # while the panes are not there yet
        app = await until_loaded(pilot, 3)
        burst(pilot, "5", "enter", "*", "c")
        # of the three that match one alone has not ended
        await until(pilot, lambda: "Cancel run1.6?" in text_of(app))
        assert names(app) == ["run1.4", "run1.5", "run1.6"]
        assert len(app.runs.chosen) == 3

        burst(pilot, "n", "u", "t", "cost=7,cancelled", "enter")
        await until(pilot, lambda: told(app) == ["tags of 1 run set"])
        assert session.store.run("ws1", "run1.4").tags == {"cost": 7, "cancelled": True}

        burst(pilot, "i", "cancelled by y", "ctrl+s")
        await until(pilot, lambda: told(app)[-1] == "notes of run1.4 set")
        assert session.store.run("ws1", "run1.4").notes == "cancelled by y"

        burst(pilot, "n", "c y q.py")
        await until(
            pilot,
            lambda: [i.value for i in app.screen.query("#command").results(Input)] == ["c y q.py"],
        )
        burst(pilot, "escape", "E", "q", "ctrl+o")  # the jump is on the panes, not on the events
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        assert app.screen_stack[-2] is app.main
        burst(pilot, "escape", "E", "ctrl+c", "E")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        assert app.screen_stack[-2] is app.main
        burst(pilot, "q", ":", "new", "enter", " 2")  # that is looked for in a thread
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until(
            pilot,  # which may look before the form is composed
            lambda: (
                [i.value for i in app.screen.query("#command").results(Input)] == ["c y q.py 2"]
            ),
        )


def press(pilot: Pilot[int], place: Offset, *kinds: type[events.MouseEvent]) -> None:
    """Send what a terminal sends of a mouse; by default a click."""
    for kind in kinds or (events.MouseDown, events.MouseUp):
        pilot.app.post_message(
            kind(None, place.x, place.y, 0, 0, 1, False, False, False, place.x, place.y)
        )


async def test_a_click_acts_after_the_keys_before_it_and_before_those_behind_it(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        table = app.runs.table
        second, tab = table.content_region.offset + Offset(3, 2), Offset(2, 0)
        assert table.cursor_key == "ws1/run1.1"
        burst(pilot, "jj", " ")  # marks the third, and goes to the fourth
        press(pilot, second)
        burst(pilot, " ")  # marks the second
        await until(pilot, lambda: len(app.runs.chosen) == 2)
        assert [run.name for run in app.runs.chosen] == ["run1.2", "run1.3"]

        burst(pilot, "n")  # a form covers the row: the click is meant for what is there then
        press(pilot, second)
        burst(pilot, "escape", "E")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        burst(pilot, "q")
        await until(pilot, lambda: app.screen is app.main)
        assert table.cursor_key == "ws1/run1.3"

        press(pilot, tab)  # a key behind a click is for the pane that it opened
        burst(pilot, "j")
        await until(pilot, lambda: app.main.pane is app.main.teams)
        assert table.cursor_key == "ws1/run1.3"
        burst(pilot, "3")
        press(pilot, second, events.MouseScrollDown, events.MouseMove)  # in their order
        burst(pilot, "G")
        await until(pilot, lambda: table.cursor_key == "ws1/run2")


async def test_a_toast_may_be_clicked_again_while_it_goes(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40), notifications=True) as pilot:
        app = await until_loaded(pilot, 7)
        app.notify("read this")
        await until(pilot, lambda: any(toast.region.width for toast in app.screen.query(Toast)))
        place = app.screen.query_one(Toast).region.offset + Offset(3, 1)
        for _ in range(4):
            press(pilot, place)
        burst(pilot, "3j")
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")
        assert not app.screen.query(Toast)


async def test_a_button_that_is_let_go_of_while_something_is_looked_up_is_not_forgotten(
    session: Session,
) -> None:
    given_up: list[str] = []
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        border = Offset(app.jobs.region.right - 1, app.jobs.region.y + 3)
        width = app.jobs.size.width
        press(pilot, border, events.MouseDown)
        await until(pilot, lambda: app.mouse_captured is app.jobs)

        def give_up() -> None:
            given_up.append("it")

        app.hold_keys(give_up)
        burst(pilot, "c")
        press(pilot, border + Offset(4, 0), events.MouseMove, events.MouseUp)
        burst(pilot, "escape")
        await until(pilot, lambda: app.mouse_captured is None)
        assert given_up == ["it"]
        assert app.screen is app.main
        assert app.jobs.size.width == width, "movements behind a key that was given up are too"
        app.hold_keys(give_up)
        press(pilot, app.runs.table.content_region.offset + Offset(3, 2))  # nothing is typed
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.2")
        app.release_keys(give_up)


async def test_what_is_pasted_is_never_taken_for_keys_of_the_table(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        app.post_message(events.Paste("*cy"))
        burst(pilot, "/")
        app.post_message(events.Paste("status=running"))
        burst(pilot, "enter", "t")
        app.post_message(events.Paste("a=1"))
        await until(
            pilot, lambda: [i.value for i in app.screen.query("#answer").results(Input)] == ["a=1"]
        )
        assert names(app) == ["run1.6"]
        assert app.state.runs["ws1/run1.6"].status == "running"


async def test_what_is_typed_while_something_is_looked_up_waits_for_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Semaphore(0), threading.Semaphore(0)
    outcomes: list[str | UsageError] = ["too late", UsageError("not there", "look elsewhere"), "it"]

    def find() -> str:
        outcome = outcomes.pop(0)
        begun.release()
        assert go.acquire(timeout=60)
        if isinstance(outcome, UsageError):
            raise outcome
        return outcome

    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)

        def open_notes(app: XtApp) -> None:
            look_up(
                app, "looking", find, lambda text: app.push_screen(NoteScreen(text, "", "", {}))
            )

        action = replace(ACTIONS["rerun"], perform=open_notes)
        monkeypatch.setitem(ACTIONS, "rerun", action)
        burst(pilot, "N", "c")
        await until(pilot, lambda: begun.acquire(blocking=False))
        await until(pilot, lambda: "looking… esc or ctrl+g gives up" in text_of(app))
        burst(pilot, "escape", "E")  # who does not want to wait
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        burst(pilot, "q", "N", "cy*")
        await until(pilot, lambda: begun.acquire(blocking=False))
        go.release(2)
        await until(pilot, lambda: told(app) == ["not there\nlook elsewhere"])
        assert app.screen is app.main
        assert app.runs.chosen == [app.runs.run]
        burst(pilot, "N", "cy*")
        go.release()
        await until(pilot, lambda: [t.text for t in app.screen.query(TextArea)] == ["cy*"])
        assert "it" in text_of(app)
        assert "too late" not in text_of(app)


async def test_the_limit_of_a_wait_that_is_over_does_not_end_a_later_one(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaited, "_LONGEST_FIRST_HOLD_SECONDS", 0.1)
    monkeypatch.setattr(awaited, "_LONGEST_HOLD_SECONDS", 10 * PATIENCE_SECONDS)
    rung = threading.Event()
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        rows = Awaited(app.runs, lambda: None)
        rows.hold_keys()
        rows.show(1)
        app.runs.set_timer(0.1, rung.set)  # behind the limit, which would ring before
        rows.ask(2)
        rows.hold_keys()
        await until(pilot, rung.is_set)
        burst(pilot, "E")
        await pilot.pause()
        assert app.screen is app.main
        rows.show(2)
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
