"""The shell of the UI: its layout, help, palette, jumps, events, themes, keys of one's own."""

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList
from tui_support import attached, names, text_of, told, until, until_loaded

from xt_core import clock
from xt_core.choices import Choices
from xt_core.home import Home
from xt_core.query.views import View
from xt_core.session import Session
from xt_tui.actions import ACTIONS
from xt_tui.app import XtApp
from xt_tui.layout import PANES, Layout
from xt_tui.panes.pane import Pane
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.events import EventsScreen
from xt_tui.screens.help import HelpScreen
from xt_tui.screens.jump import JumpScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.palette import PaletteScreen
from xt_tui.screens.theme import ThemeScreen
from xt_tui.widgets.key_footer import KeyFooter
from xt_tui.widgets.table import Table


def with_settings(session: Session, **settings: object) -> Session:
    """The same home with settings of the section `tui`."""
    overrides = {f"tui.{name.replace('_', '-')}": value for name, value in settings.items()}
    return Session(session.home, session.cwd, session.environ, overrides)


def displayed(app: XtApp) -> set[str]:
    return {str(pane.id) for pane in app.main.query(Pane) if pane.region}


async def test_panes_are_zoomed_hidden_resized_and_that_is_remembered(session: Session) -> None:
    all_at_once = {"teams", "jobs", "runs", "metrics"}
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: displayed(app) == all_at_once)
        await pilot.press("z")
        await until(pilot, lambda: displayed(app) == {"runs"})
        await pilot.press("5")
        await until(pilot, lambda: displayed(app) == {"output"})
        await pilot.press("z", "4", "H")
        await until(pilot, lambda: displayed(app) == {"teams", "jobs", "runs", "output"})
        assert app.main.pane is app.output
        assert "4 Metrics" not in text_of(app)
        width = app.jobs.outer_size.width
        await pilot.press("2", "]", "ctrl+right")
        await until(pilot, lambda: app.jobs.outer_size.width == width + 8)
        await pilot.mouse_down(app.jobs, offset=(width + 7, 3))
        await pilot.hover(offset=(width + 9, 12))
        await pilot.mouse_up(offset=(width + 9, 12))
        await until(pilot, lambda: app.jobs.outer_size.width == width + 10)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: app.jobs.outer_size.width == width + 10)
        assert "metrics" not in displayed(app)
        await pilot.press("0")
        await until(pilot, lambda: displayed(app) == all_at_once)
        assert app.jobs.outer_size.width == width


async def test_the_border_of_a_pane_that_stands_alone_resizes_nothing(session: Session) -> None:
    async with XtApp(session).run_test(size=(80, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for key, pane in (("2", app.jobs), ("3", app.runs)):
            await pilot.press(key)
            await until(pilot, lambda wanted=pane: displayed(app) == {wanted.id})  # type: ignore[misc]
            area = pane.region
            right, bottom = area.width - 1, area.height - 1
            for start, end in (((right, 5), (right, 6)), ((5, bottom), (6, bottom))):
                await pilot.mouse_down(pane, offset=start)
                await pilot.hover(pane, offset=end)
                await pilot.mouse_up(pane, offset=end)
        assert app.layout_of_panes == Layout()


async def test_cursor_marks_and_keys_are_kept_over_every_size(session: Session) -> None:
    async with XtApp(session).run_test(size=(200, 60)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(
            pilot, lambda: displayed(app) == {"teams", "jobs", "runs", "metrics", "details"}
        )
        await pilot.press("ctrl+c")
        await until(pilot, lambda: told(app) == ["q leaves; whatever runs goes on"])
        app.clear_notifications()
        await pilot.press("j", "space", "j")
        for size in ((60, 20), (120, 20), (80, 50), (200, 60)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda wanted=size: tuple(app.size) == wanted)  # type: ignore[misc]
            await until(pilot, lambda: "run1.4" in text_of(app))
            assert app.focused is app.runs.table
            assert app.runs.table.cursor_key == "ws1/run1.4"
            assert [run.name for run in app.runs.chosen] == ["run1.2"]
        await pilot.resize_terminal(60, 20)
        await pilot.click("#pane-strip", offset=(1, 0))
        await until(pilot, lambda: displayed(app) == {"teams"})


async def test_a_broken_memory_is_told_and_replaced(session: Session) -> None:
    file = session.home.root / "choices.json"
    file.write_text("{")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7, as_at_first=True)
        ignored = "is no JSON object; it is ignored, and the next choice puts it aside as"
        assert told(app) == [f"{file} {ignored} choices.json.bad"]
        await pilot.press("z")
        await until(pilot, lambda: json.loads(file.read_text())["layout"])


@pytest.mark.parametrize(
    ("hidden", "first"),
    [(["runs"], "metrics"), (["runs", "metrics"], "jobs"), (list(PANES), "runs")],
)
async def test_panes_that_were_hidden_are_not_back_at_the_next_start(
    session: Session, hidden: list[str], first: str
) -> None:
    Choices(session.home.root).put("layout", Layout(frozenset(hidden)).as_dict())
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.state.loaded and app.main.pane is not None)
        assert app.main.pane is app.main.query_one(f"#{first}")
        await until(pilot, lambda: displayed(app) == app.main.panes_shown)
        assert displayed(app) & set(hidden) == {first} & set(hidden)
        await pilot.press("3")
        await until(pilot, lambda: app.focused is app.runs.table)


@pytest.mark.parametrize("size", [(60, 20), (140, 40)])
async def test_an_empty_store_explains_itself(
    session: Session, tmp_path: Path, size: tuple[int, int]
) -> None:
    empty = Session(home=Home(tmp_path / "empty"), cwd=session.cwd, environ={})
    async with XtApp(empty).run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: "launch a script, or a search" in text_of(app))
        assert "xt demo" in text_of(app)
        assert "all keys" in text_of(app)
    empty.close()


