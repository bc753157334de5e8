"""Memory that is let go of goes back to the system."""

import contextlib

_MMAP_THRESHOLD, _LARGE_BYTES = -3, 128 * 1024  # of malloc.h


def keep_large_blocks_apart() -> None:
    """Once large blocks were freed, glibc's malloc puts the next ones among the small ones, where
    a hole is no use to anybody: 100,000 runs that are sorted again and again would take ever more.
    With a threshold that is set they stay apart. Other allocators are left as they are."""
    import ctypes  # nothing that the first paint needs

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
