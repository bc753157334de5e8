"""One box, for callers in any thread: commands, sockets and files, over its one connection.

Each call has a deadline, and raises what `Link.connection` raises where the box cannot be reached.
"""

import asyncio
import contextlib
import shlex
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from xt_core.errors import UnavailableError, WorkFailedError
from xt_core.ssh import troubles
from xt_core.ssh.link import Link
from xt_core.ssh.loop import LOOP
from xt_core.ssh.places import OnBox, Place, ThisMachine
from xt_core.ssh.sockets import remote_socket
from xt_core.ssh.transfer import Copy, Told, Transfer

T = TypeVar("T")
COMMAND_SECONDS = 60.0
SOCKET_SECONDS = 20.0
MOST_OUTPUT_BYTES = 16 << 20
_CHUNK = 1 << 16
_MOST_SESSIONS = 8
"""Commands and copies at once: sshd allows 10 unless it is told otherwise. Sockets do not count."""
_SESSION_PAUSES_SECONDS = (0.02, 0.1, 0.5)
_AT_ONCE_SECONDS = 1.0
_CLOSED = "SSH connection closed"
"""What asyncssh says of a channel that it could not open for that reason."""


@dataclass(frozen=True)
class Completed:
    """How a command on a box ended."""

    exit_code: int
    """128 and the signal's number where a signal ended it, as a shell says it."""
    stdout: bytes
    stderr: bytes


