"""The thread in which connections live, as its callers see it."""

import asyncio
import threading

import pytest

from xt_core.errors import UnavailableError
from xt_core.ssh.loop import LoopThread, in_thread


def named() -> str:
    return "gpu1"


async def slow(ended: threading.Event) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        ended.set()


def test_results_and_errors_come_to_the_caller() -> None:
    loop = LoopThread()

    async def double(number: int) -> int:
        if number < 0:
            raise ValueError(number)
        return number * 2

    assert loop.call(double(4), None, named) == 8
    with pytest.raises(ValueError, match="-1"):
        loop.call(double(-1), 5, named)


def test_what_takes_too_long_is_cancelled_and_told() -> None:
    ended = threading.Event()
    with pytest.raises(UnavailableError, match=r"gpu1: no answer within 0\.01 s"):
        LoopThread().call(slow(ended), 0.01, named)
    assert ended.wait(10)


def test_a_time_limit_of_the_work_itself_is_no_deadline_of_the_caller() -> None:
    async def limited() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        LoopThread().call(limited(), 5, named)


def test_what_hangs_in_a_thread_holds_up_nobody() -> None:
    loop, release = LoopThread(), threading.Event()
    with pytest.raises(UnavailableError):
        loop.call(in_thread(release.wait), 0.01, named)
    assert loop.call(in_thread(lambda: "well"), 10, named) == "well"
    release.set()


def test_an_error_in_a_thread_comes_to_the_caller() -> None:
    def fail() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        LoopThread().call(in_thread(fail), 10, named)
