"""Many files at once: into a store and out of it, with progress."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xt_core.errors import UnavailableError, XTError

Progress = Callable[[str, int, bool], None]
"""Told of a transfer: its key, the bytes moved since the last call, and whether it is complete.

Calls come one at a time, from any thread, and all from before the transfer's method returns.
"""

Moved = Callable[[int], None]
"""Told of the bytes of one file that were moved since the last call."""

_AHEAD = 4  # how many files a thread are taken from the caller before they are needed


def transfer(
    files: Iterable[tuple[str, Path]],
    move: Callable[[str, Path, Moved], None],
    progress: Progress | None = None,
    pool: ThreadPoolExecutor | None = None,
    threads: int = 1,
) -> dict[str, XTError]:
    """Move each file, in ``pool`` if there is one; returns what went wrong, by key.

    Raises UnavailableError at once: the files that are left would fare no better.
    """
    lock = threading.Lock()
    failed: dict[str, XTError] = {}

    def tell(key: str, moved: int, complete: bool) -> None:
        if progress is not None:
            with lock:
                progress(key, moved, complete)

    def one(key: str, path: Path) -> None:
        try:
            move(key, path, lambda moved: tell(key, moved, False))
        except UnavailableError:
            raise
        except XTError as error:
            failed[key] = error
        else:
            tell(key, 0, True)

    if pool is None:
        for key, path in files:
            one(key, path)
        return failed
    running: deque[Future[None]] = deque()
    try:
        for key, path in files:
            running.append(pool.submit(one, key, path))
            if len(running) >= threads * _AHEAD:
                running.popleft().result()
        while running:
            running.popleft().result()
    finally:
        finish(running)
    return failed


def finish(running: "Iterable[Future[Any]]") -> None:
    """Cancel what has not begun, and wait for what has: nothing goes on behind the caller."""
    pending = [future for future in running if not future.cancel()]
    for future in pending:
        future.exception()
