"""Samples what the runs of this node use, and its machine.

A run's samples are kept in a file of its folder, so that they survive this controller, and go to
the artifact store with the run's records; those of the machine are kept here for an hour. Nothing
waits for it: a run that is shorter than the interval has no samples, its event `ended` tells what
it used in all.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.gpuwatch import GpuWatch
from controller.machine import load, memory_bytes
from controller.node import Bell
from controller.processtable import ProcessTable, TreeUsage, machine_cpu_seconds
from controller.systemlog import SystemLog
from xt_core import clock
from xt_core.model.samples import Number, Sample

_KEPT_SECONDS = 3600.0
_SHORTEST_SECONDS = 0.2
"""A rate over less is no rate: the kernel counts processor time in hundredths of a second."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sampled:
    """A living run: its supervisor, its GPUs, and the file of its samples."""

    pid: int
    gpus: tuple[str, ...]
    path: Path


@dataclass
class _Known:
    """What was seen of a run so far."""

    log: SystemLog
    pid: int = 0
    started: int | None = None
    """When its process started, in ticks since boot."""
    before: tuple[float, TreeUsage] | None = None
    """When it was looked at last, and what it had used."""


class Sampler:
    """Looks at everything every so many seconds. For the event loop's thread."""

    def __init__(
        self,
        interval: float,
        runs: Callable[[], Iterable[Sampled]],
        gpus: Iterable[str],
        gpu_watch: GpuWatch,
        disk: Path,
    ) -> None:
        """`interval` in seconds, 0 for never; `runs` gives those that live, `gpus` are the node's,
        `disk` is where the runs are."""
        self.interval, self._runs, self._disk = interval, runs, disk
        self._gpus, self._gpu_watch = tuple(gpus), gpu_watch
        self.sampled = Bell()
        """Rings after each look."""
        self._machine: deque[Sample] = deque()
        self._known: dict[Path, _Known] = {}
        self._cpu_before = machine_cpu_seconds()
        self._looked = time.monotonic()

    async def work(self) -> None:
        """Look again and again, for ever."""
        if self._gpus:
            self._gpu_watch.start()
        while self.interval > 0:
            await asyncio.sleep(self.interval)
            try:
                await self.look()
            except Exception:  # a defect: the runs go on
                _log.exception("no sample was taken")

    def machine(self, after: float) -> list[Sample]:
        """Of the last hour, those of later than a time."""
        return [sample for sample in self._machine if sample.time > after]

    def cpu_percent(self) -> Number | None:
        """How busy the machine's cores were lately, all together; None while that is not known."""
        return self._machine[-1].values.get("cpu_percent") if self._machine else None

    async def look(self) -> None:
        """Take one sample of everything."""
        runs = [(run, self._gpu_watch.values(run.gpus)) for run in self._runs()]
        of_gpus = self._gpu_watch.values(self._gpus)
        self._machine.append(await asyncio.to_thread(self._look, runs, of_gpus))
        while self._machine[0].time < self._machine[-1].time - _KEPT_SECONDS:
            self._machine.popleft()
        self.sampled.ring()

    def _look(
        self, runs: list[tuple[Sampled, dict[str, Number]]], of_gpus: dict[str, Number]
    ) -> Sample:
        if runs:
            table = ProcessTable()
            for run, gpus in runs:
                self._look_at(run, gpus, table)
        paths = {run.path for run, _ in runs}
        self._known = {path: known for path, known in self._known.items() if path in paths}
        now = time.monotonic()
        seconds, self._looked = now - self._looked, now
        return Sample(clock.now(), seconds, dict(self._of_machine()) | of_gpus)

    def _look_at(self, run: Sampled, gpus: dict[str, Number], table: ProcessTable) -> None:
        known = self._known.setdefault(run.path, _Known(SystemLog(run.path)))
        usage, started = table.tree(run.pid), table.started(run.pid)
        if usage is None or started is None:
            return
        if known.pid != run.pid:
            known.pid, known.started = run.pid, started
            known.before = self._beginning(table.age(run.pid))
        elif known.started != started:  # the run has ended, and another process has its number
            return
        if known.before is not None:
            seconds = table.time - known.before[0]
            if seconds < _SHORTEST_SECONDS:
                return
            values = _values(usage, known.before[1], seconds)
            known.log.append(Sample(clock.now(), seconds, values | gpus))
        known.before = table.time, usage

    def _beginning(self, age: float) -> tuple[float, TreeUsage] | None:
        """Of a run that started since the last look or so; of an older one nothing is known."""
        if age > 2 * self.interval:
            return None
        return time.monotonic() - age, TreeUsage(0.0, 0, 0, 0, 0)

    def _of_machine(self) -> Iterator[tuple[str, Number]]:
        cpu = machine_cpu_seconds()
        if cpu is not None and self._cpu_before is not None and cpu[1] > self._cpu_before[1]:
            busy, whole = (now - before for now, before in zip(cpu, self._cpu_before, strict=True))
            yield "cpu_percent", 100.0 * max(0.0, busy) / whole
        self._cpu_before = cpu
        total, used = memory_bytes()
        if used is not None:
            yield "memory_bytes", used
        if total is not None:
            yield "memory_total_bytes", total
        if (of_minute := load()) is not None:
            yield "load", of_minute
        with contextlib.suppress(OSError):
            disk = os.statvfs(self._disk)
            yield "disk_free_bytes", disk.f_bavail * disk.f_frsize


def _values(usage: TreeUsage, before: TreeUsage, seconds: float) -> dict[str, Number]:
    """What was used in so many seconds. A process that ended unwaited for takes its counters along:
    then they go back, which counts as nothing used."""
    values: dict[str, Number] = {
        "cpu_percent": 100.0 * max(0.0, usage.cpu_seconds - before.cpu_seconds) / seconds,
        "memory_bytes": usage.memory_bytes,
        "processes": usage.processes,
    }
    if usage.read_bytes is not None and before.read_bytes is not None:
        values["read_bytes_per_second"] = max(0, usage.read_bytes - before.read_bytes) / seconds
    if usage.written_bytes is not None and before.written_bytes is not None:
        written = max(0, usage.written_bytes - before.written_bytes)
        values["write_bytes_per_second"] = written / seconds
    return values
