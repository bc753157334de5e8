"""The view of a console: follows, stays where the user scrolled, and shows nothing harmful."""

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from xt_tui.widgets.text_view import TextView


class Console(App[None]):
    def compose(self) -> ComposeResult:
        yield TextView(id="view")


def view(pilot: Pilot[None]) -> TextView:
    return pilot.app.query_one(TextView)


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last))


async def test_it_follows_until_the_user_scrolls_away_and_counts_what_is_new() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        shown.focus()
        shown.append(numbered(0, 100))
        await pilot.pause()
        assert shown.scroll_offset.y == shown.max_scroll_y == 90
        await pilot.press("k")
        shown.append(numbered(100, 112))
        await pilot.pause()
        assert (shown.following, shown.new_lines) == (False, 12)
        assert shown.scroll_offset.y == 89
        await pilot.press("G")
        await pilot.pause()
        assert (shown.following, shown.new_lines) == (True, 0)
        assert shown.scroll_offset.y == shown.max_scroll_y == 102


async def test_the_mouse_wheel_scrolls_away_and_back() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        shown.append(numbered(0, 30))
        await pilot.pause()
        await pilot._post_mouse_events([_wheel("MouseScrollUp")], widget=shown)
        assert (shown.following, shown.new_lines) == (False, 0)
        for _ in range(10):
            await pilot._post_mouse_events([_wheel("MouseScrollDown")], widget=shown)
        assert (shown.following, shown.new_lines) == (True, 0)


async def test_what_is_far_back_is_let_go_and_the_view_stays_on_its_line() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        shown.focus()
        shown.append(numbered(0, 20_000))
        await pilot.pause()
        await pilot.press("pageup")
        await pilot.pause()
        top = int(shown.scroll_offset.y)
        assert shown.lines[top] == "line 19981"
        shown.append(numbered(20_000, 20_500))
        await pilot.pause()
        assert len(shown.lines) == 20_000
        assert shown.lines[int(shown.scroll_offset.y)] == "line 19981"


async def test_a_progress_bar_shows_its_last_state_however_long_it_runs() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        for number in range(2_000):
            shown.append(b"\r%4d/2000 [##########]" % number)
        assert shown.lines == ["1999/2000 [##########]"]
        shown.append(b"\rdone" + b" " * 20 + b"\r\nnext\n")
        assert [line.rstrip() for line in shown.lines] == ["done", "next"]


async def test_control_codes_are_harmless_and_colours_stay() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        shown.append(b"\x1b[31mred\x1b[0m\n\x1b]0;title\x07\x1b[2Jhere\x08\n\xff\xc3")
        shown.append(b"\xa9\n")
        await pilot.pause()
        drawn = [shown.render_line(y) for y in range(3)]
        assert all(strip.text.isprintable() for strip in drawn)
        assert drawn[0].text.strip() == "red"
        style = next(segment.style for segment in drawn[0] if "red" in segment.text)
        assert style is not None
        assert style.color is not None
        assert style.color.number == 1
        assert drawn[2].text.strip() == "\N{REPLACEMENT CHARACTER}é"


async def test_long_lines_are_cut_and_scrolled_sideways() -> None:
    async with Console().run_test(size=(40, 10)) as pilot:
        shown = view(pilot)
        shown.focus()
        shown.append(b"x" * 50_000 + b"\nab" + b"y" * 60 + b"\n")
        await pilot.pause()
        assert [len(line) for line in shown.lines] == [2_000, 62]
        await pilot.press("l")
        await pilot.pause()
        assert shown.scroll_offset.x == 8


def _wheel(name: str) -> type:
    from textual import events

    kind = getattr(events, name)
    assert isinstance(kind, type)
    return kind
