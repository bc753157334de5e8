"""The process that holds a lock is ended, and no other one."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xt_core.errors import RefusedError
from xt_core.nodes.lockholder import kill_holder, wait_until_free

HOLD = """
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
os.pwrite(lock, f"{os.getpid()}\\n".encode(), 0)
print("held", flush=True)
sys.stdin.read()
"""
LOOK = """
import sys
file = open(sys.argv[1], "r+b")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(script: str, lock: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has begun to hold, or to look at, the lock."""
    command = [sys.executable, "-c", script, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline()
        yield one
        one.kill()


def test_a_holder_is_killed_though_it_is_stopped(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with process(HOLD, lock) as holder:
        os.kill(holder.pid, signal.SIGSTOP)
        assert not wait_until_free(lock, 0.0)
        assert kill_holder(lock, 30.0) == holder.pid
        assert holder.wait() == -signal.SIGKILL
        assert wait_until_free(lock, 0.0)


def test_where_nobody_holds_the_lock_nobody_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert kill_holder(lock, 1.0) is None
    with process(HOLD, tmp_path / "other") as other:
        lock.write_text(f"{other.pid}\n")
        assert kill_holder(lock, 1.0) is None
        assert other.poll() is None


@pytest.mark.parametrize("script", [HOLD, LOOK], ids=["of another lock", "that only looks"])
def test_a_process_that_got_the_number_of_the_holder_is_left_alone(
    tmp_path: Path, script: str
) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with process(script, lock if script is LOOK else tmp_path / "other") as other:
            lock.write_text(f"{other.pid}\n")
            with pytest.raises(RefusedError, match=rf"not the one named in it \({other.pid}\)"):
                kill_holder(lock, 1.0)
            assert other.poll() is None


def test_a_lock_that_names_nobody_or_the_dead_is_told(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with process(HOLD, tmp_path / "other") as gone:
        pass
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match="names no process"):
            kill_holder(lock, 1.0)
        lock.write_text(f"{gone.pid}\n")
        with pytest.raises(RefusedError, match="has ended, and another one holds its lock"):
            kill_holder(lock, 1.0)
