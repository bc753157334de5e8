"""The view of a console: follows, stays where the user scrolled, and shows nothing harmful."""

import random
import re
import time
from collections.abc import Callable

import pytest
from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection
from textual.widgets import Static
from tui_support import PATIENCE_SECONDS

from xt_core.resources import resource
from xt_tui.console import matching
from xt_tui.console.lines import LineBuffer
from xt_tui.console.terminal import Terminal
from xt_tui.looks import Looks
from xt_tui.widgets.log_lines import Range
from xt_tui.widgets.log_view import LogView
from xt_tui.widgets.searched_log import SearchedLog


class Console(Looks):
    CSS_PATH = resource("xt.tcss")

    def compose(self) -> ComposeResult:
        yield SearchedLog(id="log")

    @property
    def log_lines(self) -> SearchedLog:
        return self.query_one(SearchedLog)

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)


class Feeding:
    """A terminal on a view's buffer, of which the view hears at once."""

    def __init__(self, pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Console)
        self.view, self.pilot = pilot.app.view, pilot
        self.buffer = LineBuffer()
        self.terminal = Terminal(self.buffer)
        self.log_lines = pilot.app.log_lines
        pilot.app.log_lines.show(self.buffer)
        self.view.focus()

    async def feed(self, data: bytes) -> None:
        self.terminal.feed(data)
        self.view.flush()
        await self.pilot.pause()

    def drawn(self) -> list[str]:
        """What is on the view's screen."""
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]

    async def told(self, bar: str, text: str) -> None:
        """Wait until a bar says something."""
        state = self.pilot.app.query_one(f"#log-{bar} .search-state", Static)
        await self.until(lambda: text in str(state.content), f"{text!r}; it is {state.content!r}")

    async def until(self, holds: Callable[[], bool], what: str = "the condition") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await self.pilot.pause(0.01)

    @property
    def top_line(self) -> str:
        return self.drawn()[0]


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last))


async def test_it_follows_until_the_user_scrolls_away_and_counts_what_is_new() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        view = console.view
        await console.feed(numbered(0, 100))
        assert view.scroll_offset.y == view.max_scroll_y == 90
        await pilot.press("k")
        await console.feed(numbered(100, 112))
        assert (view.following, view.new_lines) == (False, 12)
        assert console.top_line == "line 89"
        await pilot.press("pageup")
        assert console.top_line == "line 80"
        console.buffer.prepend(numbered(-50, 0))  # what is before comes later
        view.flush()
        assert (console.top_line, view.new_lines) == ("line 80", 12)
        await pilot.press("G")
        assert (view.following, view.new_lines) == (True, 0)
        assert console.drawn()[-1] == "line 111"
        await console.feed(numbered(112, 113))
        assert console.drawn()[-1] == "line 112"
        await pilot.press("g")
        assert (view.following, console.top_line) == (False, "line -50")
        console.buffer.prepend(numbered(-60, -50))
        view.flush()
        assert console.top_line == "line -60", "who asked for the first line stays on it"


async def test_who_wants_the_first_line_before_there_is_one_stays_with_it() -> None:
    async with Console().run_test(size=(30, 10)) as pilot:
        feeding = Feeding(pilot)
        view = feeding.view
        await pilot.press("g")
        assert not view.following
        await feeding.feed(numbered(0, 100))
        await pilot.resize_terminal(30, 8)
        await feeding.until(lambda: view.size.height == 8)
        assert (view.top, feeding.drawn()[0]) == (0, "line 0")


async def test_the_mouse_wheel_scrolls_away_and_back() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        view = console.view
        await console.feed(numbered(0, 30))
        await pilot._post_mouse_events([events.MouseScrollUp], widget=view)
        assert (view.following, view.new_lines) == (False, 0)
        for _ in range(10):
            await pilot._post_mouse_events([events.MouseScrollDown], widget=view)
        assert (view.following, view.new_lines) == (True, 0)


async def test_control_codes_are_harmless_and_colours_stay() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        await console.feed(b"\x1b[31mred\x1b[0m\n\x1b]0;title\x07\x1b[2Jhere\x00\n\xff\xc3")
        await console.feed(b"\xa9\n\x1b[1;38;2;1;2;3mbold")
        drawn = [console.view.render_line(y) for y in range(4)]
        assert all(strip.text.isprintable() for strip in drawn)
        assert [strip.text.strip() for strip in drawn] == ["red", "here␀", "�é", "bold"]
        style = next(segment.style for segment in drawn[0] if "red" in segment.text)
        assert style is not None
        assert style.color is not None
        assert style.color.number == 1
        style = next(segment.style for segment in drawn[3] if "bold" in segment.text)
        assert style is not None
        assert style.bold


