"""Slots: how many runs of a job, and of the whole node, may be live at once."""

import asyncio
from collections import deque


class Slots:
    """A counting semaphore, first come first served, whose size may be changed at any time.

    `limit` None is no limit. Runs found alive count even beyond the limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self.used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int | None:
        return self._limit

    @limit.setter
    def limit(self, value: int | None) -> None:
        self._limit = value
        self._admit()

    async def take(self) -> None:
        """Wait for a free slot and occupy it."""
        if not self._waiting and self._is_free():
            self.used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            else:
                self._waiting.remove(turn)
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
            turn = self._waiting.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)
