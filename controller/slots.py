"""Slots: how many runs of a job, and of the whole node, may be live at once."""

import asyncio
import bisect
import itertools


class Slots:
    """A counting semaphore whose size may be changed at any time: the largest priority first, and
    first come first served among equals.

    `limit` None is no limit. Runs found alive count even beyond the limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self.used = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @property
    def limit(self) -> int | None:
        return self._limit

    @limit.setter
    def limit(self, value: int | None) -> None:
        self._limit = value
        self._admit()

    async def take(self, priority: int = 0) -> None:
        """Wait for a free slot and occupy it."""
        if not self._waiting and self._is_free():
            self.used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (-priority, next(self._arrivals), turn)
        bisect.insort(self._waiting, place)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            elif place in self._waiting:  # else a slot became free since, and it was passed over
                self._waiting.remove(place)
            raise

    def occupy(self) -> None:
        """Count a run that is alive already."""
        self.used += 1

    def give_back(self) -> None:
        self.used -= 1
        self._admit()

    def _is_free(self) -> bool:
        return self._limit is None or self.used < self._limit

    def _admit(self) -> None:
        while self._waiting and self._is_free():
            _, _, turn = self._waiting.pop(0)
            if not turn.done():
                self.used += 1
                turn.set_result(None)
