"""Keeps a living run's journal flowing into the stats store, as it grows."""

import asyncio
import contextlib
from collections.abc import Callable

from controller.journal import JournalReader
from controller.node import NodeServices
from controller.rundir import RunDirectory
from controller.watch import Watch
from xt_core.model.records import Run

_GATHER_SECONDS = 0.05  # lines written close together travel together


class JournalShipping:
    """Ships one run's journal; `finish` ships what is left."""

    def __init__(
        self,
        node: NodeServices,
        run: Run,
        folder: RunDirectory,
        on_metrics: Callable[[], None] | None = None,
    ) -> None:
        """`on_metrics` is called when new metrics are in the store."""
        self._node, self._run, self._folder = node, run, folder
        self._on_metrics = on_metrics
        self._reader: JournalReader | None = None
        self._watch: Watch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, offset: int) -> None:
        """Begin behind what the store has already."""
        run = self._run
        self._reader = JournalReader(self._folder.journal, run.workspace, run.name, offset)
        with contextlib.suppress(OSError):  # no journal, or no more watches: `finish` reads it
            self._watch = self._node.watcher.watch_file(self._folder.journal, self._noticed)
        if self._size() > offset:
            self._noticed("")

    async def finish(self) -> None:
        """The run has ended: ship the rest, then stop."""
        if self._watch is not None:
            self._watch.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await self._task
        await self._ship(at_end=True)

    def _noticed(self, _name: str) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._task is not None and not self._task.done():
            self._noticed("")
            return
        self._task = asyncio.create_task(self._ship(at_end=False))

    async def _ship(self, *, at_end: bool) -> None:
        reader = self._reader
        if reader is None or self._size() <= reader.offset:
            return
        while (batch := await asyncio.to_thread(reader.read, at_end=at_end)) is not None:
            await self._node.store(lambda store, batch=batch: store.add_journal(batch))  # type: ignore[misc]
            if batch.metrics and self._on_metrics is not None:
                self._on_metrics()

    def _size(self) -> int:
        """0 for a journal that the run's own code has deleted."""
        try:
            return self._folder.journal.stat().st_size
        except OSError:
            return 0
