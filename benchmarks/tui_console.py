"""What the console view costs, beside Textual's RichLog with the same coloured lines.

A terminal UI runs without a terminal, and lines are fed to it at a rate; meanwhile keys are pressed
and the time until the screen shows what they did is taken (on a busy machine it is the machine's;
"key CPU" is the processor time of a page up while no lines come). "lag" counts the lines that were
fed and not shown in the end, "achieved" the rate that was kept up. Bulk is 100,000 lines at once.

Run: ``python benchmarks/tui_console.py [SECONDS]``.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter, process_time

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import RichLog

from xt_core.resources import resource
from xt_tui.console.lines import LineBuffer
from xt_tui.console.terminal import Terminal
from xt_tui.looks import Looks
from xt_tui.widgets.searched_log import SearchedLog

SIZE = (160, 48)
BULK = 100_000
RATES = (1_000, 10_000, 50_000)
FEEDS_A_SECOND = 50
KEY_SECONDS = 0.15
FIRST_LINES = 1_000
"""Lines that are there before keys are pressed."""
QUIET_KEYS = 10


def lines(first: int, count: int) -> list[bytes]:
    """Coloured lines as training loops print them."""
    return [
        b"\x1b[32mepoch %d\x1b[0m loss \x1b[1m%.4f\x1b[0m accuracy %.4f and some words more"
        % (number, 1 / (number + 1), 1 - 1 / (number + 1))
        for number in range(first, first + count)
    ]


class LogApp(Looks):
    """One view that fills the screen."""

    CSS_PATH = resource("xt.tcss")

    def __init__(self, view: Widget) -> None:
        super().__init__()
        self.shown = view
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        yield self.shown


@dataclass
class Console:
    """A view, how lines get into it, and how many it holds."""

    view: Widget
    focus: Callable[[], Widget]
    feed: Callable[[list[bytes]], None]
    count: Callable[[], int]


def own() -> Console:
    """XT's view."""
    log, buffer = SearchedLog(id="log"), LineBuffer()
    terminal = Terminal(buffer)

    def feed(new: list[bytes]) -> None:
        if log.view.buffer is not buffer:
            log.show(buffer)
        terminal.feed(b"".join(line + b"\n" for line in new))

    return Console(log, lambda: log.view, feed, lambda: log.view.rows.count)


def rich_log() -> Console:
    """Textual's, with colours."""
    log = RichLog(max_lines=200_000, wrap=False)

    def feed(new: list[bytes]) -> None:
        for line in new:
            log.write(Text.from_ansi(line.decode()))

    return Console(log, lambda: log, feed, lambda: len(log.lines))


async def bulk(make: Callable[[], Console], count: int) -> float:
    """CPU milliseconds of so many lines at once, until they are shown."""
    console = make()
    async with LogApp(console.view).run_test(size=SIZE) as pilot:
        await pilot.pause()
        data = lines(0, count)
        start = process_time()
        console.feed(data)
        while console.count() < count:
            await pilot.pause()
        return 1000 * (process_time() - start)


async def live(make: Callable[[], Console], rate: int, seconds: float) -> str:
    """A row of figures for lines at a rate."""
    gc.collect()  # what the app before has left is not to be looked for while this one is measured
    gc.freeze()
    console = make()
    async with LogApp(console.view).run_test(size=SIZE) as pilot:
        console.focus().focus()
        console.feed(lines(0, FIRST_LINES))  # there is somewhere to go up to
        while console.count() < FIRST_LINES:
            await pilot.pause()
        keys = asyncio.create_task(press(pilot.app, console.focus(), seconds))
        begun, cpu, fed = perf_counter(), process_time(), 0
        while (elapsed := perf_counter() - begun) < seconds:
            due = min(int(rate * elapsed) - fed, rate // 10)
            console.feed(lines(fed, due))
            fed += due
            await asyncio.sleep(1 / FEEDS_A_SECOND)
        elapsed = perf_counter() - begun
        share = (process_time() - cpu) / elapsed
        waits = await keys
        await asyncio.sleep(0.25)
        lag = FIRST_LINES + fed - console.count()
        cost = await key_cost(pilot.app, console.focus())
    p95 = 1000 * (quantiles(waits, n=20)[-1] if len(waits) > 1 else max(waits))
    return f"{share:>8.0%}{p95:>12.0f} ms{cost:>12.1f} ms{fed / elapsed:>12,.0f}{lag:>8,}"


async def press(app: App[int], view: Widget, seconds: float) -> list[float]:
    """Go a page up now and then; the seconds that it took each time until that was drawn."""
    waits, begun = list[float](), perf_counter()
    while perf_counter() - begun < seconds:
        start = perf_counter()
        app.post_message(events.Key("pageup", None))
        while view.max_scroll_y - view.scroll_offset.y < 10 and perf_counter() - start < seconds:
            await asyncio.sleep(0.001)
        drawn = asyncio.Event()
        app.screen.call_after_refresh(drawn.set)
        await drawn.wait()
        waits.append(perf_counter() - start)
        await asyncio.sleep(KEY_SECONDS)
        app.post_message(events.Key("end", None))
        await asyncio.sleep(KEY_SECONDS)
    return waits


async def key_cost(app: App[int], view: Widget) -> float:
    """CPU milliseconds of a page up, until it is drawn, while no lines come."""
    start = process_time()
    for _ in range(QUIET_KEYS):
        place = view.scroll_offset.y
        app.post_message(events.Key("pageup", None))
        while view.scroll_offset.y == place > 0:
            await asyncio.sleep(0.001)
        drawn = asyncio.Event()
        app.screen.call_after_refresh(drawn.set)
        await drawn.wait()
    return 1000 * (process_time() - start) / QUIET_KEYS


def generating(rate: int) -> float:
    """The processor share of making the lines, which is no part of showing them."""
    start = process_time()
    lines(0, rate)
    return process_time() - start


async def main(seconds: float) -> None:
    """Print the figures."""
    print(f"{SIZE[0]} × {SIZE[1]} cells, {seconds:g} s each; coloured lines")
    ours = await bulk(own, BULK)
    theirs = await bulk(rich_log, BULK // 10) * 10
    print(f"{BULK:,} lines at once: {ours:.0f} CPU ms; RichLog {theirs:,.0f} (from a tenth)")
    print(f"{'':<22}{'CPU':>8}{'key p95':>15}{'key CPU':>15}{'achieved':>12}{'lag':>8}")
    for rate in RATES:
        print(f"{f'{rate:,}/s, made only':<22}{generating(rate):>8.0%}")
        for name, make in (("XT", own), ("RichLog", rich_log)):
            print(f"{f'{rate:,}/s, {name}':<22}{await live(make, rate, seconds)}")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
