"""Where files are copied from and to: this machine's file system, and a box's by SFTP."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import asyncssh

from xt_core.errors import (
    RefusedError,
    UnavailableError,
    UnknownNameError,
    WorkFailedError,
    XTError,
)

_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Entry:
    """What is at a path, links followed."""

    mode: int
    size: int
    mtime: int
    """Whole seconds: SFTP knows no more."""
    is_link: bool = False

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)


class Reader(Protocol):
    """An open file that is read from any offset."""

    async def read(self, size: int, offset: int) -> bytes: ...
    async def close(self) -> None: ...


class Writer(Protocol):
    """An open file that is written to at any offset."""

    async def write(self, data: bytes, offset: int) -> None: ...
    async def close(self) -> None: ...


class Place(Protocol):
    """A file system. Its errors become XTErrors by `explained`."""

    def named(self, path: str) -> str:
        """A path as messages name it."""
        ...

    async def look(self, path: str) -> Entry | None: ...

    async def children(self, path: str) -> list[tuple[str, Entry | None]]:
        """(name, what it is) of a directory's contents, by name; None for a link to nothing."""
        ...

    async def real_path(self, path: str) -> str: ...

    async def matching(self, pattern: str) -> Sequence[str]:
        """The paths that a pattern of a shell means: it itself where it is none. There is at
        least one, or an error."""
        ...

    async def make_directory(self, path: str) -> None: ...
    async def reader(self, path: str) -> Reader: ...
    async def writer(self, path: str) -> Writer: ...

    async def settle(self, draft: str, path: str, entry: Entry) -> None:
        """Give a complete draft the mode and time of an entry, and its place."""
        ...

    def explained(self, error: Exception, path: str) -> XTError | None:
        """What an error of this place means; None for one of another."""
        ...


class ThisMachine:
    """The file system here. Its calls do not wait for a network, so they are made in the loop."""

    def named(self, path: str) -> str:
        return path

    async def look(self, path: str) -> Entry | None:
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return None
        return Entry(found.st_mode, found.st_size, int(found.st_mtime), os.path.islink(path))

    async def children(self, path: str) -> list[tuple[str, Entry | None]]:
        return [
            (name, await self.look(os.path.join(path, name))) for name in sorted(os.listdir(path))
        ]

    async def real_path(self, path: str) -> str:
        return os.path.realpath(path)

    async def matching(self, pattern: str) -> Sequence[str]:
        return [pattern]  # the user's shell has expanded it

    async def make_directory(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    async def reader(self, path: str) -> "_LocalFile":
        return _LocalFile(Path(path).open("rb"))

    async def writer(self, path: str) -> "_LocalFile":
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return _LocalFile(open(descriptor, "r+b", buffering=0))

    async def settle(self, draft: str, path: str, entry: Entry) -> None:
        os.chmod(draft, stat.S_IMODE(entry.mode))
        os.utime(draft, (entry.mtime, entry.mtime))
        os.replace(draft, path)

    def explained(self, error: Exception, path: str) -> XTError | None:
        if isinstance(error, FileNotFoundError):
            return UnknownNameError(f"there is no {path}")
        if isinstance(error, PermissionError):
            return RefusedError(f"{path}: {error.strerror}", "check the file's permissions")
        if isinstance(error, OSError):
            return WorkFailedError(f"{path}: {error.strerror}")
        return None


class OnBox:
    """The files of a box; paths that are not absolute begin at the user's home."""

    def __init__(self, client: asyncssh.SFTPClient, label: str) -> None:
        self._client, self._label = client, label

    def named(self, path: str) -> str:
        return f"{path} on {self._label}"

    async def look(self, path: str) -> Entry | None:
        try:
            found = await self._client.stat(path)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None
        return _entry(found)

    async def children(self, path: str) -> list[tuple[str, Entry | None]]:
        found: list[tuple[str, Entry | None]] = []
        for each in await self._client.readdir(path):
            name = _text(each.filename)
            if name in (".", ".."):
                continue
            if "/" in name:  # it would lead out of the destination
                raise WorkFailedError(f"{self.named(path)} holds a file of the name {name!r}")
            if stat.S_ISLNK(each.attrs.permissions or 0):
                target = await self.look(f"{path}/{name}")
                found.append((name, target and Entry(target.mode, target.size, target.mtime, True)))
            else:
                found.append((name, _entry(each.attrs)))
        return sorted(found, key=lambda pair: pair[0])

    async def real_path(self, path: str) -> str:
        return _text(await self._client.realpath(path))

    async def matching(self, pattern: str) -> Sequence[str]:
        if not _PATTERN & set(pattern):
            return [pattern]
        return sorted(_text(path) for path in await self._client.glob(pattern))

    async def make_directory(self, path: str) -> None:
        await self._client.makedirs(path, exist_ok=True)

    async def reader(self, path: str) -> "_RemoteFile":
        return _RemoteFile(await self._client.open(path, "rb"))

    async def writer(self, path: str) -> "_RemoteFile":
        flags = asyncssh.FXF_READ | asyncssh.FXF_WRITE | asyncssh.FXF_CREAT
        private = asyncssh.SFTPAttrs(permissions=0o600)
        return _RemoteFile(await self._client.open(path, flags, private, encoding=None))

    async def settle(self, draft: str, path: str, entry: Entry) -> None:
        attributes = asyncssh.SFTPAttrs(
            permissions=stat.S_IMODE(entry.mode), atime=entry.mtime, mtime=entry.mtime
        )
        await self._client.setstat(draft, attributes)
        await self._client.posix_rename(draft, path)

    def explained(self, error: Exception, path: str) -> XTError | None:
        place = self.named(path)
        if isinstance(error, asyncssh.SFTPConnectionLost) or not isinstance(
            error, asyncssh.SFTPError
        ):
            return None
        if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
            return UnknownNameError(f"there is no {place}")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return RefusedError(f"{place}: permission denied", "check the file's permissions there")
        if isinstance(error, asyncssh.SFTPOpUnsupported):
            return UnavailableError(f"{place}: its sftp server cannot do that ({error.reason})")
        return WorkFailedError(
            f"{place}: {error.reason}", "is its disk full? the same command goes on where it was"
        )


class _LocalFile:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def read(self, size: int, offset: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)

    async def write(self, data: bytes, offset: int) -> None:
        while data:
            written = os.pwrite(self._file.fileno(), data, offset)
            data, offset = data[written:], offset + written

    async def close(self) -> None:
        self._file.close()


class _RemoteFile:
    def __init__(self, file: "asyncssh.SFTPClientFile") -> None:
        self._file = file

    async def read(self, size: int, offset: int) -> bytes:
        return cast(bytes, await self._file.read(size, offset))

    async def write(self, data: bytes, offset: int) -> None:
        await self._file.write(data, offset)

    async def close(self) -> None:
        await self._file.close()


def _entry(found: asyncssh.SFTPAttrs) -> Entry:
    return Entry(found.permissions or 0, found.size or 0, int(found.mtime or 0))


def _text(name: bytes | str) -> str:
    return os.fsdecode(name)
