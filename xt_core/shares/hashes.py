"""The digests of local files, remembered: what has not changed is not read again."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import RefusedError, UnavailableError, WorkFailedError
from xt_core.shares.folder import LocalFile

_YOUNG_NS = 2_000_000_000
"""A file that was written so shortly ago could be written again within its file system's unit of
time, and look unchanged."""
_VERSION = 1


class HashCache:
    """The digests of one folder's files, in a file of XT's own; losing it costs time only."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = self._load()

    def _load(self) -> dict[str, list[str | int]]:
        try:
            document = json.loads(self._file.read_bytes())
            if document["version"] == _VERSION:
                return dict(document["files"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {}

    def digests(self, files: Iterable[LocalFile]) -> dict[str, str]:
        """The SHA-256 of each file, by path; reads those that are new or have changed.

        Raises WorkFailedError if one changes while it is read, RefusedError if one may not be.
        """
        files = list(files)
        digests = {file.path: self._digest(file) for file in files if self._knows(file)}
        changed = [file for file in files if file.path not in digests]
        self._known = {file.path: self._known[file.path] for file in files if file.path in digests}
        try:
            for file, digest in _computed(changed):
                digests[file.path] = digest
                if max(file.mtime_ns, file.ctime_ns) < clock.now() * 1e9 - _YOUNG_NS:
                    self._known[file.path] = [digest, *file.stamp]
        finally:
            if changed:
                self._save()
        return digests

    def unknown(self, files: Iterable[LocalFile]) -> list[LocalFile]:
        """Those that `digests` would have to read."""
        return [file for file in files if not self._knows(file)]

    def _knows(self, file: LocalFile) -> bool:
        known = self._known.get(file.path)
        return known is not None and known[1:] == list(file.stamp)

    def _digest(self, file: LocalFile) -> str:
        return str(self._known[file.path][0])

    def _save(self) -> None:
        from xt_core.config.writing import replace_text

        text = json.dumps({"version": _VERSION, "files": self._known}, separators=(",", ":"))
        with contextlib.suppress(RefusedError):  # next time all is read again
            replace_text(self._file, text, durable=False)


def _computed(files: list[LocalFile]) -> Iterator[tuple[LocalFile, str]]:
    """Each file with its digest; several are read at once."""
    with ThreadPoolExecutor(os.cpu_count() or 1, "hash") as pool:
        try:
            yield from zip(files, pool.map(_digest_of_file, files), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _digest_of_file(file: LocalFile) -> str:
    try:
        with open(file.path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise changed(file.path) from None
    except OSError as error:
        raise storage_error(error, f"cannot read {file.path}") from error
    if not file.is_unchanged():
        raise changed(file.path)
    return digest


def changed(path: str) -> WorkFailedError:
    """The error for a file that did not keep still."""
    return WorkFailedError(
        f"{path} changed while it was uploaded", "submit again when nothing writes to the folder"
    )


def hash_file(path: Path) -> str:
    """The SHA-256 of a file of XT's own. Raises UnavailableError."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}") from error
