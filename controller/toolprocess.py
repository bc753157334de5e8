"""One command of a build: its output as it comes, its end, and that it ends when it is not wanted
any more."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_CHUNK = 1 << 16
_TAIL_BYTES = 4096
_GRACE_SECONDS = 5.0


async def run_tool(
    command: Sequence[str], env: Mapping[str, str], folder: Path, hear: Callable[[bytes], None]
) -> tuple[int, str]:
    """Run a command to its end; (exit code, the end of what it said).

    When the task is cancelled the command's process group ends first. Raises OSError.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(env),
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdout is not None
    tail = b""
    try:
        while data := await process.stdout.read(_CHUNK):
            hear(data)
            tail = (tail + data)[-_TAIL_BYTES:]
        return await process.wait(), tail.decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
