"""How numbers, times and durations are written."""

import pytest

from xt_core.query.literals import TimeSpan, parse_duration, parse_number, parse_time

DAY = 86400.0
JAN_31 = 1769817600.0  # 2026-01-31T00:00:00Z


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("-3", -3), ("+.5", 0.5), ("2e-4", 0.0002), ("1.", 1.0), ("1e999", float("inf"))],
)
def test_numbers(text: str, value: float) -> None:
    parsed = parse_number(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1_000", "0x10", "1e", "٣", ".", "1.2.3"])
def test_what_is_not_a_number(text: str) -> None:
    assert parse_number(text) is None


def test_an_integer_beyond_64_bits_is_a_float() -> None:
    assert parse_number("9" * 30) == 1e30
    assert parse_number("9" * 5000) == float("inf")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("2m", 120), ("1h30m", 5400), ("1.5h", 5400), ("1d", DAY), ("250ms", 0.25),
     ("1m 5s", 65)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2x", "5s2m", "1..2s", "two"])
def test_what_is_not_a_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("2026-01-31T00:00Z", JAN_31, 60.0),
        ("2026-01-31 00:00:30+02:00", JAN_31 - 7170, 1.0),
        ("2026-01-31", JAN_31 - 7200, DAY),
        ("2026-01-31T02:00:00", JAN_31, 1.0),
    ],
)
@pytest.mark.usefixtures("two_hours_east")
def test_a_time_spans_what_is_written_and_is_local_without_a_zone(
    text: str, start: float, length: float
) -> None:
    assert parse_time(text) == TimeSpan(start, start + length)


def test_a_fraction_of_a_second_spans_what_rounds_to_it() -> None:
    span = parse_time("2026-01-31T00:00:00.250Z")
    assert span is not None
    assert span.start == pytest.approx(JAN_31 + 0.2495, abs=1e-6)
    assert span.end == pytest.approx(JAN_31 + 0.2505, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2026-13-01", "2026-01-31T", "2026-1-3", "20260131", "9999-12-31", "12:30"],
)
def test_what_is_not_a_time(text: str) -> None:
    assert parse_time(text) is None
