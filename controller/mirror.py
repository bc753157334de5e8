"""Mirroring: files of a living run are copied to the artifact store as they change.

A changed file is copied once it has been quiet for a moment, and while it keeps changing at most
about once a second (less often when a copy takes long). What changed last is copied when the run
ends, before it counts as completed.
"""

import asyncio
import contextlib
import fnmatch
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.outbox import NodeArtifacts
from controller.watch import FileWatcher, Watch
from xt_core.errors import XTError

_QUIET_SECONDS = 0.2
_LEAST_INTERVAL = 1.0
_COPY_TIMES = 10  # a copy that takes t seconds is not repeated for 10 t
_log = logging.getLogger(__name__)

_State = tuple[int, int, int]  # mtime, size, inode


@dataclass(frozen=True)
class MirrorRoot:
    """A folder whose files matching `pattern` (relative to it) are mirrored under `prefix`."""

    folder: Path
    pattern: str
    prefix: str


class Mirror:
    """Mirrors the folders of one run."""

    def __init__(
        self, roots: list[MirrorRoot], artifacts: NodeArtifacts, watcher: FileWatcher
    ) -> None:
        self._roots, self._artifacts, self._watcher = roots, artifacts, watcher
        self._watches: dict[Path, Watch] = {}
        self._due: dict[tuple[MirrorRoot, Path], float] = {}
        self._not_before: dict[Path, float] = {}
        self._copied: dict[Path, _State] = {}
        self._copying = threading.Lock()  # a copy that is under way must not land last
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        for root in self._roots:
            self._watch_tree(root, root.folder, found_late=False)

    async def finish(self) -> None:
        """Stop watching and copy whatever is newer than its copy."""
        await self.stop()
        await asyncio.to_thread(self._copy_outdated)

    async def stop(self) -> None:
        """Stop watching."""
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # Watching ---------------------------------------------------------------------------

    def _watch_tree(self, root: MirrorRoot, folder: Path, *, found_late: bool) -> None:
        if folder in self._watches:
            return
        if not folder.is_dir():
            self._watch_for_creation(root, folder)
            return
        with contextlib.suppress(OSError):  # gone again, or the system's limit: `finish` copies
            self._watches[folder] = self._watcher.watch_folder(
                folder, lambda name: self._notice(root, folder, name)
            )
        self._look_through(root, folder, found_late=found_late)

    def _look_through(self, root: MirrorRoot, folder: Path, *, found_late: bool) -> None:
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_dir(follow_symlinks=False):
                    self._watch_tree(root, Path(entry.path), found_late=found_late)
                elif found_late:
                    self._mark(root, Path(entry.path))

    def _watch_for_creation(self, root: MirrorRoot, folder: Path) -> None:
        parent = folder.parent
        if not parent.is_dir() or parent in self._watches:
            return

        def look(_name: str) -> None:
            if folder.is_dir():
                watch = self._watches.pop(parent, None)
                if watch is not None:
                    watch.close()
                self._watch_tree(root, folder, found_late=True)

        with contextlib.suppress(OSError):
            self._watches[parent] = self._watcher.watch_folder(parent, look)

    def _notice(self, root: MirrorRoot, folder: Path, name: str) -> None:
        path = folder / name
        if not name:  # the watcher cannot tell what changed
            self._look_through(root, folder, found_late=True)
        elif path.is_dir():
            self._watch_tree(root, path, found_late=True)
        else:
            self._mark(root, path)

    def _mark(self, root: MirrorRoot, path: Path) -> None:
        if not _matches(root, path):
            return
        due = max(time.monotonic() + _QUIET_SECONDS, self._not_before.get(path, 0.0))
        self._due[root, path] = due
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._copy_when_due())

    # Copying ----------------------------------------------------------------------------

    async def _copy_when_due(self) -> None:
        while True:
            if not self._due:
                self._changed.clear()
                await self._changed.wait()
            now = time.monotonic()
            ready = [key for key, due in self._due.items() if due <= now]
            if not ready:
                await asyncio.sleep(min(self._due.values()) - now)
            for root, path in ready:
                del self._due[root, path]
                await asyncio.to_thread(self._copy, root, path)

    def _copy_outdated(self) -> None:
        for root in self._roots:
            for path in _files_below(root.folder):
                if _matches(root, path) and self._copied.get(path) != _state(path):
                    self._copy(root, path)

    def _copy(self, root: MirrorRoot, path: Path) -> None:
        with self._copying:
            self._copy_changed(root, path)

    def _copy_changed(self, root: MirrorRoot, path: Path) -> None:
        began = time.monotonic()
        state = _state(path)
        if state is None or self._copied.get(path) == state:
            return
        key = f"{root.prefix}/{path.relative_to(root.folder).as_posix()}"
        try:
            self._artifacts.put_file(key, path)
        except (XTError, OSError) as error:
            _log.warning("cannot mirror %s: %s", path, error)
            return
        self._copied[path] = state
        took = time.monotonic() - began
        self._not_before[path] = time.monotonic() + max(_LEAST_INTERVAL, _COPY_TIMES * took)


def _matches(root: MirrorRoot, path: Path) -> bool:
    relative = path.relative_to(root.folder).as_posix()
    return fnmatch.fnmatchcase(relative, root.pattern)


def _state(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _files_below(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)
