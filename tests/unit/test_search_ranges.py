"""What distributions draw, as it is said beside them."""

import pytest

from xt_core.search.ranges import likely_slip, range_of
from xt_core.search.space import parse_values


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1, 2, 3", "3 values"),
        ("$choice(a)", "1 value"),
        ("$linspace(0, 1, 5)", "5 values, 0 … 1"),
        ("$randint(10)", "0 … 9, whole"),
        ("$uniform(0, 1)", "0 … 1"),
        ("$uniform(-.5, 1e10)", "-0.5 … 1e+10"),
        ("$quniform(0, 10, 3)", "0 … 9 by 3"),
        ("$normal(0, 1)", "mostly -2 … 2"),
        ("$qnormal(5, 2, .5)", "mostly 1 … 9 by 0.5"),
        ("$loguniform(0.0001, 1)", "1.0001 … 2.72 (e^0.0001…e^1)"),
        ("$loguniform(-9, -2)", "0.000123 … 0.135 (e^-9…e^-2)"),
        ("$lognormal(-5, .5)", "mostly 0.00248 … 0.0183 (e^-6…e^-4)"),
        ("$qloguniform(0, 2, 1)", "1 … 7 by 1 (e^0…e^2)"),
    ],
)
def test_a_range_is_that_of_the_values(written: str, said: str) -> None:
    assert range_of(parse_values("x", f"[{written}]")) == said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$loguniform(0.0001, 1)", "for 0.0001 … 1 write $loguniform(-9.21, 0)"),
        ("$qloguniform(.1, .5, 2)", "for 0.1 … 0.5 write $qloguniform(-2.303, -0.6931, 2)"),
        ("$loguniform(0, 1)", ""),
        ("$loguniform(0.5, 2)", ""),
        ("$loguniform(-9, -2)", ""),
        ("$uniform(0.1, 1)", ""),
        ("$lognormal(0.1, 1)", ""),
    ],
)
def test_bounds_that_are_no_exponents_are_doubted(written: str, meant: str) -> None:
    slip = likely_slip(parse_values("x", f"[{written}]"))
    assert slip == (meant and f"bounds are exponents: {meant}")
