"""Files that grow: bytes appended at a position that is checked under a lock."""

import fcntl
import os

from xt_core.errors import UsageError


def append_at(path: str, offset: int, data: bytes) -> int:
    """Append what of ``data``, which stands at ``offset``, a file lacks; its size afterwards.

    Nothing is appended where bytes are missing before ``offset``. Raises UsageError for a file
    whose bytes are shared, and OSError.
    """
    flags = os.O_WRONLY | os.O_CLOEXEC | (0 if offset else os.O_CREAT)
    while True:
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileNotFoundError:
            if offset:
                return 0
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            status = os.fstat(descriptor)
            if status.st_nlink > 1:
                raise UsageError(
                    f"cannot append to {path}: its bytes are shared", "append to another artifact"
                )
            if status.st_nlink == 1:
                return _append(descriptor, status.st_size, offset, data)
        finally:
            os.close(descriptor)
        # It was replaced or deleted between the opening and the lock.


def _append(descriptor: int, size: int, offset: int, data: bytes) -> int:
    if size < offset:
        return size
    rest = memoryview(data)[size - offset :]
    while rest:
        written = os.pwrite(descriptor, rest, size)
        size, rest = size + written, rest[written:]
    return size
