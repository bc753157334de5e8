"""Time as XT writes it: UTC, ISO 8601, milliseconds, and seconds since the epoch as a float."""

import time


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def iso(seconds: float) -> str:
    """``2026-01-31T12:00:00.000Z`` for a time in seconds since the epoch."""
    milliseconds = round(seconds * 1000)
    whole, fraction = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{fraction:03d}Z"


def iso_or_none(seconds: float | None) -> str | None:
    """Like `iso`, for a time that may not have come yet."""
    return None if seconds is None else iso(seconds)
