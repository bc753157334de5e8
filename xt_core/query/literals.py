"""How a user writes a number, a time or a duration: text to value, None for anything else."""

import re
from typing import NamedTuple

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2})?(?P<fraction>\.[0-9]{1,6})?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DURATION = re.compile(
    r"(?:([0-9.]+)d)?\s*(?:([0-9.]+)h)?\s*(?:([0-9.]+)m)?\s*(?:([0-9.]+)s)?\s*(?:([0-9.]+)ms)?"
)
_UNIT_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_MOST_INTEGER_DIGITS = 18  # what surely fits the 64 bits of a stored integer


class TimeSpan(NamedTuple):
    """The half-open span `[start, end)` that a written time covers, in seconds since the epoch."""

    start: float
    end: float


def parse_number(text: str) -> int | float | None:
    """`12`, `-3.5`, `.01`, `2e-4`; words such as `inf` and `nan` are not numbers."""
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _MOST_INTEGER_DIGITS else float(text)
    return float(text) if _DECIMAL.fullmatch(text) else None


def parse_duration(text: str) -> float | None:
    """Seconds: `90`, `2m`, `1h30m`, `1d`, `250ms`."""
    number = parse_number(text)
    if number is not None:
        return float(number)
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    total = 0.0
    for amount, seconds in zip(match.groups(), _UNIT_SECONDS, strict=True):
        value = parse_number(amount) if amount else 0
        if value is None:
            return None
        total += value * seconds
    return total


def parse_time(text: str) -> TimeSpan | None:
    """A day, minute, second or fraction in ISO 8601; local time unless it names a zone.

    The span is as long as what is written is precise: `2026-01-31` is that whole day. A fraction
    of a second stands for what rounds to it, because that is how XT prints times.
    """
    from datetime import datetime, timedelta

    match = _TIME.fullmatch(text)
    if match is None or (match["fraction"] and not match["second"]):
        return None
    try:
        start = datetime.fromisoformat(text)
        if match["fraction"]:
            half = 0.5 / 10 ** (len(match["fraction"]) - 1)
            return TimeSpan(start.timestamp() - half, start.timestamp() + half)
        if match["second"]:
            length = timedelta(seconds=1)
        else:
            length = timedelta(minutes=1) if match["minute"] else timedelta(days=1)
        return TimeSpan(start.timestamp(), (start + length).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
