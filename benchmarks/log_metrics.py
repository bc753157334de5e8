"""What one ``run.log_metrics({"loss": 0.2}, step=i)`` costs, beside a bare ``write`` of its bytes.

    python benchmarks/log_metrics.py [--calls 100000]

Prints a table: microseconds a call (median and 99th percentile, each call timed by itself), calls
a second (of an untimed loop), the ratio to the bare write, and how many of 1,000 records are left
when the process that logged them is ended by SIGKILL right after the last call.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, perf_counter_ns

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from xt_core import Run

RECORDS_BEFORE_KILL = 1000
KILLED_SCRIPT = f"""
import os, signal
from xt_core import Run
run = Run()
for i in range({RECORDS_BEFORE_KILL}):
    run.log_metrics({{"loss": 0.2}}, step=i)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Cost:
    """Of one kind of call: microseconds, and calls a second."""

    median: float
    p99: float
    rate: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of run.log_metrics.")
    parser.add_argument("--calls", type=int, default=100_000, help="calls a measurement")
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        bare, logged = compare(Path(folder), calls)
        left = records_after_kill(Path(folder) / "killed.jsonl")
    print(f"{'':<24}{'median µs':>12}{'p99 µs':>12}{'calls/s':>12}")
    for name, cost in (("os.write, same bytes", bare), ("run.log_metrics", logged)):
        print(f"{name:<24}{cost.median:>12.2f}{cost.p99:>12.2f}{cost.rate:>12,.0f}")
    median, p99, rate = logged.median / bare.median, logged.p99 / bare.p99, bare.rate / logged.rate
    print(f"{'ratio':<24}{median:>12.2f}{p99:>12.2f}{rate:>12.2f}")
    print(f"records left after SIGKILL: {left:,} of {RECORDS_BEFORE_KILL:,}")


def compare(folder: Path, calls: int) -> tuple[Cost, Cost]:
    """The costs of a bare write and of log_metrics, each on a new file of the same disk."""
    journal = folder / "journal.jsonl"
    os.environ["XT_JOURNAL"] = str(journal)
    with Run() as run:
        logged = measure(lambda i: run.log_metrics({"loss": 0.2}, step=i), calls)
    record = journal.read_bytes().splitlines(keepends=True)[-1]
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(folder / "bare.jsonl", flags)
    bare = measure(lambda _: os.write(descriptor, record), calls)
    os.close(descriptor)
    return bare, logged


def measure(call: Callable[[int], object], calls: int) -> Cost:
    start = perf_counter()
    for i in range(calls):
        call(i)
    rate = calls / (perf_counter() - start)
    durations = []
    for i in range(calls):
        before = perf_counter_ns()
        call(i)
        durations.append((perf_counter_ns() - before) / 1000)
    return Cost(statistics.median(durations), statistics.quantiles(durations, n=100)[98], rate)


def records_after_kill(journal: Path) -> int:
    """How many whole records a killed process left."""
    environment = os.environ | {"XT_JOURNAL": str(journal), "PYTHONPATH": sys.path[0]}
    done = subprocess.run([sys.executable, "-c", KILLED_SCRIPT], env=environment, check=False)
    if done.returncode != -signal.SIGKILL:
        raise SystemExit(f"the process to be killed ended with {done.returncode}")
    steps = [json.loads(line)["step"] for line in journal.read_text().splitlines()]
    return len(set(steps) & set(range(RECORDS_BEFORE_KILL)))


if __name__ == "__main__":
    main()
