"""How values are shown."""

import math

import pytest

from xt_core.query.fields import Kind
from xt_core.query.formats import (
    exact_time,
    format_duration,
    format_fits,
    format_float,
    format_value,
)

JAN_31 = 1769817600.0  # 2026-01-31T00:00:00Z


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"), (3.0, "3.0"), (0.1, "0.1"), (12.34567, "12.346"), (-12.34567, "-12.346"),
        (0.0015, "0.0015"), (0.00123456, "0.00123"), (0.99999, "0.99999"), (1.5e-5, "1.5e-05"),
        (1e-5, "1e-05"), (1234567.891, "1234567.891"), (12345678.9, "1.23e+07"), (1e300, "1e+300"),
        (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (5e-324, "4.94e-324"),
    ],
)  # fmt: skip
def test_floats(value: float, text: str) -> None:
    assert format_float(value) == text


def test_precision_is_a_choice() -> None:
    assert [format_float(math.pi, precision) for precision in (0, 1, 5)] == ["3", "3.1", "3.14159"]
    assert [format_float(0.0123456, precision) for precision in (0, 1, 5)] == [
        "0.0", "0.01", "0.012346",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0s"), (4.24, "4.2s"), (59.94, "59.9s"), (59.96, "1m00s"), (192.9, "3m12s"),
        (3599.9, "59m59s"), (3600, "1h00m"), (3725, "1h02m"), (97200, "1d03h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("", "2026-01-31 02:00:00"), ("$do", "2026-01-31"), ("$to", "02:00:00"), ("%H h", "02 h"),
        (">21", "  2026-01-31 02:00:00"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("two_hours_east")
def test_times_are_local(format_: str, text: str) -> None:
    assert format_value(JAN_31, Kind.TIME, format_) == text


@pytest.mark.usefixtures("two_hours_east")
def test_an_exact_time_is_local_too() -> None:
    assert exact_time(JAN_31 + 0.0504) == "2026-01-31 02:00:00.050"
    assert exact_time(JAN_31 - 0.0004) == "2026-01-31 02:00:00.000"


def test_a_time_beyond_the_calendar_is_shown_as_its_seconds() -> None:
    assert format_value(1e300, Kind.TIME) == "1e+300"


@pytest.mark.parametrize(
    ("value", "format_", "text"),
    [
        (None, ".2f", ""), (0, "$bz", ""), (0.0, "$bz", ""), (False, "$bz", "false"),
        (7, "$bz", "7"), (True, "", "true"), ("adam", ".2f", "adam"), (0.5, ".1%", "50.0%"),
        (math.nan, ".2f", "nan"), (3, "05d", "00003"), (3.0, "05d", "3.0"), (True, ">6", "  true"),
        ("x", ">3", "  x"), (10**400, ".1f", "1" + "0" * 400),
    ],
)  # fmt: skip
def test_logged_values(value: object, format_: str, text: str) -> None:
    assert format_value(value, Kind.ANY, format_) == text


@pytest.mark.parametrize(
    ("format_", "kinds"),
    [
        ("$do", {Kind.TIME}),
        ("$bz", {Kind.NUMBER, Kind.DURATION, Kind.ANY}),
        (".2f", {Kind.NUMBER, Kind.DURATION, Kind.ANY}),
        (">8", set(Kind)),
        ("%H:%M", {Kind.TIME}),
        ("1000000000s", set()),
        ("$xx", set()),
    ],
)
def test_a_format_fits_some_kinds_of_field(format_: str, kinds: set[Kind]) -> None:
    assert {kind for kind in Kind if format_fits(format_, kind)} == kinds
