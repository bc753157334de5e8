"""What is drawn where only ASCII can be."""

from functools import partial

import pytest
from tui_support import text_of, until, until_loaded

from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.asciionly import ascii_of

SCREENS = {
    "runs": ((), "+ completed"),
    "metrics": (("4",), "loss"),
    "nodes": (("7",), "o no controller"),
    "search": (("1", "3", "S"), "3 Sets"),
    "importance": (("2",), "run1.1"),
    "help": (("q", "question_mark"), "launch a run"),
    "form": (("escape", "n"), "as configured"),
    "columns": (("escape", "3", "C"), "+  run"),
    "palette": (("escape", "colon"), "cancel"),
}
"""Screen -> the keys that lead there from the one before, and what it shows."""


@pytest.mark.parametrize(
    ("drawn", "like"),
    [
        ("╭─ 3 Runs ─╮", "+- 3 Runs -+"),
        ("✔ ✘ ■ ▶ ◌ ◍ ·", "+ x # > o ~ ."),
        ("███░ 3/4", "###. 3/4"),
        ("▲ more…", "^ more."),
        ("⠉⡇", "**"),
        ("übergroß 名前", "übergroß 名前"),
    ],
)
def test_each_sign_has_a_likeness_and_letters_stay(drawn: str, like: str) -> None:
    assert ascii_of(drawn) == like


def is_shown(app: XtApp, text: str) -> bool:
    return text in text_of(app)


async def test_keys_are_spelled(session: Session) -> None:
    plain = Session(session.home, session.cwd, session.environ, {"tui.ascii": True})
    async with XtApp(plain).run_test(size=(120, 36)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("4")
        await until(pilot, lambda: "enter large" in text_of(app))
    plain.close()


async def test_no_screen_needs_more_than_ascii(session: Session) -> None:
    plain = Session(session.home, session.cwd, session.environ, {"tui.ascii": True})
    async with XtApp(plain).run_test(size=(120, 36)) as pilot:
        app = await until_loaded(pilot, 7)
        for name, (keys, shown) in SCREENS.items():
            await pilot.press(*keys)
            await until(pilot, partial(is_shown, app, shown), name)
            others = {character for character in text_of(app) if not character.isascii()}
            assert not others, f"{name}: {others}"
    plain.close()
