"""The machine that a node is on: its load, memory and GPUs, for who asks for the node's status.

Load and memory are read when they are asked for. What nvidia-smi says takes long, so it is asked
in the background, while somebody wants to know, and not again for some seconds.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.gpus import GpuPool

_QUERY = "index,uuid,name,utilization.gpu,memory.total,memory.used"
_QUERY_SECONDS = 10.0
_FRESH_SECONDS = 3.0
_TOO_OLD_SECONDS = 30.0
"""Facts older than that are rather waited for, though not long."""
_PATIENCE_SECONDS = 1.0
_MEBIBYTE = 1 << 20
_MEMORY_FILE = Path("/proc/meminfo")


class Machine:
    """What a node tells of its machine. For the event loop's thread."""

    def __init__(self, gpus: GpuPool, environ: Mapping[str, str]) -> None:
        """`gpus` are the node's; nvidia-smi is found on the PATH of `environ`."""
        self._gpus, self._environ = gpus, environ
        self._found: list[dict[str, Any]] = []
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def refresh(self, *, may_wait: bool) -> None:
        """Have the facts of GPUs asked anew unless they are fresh. Where the last ones are too old
        to be told, it waits, if it may, for a second at most."""
        age = time.monotonic() - self._asked
        if not len(self._gpus) or age < _FRESH_SECONDS:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        if may_wait and age > _TOO_OLD_SECONDS:
            await asyncio.wait({self._asking}, timeout=_PATIENCE_SECONDS)

    async def _ask(self) -> None:
        self._found = await asyncio.to_thread(query_gpus, self._environ)
        self._asked = time.monotonic()

    def describe(self) -> dict[str, Any]:
        """The field ``machine`` of a node in `xt status --json`; None for what is not known."""
        total, used = memory_bytes()
        return {
            "cpus": _cpus(),
            "load": load(),
            "memory_total_bytes": total,
            "memory_used_bytes": used,
            "gpus": [self._gpu(gpu, runs) for gpu, runs in self._gpus.users().items()],
        }

    def _gpu(self, gpu: str, runs: int) -> dict[str, Any]:
        is_known = time.monotonic() - self._asked <= _TOO_OLD_SECONDS
        facts = next((each for each in self._found if _is_named(each, gpu)), None)
        if facts is None or not is_known:
            facts = {"name": None if facts is None else facts["name"]}
        numbers = ("utilization", "memory_total_bytes", "memory_used_bytes")
        return {
            "id": gpu,
            "name": facts["name"],
            **{name: facts.get(name) for name in numbers},
            "used_by_runs": runs,
        }


def load() -> float | None:
    """The load of the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def memory_bytes() -> tuple[int | None, int | None]:
    """The memory there is, and what of it is in use: not what caches would give back. What is in
    use is told by Linux alone."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError), _MEMORY_FILE.open() as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                found[name] = int(rest.split()[0]) * 1024
                if len(found) == 2:
                    return found["MemTotal"], found["MemTotal"] - found["MemAvailable"]
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (OSError, ValueError):
        return None, None


def query_gpus(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """What nvidia-smi says of all GPUs; none where it is not there, or fails. Blocks."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH", os.defpath))
    if program is None:
        return []
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_QUERY_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [[part.strip() for part in line.split(",")] for line in answer.stdout.splitlines()]
    return [
        {
            "index": index,
            "uuid": uuid,
            "name": name,
            "utilization": _number(utilization, 1),
            "memory_total_bytes": _number(total, _MEBIBYTE),
            "memory_used_bytes": _number(used, _MEBIBYTE),
        }
        for index, uuid, name, utilization, total, used in filter(
            lambda line: len(line) == 6, lines
        )
    ]


def _cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_named(facts: Mapping[str, Any], gpu: str) -> bool:
    """Whether an id means that GPU: its index, or its UUID, of which the start may do."""
    return facts["index"] == gpu or (gpu.startswith("GPU-") and facts["uuid"].startswith(gpu))


def _number(text: str, unit: int) -> int | None:
    """What a field says, in bytes or percent; ``[N/A]`` and the like are None."""
    return int(text) * unit if text.isdigit() else None
