"""Texts and numbers in so many cells."""

import pytest

from xt_tui.widgets.fitting import fitted, fitted_number


def test_texts_are_cut_or_filled() -> None:
    assert [fitted("name", 6), fitted("name", 6, right=True)] == ["name  ", "  name"]
    assert [fitted("a name", 4), fitted("名前と", 5)] == ["a n…", "名前…"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("0.25", 7, "   0.25"),
        ("0.000642", 8, "0.000642"),
        ("0.000642", 7, "6.42e-4"),
        ("-0.000642", 7, "-6.4e-4"),
        ("0.123456", 6, "0.1235"),
        ("1234567", 6, "1.23e6"),
        ("1234567", 3, "1e6"),
        ("6e-100", 5, "6e-1…"),
        ("1,234,567", 6, "1,234…"),
        ("12m30s", 4, "12m…"),
        ("infinity", 4, "inf…"),
    ],
)
def test_numbers_lose_digits_before_they_are_cut(text: str, width: int, shown: str) -> None:
    assert fitted_number(text, width) == shown
