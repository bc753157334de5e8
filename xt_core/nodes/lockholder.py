"""Who holds a lock file, and the end of a process that hangs on to one.

The number of a process is given to another one once it has ended. So it counts only while that
process itself has the file open and locked, and it is killed by a handle that was taken before.
"""

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from xt_core.errors import RefusedError, UnavailableError

_PAUSE_SECONDS = 0.02
_LOCK_KIND = ["FLOCK", "WRITE"]


def kill_holder(lock: Path, seconds: float) -> int | None:
    """Kill (SIGKILL) the process that the text of a lock file names and that holds it, and wait
    until it is gone; its number, None where nobody holds the lock.

    Raises RefusedError where it cannot be known to be that process, or may not be killed, and
    UnavailableError if it has not gone after so many seconds.
    """
    if wait_until_free(lock, 0.0):
        return None
    pid = _named(lock)
    with _handle(pid) as handle:
        if not _holds(pid, lock):
            raise RefusedError(
                f"the process that holds {lock} is not the one named in it ({pid})",
                f"fuser -v {lock} shows it; end it yourself, and try again",
            )
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:  # it has just ended by itself
            return pid
        except PermissionError as error:
            raise RefusedError(
                f"process {pid} may not be ended: {error.strerror}", "it is another user's"
            ) from error
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        if not ended.poll(seconds * 1000):
            raise UnavailableError(
                f"process {pid} was killed and has not ended within {seconds:g} s",
                "the system ends it once its disk answers; see ps, state D",
            )
    return pid


def wait_until_free(lock: Path, seconds: float) -> bool:
    """Whether nobody holds a lock file, within so many seconds."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(FileNotFoundError), lock.open("rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_PAUSE_SECONDS)
    return True


def _named(lock: Path) -> int:
    try:
        return int(lock.read_text(encoding="ascii"))
    except ValueError as error:  # it has just begun
        raise RefusedError(f"{lock} names no process", "try again") from error


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int]:
    """A descriptor of the process, which stays that one's. Raises RefusedError."""
    if not hasattr(os, "pidfd_open") or not Path("/proc/self/fdinfo").is_dir():
        raise RefusedError(
            f"this system does not tell whether process {pid} is the one meant",
            f"end it yourself (kill -9 {pid}), and try again",
        )
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError as error:
        raise RefusedError(
            f"process {pid} has ended, and another one holds its lock", "try again"
        ) from error
    try:
        yield handle
    finally:
        os.close(handle)


def _holds(pid: int, lock: Path) -> bool:
    """Whether the process has the file open, and locked by itself."""
    wanted = lock.stat()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for name in descriptors:
        with contextlib.suppress(OSError):
            if not os.path.samestat(os.stat(f"/proc/{pid}/fd/{name}"), wanted):
                continue
            lines = Path(f"/proc/{pid}/fdinfo/{name}").read_text().splitlines()
            if any(_is_own_lock(line.split(), pid) for line in lines):
                return True
    return False


def _is_own_lock(words: list[str], pid: int) -> bool:
    """``lock: 1: FLOCK ADVISORY WRITE 875 fe:00:2384379 0 EOF``"""
    return words[:1] == ["lock:"] and words[2:5:2] == _LOCK_KIND and words[5:6] == [str(pid)]