class RemoteBox:
    """A box by its name. Thread-safe."""

    def __init__(self, name: str, link: Link) -> None:
        self.name, self._link = name, link
        self._sessions = asyncio.Semaphore(_MOST_SESSIONS)

    @property
    def is_connected(self) -> bool:
        """Whether its connection is up, as far as is known; a dead link shows after 12 s."""
        return self._link.is_up

    @property
    def retry_seconds(self) -> float:
        """How long calls fail at once, since connecting has just failed; 0 if they do not."""
        return self._link.retry_seconds

    @property
    def label(self) -> str:
        """The box and its address, as messages begin."""
        return self._link.label()

    def connect(self, seconds: float | None = None) -> None:
        """Connect now, if it is not connected."""
        self._call(self._link.connection(), seconds)

    def close(self) -> None:
        """End the connection; the next call makes a new one."""
        LOOP.call(self._link.close(), SOCKET_SECONDS, self._link.label)

    def run(
        self,
        command: str | Sequence[str],
        stdin: bytes = b"",
        *,
        seconds: float | None = COMMAND_SECONDS,
        most_bytes: int = MOST_OUTPUT_BYTES,
    ) -> Completed:
        """Run a command to its end; one of several words is quoted for the shell of the box.

        It is given up after `seconds`: the box may go on with it. Raises WorkFailedError where it
        prints more than `most_bytes`.
        """
        text = command if isinstance(command, str) else shlex.join(command)

        async def work() -> Completed:
            async with self._sessions:
                process = await self._on_session(
                    lambda connection: connection.create_process(text, encoding=None)
                )
                feeding = asyncio.create_task(_feed(process, stdin))
                try:
                    out, err = await asyncio.gather(
                        self._read(process.stdout, most_bytes),
                        self._read(process.stderr, most_bytes),
                    )
                    await process.wait_closed()
                finally:
                    feeding.cancel()
                    process.close()
            return Completed(self._exit_code(process), out, err)

        return self._call(work(), seconds)

    def open_socket(
        self, path: str | Path, *, seconds: float | None = SOCKET_SECONDS
    ) -> socket.socket:
        """A blocking socket connected to a Unix socket of the box; it ends with the connection.

        Raises ConnectionRefusedError where nobody listens, as a socket of this machine does.
        """

        async def work() -> socket.socket:
            try:
                return await self._on_channel(
                    lambda connection: remote_socket(connection, str(path))
                )
            except asyncssh.ChannelOpenError as error:
                if not self._link.is_up:
                    raise
                raise ConnectionRefusedError(  # sshd says no more than that it failed
                    f"{self.label}: nobody listens to {path}, or its sshd forbids it "
                    "(AllowStreamLocalForwarding)"
                ) from error

        return self._call(work(), seconds)

    def files(
        self,
        work: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, T]],
        *,
        seconds: float | None = None,
    ) -> T:
        """What `work` does with the box's files; asyncssh.SFTPError is for it to catch."""

        async def with_files() -> T:
            async with self._sessions:
                client = await self._sftp_client()
                try:
                    return await work(client)
                finally:
                    client.exit()

        return self._call(with_files(), seconds)

    def upload(
        self, sources: Sequence[str], target: str, told: Told = lambda transfer: None
    ) -> Transfer:
        """Copy files and directories of this machine to the box: see `Copy`."""
        return self.files(lambda client: Copy(*self._here_and(client), told).run(sources, target))

    def download(
        self, sources: Sequence[str], target: str, told: Told = lambda transfer: None
    ) -> Transfer:
        """Copy files and directories of the box to this machine: see `Copy`."""

        def work(client: asyncssh.SFTPClient) -> Coroutine[Any, Any, Transfer]:
            here, there = self._here_and(client)
            return Copy(there, here, told).run(sources, target)

        return self.files(work)

    def _here_and(self, client: asyncssh.SFTPClient) -> tuple[Place, Place]:
        return ThisMachine(), OnBox(client, self.label)

    async def _sftp_client(self) -> asyncssh.SFTPClient:
        try:
            return await self._on_session(lambda connection: connection.start_sftp_client())
        except asyncssh.ChannelOpenError as error:
            if not self._link.is_up:
                raise
            raise UnavailableError(
                f"{self.label}: its sshd serves no files ({error.reason})",
                "have Subsystem sftp internal-sftp in its sshd_config",
            ) from error

    async def _on_session(
        self, opened: Callable[[asyncssh.SSHClientConnection], Awaitable[T]]
    ) -> T:
        """As `_on_channel`; sshd may still count a session that has just ended."""
        for pause in _SESSION_PAUSES_SECONDS:
            try:
                return await self._on_channel(opened)
            except asyncssh.ChannelOpenError as error:
                if error.reason == _CLOSED or error.code != asyncssh.OPEN_CONNECT_FAILED:
                    raise
            await asyncio.sleep(pause)
        return await self._on_channel(opened)

    async def _on_channel(
        self, opened: Callable[[asyncssh.SSHClientConnection], Awaitable[T]]
    ) -> T:
        """What `opened` opens on the connection; on a new one if the old had ended unnoticed."""
        connection, began = await self._link.connection(), time.monotonic()
        try:
            return await opened(connection)
        except asyncssh.ChannelOpenError as error:
            if error.reason != _CLOSED:
                raise  # else no channel was opened, so nothing can be done twice
            await connection.wait_closed()
            if time.monotonic() - began > _AT_ONCE_SECONDS:
                raise  # the link is dead: the next call sees whether there is another
        return await opened(await self._link.connection())

    def _call(self, work: Coroutine[Any, Any, T], seconds: float | None) -> T:
        async def translated() -> T:
            try:
                return await work
            except (asyncssh.ConnectionLost, asyncssh.DisconnectError) as error:
                raise troubles.unreachable(self.label, error) from error
            except asyncssh.SFTPConnectionLost as error:
                if not self._link.is_up:
                    lost = asyncssh.ConnectionLost(error.reason)
                    raise troubles.unreachable(self.label, lost) from error
                raise UnavailableError(
                    f"{self.label}: its sftp server ended ({error.reason})",
                    "see Subsystem sftp in its sshd_config, and what its login shell prints",
                ) from error
            except OSError as error:
                if self._link.is_up:
                    raise
                lost = asyncssh.ConnectionLost(str(error))
                raise troubles.unreachable(self.label, lost) from error
            except asyncssh.ChannelOpenError as error:
                if not self._link.is_up:
                    lost = asyncssh.ConnectionLost(error.reason)
                    raise troubles.unreachable(self.label, lost) from error
                raise UnavailableError(
                    f"{self.label}: it opens no channel ({error.reason})",
                    "see MaxSessions in its sshd_config",
                ) from error

        return LOOP.call(translated(), seconds, self._link.label)

    async def _read(self, stream: asyncssh.SSHReader[bytes], most_bytes: int) -> bytes:
        parts, size = [], 0
        while part := await stream.read(_CHUNK):
            size += len(part)
            if size > most_bytes:
                raise WorkFailedError(
                    f"{self.label}: the command printed more than {most_bytes} bytes",
                    "have it print less, or print to a file and fetch that",
                )
            parts.append(part)
        return b"".join(parts)

    def _exit_code(self, process: "asyncssh.SSHClientProcess[bytes]") -> int:
        if process.returncode is None:  # neither a code nor a signal: it was not the command's end
            raise UnavailableError(
                f"{self.label}: the connection was lost while a command ran",
                "whether it went on there is not known",
            )
        if process.exit_signal is not None:
            return 128 + -process.returncode
        return process.returncode


async def _feed(process: "asyncssh.SSHClientProcess[bytes]", data: bytes) -> None:
    """A command that does not want its input is no trouble."""
    with contextlib.suppress(OSError, asyncssh.Error):
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.write_eof()
