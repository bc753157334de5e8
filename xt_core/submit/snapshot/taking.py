"""Taking a snapshot: from what is selected to a zip."""

import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xt_core.artifacts.store import storage_error
from xt_core.submit.snapshot.format import Entry, digest_of, entry_info
from xt_core.submit.snapshot.reading import readable
from xt_core.submit.snapshot.selection import Selection
from xt_core.submit.snapshot.sources import SnapshotSpec, Source

_MEBIBYTE = 1 << 20
_IN_MEMORY = 8 * _MEBIBYTE
"""Up to this size a file is compressed in one piece, which allows of a fast level."""
_FAST = 1
_ZIP64_FROM = 1 << 30


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that was taken: the zip, its SHA-256, and what it holds.

    ``files`` counts links, too; ``bytes`` is the size of the files' contents. Each of ``warnings``
    names a file that was left out, and says why.
    """

    path: Path
    digest: str
    files: int
    bytes: int
    warnings: list[str]


def take_snapshot(spec: SnapshotSpec, destination: Path) -> Snapshot:
    """Write a zip of the user's code to ``destination``, whole or not at all.

    Raises UsageError for a wrong ``code_dirs`` and for more code than the limits allow, and
    RefusedError for what may not be read.
    """
    selection = Selection(spec, os.path.realpath(destination))
    for text in spec.code_dirs:
        selection.add(Source.parse(text, spec))
    entries = selection.finish()
    part = destination.parent / f".xt-{os.urandom(8).hex()}.part"
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w") as archive:
            writer = _Writer(archive, spec.max_file_bytes, selection.warnings)
            for entry in entries:
                writer.add(entry)
        digest = digest_of(part)
        os.replace(part, destination)
    except OSError as error:
        raise storage_error(error, f"cannot write the code snapshot {destination}") from error
    finally:
        part.unlink(missing_ok=True)
    return Snapshot(destination, digest, writer.files, writer.bytes, selection.warnings)


class _Writer:
    """Writes entries into an archive and counts them."""

    def __init__(self, archive: zipfile.ZipFile, limit: int, warnings: list[str]) -> None:
        self.files = 0
        self.bytes = 0
        self._archive = archive
        self._limit = limit
        self._warnings = warnings
        self._names: set[str] = set()

    def add(self, entry: Entry) -> None:
        if entry.kind == stat.S_IFDIR:
            self._archive.writestr(self._info(entry.name + "/", stat.S_IFDIR | 0o755), b"")
        elif entry.kind == stat.S_IFLNK:
            info = self._info(entry.name, stat.S_IFLNK | 0o777)
            self._archive.writestr(info, os.fsencode(entry.link))
            self.files += 1
        elif file := _open_file(entry.source):
            with file:
                self._add_file(entry.name, file)
        else:
            self._warnings.append(f"{entry.source} is left out: it vanished")

    def _add_file(self, name: str, file: BinaryIO) -> None:
        status = os.fstat(file.fileno())
        size = min(status.st_size, self._limit)  # a file that grows is cut here
        info = self._info(name, stat.S_IFREG | (0o755 if status.st_mode & 0o111 else 0o644))
        if size <= _IN_MEMORY:
            data = file.read(size)
            self._archive.writestr(info, data, zipfile.ZIP_DEFLATED, _FAST)
            self.bytes += len(data)
        else:
            info.compress_type = zipfile.ZIP_DEFLATED
            with self._archive.open(info, "w", force_zip64=size > _ZIP64_FROM) as sink:
                while size and (data := file.read(min(size, _MEBIBYTE))):
                    sink.write(data)
                    size -= len(data)
                    self.bytes += len(data)
        self.files += 1

    def _info(self, name: str, mode: int) -> zipfile.ZipInfo:
        return entry_info(name, mode, self._names)


def _open_file(path: str) -> BinaryIO | None:
    """A file to read; None if it has vanished, or something else has taken its place."""
    descriptor = -1
    with readable(path):
        # A pipe that took the file's place must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    return None
