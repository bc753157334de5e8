"""What was left is not kept in memory: the app may live for weeks."""

import gc
import weakref

from tui_support import open_search, told, until, until_loaded

from xt_core.session import Session
from xt_tui.app import XtApp, _collect_garbage


def is_freed(kept: "weakref.ref[object]") -> bool:
    gc.collect()
    return kept() is None


async def test_results_that_were_left_are_freed(session: Session) -> None:
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        await until_loaded(pilot, 7)
        kept: weakref.ref[object] = weakref.ref(await open_search(pilot))
        await pilot.press("q", "1", "2", "3")
        await until(pilot, lambda: is_freed(kept))


async def test_a_team_that_was_left_is_freed(session: Session) -> None:
    thresholds = gc.get_threshold()
    app = XtApp(session)
    app.when_loaded = _collect_garbage
    try:
        async with app.run_test(size=(160, 48)) as pilot:
            await until_loaded(pilot, 7)
            kept: weakref.ref[object] = weakref.ref(app.state)
            app.show_session(Session(session.home, session.cwd, session.environ))
            await until(pilot, lambda: app.main.is_open and app.state.loaded)
            await pilot.press("4", "5", "6", "7", "3")
            await until(pilot, lambda: is_freed(kept))
            app.session.close()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        gc.enable()


async def test_output_that_could_not_be_read_is_freed_once_other_is_shown(
    session: Session,
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("a")
        await until(pilot, lambda: app.output.attachments and app.output.attachments[0].ended)
        app.output.attachments[0].problem = "no such box"
        app.output._changed(app.output.attachments[0])
        await until(pilot, lambda: told(app)[-1:] == ["no such box"])
        kept: weakref.ref[object] = weakref.ref(app.output.attachments[0])
        app.output.attach([app.state.runs["ws1/run1.2"]])
        await until(pilot, lambda: is_freed(kept))
