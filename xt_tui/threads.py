"""Threads for calls that only read. None of them keeps the program from ending: a store that does
not answer would hold the user's terminal for as long as it is waited for.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(Executor):
    """As many threads as there are calls at once. They are given up when the program ends. (Those
    of the standard library's pool are waited for.)"""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], Callable[[], None]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        """Threads that wait for a call, less the calls that wait for a thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Make a call in a thread that has nothing else to do."""
        future: Future[T] = Future()

        def make() -> Callable[[], None]:
            """Make the call; what tells of it."""
            if not future.set_running_or_notify_cancel():
                return lambda: None
            try:
                return partial(future.set_result, fn(*args, **kwargs))
            except BaseException as error:
                return partial(future.set_exception, error)

        self._calls.put(make)
        with self._lock:
            self._idle -= 1
            is_short = self._idle < 0
        if is_short:
            threading.Thread(target=self._serve, name="reader", daemon=True).start()
        return future

    def _serve(self) -> None:
        self._be_idle()
        while True:
            tell = self._calls.get()()
            self._be_idle()  # before the caller knows, whose next call finds this thread
            tell()

    def _be_idle(self) -> None:
        with self._lock:
            self._idle += 1


READERS = DaemonThreads()


async def read(call: Callable[[], T]) -> T:
    """What a call gives that only reads: who leaves does not wait for it."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(READERS, context.run, call)
