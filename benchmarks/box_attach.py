"""From a run's print on a box to an attached client, beside `ssh box tail -f` of the same file.

    python benchmarks/box_attach.py [--megabytes 500]

The box is a real sshd on this machine, which shares its processors. Latency: a run prints its
clock 500 times, 10 ms apart; `xt attach` and tail both follow it, each through a pipe, whose reader
subtracts. Throughput: a run has printed so many megabytes and lives on; by turns, each reads them
all, timed from the first byte to the last. Medians of three. Aims: p99 within 20 ms of tail's,
throughput at least 0.7 of it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from lab_support import Lab
from support import wait_until

_BOX, _LINES, _ROUNDS = "gpu1", 500, 3
_CLOCK = f"""\
import os, sys, time
print("begun", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
for _ in range({_LINES}):
    print(time.time(), flush=True)
    time.sleep(0.01)
"""
_FLOOD = """\
import os, sys, time
line = (b"x" * 99 + b"\\n") * 10000
for _ in range(int(sys.argv[2])):
    os.write(1, line)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
"""


class Reader:
    """A process that follows a run, its output in a pipe."""

    def __init__(self, lab: Lab, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=lab.xt.environ, cwd=lab.xt.code
        )

    def chunks(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 1 << 20):
            yield data

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Bench:
    """Runs on the box, and both ways to follow them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        lab.xt.script("clock.py", _CLOCK)
        lab.xt.script("flood.py", _FLOOD)

    def submit(self, script: str, *arguments: str) -> tuple[str, Path, Path]:
        """A run, the file of its output, and the gate that it waits for."""
        gate = self._lab.folder / f"gate{time.monotonic_ns()}"
        submitted = self._lab.xt.submit("--target", _BOX, script, str(gate), *arguments)
        run = str(submitted["runs"][0])
        return run, self._output(run), gate

    def _output(self, run: str) -> Path:
        home = self._lab.boxes[_BOX].home
        found = wait_until(lambda: list(home.glob(f".xt/**/ws1/{run}/output.txt")), "its output")
        return Path(found[0])

    def attach(self, run: str) -> Reader:
        return Reader(self._lab, [sys.executable, "-m", "xt_core", "attach", run])

    def tail(self, output: Path) -> Reader:
        return Reader(self._lab, [*self._lab.ssh(_BOX), f"tail -c +1 -f {output}"])

    def latencies(self) -> list[list[float]]:
        """How late each line was, in milliseconds: by attach, and by tail."""
        run, output, gate = self.submit("clock.py")
        readers = [self.attach(run), self.tail(output)]
        all_follow = threading.Barrier(len(readers), action=gate.touch)
        with ThreadPoolExecutor() as pool:
            late = list(pool.map(lambda reader: _lateness(reader, all_follow), readers))
        for reader in readers:
            reader.end()
        return late

    def megabytes_a_second(self, megabytes: int) -> tuple[float, float]:
        """By attach, and by tail."""
        run, output, gate = self.submit("flood.py", str(megabytes))
        size = megabytes * 1_000_000
        wait_until(lambda: output.stat().st_size == size, "all to be printed")
        ours, tails = list[float](), list[float]()
        for _ in range(_ROUNDS):
            ours.append(megabytes / _seconds(self.attach(run), size))
            tails.append(megabytes / _seconds(self.tail(output), size))
        gate.touch()
        return statistics.median(ours), statistics.median(tails)


def _lateness(reader: Reader, all_follow: threading.Barrier) -> list[float]:
    late, rest = list[float](), b""
    for data in reader.chunks():
        now = time.time()
        *lines, rest = (rest + data).split(b"\n")
        if lines[:1] == [b"begun"]:
            all_follow.wait()
            continue
        late += [(now - float(line)) * 1000 for line in lines]
        if len(late) == _LINES:
            break
    return sorted(late)


def _seconds(reader: Reader, size: int) -> float:
    """From the first byte to the last."""
    left, began = size, 0.0
    for data in reader.chunks():
        began = began or time.perf_counter()
        left -= len(data)
        if left <= 0:
            break
    took = time.perf_counter() - began
    reader.end()
    assert left == 0, left
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500)
    megabytes = parser.parse_args().megabytes
    names = ("xt attach", "ssh box tail -f")
    with Lab([_BOX]) as lab:
        bench = Bench(lab)
        for name, late in zip(names, bench.latencies(), strict=True):
            assert len(late) == _LINES, f"{name}: {len(late)} of {_LINES} lines"
            p50, p99 = statistics.median(late), late[int(len(late) * 0.99)]
            print(f"{name:16} latency p50 {p50:6.2f} ms, p99 {p99:6.2f} ms", flush=True)
        ours, tails = bench.megabytes_a_second(megabytes)
        for name, rate in zip(names, (ours, tails), strict=True):
            print(f"{name:16} {rate:6.0f} MB/s")
        print(f"throughput of xt to that of tail: {ours / tails:.2f}")


if __name__ == "__main__":
    main()
