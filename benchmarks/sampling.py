"""What it takes to look at what runs use: processor time of a controller's sampler.

    python benchmarks/sampling.py [RUNS] [PROCESSES]

RUNS trees of PROCESSES sleeping processes each (100 of 4), beside all else that is on this machine.
The baseline is `ps` for the same facts, once for all runs, asked from outside; a tool that watches
one run at a time would ask it RUNS times. The share is that of one core, at a look every 5 s.
"""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from controller.gpuwatch import GpuWatch
from controller.sampling import Sampled, Sampler

_LOOKS = 20
_EVERY_SECONDS, _PAUSE_SECONDS = 5.0, 0.25


def start_tree(processes: int) -> "subprocess.Popen[bytes]":
    """A supervisor that sleeps above a command and its children."""
    children = " ".join(["sleep 3600 &"] * (processes - 1))
    command = f"sh -c '{children} wait' & wait"
    return subprocess.Popen(["sh", "-c", command], start_new_session=True)


def all_processes() -> int:
    return sum(entry.isdigit() for entry in os.listdir("/proc"))


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def tell(what: str, seconds: float, looks: int) -> None:
    each = seconds / looks
    print(f"{what:<44} {each * 1000:6.1f} ms a look  {each / _EVERY_SECONDS:7.2%} of a core")


async def look_often(sampler: Sampler, clock: Callable[[], float]) -> float:
    await sampler.look()
    began = clock()
    for _ in range(_LOOKS):
        await asyncio.sleep(_PAUSE_SECONDS)
        await sampler.look()
    return clock() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    before = all_processes()
    trees = [start_tree(processes) for _ in range(runs)]
    try:
        while all_processes() < before + runs * (processes + 1):
            time.sleep(0.1)
        print(f"{runs} runs of {processes} processes; {all_processes()} processes in all")
        with tempfile.TemporaryDirectory() as folder:
            chosen = [Sampled(tree.pid, (), Path(folder, str(tree.pid))) for tree in trees]
            for what, count in (("all runs", runs), ("one run", 1), ("no run", 0)):
                watched: Callable[[], list[Sampled]] = partial(list, chosen[:count])
                watch = GpuWatch({}, _EVERY_SECONDS)
                sampler = Sampler(_EVERY_SECONDS, watched, (), watch, Path(folder))
                seconds = asyncio.run(look_often(sampler, time.process_time))
                tell(f"the sampler, {what} and the machine", seconds, _LOOKS)
        ps = ["ps", "-eo", "pid,ppid,rss,cputimes,stat"]
        began = children_seconds()
        for _ in range(5):
            subprocess.run(ps, stdout=subprocess.DEVNULL, check=True)
        tell("baseline: ps, once for all (not one's own)", children_seconds() - began, 5)
    finally:
        for tree in trees:
            os.killpg(tree.pid, signal.SIGKILL)
            tree.wait()


if __name__ == "__main__":
    main()
