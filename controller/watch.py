"""File changes as callbacks on the event loop: inotify on Linux, a stat poll elsewhere.

Callbacks get the names of what changed inside a watched folder, or "" for the watched file
itself. Events may be merged, never lost: whoever is called looks at the file's present state.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Callback = Callable[[str], None]
_POLL_SECONDS = 0.1


class Watch(Protocol):
    """A running watch; `close` ends it and may be called twice."""

    def close(self) -> None: ...


class FileWatcher(Protocol):
    """What the controller needs of the system's file notifications."""

    def watch_file(self, path: Path, callback: Callback) -> Watch:
        """Call back whenever the file is written to. Raises OSError if it is not there."""

    def watch_folder(self, path: Path, callback: Callback) -> Watch:
        """Call back with the name of each entry that appears in or changes in the folder."""

    def close(self) -> None: ...


def file_watcher() -> FileWatcher:
    """The best watcher this system has. Needs a running event loop."""
    return InotifyWatcher() if sys.platform == "linux" else PollingWatcher()


class InotifyWatcher:
    """One inotify descriptor for all watches of the process."""

    def __init__(self) -> None:
        import asyncinotify

        self._mask = asyncinotify.Mask
        self._inotify = asyncinotify.Inotify(cache_size=64)
        self._callbacks: dict[int, list[Callback]] = {}
        self._task = asyncio.create_task(self._dispatch())

    def watch_file(self, path: Path, callback: Callback) -> Watch:
        return self._add(path, self._mask.MODIFY, callback)

    def watch_folder(self, path: Path, callback: Callback) -> Watch:
        mask = self._mask
        interest = mask.CREATE | mask.MODIFY | mask.CLOSE_WRITE | mask.MOVED_TO | mask.ONLYDIR
        return self._add(path, interest, callback)

    def close(self) -> None:
        self._task.cancel()
        self._inotify.close()

    def _add(self, path: Path, mask: object, callback: Callback) -> Watch:
        watch = self._inotify.add_watch(path, mask)  # type: ignore[arg-type]
        self._callbacks.setdefault(watch.wd, []).append(callback)
        return _InotifyWatch(self, watch.wd, callback)

    def forget(self, wd: int, callback: Callback) -> None:
        """Drop one callback. The kernel's watch goes with the file, or at the next event: to
        remove it now costs more than a run should."""
        callbacks = self._callbacks.get(wd, [])
        if callback in callbacks:
            callbacks.remove(callback)
            if not callbacks:
                del self._callbacks[wd]

    async def _dispatch(self) -> None:
        overflow = self._mask.Q_OVERFLOW
        while True:
            event = await self._inotify.get()
            if overflow in event.mask:
                for callbacks in list(self._callbacks.values()):
                    for callback in list(callbacks):
                        callback("")
                continue
            watch = event.watch
            if watch is None:
                continue
            if watch.wd not in self._callbacks:
                if self._mask.IGNORED not in event.mask:
                    with contextlib.suppress(OSError, ValueError):
                        self._inotify.rm_watch(watch)
                continue
            name = "" if event.name is None else os.fspath(event.name)
            for callback in list(self._callbacks[watch.wd]):
                callback(name)


class _InotifyWatch:
    def __init__(self, owner: InotifyWatcher, wd: int, callback: Callback) -> None:
        self._owner, self._wd, self._callback = owner, wd, callback

    def close(self) -> None:
        self._owner.forget(self._wd, self._callback)


class PollingWatcher:
    """Looks at each watched path ten times a second, for systems without inotify."""

    def __init__(self) -> None:
        self._watched: dict[object, tuple[Path, Callback, object]] = {}
        self._task = asyncio.create_task(self._poll())

    def watch_file(self, path: Path, callback: Callback) -> Watch:
        return self._add(path, callback)

    def watch_folder(self, path: Path, callback: Callback) -> Watch:
        return self._add(path, callback)

    def close(self) -> None:
        self._task.cancel()

    def _add(self, path: Path, callback: Callback) -> Watch:
        key = object()
        self._watched[key] = (path, callback, _look(path))
        return _PollingWatch(self._watched, key)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            for key, (path, callback, before) in list(self._watched.items()):
                with contextlib.suppress(OSError):
                    now = _look(path)
                    if now != before:
                        self._watched[key] = (path, callback, now)
                        callback("")


class _PollingWatch:
    def __init__(self, watched: dict[object, tuple[Path, Callback, object]], key: object) -> None:
        self._watched, self._key = watched, key

    def close(self) -> None:
        self._watched.pop(self._key, None)


def _look(path: Path) -> object:
    status = path.stat()
    if not path.is_dir():
        return (status.st_mtime_ns, status.st_size)
    return frozenset(
        (entry.name, entry.stat().st_mtime_ns, entry.stat().st_size) for entry in os.scandir(path)
    )
