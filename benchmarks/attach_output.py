"""From a run's print to an attached client: latency, throughput, and 100 listeners at once.

    python benchmarks/attach_output.py [MEGABYTES]

Latency: a run prints its clock 300 times, 10 ms apart; a listener subtracts. Throughput: a run
prints 1 GB, once followed by the attach stream and once (as the baseline) the same file by
`tail -f`. Aims: p99 under 5 ms; throughput within 2x of `tail -f`; 100 listeners at once.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from xt_core.console import stream_console
from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit

_CLOCK = """
import time, sys
time.sleep(1)
for _ in range(300):
    sys.stdout.write(f"{time.time()}\\n"); sys.stdout.flush(); time.sleep(0.01)
"""
_FLOOD = """
import os, sys
line = (b"x" * 99 + b"\\n") * 1000
for _ in range(int(sys.argv[1]) * 10):
    os.write(1, line)
"""


class Bench:
    """A controller of its own and scripts to run."""

    def __init__(self, folder: Path) -> None:
        self.home, self.code = Home(folder / "home"), folder / "code"
        self.code.mkdir()
        (self.code / "clock.py").write_text(_CLOCK)
        (self.code / "flood.py").write_text(_FLOOD)
        self.controller = Session(home=self.home).controller
        self.controller.ensure_running()

    def start(self, *command: str) -> tuple[Session, str]:
        """Submit a single run; its session and name."""
        session = Session(home=self.home, cwd=self.code)
        submission = submit(session, prepare(session, RunRequest(command=list(command))), print)
        return session, submission.runs[0]

    def listen(self, run: str, latencies: list[float]) -> None:
        """Follow a clock run, noting how late each line is, in milliseconds."""
        session = Session(home=self.home, cwd=self.code)

        def note(data: bytes) -> None:
            now = time.time()
            latencies.extend((now - float(line)) * 1000 for line in data.split())

        stream_console(session, session.store.run("ws1", run), "start", note)
        session.close()

    def latency(self, listeners: int) -> list[float]:
        _, run = self.start("clock.py")
        latencies: list[float] = []
        threads = [
            threading.Thread(target=self.listen, args=(run, latencies)) for _ in range(listeners)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(latencies) == 300 * listeners, len(latencies)
        return latencies

    def attach_seconds(self, megabytes: int) -> float:
        """From the start of the run to its last byte at an `xt attach` process."""
        _, run = self.start("flood.py", str(megabytes))
        began = time.perf_counter()
        command = [sys.executable, "-m", "xt_core", "attach", run]
        return _count_bytes(command, self.home, megabytes) - began

    def tail_seconds(self, folder: Path, megabytes: int) -> float:
        """The same run bare, its output in a file that `tail -f` follows."""
        path = folder / "flood.txt"
        path.touch()
        began = time.perf_counter()
        with path.open("wb") as file:
            script = str(self.code / "flood.py")
            subprocess.Popen([sys.executable, script, str(megabytes)], stdout=file)
        return _count_bytes(["tail", "-c", "+0", "-f", str(path)], self.home, megabytes) - began


def _count_bytes(command: list[str], home: Home, megabytes: int) -> float:
    """The moment when the process has delivered so many megabytes."""
    environ = {"XT_HOME": str(home.root), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ)
    assert process.stdout is not None
    wanted = megabytes * 1_000_000
    for chunk in _chunks(process):
        wanted -= chunk
        if wanted <= 0:
            break
    moment = time.perf_counter()
    process.kill()
    process.wait()
    process.stdout.close()
    assert wanted == 0, wanted
    return moment


def _chunks(process: "subprocess.Popen[bytes]") -> Iterator[int]:
    assert process.stdout is not None
    while data := process.stdout.read1(1 << 20):  # type: ignore[attr-defined]
        yield len(data)


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(folder)
        try:
            for listeners in (1, 100):
                lag = sorted(bench.latency(listeners))
                print(
                    f"latency, {listeners:>3} listeners: p50 {statistics.median(lag):.2f} ms, "
                    f"p99 {lag[int(len(lag) * 0.99)]:.2f} ms"
                )
            tail = bench.tail_seconds(folder, megabytes)
            ours = bench.attach_seconds(megabytes)
            print(f"{megabytes} MB followed by tail -f:   {megabytes / tail:7.0f} MB/s")
            print(f"{megabytes} MB followed by xt attach: {megabytes / ours:7.0f} MB/s")
            print(f"ratio of times (xt / tail): {ours / tail:.2f}")
        finally:
            bench.controller.shut_down()


if __name__ == "__main__":
    main()
