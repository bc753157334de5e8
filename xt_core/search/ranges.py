"""What a distribution draws, in a few words: the range of its values as a user thinks of it."""

import math

from xt_core.query.formats import counted
from xt_core.search.distributions import (
    Discrete,
    Distribution,
    Linspace,
    Normal,
    Number,
    RandomInteger,
    Uniform,
)

_DEVIATIONS = 2
"""A normal distribution gives 95 % of its values within so many standard deviations."""


def range_of(distribution: Distribution) -> str:
    """As `3 values`, `0 … 1`, `mostly -2 … 2`, `0.000123 … 0.135 (e^-9…e^-2)`."""
    if isinstance(distribution, Discrete):
        values = counted(len(distribution.values), "value")
        if isinstance(distribution, Linspace):
            return f"{values}, {_span(distribution.low, distribution.high)}"
        return values
    if isinstance(distribution, RandomInteger):
        return f"{distribution.low} … {distribution.upper - 1}, whole"
    if isinstance(distribution, Uniform):
        return _drawn(distribution, distribution.low, distribution.high)
    if isinstance(distribution, Normal):
        spread = _DEVIATIONS * distribution.sigma
        low, high = distribution.mu - spread, distribution.mu + spread
        return f"mostly {_drawn(distribution, low, high)}"
    raise TypeError(f"{distribution!r} has no range")


def likely_slip(distribution: Distribution) -> str:
    """What its bounds were most likely meant to be, if they mean something else; else nothing."""
    if not isinstance(distribution, Uniform) or not distribution.log or distribution.low <= 0:
        return ""
    if distribution.high > 1:
        return ""
    low, high = distribution.low, distribution.high
    meant = ", ".join(f"{math.log(bound):.4g}" for bound in (low, high))
    name, step = ("qloguniform", f", {distribution.q}") if distribution.q else ("loguniform", "")
    return f"bounds are exponents: for {low} … {high} write ${name}({meant}{step})"


def _drawn(distribution: Uniform | Normal, low: Number, high: Number) -> str:
    """A range, or the one of which these are the logarithms, in steps of `q`."""
    ends = [math.exp(end) if distribution.log else end for end in (low, high)]
    if distribution.q is not None:
        ends = [round(end / distribution.q) * distribution.q for end in ends]
    step = "" if distribution.q is None else f" by {_short(distribution.q)}"
    logs = f" (e^{_short(low)}…e^{_short(high)})" if distribution.log else ""
    return f"{_span(*ends)}{step}{logs}"


def _span(low: Number, high: Number) -> str:
    return f"{_short(low)} … {_short(high)}"


def _short(number: Number) -> str:
    """Enough digits to tell 1.0001 from 1."""
    if isinstance(number, int) and abs(number) < 10**9:
        return str(number)
    text = f"{number:.3g}"
    return f"{number:.5g}" if float(text) == round(number) and number != round(number) else text
