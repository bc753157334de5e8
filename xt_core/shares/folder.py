"""A local folder as it is to be uploaded: its files, and what is left out."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xt_core.artifacts.store import storage_error
from xt_core.errors import UsageError
from xt_core.submit.snapshot.omission import Omission


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file, and what changes of it whenever its contents do."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> "LocalFile":
        is_executable = bool(status.st_mode & 0o111)
        times = status.st_mtime_ns, status.st_ctime_ns
        return cls(path, status.st_size, *times, status.st_ino, is_executable)

    @property
    def stamp(self) -> tuple[int, int, int, int]:
        """Equal as long as nobody has changed the file."""
        return (self.size, self.mtime_ns, self.ctime_ns, self.inode)

    def is_unchanged(self) -> bool:
        try:
            return LocalFile.of(self.path, os.stat(self.path)).stamp == self.stamp
        except OSError:
            return False


@dataclass
class LocalFolder:
    """Files by relative path, empty folders, and a warning for each thing that was left out."""

    files: dict[str, LocalFile] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def scan(root: str, omit: Iterable[str]) -> LocalFolder:
    """Find what a folder holds. Links are followed: what they lead to is part of the data.

    Raises UsageError for what is no folder, RefusedError for what may not be read.
    """
    if not os.path.isdir(root):
        raise UsageError(f"there is no folder {root}", "name the folder to upload")
    found, omission = LocalFolder(), Omission(list(omit))
    pending: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(root, "", ())]
    while pending:
        folder, name, above = pending.pop()
        above = (*above, _identity(folder))
        is_empty = True
        for entry in _entries(folder):
            relative = f"{name}/{entry.name}" if name else entry.name
            if omission.covers(entry.name, relative):
                continue
            is_empty = False
            status = _status(entry, found)
            if status is None:
                continue
            if stat.S_ISREG(status.st_mode):
                found.files[relative] = LocalFile.of(entry.path, status)
            elif not stat.S_ISDIR(status.st_mode):
                found.warnings.append(f"{entry.path} is left out: it is a pipe, socket or device")
            elif (status.st_dev, status.st_ino) in above:
                found.warnings.append(f"{entry.path} is left out: it links to a folder above it")
            else:
                pending.append((entry.path, relative, above))
        if is_empty and name:
            found.folders.append(name)
    return found


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise storage_error(error, f"cannot read {folder}") from error


def _identity(folder: str) -> tuple[int, int]:
    try:
        status = os.stat(folder)
    except OSError as error:
        raise storage_error(error, f"cannot read {folder}") from error
    return status.st_dev, status.st_ino


def _status(entry: os.DirEntry[str], found: LocalFolder) -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:
        reason = "it is a broken link" if entry.is_symlink() else "it vanished"
    except OSError as error:
        reason = error.strerror or str(error)
    found.warnings.append(f"{entry.path} is left out: {reason}")
    return None
