"""What others wrote is shown, and never obeyed by the terminal."""

from functools import partial

import pytest
from tui_support import log_values, text_of, until, until_loaded

from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.query.table import UNSAFE
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_tui.app import XtApp
from xt_tui.controlcodes import harmless

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eevil"
"""Sets the clipboard, the colour, and turns text round."""


def fill(session: Session) -> None:
    """job3 and run3, all texts of which are evil."""
    job = Job(
        "job3", "ws1", EVIL, "single", "local", EVIL, 1e9, 1, 1, primary_metric=f"m{EVIL}",
        description=EVIL, command=f"train.py {EVIL}", notes=EVIL, tags={f"tag{EVIL}": EVIL},
    )  # fmt: skip
    run = Run("ws1", "run3", "job3", EVIL, "node0", RunStatus.QUEUED, 1e9, command=EVIL)
    session.store.add_job(job, [run], [])
    told = {
        "hparams": {f"h{EVIL}": EVIL},
        "tags": {f"t{EVIL}": EVIL},
        "notes": f"first\n{EVIL}",
        "error": EVIL,
    }
    session.store.change_run(RunChange("ws1", "run3", RunStatus.RUNNING, "started", fields=told))
    log_values(session, "run3", {f"m{EVIL}": 1.0, f"text{EVIL}": EVIL}, {f"m{EVIL}": 2.0})
    session.store.change_run(RunChange("ws1", "run3", RunStatus.ERROR, "ended"))
    session.artifacts.put_bytes(f"ws1/runs/run3/after/{EVIL}", b"1")


def check(app: XtApp) -> None:
    """Of the screen, and whatever lies below it."""
    for screen in app.screen_stack:
        for strip in screen._compositor.render_strips():
            assert not UNSAFE.search(strip.text), (screen, strip.text)


def differs(app: XtApp, before: str) -> bool:
    return app.details.text != before


def shows(app: XtApp, part: str) -> bool:
    return part in text_of(app)


async def test_no_text_of_others_reaches_the_terminal_as_a_control_code(session: Session) -> None:
    fill(session)
    async with XtApp(session).run_test(size=(160, 50)) as pilot:
        app = await until_loaded(pilot, 8)
        await pilot.press("end")
        await until(pilot, lambda: app.runs.run and app.runs.run.name == "run3")
        await until(pilot, lambda: "]52" in str(app.details.text))
        check(app)
        await pilot.press("6")
        for _ in range(6):
            before = app.details.text
            await pilot.press("l")
            await until(pilot, partial(differs, app, before))
            check(app)
        await pilot.press("3", "i")
        await until(pilot, lambda: "first" in text_of(app))
        check(app)
        await pilot.press("escape")
        for key, part in (("Y", "xt view run"), ("e", "Open what of"), ("C", "Columns of")):
            await pilot.press(key)
            await until(pilot, partial(shows, app, part), part)
            check(app)
            await pilot.press("escape")
        app.notify(EVIL, title=EVIL, markup=False)
        await pilot.press("E")
        await until(pilot, lambda: "Told:" in text_of(app))
        check(app)
        await pilot.press("escape", "2", "j", "k")
        await pilot.press("3", "space", "home", "space", "equals_sign")
        await until(pilot, lambda: "Compare" in text_of(app))
        check(app)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 名前 🙂", "naïve 名前 🙂"),
        ("a\x1b[31mb\x9bc", "a[31mbc"),
        ("\udcff", "?"),
        ("a\tb", "ab"),
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert harmless("a\tb\nc\x07", keep="\n\t") == "a\tb\nc"


async def test_what_is_copied_can_be_pasted_anywhere(session: Session) -> None:
    async with XtApp(session).run_test() as pilot:
        pilot.app.copy_to_clipboard("one\n\ttwo\x1b[31m\udcff")
        assert pilot.app.clipboard == "one\n\ttwo[31m?"
