"""Processes that are not our children: is it still the same one, and when does it end?"""

import asyncio
import contextlib
import os
import signal

from controller.supervisor import boot_id, process_start_time

_POLL_SECONDS = 0.2


def is_alive(pid: int, start_time: int, boot: str) -> bool:
    """Whether the very process that was recorded (pid, start time, boot) still lives."""
    if boot != boot_id():
        return False
    now = process_start_time(pid)
    if now:
        return now == start_time and not _is_zombie(pid)
    return _exists(pid) and start_time == 0


def is_running(pid: int) -> bool:
    """Whether there is a process of that number that has not ended."""
    return _exists(pid) and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except (OSError, IndexError):
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def wait_for_exit(pid: int) -> None:
    """Return once the process is gone; costs nothing while it lives (a pidfd on Linux)."""
    if not hasattr(os, "pidfd_open"):
        while _exists(pid):
            await asyncio.sleep(_POLL_SECONDS)
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    try:
        loop.add_reader(descriptor, gone.set)
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def kill_marked(mark: str) -> int:
    """Kill each process whose environment holds `mark` (a NAME=VALUE); how many there were.

    For a run whose supervisor was killed: nobody else knows what it left behind.
    """
    needle = b"\0" + os.fsencode(mark) + b"\0"
    killed = 0
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if needle not in b"\0" + file.read() + b"\0":
                        continue
                os.kill(int(entry), signal.SIGKILL)
                killed += 1
    return killed
