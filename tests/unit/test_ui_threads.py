"""Threads that read for the UI: what they give, and that the end does not wait for them."""

import asyncio
import threading

import pytest

from xt_tui.threads import DaemonThreads


async def test_calls_give_what_they_return_or_raise() -> None:
    loop, threads = asyncio.get_running_loop(), DaemonThreads()
    calls = [loop.run_in_executor(threads, pow, n, 2) for n in range(50)]
    assert await asyncio.gather(*calls) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(threads, divmod, 1, 0)


def test_the_end_does_not_wait_for_a_call_that_does_not_return() -> None:
    began, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def call() -> bool:
        threads.append(threading.current_thread())
        began.set()
        return may_end.wait(60)

    async def leave() -> None:
        asyncio.get_running_loop().run_in_executor(DaemonThreads(), call)
        while not began.is_set():
            await asyncio.sleep(0)

    asyncio.run(leave())
    assert threads[0].daemon
    assert not may_end.is_set()
    may_end.set()


async def test_there_are_as_many_threads_as_calls_at_once() -> None:
    loop, pool = asyncio.get_running_loop(), DaemonThreads()
    one_by_one = [await loop.run_in_executor(pool, threading.get_ident) for _ in range(20)]
    assert len(set(one_by_one)) == 1
    together = threading.Barrier(3)

    def meet() -> int:
        together.wait(60)
        return threading.get_ident()

    at_once = await asyncio.gather(*(loop.run_in_executor(pool, meet) for _ in range(3)))
    assert len(set(at_once)) == 3
    assert one_by_one[0] in at_once
