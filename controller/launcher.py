"""Starts supervisors through the zygote, and starts the zygote again should it die."""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import sys
from collections import deque
from pathlib import Path

_ZYGOTE = Path(__file__).with_name("zygote.py")


class Launcher:
    """Asks the zygote for supervisors; answers come in the order of the requests."""

    def __init__(self, lock_path: Path) -> None:
        self._lock_path = lock_path
        self._lock = -1
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader_task: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[int]] = deque()

    async def start(self) -> None:
        """Wait for the launches of an earlier controller to be on record, then be ready."""
        self._lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        await asyncio.to_thread(fcntl.flock, self._lock, fcntl.LOCK_EX)
        await self._start_zygote()

    async def _start_zygote(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_ZYGOTE),
            str(theirs.fileno()),
            str(self._lock),
            pass_fds=(theirs.fileno(), self._lock),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._reader_task = asyncio.create_task(self._read_answers(reader))

    async def launch(self, control: Path) -> int:
        """Start the supervisor of a run; its pid.

        Raises ConnectionError if the zygote died meanwhile: the run may or may not have started,
        and `started.json` tells.
        """
        if self._writer is None or self._writer.is_closing():
            await self._start_zygote()
        assert self._writer is not None
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(json.dumps(os.fspath(control)).encode() + b"\n")
        return await answer

    async def _read_answers(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self._waiting.popleft().set_result(int(line))
        if self._writer is not None:
            self._writer.close()
        while self._waiting:
            self._waiting.popleft().set_exception(ConnectionError("the zygote ended"))

    async def close(self) -> None:
        """End the zygote; supervisors live on."""
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            await self._process.wait()
        if self._reader_task is not None:
            await self._reader_task
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
