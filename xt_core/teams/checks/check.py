"""A check of one service: steps that build on each other, each timed and limited in time."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from xt_core.errors import UnavailableError, WorkFailedError, XTError

T = TypeVar("T")

MARGIN_SECONDS = 2.0
"""So much longer than its limit a step may take: what it calls has limits of its own, and tells
better than a clock what went wrong."""
MOST_SKEW_SECONDS = 5.0


@dataclass(frozen=True)
class Step:
    """One thing to do with a service. `act` returns what to tell of it, and raises XTError."""

    what: str
    act: Callable[[], str]
    is_apart: bool = False
    """Whether the steps after it make sense though it fails."""
    may_ask: bool = False
    """Whether the user may be asked, who takes the time that it takes."""


@dataclass(frozen=True)
class Check:
    """The steps that show whether a service works, in their order."""

    role: str
    """What the service does for the team, as in ``stats``."""
    service: str
    """Its name in the configuration."""
    setting: str
    """Where a user corrects it, as in ``external-services.labfiles.path``."""
    steps: Sequence[Step]
    close: Callable[[], None]
    """Removes what the steps left, and lets go of what they opened; may raise XTError."""


class Status(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One step as it went."""

    check: Check
    what: str
    status: Status
    milliseconds: float | None = None
    detail: str = ""
    error: XTError | None = None


def results(check: Check, limit_seconds: float) -> Iterator[Result]:
    """Take the steps, one at each demand; after a failure those that build on it are skipped.

    A step that takes longer than its limit, with a margin, has failed, and is left behind in its
    thread: a file system that hangs cannot be interrupted.
    """
    is_broken = was_left = False
    try:
        for step in check.steps:
            if is_broken:
                yield Result(check, step.what, Status.SKIPPED)
                continue
            result, in_time = _taken(check, step, limit_seconds)
            was_left = was_left or not in_time
            is_broken = result.error is not None and not (step.is_apart and in_time)
            yield result
    finally:
        if not was_left:
            with contextlib.suppress(XTError, OSError, queue.Empty):
                _in_thread(check.close, limit_seconds + MARGIN_SECONDS)


def _taken(check: Check, step: Step, limit_seconds: float) -> tuple[Result, bool]:
    """The result of a step, and whether it came in time."""
    began = time.perf_counter()
    detail, error, in_time = "", None, True
    try:
        longest = None if step.may_ask else limit_seconds + MARGIN_SECONDS
        detail = _in_thread(step.act, longest)
    except XTError as caught:
        error = caught
    except OSError as caught:
        error = UnavailableError(str(caught))
    except queue.Empty:
        in_time = False
        hint = "see whether it is overloaded or hangs, then try again"
        error = UnavailableError(f"it did not answer within {limit_seconds:g} s", hint)
    took = round((time.perf_counter() - began) * 1000, 1)
    status = Status.PASSED if error is None else Status.FAILED
    return Result(check, step.what, status, took, detail, error), in_time


def _in_thread(act: Callable[[], T], seconds: float | None) -> T:
    """What `act` returns or raises; raises queue.Empty when it takes longer."""
    done: queue.SimpleQueue[T | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put(act())
        except BaseException as error:
            done.put(error)

    threading.Thread(target=work, name="check", daemon=True).start()
    outcome = done.get(timeout=seconds)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def compare_clocks(theirs: float, before: float, after: float, precision: float = 0.0) -> str:
    """What to tell of a service's time, read between two times of this machine's clock.

    All in seconds; `precision` is how exact the service's time is. Raises WorkFailedError where the
    clocks are too far apart for the times of runs to be compared.
    """
    ahead = max(before - theirs - precision, 0.0) or min(after - theirs + precision, 0.0)
    if abs(ahead) <= MOST_SKEW_SECONDS:
        return "within 1 s of each other" if abs(ahead) < 1 else f"{abs(ahead):.0f} s apart"
    which = "ahead of" if ahead > 0 else "behind"
    raise WorkFailedError(
        f"this machine's clock is {abs(ahead):.0f} s {which} the service's",
        "set the one that is wrong (timedatectl set-ntp true)",
    )
