"""The output pane: whole consoles, of one run or of several, and what is done with them."""

import threading
from pathlib import Path

import pytest
from textual.widgets import Input
from tui_support import text_of, told, until, until_loaded

from xt_core.model.records import Run
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.console import attachment
from xt_tui.panes.arranging import Arrangement, Wish
from xt_tui.screens.save_output import SaveOutputScreen


def store(session: Session, run: str, console: bytes) -> None:
    """Put the console of an ended run where those are kept."""
    session.artifacts.put_bytes(f"ws1/runs/{run}/logs/output.txt", console)


def border(app: XtApp) -> str:
    return str(app.output.border_subtitle)


async def test_a_long_console_opens_at_its_end_and_is_fetched_as_far_as_wanted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment, "_LAST_BYTES", 1_000)
    monkeypatch.setattr(attachment, "_PIECE", 700)
    monkeypatch.setattr(attachment, "EARLIER_BYTES", 3_000)
    expected = [f"line {number}" for number in range(4_000)]
    store(session, "run1.1", "\n".join([*expected, "the end"]).encode())
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("a")
        await until(pilot, lambda: app.output.view.lines[-1:] == ["the end"])
        (attached,) = app.output.attachments
        await until(pilot, lambda: attached.ended and not attached.is_loading)
        assert not attached.is_whole
        lines = app.output.view.lines
        assert 390 < len(lines) < 460
        assert lines == [*expected, "the end"][-len(lines) :]
        await until(pilot, lambda: border(app) == "run1.1 · ✔ completed · 1 MB before: g loads")
        await pilot.press("g")
        await until(pilot, lambda: attached.is_whole)
        assert app.output.view.lines == [*expected, "the end"]
        await until(pilot, lambda: app.output.view.top == app.output.view.buffer.first)
        await until(pilot, lambda: border(app) == "run1.1 · ✔ completed · F follows")


async def test_several_runs_are_shown_together_by_name(session: Session) -> None:
    store(session, "run1.1", b"a\n\x1b[31mb\x1b[0m\nunfinished")
    store(session, "run1.2", b"Traceback (most recent call last):\n  x\nKeyError: 'y'\n")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "space", "a")
        await until(pilot, lambda: len(app.output.view.lines) == 6)
        lines = app.output.view.lines
        assert [line for line in lines if line.startswith("run1.1")] == [
            "run1.1 │ a", "run1.1 │ b", "run1.1 │ unfinished",
        ]  # fmt: skip
        assert [line for line in lines if line.startswith("run1.2")] == [
            "run1.2 │ Traceback (most recent call last):", "run1.2 │   x", "run1.2 │ KeyError: 'y'",
        ]  # fmt: skip
        assert [run.name for run in app.main.meant_runs] == ["run1.1", "run1.2"]
        await until(pilot, lambda: border(app) == "run1.1, run1.2 · 2 of 2 ended")
        await pilot.press("&", *"run1.1", "enter")
        await until(pilot, lambda: len(app.output.view.lines) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.output.view.lines) == 6)


async def test_the_pane_follows_what_is_chosen_but_not_while_it_is_read(session: Session) -> None:
    for number in (1, 2, 3):
        store(session, f"run1.{number}", b"of run1.%d\n" % number)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)

        async def shows(*lines: str) -> None:
            await until(pilot, lambda: sorted(app.output.view.lines) == [*lines], str(lines))

        app.runs.go_to("ws1/run1.2")
        await until(pilot, lambda: app.runs.run is not None and app.runs.run.name == "run1.2")
        assert app.output.runs == []  # nobody sees it
        await pilot.press("5")
        await shows("of run1.2")
        app.runs.go_to("ws1/run1.3")
        await pilot.pause()
        assert app.output.view.lines == ["of run1.2"]  # it is being read
        await pilot.press("3")
        await shows("of run1.3")
        await pilot.press("5", "d", "3")
        assert border(app).startswith("run1.3")
        assert border(app).endswith("detached")
        app.runs.go_to("ws1/run1.1")
        await shows("of run1.1")
        await pilot.press("space")
        app.runs.go_to("ws1/run1.2")
        await pilot.press("space")
        await shows("run1.1 │ of run1.1", "run1.2 │ of run1.2")
        await pilot.press("u")
        app.runs.go_to("ws1/run1.5")
        await until(pilot, lambda: border(app) == "run1.5 · ✔ completed · no output")
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: border(app) == "no run")
        assert app.runs.border_subtitle == "0 of 7 runs · filter zzz"
        await pilot.press("escape")
        await until(pilot, lambda: border(app) == "run1.5 · ✔ completed · no output")


