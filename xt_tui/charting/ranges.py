"""Zooming and panning: ranges of x as shares of what is shown, on a linear or logarithmic axis."""

from xt_core.chart import Scale

Range = tuple[float, float]

_LEAST_SHARE = 1e-9
"""Of the greater end: a shorter range would be a single value."""


def zoomed(scale: Scale, whole: Range, factor: float, about: float | None) -> Range | None:
    """What is shown after zooming by a factor about a value that stays where it is (None: the
    middle); None if that is no less than the whole."""
    fixed = 0.5 if about is None else scale.fraction(about)
    fixed = min(max(fixed, 0.0), 1.0)
    low, high = scale.value(fixed - fixed / factor), scale.value(fixed + (1 - fixed) / factor)
    if high - low <= max(abs(low), abs(high)) * _LEAST_SHARE:
        return scale.low, scale.high
    if low <= whole[0] and high >= whole[1]:
        return None
    return max(low, whole[0]), min(high, whole[1])


def panned(scale: Scale, whole: Range, share: float) -> Range:
    """What is shown after moving by a share of it, but not beyond the ends of the whole."""
    share = min(share, scale.fraction(whole[1]) - 1) if share > 0 else share
    share = max(share, scale.fraction(whole[0])) if share < 0 else share
    return scale.value(share), scale.value(1 + share)
