"""How values are shown: value to text, by kind of field or by a format the user chose.

A format is a Python format specification, a `strftime` pattern for times, or one of `$bz` (blank
for zero), `$do` (date only) and `$to` (time only). A value that a format does not fit is shown as
without it.
"""

import math
import re
import time

from xt_core.query.fields import Kind

BLANK_ZEROS, DATE_ONLY, TIME_ONLY = "$bz", "$do", "$to"
_STRFTIME = {DATE_ONLY: "%Y-%m-%d", TIME_ONLY: "%H:%M:%S"}
PRECISION = 3
"""Decimals of a float, unless the user chose otherwise."""
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-4, 1e7
_MOST_DECIMALS = 9
_DATE_AND_TIME = "%Y-%m-%d %H:%M:%S"
_NUMERIC = frozenset({Kind.NUMBER, Kind.DURATION, Kind.ANY})
_UNITS = ("B", "KB", "MB", "GB", "TB")
_WIDEST = 200  # a format may not make a cell of any size


def format_value(value: object, kind: Kind, format_: str = "", precision: int = PRECISION) -> str:
    """The text of a value; "" for None. Times are in the local time zone."""
    if value is None:
        return ""
    shown = _plain(value, kind, format_, precision)
    if format_ == BLANK_ZEROS:
        return "" if value == 0 and not isinstance(value, bool) else shown
    if not format_ or format_ in _STRFTIME or (kind is Kind.TIME and "%" in format_):
        return shown
    as_it_is = kind in _NUMERIC and not isinstance(value, bool)
    for candidate in (value, shown) if as_it_is else (shown,):
        try:
            return format(candidate, format_)
        except (ValueError, TypeError, OverflowError):
            continue
    return shown


def counted(number: int, noun: str) -> str:
    """``1 run``, ``1,200 runs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_fits(format_: str, kind: Kind) -> bool:
    """Whether a format means something for fields of this kind."""
    if format_ in _STRFTIME:
        return kind is Kind.TIME
    if format_ == BLANK_ZEROS:
        return kind in _NUMERIC
    if any(int(digits) > _WIDEST for digits in re.findall(r"[0-9]{1,9}", format_)):
        return False
    if kind is Kind.TIME and "%" in format_:
        return True
    samples = (1.5, 1, "text") if kind in _NUMERIC else ("text",)
    return any(_fits(sample, format_) for sample in samples)


def format_float(value: float, precision: int = PRECISION) -> str:
    """`precision` decimals, or as many significant digits below 1, and more where that would round
    to 1: runs of an accuracy of 0.99996 are told apart. Scientific at the extremes.

    Zeros at the end are left out: `0.1`, `12.346`, `0.00123`, `1.5e-05`, `3.0`.
    """
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size and not _SMALLEST_PLAIN <= size < _LARGEST_PLAIN:
        mantissa, _, exponent = f"{value:.{max(0, precision - 1)}e}".partition("e")
        return f"{_trim(mantissa).removesuffix('.0')}e{exponent}"
    decimals = precision
    if 0 < size < 1:
        decimals = precision - 1 - math.floor(math.log10(size))
        if round(size, decimals) == 1:
            decimals = min(math.ceil(-math.log10(1 - size)), _MOST_DECIMALS)
    return _trim(f"{value:.{decimals}f}")


def exact_time(seconds: float) -> str:
    """``2026-01-31 12:00:00.000``, in the local time zone."""
    whole, fraction = divmod(round(seconds * 1000), 1000)
    return f"{_local_time(whole, _DATE_AND_TIME)}.{fraction:03d}"


def format_duration(seconds: float) -> str:
    """`4.2s`, `3m12s`, `1h02m`, `2d03h`: the two largest units."""
    if not math.isfinite(seconds):
        return str(seconds)
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}s"
    # 59.96 shows as a minute, and no longer duration is rounded up.
    minutes, rest = divmod(max(60, math.floor(seconds)), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02d}h"


def _plain(value: object, kind: Kind, format_: str, precision: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if kind is Kind.TIME:
            pattern = format_ if "%" in format_ else _STRFTIME.get(format_, _DATE_AND_TIME)
            return _local_time(value, pattern)
        if kind is Kind.DURATION:
            return format_duration(value)
    return format_float(value, precision) if isinstance(value, float) else str(value)


def _trim(digits: str) -> str:
    if "." not in digits:
        return digits
    digits = digits.rstrip("0")
    return digits + "0" if digits.endswith(".") else digits


def _local_time(seconds: float, pattern: str) -> str:
    try:
        return time.strftime(pattern, time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _fits(sample: object, format_: str) -> bool:
    try:
        format(sample, format_)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def byte_text(size: float) -> str:
    """``1.4 GB``."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