async def test_keys_in_a_burst_lead_to_the_output_of_the_run_that_they_lead_to(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(session, "run1.1", b"of run1.1\n")
    store(session, "run2", b"of run2\n")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("5", "3")
        await until(pilot, lambda: app.output.view.lines == ["of run1.1"])
        arrange, may_go_on = app.runs._arranger.arrange, threading.Event()

        def arrange_late(wish: Wish[Run], now: float) -> Arrangement[Run]:
            assert may_go_on.wait(60)
            return arrange(wish, now)

        monkeypatch.setattr(app.runs._arranger, "arrange", arrange_late)
        await pilot.press("2", "g", "j", "5")  # job2 comes first, with run2 alone
        assert app.main.pane is app.output
        may_go_on.set()
        await until(pilot, lambda: app.output.view.lines == ["of run2"])


async def test_output_is_copied_and_saved(session: Session) -> None:
    console = b"\x1b[32mone\x1b[0m\ntwo \xff\r\nthree\n"
    store(session, "run1.1", console)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("3", "a")
        await until(pilot, lambda: len(app.output.view.lines) == 3)
        await until(pilot, lambda: app.main.pane is app.output)
        await pilot.press("y")
        assert app.clipboard == "one\ntwo �\nthree"
        await pilot.press("v", "k")
        await until(pilot, lambda: "2 lines marked" in border(app))
        await pilot.press("y")
        assert app.clipboard == "two �\nthree"
        assert app.output.view.range is None

        async def save(name: str, *keys: str) -> Path:
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, SaveOutputScreen))
            app.screen.query_one(Input).value = name
            await pilot.press(*keys)
            await until(pilot, lambda: not isinstance(app.screen, SaveOutputScreen))
            path = session.cwd / name
            await until(pilot, lambda: any(str(path) in text for text in told(app)))
            app.clear_notifications()
            return path

        assert (await save("text.txt", "enter")).read_text() == "one\ntwo �\nthree\n"
        raw = await save("raw.txt", "tab", "down", "enter", "shift+tab", "enter")
        assert raw.read_bytes() == console
        raw.write_bytes(b"mine")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SaveOutputScreen))
        for wrong, problem in (("n" * 300, "File name too long"), ("~nobody-here/x", "home dir")):
            app.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            assert problem in text_of(app)
        await pilot.press("escape")
        await pilot.press("v", "s")
        await until(pilot, lambda: isinstance(app.screen, SaveOutputScreen))
        app.screen.query_one(Input).value = "raw.txt"
        await pilot.press("enter")
        assert isinstance(app.screen, SaveOutputScreen), "it is there: that is said first"
        assert raw.read_bytes() == b"mine"
        await pilot.press("enter")
        await until(pilot, lambda: raw.read_bytes() == b"three\n")


@pytest.mark.parametrize(
    ("length", "redrawn", "is_cut"),
    [(20_000, "", False), (20_000, "10 %\r", True), (300_000, "", True)],
)
async def test_of_lines_too_long_to_be_shown_all_is_saved_unless_told_otherwise(
    session: Session, length: int, redrawn: str, is_cut: bool
) -> None:
    console = f"one\n{redrawn}{'x' * length} the end\n".encode()
    store(session, "run1.1", console)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("a")
        await until(pilot, lambda: len(app.output.view.lines) == 2)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SaveOutputScreen))
        await until(pilot, lambda: "all bytes, as the run wrote them" in text_of(app))
        assert ("all 2 lines, as text, none beyond 16,384 characters" in text_of(app)) is is_cut
        app.screen.query_one(Input).value = "all.txt"
        await pilot.press("enter")
        await until(pilot, lambda: any("all.txt" in text for text in told(app)))
        assert (session.cwd / "all.txt").read_bytes() == console


async def test_a_pager_that_is_not_to_be_had_is_told(session: Session) -> None:
    store(session, "run1.1", b"one\n")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("a")
        await until(pilot, lambda: app.output.view.lines == ["one"])
        await pilot.press("P")
        await until(pilot, lambda: any("no pager can be opened here" in t for t in told(app)))
        await pilot.press("n")
        await until(pilot, lambda: "nothing is searched for: / searches" in told(app))
        await pilot.press("d")
        await until(pilot, lambda: border(app) == "run1.1 · ✔ completed · detached")
        await pilot.press("d")
        await until(pilot, lambda: "no run is attached" in told(app))
        assert app.output.view.lines == ["one"]
        await pilot.press("3", "a")
        await until(pilot, lambda: border(app) == "run1.1 · ✔ completed")
