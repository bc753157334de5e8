"""The runs table of the terminal UI with 100,000 runs, beside Textual's DataTable.

    python benchmarks/tui_runs.py [RUNS]

Each app runs, byte-compiled, in a terminal (a pty of 160 × 48) of its own. Processor time is that
of its whole process; key to screen is from a written key to the first bytes that come back. "Live"
has 1,000 runs a second change. Aims: first paint at most 200 ms after the trivial app's, page-down
within 20 ms of processor time, key to screen within 50 ms for 95 of 100 keys, 150 MB.
"""

import compileall
import fcntl
import os
import pty
import random
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from dataclasses import replace
from pathlib import Path

COLUMNS, LINES = 160, 48
PAGE_DOWN, DOWN = b"\x1b[6~", b"\x1b[B"
KEYS = 60
REST_SECONDS = 0.15
"""Within which the work that a key brings is done."""
DATA_TABLE_ROWS = 10_000
"""DataTable takes 20 s and more for 100,000."""


# The apps -------------------------------------------------------------------------------


def trivial() -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Trivial(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("content is there")

    Trivial().run()


def data_table(rows: int) -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class WithTable(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            table.add_columns(*(f"column{number}" for number in range(10)))
            table.add_rows([f"run{row}", "completed", *range(row, row + 8)] for row in range(rows))
            self.sub_title = "content is there"
            table.border_title = "content is there"
            table.styles.border = ("round", "white")

    WithTable().run()


def xt(home: str, is_live: bool) -> None:
    from xt_core.cli.tui import open_tui

    os.environ["XT_HOME"] = home
    os.chdir(home)
    if is_live:
        change_runs()
    open_tui({})


def change_runs() -> None:
    """Have the app change 1,000 runs a second."""
    from xt_tui import app as tui
    from xt_tui.state import Batch

    class Live(tui.XtApp):
        def on_mount(self) -> None:
            threading.Thread(target=self.change_runs, daemon=True).start()

        def change_runs(self) -> None:
            dice = random.Random(0)
            while True:
                time.sleep(0.1)
                runs = list(self.state.runs.values())
                if not self.state.loaded or len(runs) < 1_000:
                    continue
                changed = [
                    replace(run, metrics={**run.metrics, "loss": dice.random()})
                    for run in dice.sample(runs, 100)
                ]
                self.post_message(self.Fed(self.feed, Batch(changed, [], self.state.status)))

    tui.XtApp = Live  # type: ignore[misc]


def fill(home: str, runs: int) -> None:
    """Runs of ten jobs, with hyperparameters and metrics."""
    from xt_core.home import Home
    from xt_core.model.records import Job, Run
    from xt_core.model.states import RunStatus
    from xt_core.stats.rows import insert_run
    from xt_core.stats.sqlite import SqliteStatsStore

    Home(Path(home)).create()
    store, dice = SqliteStatsStore(Home(Path(home)).stats_file), random.Random(0)
    for number in range(1, 11):
        job = Job(f"job{number}", "ws1", "e", "repeat", "local", "me", 1e9, runs // 10, 8)
        job.primary_metric, job.maximize = "loss", False
        store.add_job(job, [], [])
    with store.database.transaction() as connection:
        for number in range(1, runs + 1):
            job_name = f"job{number % 10 + 1}"
            run = Run("ws1", f"run{number}", job_name, "e", "node0", RunStatus.COMPLETED, 1e9)
            opt = dice.choice(["adam", "sgd"])
            run.hparams = {"lr": dice.random(), "opt": opt, "hidden": 32, "seed": number}
            insert_run(connection, run)
        connection.execute(
            "UPDATE runs SET started = 1e9, ended = 1e9 + num % 100, metrics = json_object("
            "'loss', abs(random() % 100000) * 1e-5, 'acc', abs(random() % 100000) * 1e-5)"
        )
    store.close()


# The terminal ---------------------------------------------------------------------------


class Terminal:
    """A process in a pty."""

    def __init__(self, *arguments: str) -> None:
        self.began = time.perf_counter()
        self.seen = b""
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execv(sys.executable, [sys.executable, __file__, *arguments])
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, size)

    def until(self, text: str) -> tuple[float, float]:
        """Wait until a text was written; milliseconds from the start, and those of processor."""
        while text.encode() not in self.seen:
            if not self.read(60):
                raise SystemExit(f"waited in vain for {text!r}")
        return (time.perf_counter() - self.began) * 1_000, self.processor_ms

    def read(self, seconds: float) -> bool:
        """Take what is written within that time; whether anything was."""
        if not select.select([self._file], [], [], seconds)[0]:
            return False
        self.seen = self.seen[-20_000:] + os.read(self._file, 1 << 20)
        return True

    def rest(self, seconds: float) -> None:
        """Let it work, and take what it writes."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def press(self, key: bytes) -> tuple[float, float]:
        """Milliseconds to the first bytes that a key brings; those of processor until rest."""
        self.rest(0.05)
        before, began = self.processor_ms, time.perf_counter()
        os.write(self._file, key)
        self.read(5)
        took = (time.perf_counter() - began) * 1_000
        self.rest(REST_SECONDS)
        return took, self.processor_ms - before

    @property
    def processor_ms(self) -> float:
        """Processor time of the process so far."""
        return (
            sum(
                int(file.read_text().split()[0])
                for file in Path(f"/proc/{self.pid}/task").glob("*/schedstat")
            )
            / 1e6
        )

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._file)


def print_paint(title: str, measured: tuple[float, float]) -> None:
    print(f"{title:<40}{measured[0]:>8.0f} ms{measured[1]:>8.0f} ms of processor")


def print_keys(title: str, terminal: Terminal) -> None:
    """How quick keys are, after what the app does anyway has been taken off."""
    began, before = time.perf_counter(), terminal.processor_ms
    terminal.rest(3)
    share = (terminal.processor_ms - before) / (time.perf_counter() - began) / 1_000
    for name, key in (("page down", PAGE_DOWN), ("down", DOWN)):
        pressed = [terminal.press(key) for _ in range(KEYS)]
        waits = sorted(wait for wait, _ in pressed)
        used = statistics.median(used for _, used in pressed) - share * 1_000 * REST_SECONDS
        middle, late = waits[KEYS // 2], waits[int(KEYS * 0.95)]
        print(
            f"{title + ', ' + name:<40}{used:>8.1f} ms of processor,"
            f" to screen p50 {middle:.0f} ms, p95 {late:.0f} ms"
        )
    print(f"{title:<40}{terminal.megabytes:>8.0f} MB, {share:.0%} of a processor without keys")


def measure_xt(home: str, runs: int, is_live: bool) -> None:
    title = "xt, live" if is_live else "xt"
    terminal = Terminal("xt", home, "live" if is_live else "")
    paint, rows = terminal.until("3 Runs"), terminal.until("completed")
    ready = terminal.until(f"{runs:,} runs")
    if not is_live:
        print_paint("first paint, xt", paint)
        print_paint("first rows and keys, xt", rows)
        print_paint(f"all {runs:,} runs, xt", ready)
    terminal.rest(2)
    print_keys(title, terminal)
    terminal.close()


def main() -> None:
    """Print a row for each figure."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in ("xt_core", "xt_tui"):
        compileall.compile_dir(str(Path(__file__).parents[1] / package), quiet=2)
    with tempfile.TemporaryDirectory() as home:
        fill(home, runs)
        terminal = Terminal("trivial")
        print_paint("first paint, trivial app", terminal.until("content is there"))
        terminal.close()
        measure_xt(home, runs, is_live=False)
        measure_xt(home, runs, is_live=True)
    terminal = Terminal("data-table", str(DATA_TABLE_ROWS))
    title = f"DataTable, {DATA_TABLE_ROWS:,} rows"
    print_paint(f"all of {title}", terminal.until("content is there"))
    terminal.rest(1)
    print_keys(title, terminal)
    terminal.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["trivial"]:
            trivial()
        case ["data-table", rows]:
            data_table(int(rows))
        case ["xt", home, live]:
            xt(home, bool(live))
        case _:
            main()
