"""The controller's one writer of the stats store: a thread that commits in groups.

Operations run in the order they were asked for. Those that wait while a commit is under way share
the next one, so that the cost of a durable write is spread over concurrent runs. A store that is
full, locked, away or not to be written is tried again until it answers: nothing is dropped.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from xt_core.errors import RefusedError, UnavailableError
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import StatsStore

T = TypeVar("T")
_LARGEST_GROUP = 64
_RETRY_SECONDS = 0.5
_OUTAGE = (UnavailableError, RefusedError, OSError)
_log = logging.getLogger(__name__)

_Item = tuple[Callable[[SqliteStatsStore], Any], "asyncio.Future[Any]"]


class StoreWriter:
    """Runs operations on the store, off the event loop."""

    def __init__(self, store: SqliteStatsStore, on_commit: Callable[[], None]) -> None:
        self._store = store
        self.reader: StatsStore = store
        """For long reads from other threads; what was committed is there."""
        self.trouble = ""
        """Why nothing can be written just now; "" while all is well."""
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def do(self, operation: Callable[[SqliteStatsStore], T]) -> T:
        """The operation's result, once it is durable. Raises what it raises."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((operation, future))
        return await future

    async def read(self, operation: Callable[[StatsStore], T]) -> T:
        """The result of a longer read, in a thread of its own. Raises what it raises, but for an
        outage."""
        while True:
            try:
                return await asyncio.to_thread(operation, self._store)
            except (UnavailableError, RefusedError) as error:
                _log.warning("%s; trying again until it works", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while True:
            group, more = self._next_group()
            if group:
                results = self._commit(group)
                self._loop.call_soon_threadsafe(self._deliver, group, results)
            if not more:
                return

    def _next_group(self) -> tuple[list[_Item], bool]:
        item = self._queue.get()
        group: list[_Item] = []
        while item is not None:
            group.append(item)
            if len(group) == _LARGEST_GROUP or self._queue.empty():
                return group, True
            item = self._queue.get()
        return group, False

    def _commit(self, group: list[_Item]) -> list[Any]:
        while True:
            try:
                with self._store.database.transaction():
                    results = [self._attempt(operation) for operation, _ in group]
            except _OUTAGE as error:
                if not self.trouble:
                    _log.warning("%s; trying again until it works", error)
                self.trouble = str(error)
                time.sleep(_RETRY_SECONDS)
            else:
                self.trouble = ""
                return results

    def _attempt(self, operation: Callable[[SqliteStatsStore], Any]) -> Any:
        """The operation's result, or the exception it raised (others of its group go on)."""
        try:
            with self._store.database.savepoint():
                return operation(self._store)
        except _OUTAGE:
            raise
        except Exception as error:
            return error

    def _deliver(self, group: list[_Item], results: list[Any]) -> None:
        for (_, future), result in zip(group, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._on_commit()
