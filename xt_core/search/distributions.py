"""The distributions a hyperparameter may have, each with the meaning hyperopt gives it.

Log forms take the bounds or parameters of the natural logarithm; quantised forms give
round(x / q) * q. Every sample is the inverse CDF of a uniform number, so that whoever supplies the
uniform numbers (a hash, a quasi-random sequence, a sampler) decides the search.
Invariants: a distribution that could be made never fails to sample, and `sample(quantile(value))`
is the value, up to rounding. Invalid distributions raise ValueError.

Reference: https://hyperopt.github.io/hyperopt/getting-started/search_spaces/
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from xt_core.model.records import Value
from xt_core.search.values import quote_value

if TYPE_CHECKING:
    from statistics import NormalDist

DEFAULT_UPPER = 65535
LARGEST_BOUND = 2**63
LARGEST_LINSPACE = 1_000_000
LARGEST_DEVIATION = 9.0
ROUNDING = 1e-9
"""How far, relatively, a value may be off what a distribution gives and still be of it."""
"""No float below 1 is more standard deviations than this above a normal distribution's mean."""

Number = int | float


class Distribution(ABC):
    """Where the values of one hyperparameter come from."""

    @abstractmethod
    def sample(self, u: float) -> Value:
        """The value at quantile `u`, 0 < u < 1."""

    @abstractmethod
    def quantile(self, value: Value) -> float | None:
        """The quantile, from 0 to 1, that gives the value, the middle one if many do; None for
        a value that is not of this distribution."""

    @abstractmethod
    def describe(self) -> str:
        """The distribution in the grammar of search spaces, brackets included."""

    @property
    def choices(self) -> list[Value] | None:
        """All values, in order, of a distribution that a grid enumerates; None for the others."""
        return None


class Discrete(Distribution):
    """A distribution over a listed number of values, all equally likely."""

    values: tuple[Value, ...]

    def sample(self, u: float) -> Value:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def quantile(self, value: Value) -> float | None:
        index = self.index(value)
        return None if index is None else (index + 0.5) / len(self.values)

    def index(self, value: Value) -> int | None:
        """The first place of a value; None if it is not listed."""
        return self._places.get(identity(value))

    @property
    def choices(self) -> list[Value]:
        return list(self.values)

    @cached_property
    def _places(self) -> dict[tuple[bool, Value], int]:
        places: dict[tuple[bool, Value], int] = {}
        for index, value in enumerate(self.values):
            places.setdefault(identity(value), index)
        return places