async def find(pilot: Pilot[int], text: str) -> OptionList:
    """Open help and type into its filter."""
    await pilot.press("?")
    await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count)
    pilot.app.screen.query_one(Input).value = text
    return options


async def test_help_begins_with_the_pane_finds_and_does(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("4", "?")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        options = app.screen.query_one(OptionList)
        prompts = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
        assert prompts[0] == "Metrics"
        for action in ACTIONS.values():
            assert any(action.help in prompt for prompt in prompts)
        assert any("(not now: the configuration has no other team)" in line for line in prompts)
        await pilot.press("?")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))
        options = await find(pilot, "zoom whole")
        await until(pilot, lambda: options.option_count == 2)
        app.screen.query_one(Input).value = "moon"
        await until(pilot, lambda: "nothing matches" in text_of(app))
        app.screen.query_one(Input).value = "zoom whole"
        await until(pilot, lambda: options.option_count == 2)
        await pilot.press("enter")
        await until(pilot, lambda: displayed(app) == {"metrics"})


def palette_rows(app: XtApp) -> list[str]:
    """What the palette lists, without the nouns of actions."""
    screen = app.screen
    if not isinstance(screen, PaletteScreen):
        return []
    return [key.replace("\0", " ").strip() for key in screen.query_one("#hits", Table).keys]


