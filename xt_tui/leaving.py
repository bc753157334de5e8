"""Leaving the UI: what was begun last is brought to its end, and the user is told what that waits
for, once the terminal is as it was. Who is told to end by a signal, or has no terminal any more,
waits for nothing, but leaves the terminal as it was, too."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from xt_core.errors import ExitCode

if TYPE_CHECKING:
    from xt_tui.app import XtApp

P = ParamSpec("P")
T = TypeVar("T")
SIGNALLED = 128
"""And the number of the signal that ended the UI: its exit code."""
_SOON_SECONDS = 0.5
_WAITS = (
    "waiting for what was begun last, which its controller has not answered yet; "
    "Ctrl-C leaves without an answer"
)


class Acts(ThreadPoolExecutor):
    """Threads for what the user does; it knows which calls are being made."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="act")
        self._made: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = super().submit(fn, *args, **kwargs)
        self._made.add(future)
        future.add_done_callback(self._made.discard)
        return future

    @property
    def unfinished(self) -> list[Future[Any]]:
        """What has been begun, or is about to be, and has not ended."""
        return list(self._made)


async def run_to_the_end(app: "XtApp") -> None:
    """Run the UI until the user leaves, and then until all that was begun has been done."""
    acts = Acts()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(acts)
    _heed_signals(app)
    await app.run_async()
    calls = [asyncio.wrap_future(call) for call in acts.unfinished]
    if not calls:
        return
    try:
        _, late = await asyncio.wait(calls, timeout=_SOON_SECONDS)
        if late and (code := app.return_code or 0) > SIGNALLED:
            os._exit(code)
        if late:
            print(_WAITS, file=sys.stderr, flush=True)
            await asyncio.wait(late)
    except asyncio.CancelledError:  # by Ctrl-C; the threads could not be ended otherwise
        os._exit(ExitCode.INTERRUPTED)


def _heed_signals(app: "XtApp") -> None:
    """Leave when a signal says so, as shells tell of it: with 128 and its number."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        leave = partial(app.exit, return_code=SIGNALLED + number)
        asyncio.get_running_loop().add_signal_handler(number, leave)