@dataclass(frozen=True)
class Choice(Discrete):
    """One of the values; a value that is listed twice is twice as likely."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("no values")

    def describe(self) -> str:
        return f"[{', '.join(quote_value(value) for value in self.values)}]"


@dataclass(frozen=True)
class Linspace(Discrete):
    """`count` evenly spaced floats from `low` to `high`, both included."""

    low: Number
    high: Number
    count: Number

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high)
        if not isinstance(self.count, int) or not 1 <= self.count <= LARGEST_LINSPACE:
            raise ValueError(f"n is {self.count!r}, not an integer from 1 to {LARGEST_LINSPACE}")

    @cached_property
    def values(self) -> tuple[Value, ...]:  # type: ignore[override]
        if self.count == 1:
            return (float(self.low),)
        step = (self.high - self.low) / (self.count - 1)
        inner = (float(self.low + i * step) for i in range(int(self.count) - 1))
        return (*inner, float(self.high))

    def describe(self) -> str:
        return _call("linspace", self.low, self.high, self.count)


@dataclass(frozen=True)
class RandomInteger(Distribution):
    """An integer from `low`, included, to `upper`, excluded."""

    low: Number = 0
    upper: Number = DEFAULT_UPPER

    def __post_init__(self) -> None:
        for bound in (self.low, self.upper):
            if not isinstance(bound, int) or abs(bound) > LARGEST_BOUND:
                raise ValueError(f"the bound {bound!r} is not an integer within ±2**63")
        if self.low >= self.upper:
            raise ValueError(f"low {self.low!r} is not less than upper {self.upper!r}")

    def sample(self, u: float) -> Value:
        return min(int(self.low) + int(u * (self.upper - self.low)), int(self.upper) - 1)

    def quantile(self, value: Value) -> float | None:
        number = _number(value)
        if number is None or number % 1 or not self.low <= number < self.upper:
            return None
        return (number - self.low + 0.5) / (self.upper - self.low)

    def describe(self) -> str:
        bounds = (self.upper,) if self.low == 0 else (self.low, self.upper)
        return _call("randint", *bounds)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform from `low` to `high`, of the logarithm if `log`; rounded to multiples of `q`."""

    low: Number
    high: Number
    q: Number | None = None
    log: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high)
        largest = max(abs(self.low), abs(self.high))
        _check_quantum(self.q, _exp(self.high) if self.log else float(largest))

    def sample(self, u: float) -> Value:
        x = self.low + u * (self.high - self.low)
        return _quantise(math.exp(x) if self.log else x, self.q)

    def quantile(self, value: Value) -> float | None:
        return _quantile(value, self.q, self.log, self._position)

    def _position(self, x: float) -> float:
        """The CDF at `x`, continued beyond 0 and 1 outside the bounds."""
        return (x - self.low) / (self.high - self.low)

    def describe(self) -> str:
        return _call(_form_name("uniform", self.q, self.log), self.low, self.high, self.q)


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with mean `mu` and standard deviation `sigma`, of the logarithm if `log`;
    rounded to multiples of `q`."""

    mu: Number
    sigma: Number
    q: Number | None = None
    log: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ValueError(f"sigma {self.sigma!r} is not above 0")
        farthest = LARGEST_DEVIATION * self.sigma
        largest = _exp(self.mu + farthest) if self.log else abs(self.mu) + farthest
        if not math.isfinite(largest):
            raise ValueError("the values are too large for floating point")
        _check_quantum(self.q, largest)

    @cached_property
    def _curve(self) -> "NormalDist":
        from statistics import NormalDist  # a slow import that few commands need

        return NormalDist(self.mu, self.sigma)

    def sample(self, u: float) -> Value:
        x = self._curve.inv_cdf(u)
        return _quantise(math.exp(x) if self.log else x, self.q)

    def quantile(self, value: Value) -> float | None:
        return _quantile(value, self.q, self.log, self._curve.cdf)

    def describe(self) -> str:
        return _call(_form_name("normal", self.q, self.log), self.mu, self.sigma, self.q)


@dataclass(frozen=True, slots=True)
class Form:
    """How a distribution of numbers is written: `$name(argument, …)`."""

    usages: tuple[str, ...]
    build: Callable[[list[Number]], Distribution]
    counts: tuple[int, ...]
    """The numbers of arguments it may have."""


def _form(usage: str, build: Callable[[list[Number]], Distribution]) -> Form:
    return Form((usage,), build, (usage.count(",") + 1,))


def _random_integer(bounds: list[Number]) -> Distribution:
    return RandomInteger(0, *bounds) if len(bounds) == 1 else RandomInteger(*bounds)


NUMERIC_FORMS: dict[str, Form] = {
    "linspace": _form("$linspace(low, high, n)", lambda a: Linspace(*a)),
    "randint": Form(
        ("$randint()", "$randint(upper)", "$randint(low, upper)"), _random_integer, (0, 1, 2)
    ),
    "uniform": _form("$uniform(low, high)", lambda a: Uniform(*a)),
    "normal": _form("$normal(mu, sigma)", lambda a: Normal(*a)),
    "loguniform": _form("$loguniform(low, high)", lambda a: Uniform(*a, log=True)),
    "lognormal": _form("$lognormal(mu, sigma)", lambda a: Normal(*a, log=True)),
    "quniform": _form("$quniform(low, high, q)", lambda a: Uniform(*a)),
    "qnormal": _form("$qnormal(mu, sigma, q)", lambda a: Normal(*a)),
    "qloguniform": _form("$qloguniform(low, high, q)", lambda a: Uniform(*a, log=True)),
    "qlognormal": _form("$qlognormal(mu, sigma, q)", lambda a: Normal(*a, log=True)),
}
"""Every form whose arguments are numbers, by name; `choice` takes any values and is not here."""


def identity(value: Value) -> tuple[bool, Value]:
    """What tells values apart: 1 and 1.0 are the same, and neither is `true`."""
    return isinstance(value, bool), value


def _number(value: Value) -> Number | None:
    """The value if it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(float(value)) else None
    except OverflowError:
        return None


def _quantile(
    value: Value, q: Number | None, log: bool, position: Callable[[float], float]
) -> float | None:
    """The quantile of a value, or the middle of those that are rounded to it."""
    number = _number(value)
    if number is None:
        return None
    if q is None:
        if log and number <= 0:
            return None
        found = position(math.log(number) if log else number)
        return min(max(found, 0.0), 1.0) if -ROUNDING <= found <= 1 + ROUNDING else None
    if not math.isclose(round(number / q) * q, number, rel_tol=ROUNDING, abs_tol=ROUNDING * q):
        return None
    lower, upper = (
        min(max(position(_log(edge) if log else edge), 0.0), 1.0)
        for edge in (number - q / 2, number + q / 2)
    )
    return (lower + upper) / 2 if lower < upper else None


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _check_bounds(low: Number, high: Number) -> None:
    if low >= high:
        raise ValueError(f"low {low!r} is not less than high {high!r}")
    if not math.isfinite(float(high) - float(low)):
        raise ValueError("the range is too large for floating point")


def _check_quantum(q: Number | None, largest: float) -> None:
    if q is None:
        return
    if q <= 0:
        raise ValueError(f"q {q!r} is not above 0")
    if not math.isfinite(largest / q):
        raise ValueError(f"q {q!r} is too small")


def _exp(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        raise ValueError(
            f"e to the power of {exponent:g} is too large: give the logarithms of the values"
        ) from None


def _quantise(x: float, q: Number | None) -> Number:
    """round(x / q) * q: an int if q is one, which int() and float() of a script both accept."""
    return x if q is None else round(x / q) * q


def _form_name(base: str, q: Number | None, log: bool) -> str:
    return ("" if q is None else "q") + ("log" if log else "") + base


def _call(name: str, *arguments: Number | None) -> str:
    return f"[${name}({', '.join(repr(a) for a in arguments if a is not None)})]"
