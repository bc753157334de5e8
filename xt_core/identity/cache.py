"""What a session keeps of its sign-in: tokens, and secrets that the vault gave.

An entry is a file, 0600, in the session's folder in memory. Where there is no such folder, entries
last as long as the process. What is kept here is written nowhere else.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.identity.memory import make_private, remove_ended, session_folder

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_DRAFT = ".new"
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class SessionCache:
    """Entries by name. Thread-safe, and safe between processes: an entry is replaced whole."""

    def __init__(self, find_folder: Callable[[], Path | None]) -> None:
        """`find_folder` is called on first use; with None for a folder, this process alone."""
        self._find_folder = find_folder
        self._own: dict[str, str] = {}

    @staticmethod
    def of(environ: Mapping[str, str]) -> "SessionCache":
        """The cache of the OS session that this process belongs to."""
        return SessionCache(lambda: session_folder(environ))

    @cached_property
    def _folder(self) -> Path | None:
        return self._find_folder()

    @property
    def outlives_the_process(self) -> bool:
        return self._folder is not None

    def get(self, name: str) -> dict[str, Any] | None:
        """An entry; None if there is none, or if its time is over."""
        text = self._read(_file_name(name))
        if text is None:
            return None
        try:
            entry = json.loads(text)
            expires, value = entry["expires"], dict(entry["value"])
        except (ValueError, KeyError, TypeError):  # of another version of XT
            return None
        return None if expires is not None and clock.now() >= expires else value

    def put(self, name: str, value: Mapping[str, Any], expires: float | None = None) -> None:
        """Keep an entry, until `expires` (seconds since 1970) at most."""
        text = json.dumps({"expires": expires, "value": dict(value)})
        if self._folder is None:
            self._own[_file_name(name)] = text
            return
        try:
            self._write(_file_name(name), text.encode())
            self._own.pop(_file_name(name), None)  # of a time when there was no room
        except OSError:  # no room, or not ours: this process still has it
            self._own[_file_name(name)] = text

    def clear(self) -> int:
        """Remove all entries; how many there were."""
        count = len(self._own)
        self._own.clear()
        if self._folder is None or not self._folder.is_dir():
            return count
        for entry in self._folder.iterdir():
            count += not entry.name.endswith(_DRAFT)
            entry.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another process keeps something just now
            self._folder.rmdir()
        return count

    def _read(self, name: str) -> str | None:
        if self._folder is None or name in self._own:
            return self._own.get(name)
        try:
            with (
                _opened(self._folder) as folder,
                open(os.open(name, _READ, dir_fd=folder), encoding="utf-8") as file,
            ):
                found = os.fstat(file.fileno())
                is_private = stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077
                return file.read() if is_private and found.st_uid == os.getuid() else None
        except OSError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        assert self._folder is not None
        if not self._folder.exists():
            make_private(self._folder)
            remove_ended(self._folder)
        draft = f"{os.urandom(8).hex()}{_DRAFT}"
        with _opened(self._folder) as folder:
            try:
                with open(os.open(draft, _WRITE, 0o600, dir_fd=folder), "wb") as file:
                    file.write(data)
                os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(draft, dir_fd=folder)
                raise


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """The folder itself, not what a link names. Raises OSError if it is not the user's alone."""
    descriptor = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} is not of this user alone")
        yield descriptor
    finally:
        os.close(descriptor)


def _file_name(name: str) -> str:
    """Not the name itself: it tells of accounts and vaults, and may hold any character."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