async def test_long_lines_are_scrolled_sideways_and_wrapped() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        view = console.view
        await console.feed(b"ab" + b"y" * 60 + b"\n" + b"x" * 50_000 + b"\n")
        await pilot.press("l")
        assert view.scroll_offset.x == 8
        assert console.drawn()[:2] == ["y" * (view.width - 1) + "›", "x" * (view.width - 1) + "›"]
        await console.feed(b"z\n")
        assert view.scroll_offset.x == 8, "new lines do not scroll back"
        await pilot.press("h")
        view.toggle_wrap()
        await pilot.pause()
        assert view.following
        assert console.drawn()[-1] == "z", "the last line is in sight however long the others are"
        await pilot.press("g")
        room = view.width
        assert console.drawn()[:3] == ["ab" + "y" * (room - 2), "y" * (62 - room), "x" * room]
        await pilot.press("j", "j", "j", "k", "k")  # by rows of the screen, also within a line
        assert console.drawn()[:2] == ["y" * (62 - room), "x" * room]
        await pilot.press("g")
        view.toggle_numbers()
        await pilot.pause()
        assert console.drawn()[:2] == ["1 ab" + "y" * (room - 4), "  " + "y" * (64 - room)]
        assert max(map(len, view.lines)) < 16_500


async def test_searching_goes_on_while_lines_come() -> None:
    async with Console().run_test(size=(80, 12)) as pilot:
        console = Feeding(pilot)
        view = console.view
        await console.feed(numbered(0, 100) + b"LINE 7\n")
        console.log_lines.open_search()
        await pilot.press(*"line 7")
        await console.told("search", "12/12 · text · ctrl+r: regex")
        assert view.current == 100, "the nearest match is in sight"
        await pilot.press("enter")
        await console.told("search", "12/12 · text")
        console.log_lines.next_match(1)
        assert (view.current, console.drawn()[3]) == (7, "line 7"), "round at the end"
        await console.feed(b"line 7 again\n")
        await console.told("search", "1/13")
        console.log_lines.next_match(-1)
        await console.told("search", "13/13")
        assert highlighted(view) == {"line 7", "LINE 7"}
        console.log_lines.open_search()
        await pilot.press(*"LINE 7")
        await console.told("search", "1/1")
        await pilot.press("up")  # the one before
        await console.told("search", "/13")
        await pilot.press("ctrl+r", "backspace", "(")
        await console.told("search", "no regular expression")
        assert view.search, "the old search stays"
        await pilot.press("backspace", *"[78]$", "enter")
        await console.told("search", "3/3 · regex")
        console.log_lines.give_up()
        await pilot.pause()
        assert not highlighted(view)


async def test_a_filter_goes_on_while_lines_come_beside_a_search() -> None:
    async with Console().run_test(size=(80, 12)) as pilot:
        console = Feeding(pilot)
        view, log = console.view, console.log_lines
        await console.feed(numbered(0, 100))
        log.open_filter()
        await pilot.press(*"ne 9", "enter")
        await console.told("filter", "11 lines · text")
        assert (view.lines[0], view.lines[1:]) == ("line 9", [f"line {n}" for n in range(90, 100)])
        assert view.following
        await console.feed(b"line 999\nother\nline 9")
        await console.told("filter", "12 lines")
        assert view.lines[-2:] == ["line 999", "line 9"]
        log.open_search()
        await pilot.press(*"5", "enter")
        await console.until(lambda: view.current == 95)
        log.next_match(1)  # line 5 is not shown
        assert view.current == 95
        log.toggle_context()
        await console.told("filter", "12 lines, 2 around each")
        assert view.lines[:5] == [f"line {n}" for n in range(7, 12)]
        assert view.lines[-5:] == ["line 98", "line 99", "line 999", "other", "line 9"]
        log.give_up()
        log.give_up()
        assert len(view.lines) == 103


async def test_the_way_from_error_to_error() -> None:
    trace = b"Traceback (most recent call last):\n  File x\nValueError: no\n"
    async with Console().run_test(size=(80, 12)) as pilot:
        console = Feeding(pilot)
        view, log = console.view, console.log_lines
        await console.feed(numbered(0, 50) + trace + numbered(50, 100))
        log.first_error()
        await console.until(lambda: view.current == 50)
        assert "Traceback (most recent call last):" in console.drawn()
        await console.feed(numbered(100, 150) + b"12:00 ERROR out of tune\n")
        log.next_error(1)
        await console.until(lambda: view.current == 153)
        log.next_error(-1)
        assert view.current == 50
        log.show(LineBuffer())
        log.first_error()
        await console.until(lambda: len(pilot.app._notifications) == 1)


async def test_a_pattern_that_takes_for_ever_is_told_and_what_was_found_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "_PIECE_SECONDS", 0.05)
    async with Console().run_test(size=(80, 12)) as pilot:
        console = Feeding(pilot)
        view, log = console.view, console.log_lines
        await console.feed(b"xy\n" * 20_000 + b"x" * 5_000 + b"\n" + numbered(0, 20_000))
        log.open_search()
        await pilot.press("ctrl+r", *"(x+x+)+y|e 1$")
        await console.told("search", "takes too long")
        await pilot.press("enter", "g", "pagedown")
        await console.until(lambda: 0 < view.top < 20, "the keys to act")
        log.open_filter()
        await pilot.press("ctrl+r", *"(x+x+)+y", "enter")
        await console.told("filter", "takes too long: ")
        await console.feed(b"x" * 5_000)  # an unfinished line is looked at as well
        log.open_filter()
        await pilot.press(*"e 1$")
        await console.told("filter", "1 line · regex")
        assert view.lines == ["line 1"]


