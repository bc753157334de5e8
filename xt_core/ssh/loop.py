"""The one thread in which all SSH connections of this process live.

Whatever waits in it waits in a coroutine; a name server or a program that hangs has a thread of its
own. So a box that is slow or dead delays no other.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from xt_core.errors import UnavailableError

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own, for callers in any other thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def call(
        self, work: Coroutine[Any, Any, T], seconds: float | None, what: Callable[[], str]
    ) -> T:
        """What the coroutine returns or raises; it is cancelled if the caller is interrupted.

        Raises UnavailableError, which begins with what `what` gives, if it has not ended after
        `seconds` (None: as long as it takes).
        """
        future = asyncio.run_coroutine_threadsafe(_within(work, seconds, what), self._running())
        try:
            return future.result()
        except CancelledError as error:
            raise UnavailableError(f"{what()}: the connection was closed meanwhile") from error
        except BaseException:
            future.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, T]) -> None:
        """Let a coroutine run, whose result nobody waits for."""
        asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True)
                thread.start()
                atexit.register(self._end, self._loop, thread)
            return self._loop

    @staticmethod
    def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
        """No thread of ours may run when the interpreter is taken down."""
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _within(
    work: Coroutine[Any, Any, T], seconds: float | None, what: Callable[[], str]
) -> T:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise UnavailableError(
            f"{what()}: no answer within {seconds:g} s",
            "see whether the box or the link to it hangs",
        ) from error


async def in_thread(act: Callable[[], T]) -> T:
    """Do what may hang in a daemon thread: it keeps neither the loop nor the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():  # cancelled: nobody waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = act()
        except BaseException as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            return  # the loop has ended

    threading.Thread(target=work, name="ssh look-up", daemon=True).start()
    return await done


LOOP = LoopThread()
"""The loop thread of this process; it starts on first use."""
