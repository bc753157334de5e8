"""Data and models for the runs of this node: each version is brought here once, for all of them.

A download goes on for as long as one run waits for it. What it has verified by then stays.
"""

import asyncio
import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.backoff import Backoff
from controller.outbox import NodeArtifacts
from xt_core.errors import UnavailableError, UsageError, XTError
from xt_core.shares.cache import AbandonedError, ShareCache, View
from xt_core.shares.use import ShareUse

_AT_ONCE = 4
_PATIENCE_SECONDS = 60.0
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_log = logging.getLogger(__name__)


class NodeShares:
    """Views of shares, one task a version."""

    def __init__(
        self, cache: ShareCache, artifacts: NodeArtifacts, patience: float = _PATIENCE_SECONDS
    ) -> None:
        """`patience` is how many seconds the team's storage may be away before a run that needs
        it is given up."""
        self._cache, self._artifacts, self._patience = cache, artifacts, patience
        self._pool = ThreadPoolExecutor(_AT_ONCE, "shares")
        self._coming: dict[ShareUse, _Coming] = {}

    async def view(self, use: ShareUse, given_up: asyncio.Event) -> View | None:
        """The folder of a version, once it is here; None if `given_up` was set first.

        Raises UsageError if a folder to be used where it is is not there, and what
        `ShareCache.view` raises.
        """
        if use.folder:
            return await asyncio.to_thread(_in_place, use.folder)
        coming = self._coming.get(use)
        if coming is None or coming.is_abandoned:
            coming = _Coming(self._pool, self._bring, use)
            self._coming[use] = coming
        try:
            return await coming.wait(given_up)
        finally:
            if coming.is_abandoned and self._coming.get(use) is coming:
                del self._coming[use]

    def _bring(self, use: ShareUse, abandoned: threading.Event) -> View:
        """A download that is cut off goes on where it was."""
        backoff, answered = Backoff(), time.monotonic()

        def get_files(files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
            nonlocal answered
            failed = self._artifacts.get_files(files)
            answered = time.monotonic()
            backoff.after_success()
            return failed

        if not self._cache.has(use):
            _log.info("%s %s: %d files, %d bytes", use.action, use.share, use.files, use.bytes)
        while True:
            try:
                view = self._cache.view(use, get_files, abandoned)
            except UnavailableError as error:
                is_full = getattr(error.__cause__, "errno", None) in _NO_ROOM
                if is_full or time.monotonic() >= answered + self._patience:
                    raise  # for room the run itself waits
                _log.warning("%s; trying again to bring %s", error.message, use.share)
                if abandoned.wait(backoff.after_failure()):
                    raise AbandonedError from error
            else:
                if view.fetched_contents:
                    _log.info("%s: %d bytes downloaded", use.share, view.fetched_bytes)
                return view


class _Coming:
    """A version on its way, and how many runs wait for it."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        bring: Callable[[ShareUse, threading.Event], View],
        use: ShareUse,
    ) -> None:
        self._abandoned = threading.Event()
        self._waiting = 0
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(pool, bring, use, self._abandoned)
        self._done = asyncio.Event()
        self._work.add_done_callback(self._finish)

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for it (any more): it may end without a result."""
        return self._abandoned.is_set()

    def _finish(self, work: "asyncio.Future[View]") -> None:
        work.exception()  # it is told to those who wait, if there are any
        self._done.set()

    async def wait(self, given_up: asyncio.Event) -> View | None:
        self._waiting += 1
        waits = [asyncio.create_task(event.wait()) for event in (self._done, given_up)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            self._waiting -= 1
            if not self._waiting:
                self._abandoned.set()
        return self._work.result() if self._done.is_set() else None


def _in_place(folder: str) -> View:
    if not Path(folder).is_dir():
        raise UsageError(f"the folder {folder} is not there", "was it moved? submit again")
    return View(Path(folder))