async def test_lines_are_marked_and_selected() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        view = console.view
        await console.feed(numbered(0, 100))
        view.begin_range()
        await pilot.press("k", "k", "pageup")
        marked = view.range
        assert marked == Range(anchor=99, cursor=88)
        await console.feed(numbered(100, 110))
        assert (view.following, marked.ends) == (False, (88, 99))
        await pilot.press("G")
        assert marked.ends == (99, 109)
        console.log_lines.open_filter()
        await pilot.press(*"nowhere", "enter")
        await console.until(lambda: view.rows.count == 0)
        await pilot.press("k", "G")  # the marked lines are out of sight, and stay as they are
        assert marked.ends == (99, 109)
        view.end_range()
        console.log_lines.give_up()
        await pilot.press("G")
        await pilot.hover(view, offset=(2, 3))
        await pilot.pause()
        await pilot.mouse_down(view, offset=(2, 3))
        await pilot.hover(view, offset=(5, 4))
        await pilot.mouse_up(view, offset=(5, 4))
        assert pilot.app.screen.get_selected_text() == "ne 103\nline 1"
        assert not view.following, "what is selected stays in place"
        selected = view.get_selection(Selection(Offset(2, 3), Offset(4, 5)))
        assert selected == ("ne 3\nline 4\nline", "\n")


@pytest.mark.parametrize("width", [40, 41])
async def test_what_is_selected_of_wide_characters_is_what_is_lit_and_copied(width: int) -> None:
    """In one of the widths a row of the wrapped line ends within a character."""
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    async with Console().run_test(size=(width, 10)) as pilot:
        console = Feeding(pilot)
        view, screen = console.view, pilot.app.screen
        await console.feed(f"{text}END\n".encode())
        view.toggle_wrap()
        await pilot.pause()
        screen.selections = {view: Selection(Offset(60, 0), Offset(63, 0))}
        assert lit(view) == screen.get_selected_text() == "END"
        screen.clear_selection()
        half = view.width % 2  # of a character that began in the first row
        begin = view.width // 2 + half
        await pilot.hover(view, offset=(half, 1))
        await pilot.mouse_down(view, offset=(half, 1))
        await pilot.hover(view, offset=(half + 8, 1))
        await pilot.mouse_up(view, offset=(half + 8, 1))
        assert lit(view) == screen.get_selected_text() == text[begin : begin + 5]


async def test_whatever_bytes_come_they_are_shown_searched_and_moved_over() -> None:
    noise = random.Random(7).randbytes(100_000)
    long = b"a" * 1_000_000 + b"\n" + b"b" * 1_000_000 + b"\n"
    async with Console().run_test(size=(80, 12)) as pilot:
        console = Feeding(pilot)
        view, log = console.view, console.log_lines
        log.open_search()
        await pilot.press("ctrl+r", *"a+b|\\d$", "enter")
        log.open_filter()
        await pilot.press(*"a", "enter")
        for data in (noise[:50_000], long, noise[50_000:], b"\n" + numbered(0, 50)):
            for start in range(0, len(data), 65_536):
                await console.feed(data[start : start + 65_536])
            log.toggle_context()
            for key in ("pageup", "home", "pagedown", "end", "right", "w", "pageup", "w", "e"):
                await pilot.press(key)
                for y in range(view.size.height):
                    text = view.render_line(y).text
                    assert not re.search("[\x00-\x1f\x7f-\x9f]", text), ascii(text)
        console.terminal.finish()
        log.give_up()
        log.give_up()
        await console.until(lambda: view.filter is None)
        view.flush()
        assert view.lines[-50:] == [f"line {n}" for n in range(50)]
        longest = [line for line in view.lines if line.startswith("bbbb")]
        assert longest == ["b" * 16_384 + " … 983,616 more"]
        view.action_follow()
        await pilot.press(*["left"] * 5)
        await console.until(lambda: console.drawn()[-1] == "line 49")


async def test_a_million_lines_are_searched_off_the_ui_thread() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        console = Feeding(pilot)
        console.buffer.commit(b"nothing here\n" * 1_000_000 + b"needle\n")
        console.view.flush()
        await pilot.pause()
        console.log_lines.open_search()
        await pilot.press(*"needle")
        await console.told("search", "1/1")
        assert console.drawn()[-1] == "needle"


def highlighted(view: LogView) -> set[str]:
    """The texts in sight that are shown as found."""
    return {
        segment.text
        for y in range(view.size.height)
        for segment in view.render_line(y)
        if segment.style and segment.style.underline
    }


def lit(view: LogView) -> str:
    """What is in sight of the text that is shown as selected."""
    look = view.screen.get_component_rich_style("screen--selection")
    return "".join(
        segment.text
        for y in range(view.size.height)
        for segment in view.render_line(y)
        if segment.style and segment.style.bgcolor == look.bgcolor
    )
