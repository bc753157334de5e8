"""Small pictures of numbers, one line high: bars and sparklines, in blocks or in ASCII."""

import math
from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS, _ASCII_STEPS = "▁▂▃▄▅▆▇█", "_.-:=+*#"


def bar(share: float, width: int, is_ascii: bool = False) -> str:
    """A bar that is filled to a share from 0 to 1."""
    share = min(max(0.0, share), 1.0)
    if is_ascii:
        return ("#" * round(share * width)).ljust(width, ".")
    eighths = int(share * width * 8)
    filled = "█" * (eighths // 8)
    if eighths % 8:
        filled += _EIGHTHS[eighths % 8]
    return filled.ljust(width, "·")


def sparkline(values: Sequence[float], width: int, is_ascii: bool = False) -> str:
    """The last values, one in a cell, from the least to the greatest of them; what is no finite
    number is a gap."""
    shown = values[-width:]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return ""
    steps = _ASCII_STEPS if is_ascii else _STEPS
    low, high = min(finite), max(finite)
    scale = (len(steps) - 1) / (high - low) if high > low and math.isfinite(high - low) else 0.0
    return "".join(
        steps[round((value - low) * scale) if scale else 3] if math.isfinite(value) else " "
        for value in shown
    )
