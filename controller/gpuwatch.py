"""What the node's GPUs do, from one nvidia-smi that goes on telling: starting one takes long."""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterable, Mapping

from controller.supervisor import end_with_parent

Number = int | float
_QUERY = "index,uuid,utilization.gpu,memory.used,temperature.gpu"
_MEBIBYTE = 1 << 20
_PAUSE_SECONDS = 10.0
"""Between two attempts, should the program end."""
_log = logging.getLogger(__name__)


class GpuWatch:
    """Knows the latest facts of each GPU. For the event loop's thread."""

    def __init__(self, environ: Mapping[str, str], interval: float) -> None:
        """nvidia-smi is found on the PATH of `environ`; `interval` is in seconds."""
        self._environ, self._interval = environ, max(1, round(interval))
        self._facts: dict[str, tuple[float, str, dict[str, Number]]] = {}
        """Index -> when it was told, UUID, values."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the program too."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def values(self, gpus: Iterable[str]) -> dict[str, Number]:
        """``gpuN.percent`` and the like of those GPUs (indices or UUIDs), as told just now."""
        oldest = time.monotonic() - 3 * self._interval - 1
        found: dict[str, Number] = {}
        for gpu in gpus:
            for index, (told, uuid, values) in self._facts.items():
                is_meant = index == gpu or (gpu.startswith("GPU-") and uuid.startswith(gpu))
                if is_meant and told >= oldest:
                    found |= {f"gpu{index}.{name}": value for name, value in values.items()}
        return found

    async def _watch(self) -> None:
        program = shutil.which("nvidia-smi", path=self._environ.get("PATH", os.defpath))
        while program is not None:
            try:
                await self._listen(program)
            except OSError as error:
                _log.warning("cannot ask %s: %s", program, error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self, program: str) -> None:
        """Until the program ends; it does with this process at the latest."""
        process = await asyncio.create_subprocess_exec(
            program,
            f"--query-gpu={_QUERY}",
            "--format=csv,noheader,nounits",
            f"--loop={self._interval}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=end_with_parent,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._take(line.decode("utf-8", "replace"))
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    def _take(self, line: str) -> None:
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 5:
            return
        index, uuid, percent, memory, temperature = parts
        told = {"percent": (percent, 1), "memory_bytes": (memory, _MEBIBYTE),
                "temperature": (temperature, 1)}  # fmt: skip
        values = {name: int(text) * unit for name, (text, unit) in told.items() if text.isdigit()}
        self._facts[index] = time.monotonic(), uuid, dict(values)
