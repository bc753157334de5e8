"""Reading off the UI's thread: one at a time for each purpose, the newest request first.

A call that is slow (100,000 runs to sort, a store on a busy disk) delays the next of its kind and
nothing else; what was asked for meanwhile and then overtaken is never made. Who leaves waits for
none of them.
"""

import asyncio
import time
from collections.abc import Callable

from textual.message import Message
from textual.widget import Widget

from xt_tui.threads import read

TASKS: set[asyncio.Task[None]] = set()
"""Those that make calls now, or rest after one."""
_LEAST_REST_SECONDS = 0.05
_REST_SHARE = 2.0
"""So a purpose takes at most a third of a processor."""


class Background:
    """Makes calls in a thread; each gives the message that its owner is sent."""

    def __init__(self, owner: Widget, purpose: str, rest_share: float = _REST_SHARE) -> None:
        """`rest_share` is how long it rests after a call, in times that this took."""
        self._owner, self._purpose, self._rest_share = owner, purpose, rest_share
        self._wanted: Callable[[], Message] | None = None
        self._is_busy = False

    def ask(self, call: Callable[[], Message]) -> None:
        """Have a call made as soon as the one that is being made has ended."""
        self._wanted = call
        if not self._is_busy and self._owner.is_attached:
            self._is_busy = True
            task = asyncio.create_task(self._work(), name=self._purpose)
            TASKS.add(task)
            task.add_done_callback(TASKS.discard)

    async def _work(self) -> None:
        try:
            while (call := self._wanted) is not None and self._owner.is_attached:
                self._wanted = None
                began = time.monotonic()
                await self._make(call)
                took = time.monotonic() - began
                await asyncio.sleep(self._rest_seconds(took))
        finally:
            self._is_busy = False

    def _rest_seconds(self, took: float) -> float:
        """How long to rest after a call that took so many seconds."""
        return max(_LEAST_REST_SECONDS, self._rest_share * took)

    async def _make(self, call: Callable[[], Message]) -> None:
        """A fault of one call is told; it harms no other pane, nor the calls after it."""
        try:
            self._owner.post_message(await read(call))
        except Exception as error:
            if not self._owner.is_attached:  # what it read may have been closed under it
                return
            text = f"{type(error).__name__}: {error}"
            self._owner.notify(text, title=self._purpose, severity="error", markup=False)
