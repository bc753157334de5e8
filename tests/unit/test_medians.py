"""How the middle of very many points runs, and what the pages of searches show of them."""

from xt_core.reports.medians import MOST_MARKS, median_of_each, running_median


def test_a_running_median_has_parts_of_equally_many_points() -> None:
    x = [float(n) for n in range(100)]
    y = [float(n % 10) for n in range(100)]
    assert running_median(x, y, 10) == ([4.5 + 10 * n for n in range(10)], [4.5] * 10)
    assert running_median(x[:25], y[:25], 10) == ([4.5, 17.0], [4.5, 3.0])
    assert running_median([3, 1, 2], [30, 10, 20]) == ([2], [20])
    assert running_median([], []) == ([], [])


def test_points_of_one_x_are_one_part() -> None:
    assert running_median([0] * 50 + [1] * 50, [2] * 50 + [4] * 50, 10) == ([0, 1], [2, 4])


def test_each_x_has_a_median() -> None:
    assert median_of_each([1, 0, 1, 0, 1], [5, 2, 7, 4, 6]) == ([0, 1], [3, 6])
    assert MOST_MARKS > 100