async def test_the_palette_goes_to_anything_and_offers_it_first_again(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press(":")
        await until(pilot, lambda: palette_rows(app) == list(ACTIONS))
        assert "cancel            [c] not now: run1.1 has ended" in text_of(app)
        await pilot.press(*"run1.5", "enter")  # faster than it is found
        await until(pilot, lambda: app.runs.table.cursor_key == "ws1/run1.5")
        assert app.jobs.table.cursor_key == "all"  # where the runs of all jobs are, they stay
        await pilot.press("ctrl+p")
        await until(pilot, lambda: palette_rows(app)[:2] == ["run ws1/run1.5", "help"])
        await pilot.press(*"theme xt-light", "enter")
        await until(pilot, lambda: app.theme == "xt-light")
        app.runs.save_views({"few": View(filter="metrics.loss<.3"), "odd": View(sort="moon.x")})
        await pilot.press(":", *"few", "enter")
        await until(pilot, lambda: names(app) == ["run1.5", "run1.6"])
        await pilot.press(":", *"view od", "enter")
        await until(pilot, lambda: "moon" in told(app)[-1])
        await pilot.press(":", *"node0", "enter")
        await until(pilot, lambda: app.main.pane is app.main.nodes)
        assert app.main.nodes.table.cursor_key == "node0"
        await pilot.press(":", *"metric loss", "enter")
        await until(pilot, lambda: app.metrics.charts.chosen == "loss")
        assert (app.main.pane, app.metrics.view.large) == (app.metrics, True)
        await pilot.press(":", *"nothing of the kind", "enter")
        await until(pilot, lambda: "nothing matches" in text_of(app))
        await pilot.press("ctrl+g", ":")
        wanted = ["metric loss", "node node0", "view odd", "view few", "theme xt-light"]
        await until(pilot, lambda: palette_rows(app)[:5] == wanted)
        await pilot.click("#hits", offset=(12, 5))
        await until(pilot, lambda: app.screen is app.main)
        assert app.choices.get("palette")[0] == ["theme", "xt-light"]


async def test_a_letter_goes_to_a_pane_or_a_field(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        await until(pilot, lambda: " d 2 Jobs" in text_of(app))
        await pilot.press("d")
        await until(pilot, lambda: app.main.pane is app.jobs)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        first = app.focused
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until(pilot, lambda: app.focused is not first)
        await pilot.press("ctrl+o", "ctrl+g", "escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_what_was_told_is_kept_and_copied(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("c")
        await until(pilot, lambda: told(app) == ["run1.1 has ended"])
        app.notify("[red]no markup\x07", severity="error", title="disk", markup=False)
        app.clear_notifications()
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        await until(pilot, lambda: "[red]no markup" in text_of(app))
        assert "run1.1 has ended" in text_of(app)
        await pilot.press("Y")
        await until(pilot, lambda: len(app.clipboard.splitlines()) == 2)
        newest, oldest = app.clipboard.splitlines()
        assert "error" in newest
        assert "disk [red]no markup" in newest
        assert oldest.endswith("cancel: not possible run1.1 has ended")
        await pilot.press("q")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: "E 1 error" in text_of(app))


async def test_a_theme_is_tried_on_and_kept_or_not(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        assert app.theme == "xt-dark"
        await pilot.press("8")
        await until(pilot, lambda: isinstance(app.screen, ThemeScreen))
        await pilot.press("j")
        await until(pilot, lambda: app.theme == "xt-light")
        await pilot.press("q")
        await until(pilot, lambda: app.theme == "xt-dark")
        await pilot.press("8", "j", "j", "j", "enter")
        await until(pilot, lambda: app.screen is app.main and app.theme == "ansi-dark")
        assert "✘ error" in text_of(app)
    assert json.loads((session.home.root / "choices.json").read_text())["theme"] == "ansi-dark"
    other = with_settings(session, theme="nothing")
    async with XtApp(other).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        assert app.theme == "xt-dark"
        assert told(app)[0].startswith("there is no theme 'nothing'")
    other.close()


async def test_read_only_changes_nothing_and_says_so(session: Session) -> None:
    careful = with_settings(session, read_only=True)
    async with XtApp(careful).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "read-only · local · ● live" in text_of(app))
        await pilot.press("G", "k")
        for key in ("c", "n", "t", "R"):
            await pilot.press(key)
        await until(pilot, lambda: len(told(app)) == 4)
        assert set(told(app)) == {
            "it is read-only: nothing can be changed (--read-only, tui.read-only)"
        }
        assert app.screen is app.main
        await pilot.press("j", "a")  # run2, which has ended: no controller is asked
        await until(pilot, lambda: attached(app) == ["ws1/run2"])
    careful.close()


async def test_keys_of_ones_own_are_in_force_everywhere(session: Session) -> None:
    session.home.config_file.write_text(
        "tui: {keys: {cancel: 'ctrl+x,X', qqqq: x, zoom: n, help: j}}\n"
    )
    own = Session(session.home, session.cwd, session.environ)
    async with XtApp(own).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        assert told(app) == [
            "tui.keys.qqqq: there is no action 'qqqq'; xt keys lists them",
            "tui.keys.help: j moves the cursor",
            "tui.keys.zoom: n is the key of new already",
        ]
        app.clear_notifications()
        await pilot.press("G", "k", "c")
        assert app.screen is app.main
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.main)
        assert "^x cancel" in text_of(app)
        options = await find(pilot, "cancel marked")
        await until(
            pilot,
            lambda: str(options.get_option_at_index(1).prompt).split()[:2] == ["ctrl+x", "X"],
        )
    own.close()


@pytest.mark.parametrize("error", ["", "the store is away"])
async def test_what_is_shown_says_how_old_it_is(
    session: Session, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "● live" in text_of(app))
        app.feed.stop()
        wanted = "○ offline: the store is away" if error else "◐ 1m"

        def is_told() -> bool:
            app.state.heard, app.state.error = clock.now() - 60, error  # a last look may still come
            return wanted in text_of(app)

        await until(pilot, is_told)


async def test_states_and_borders_can_be_drawn_in_ascii(session: Session) -> None:
    plain = with_settings(session, ascii=True)
    async with XtApp(plain).run_test(size=(100, 30)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "+-" in text_of(app))
        for part in ("+ completed", "x error", "> running"):
            assert part in text_of(app)
        assert "╭" not in text_of(app)
    plain.close()
    async with XtApp(session).run_test(size=(100, 30)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "✔ completed" in text_of(app))


async def test_the_footer_has_keys_that_fit_and_the_mouse_presses_them(session: Session) -> None:
    async with XtApp(session).run_test(size=(70, 30)) as pilot:
        app = await until_loaded(pilot, 7)
        footer = app.main.query_one(KeyFooter)
        await until(pilot, lambda: footer.keys)
        first, second = footer.keys[:2]
        assert [first.label, second.label] == ["?", ":"]
        assert sum(key.cells for key in footer.keys) <= 70
        line = footer.render_line(0).text
        assert line.startswith(f"? {first.description} : {second.description} ")
        assert len(line) == 70
        await pilot.hover(footer, offset=(first.cells, 0))
        assert footer.tooltip == (second.tooltip or None)
        await pilot.click(footer, offset=(first.cells - 1, 0))  # the gap between two keys
        assert app.screen is app.main
        await pilot.click(footer, offset=(0, 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
