"""What processes use, read from /proc in one pass for all runs (Linux; elsewhere nothing is known).

The processor time of a tree is that of its living processes and of all that they have waited for,
so that short-lived children count too.
"""

import contextlib
import os
import time
from collections.abc import Mapping
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LARGEST_FILE = 4096


class Process(NamedTuple):
    """A living process. `started` is in ticks since boot: with the pid it is unique."""

    pid: int
    parent: int
    started: int
    cpu_seconds: float
    memory_bytes: int


class TreeUsage(NamedTuple):
    """What a process and all below it use; the counters count from the tree's beginning."""

    cpu_seconds: float
    memory_bytes: int
    processes: int
    read_bytes: int | None
    written_bytes: int | None


class ProcessTable:
    """All processes of the machine, as they are now. Takes some milliseconds: not for an event
    loop."""

    def __init__(self) -> None:
        self.time = time.monotonic()
        """When it was read, by the monotonic clock."""
        self._processes: dict[int, Process] = {}
        self._children: dict[int, list[Process]] = {}
        for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
            if entry.isdigit() and (process := _read(entry)) is not None:
                self._processes[process.pid] = process
                self._children.setdefault(process.parent, []).append(process)

    def started(self, pid: int) -> int | None:
        """When a process started; None if it is not there."""
        process = self._processes.get(pid)
        return None if process is None else process.started

    def age(self, pid: int) -> float:
        """For how many seconds a process has lived."""
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, since_boot - self._processes[pid].started / _TICKS)

    def tree(self, supervisor: int) -> TreeUsage | None:
        """What a run uses: all below its supervisor, whose own memory does not count; None if
        nothing runs below it."""
        root = self._processes.get(supervisor)
        if root is None or supervisor not in self._children:
            return None
        below, pending = list[Process](), [supervisor]
        while pending:
            children = self._children.get(pending.pop(), [])
            below += children
            pending += [child.pid for child in children]
        return TreeUsage(
            root.cpu_seconds + sum(process.cpu_seconds for process in below),
            sum(process.memory_bytes for process in below),
            len(below),
            *_transferred([supervisor, *(process.pid for process in below)]),
        )


def _read(pid: str) -> Process | None:
    """None for one that has gone, and for a zombie."""
    content = _content(f"/proc/{pid}/stat")
    fields = content.rpartition(b")")[2].split()
    if len(fields) < 22 or fields[0] == b"Z":
        return None
    ticks = int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
    memory = int(fields[21]) * _PAGE_BYTES
    return Process(int(pid), int(fields[1]), int(fields[19]), ticks / _TICKS, memory)


def _transferred(pids: list[int]) -> tuple[int | None, int | None]:
    """Bytes read from storage and written to it, also by children that have ended."""
    read = written = 0
    is_known = False
    for pid in pids:
        numbers = _numbers(_content(f"/proc/{pid}/io"))
        if numbers:
            is_known = True
            read += numbers.get(b"read_bytes", 0)
            written += numbers.get(b"write_bytes", 0)
    return (read, written) if is_known else (None, None)


def _numbers(content: bytes) -> Mapping[bytes, int]:
    pairs = (line.partition(b":") for line in content.splitlines())
    return {name: int(number) for name, _, number in pairs}


def _content(path: str) -> bytes:
    """Empty for a file that is not there, or not for us."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, _LARGEST_FILE)
        finally:
            os.close(descriptor)
    return b""


def machine_cpu_seconds() -> tuple[float, float] | None:
    """The processor time of all cores since boot: (at work, in all); None where it is not told."""
    fields = _content("/proc/stat").partition(b"\n")[0].split()
    if len(fields) < 9 or fields[0] != b"cpu":
        return None
    ticks = [int(each) for each in fields[1:9]]  # guests are in user time already
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / _TICKS, sum(ticks) / _TICKS
