"""Places: what a run takes up while it is live, a slot of its job and one of the node."""

import asyncio
import contextlib

from controller.slots import Slots


class Place:
    """One run's place; giving it back twice does no harm."""

    def __init__(self, slots: tuple[Slots, ...]) -> None:
        self._slots = slots

    def give_back(self) -> None:
        slots, self._slots = self._slots, ()
        for each in slots:
            each.give_back()


NO_PLACE = Place(())
"""Of what takes up none, or got none."""


class Places:
    """The places of a job's runs on a node."""

    def __init__(self, job: Slots, node: Slots, priority: int) -> None:
        """`priority` is the job's among those that wait for the node."""
        self._job, self._node, self._priority = job, node, priority

    @property
    def limit(self) -> int | None:
        """How many runs the job allows at once."""
        return self._job.limit

    def occupy(self) -> Place:
        """The place of a run that is alive already."""
        self._job.occupy()
        self._node.occupy()
        return Place((self._job, self._node))

    def queue(self) -> "asyncio.Task[Place]":
        """Join the queue, here and now, and wait in it for a place."""
        return asyncio.create_task(self._take())

    async def _take(self) -> Place:
        await self._job.take()
        try:
            await self._node.take(self._priority)
        except asyncio.CancelledError:
            self._job.give_back()
            raise
        return Place((self._job, self._node))


async def place_unless(cancelled: asyncio.Event, waiting: "asyncio.Task[Place]") -> Place | None:
    """The place that is waited for; None, and no longer in the queue, if `cancelled` was set
    first."""
    giving_up = asyncio.create_task(cancelled.wait())
    await asyncio.wait({waiting, giving_up}, return_when=asyncio.FIRST_COMPLETED)
    giving_up.cancel()
    if not waiting.done():
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    return None if waiting.cancelled() else waiting.result()
