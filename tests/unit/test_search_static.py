"""The points of grid and random search."""

import os
import subprocess
import sys

import pytest

from xt_core.errors import UsageError
from xt_core.search.space import Space, parse_values
from xt_core.search.static import (
    choose_search_type,
    grid,
    point,
    random,
    static_count,
    static_sets,
    uniform,
)


def space(**written: str) -> Space:
    return Space({name: parse_values(name, text) for name, text in written.items()})


GRID_30 = space(lr="[.01, .02, .03]", opt="[adam, sgd]", layers="[1, 2, 3, 4, 5]")


class TestGrid:
    def test_the_first_parameter_varies_fastest(self) -> None:
        assert grid(space(a="[1, 2]", b="[x, y]"), None, seed=0) == [
            {"a": 1, "b": "x"},
            {"a": 2, "b": "x"},
            {"a": 1, "b": "y"},
            {"a": 2, "b": "y"},
        ]

    def test_a_3_by_2_by_5_grid_has_30_different_points(self) -> None:
        points = static_sets(GRID_30, "grid", None, None, 1, seed=0)
        assert len(points) == 30
        assert len({tuple(p.values()) for p in points}) == 30
        assert points[0] == {"lr": 0.01, "opt": "adam", "layers": 1}
        assert points[29] == {"lr": 0.03, "opt": "sgd", "layers": 5}

    def test_max_runs_limits_a_grid_and_does_not_extend_it(self) -> None:
        assert static_sets(GRID_30, "grid", None, 25, 1, 0) == grid(GRID_30, 30, 0)[:25]
        assert len(static_sets(GRID_30, "grid", None, 99, 1, 0)) == 30

    def test_runs_win_and_wrap_around(self) -> None:
        points = static_sets(GRID_30, "grid", 150, 25, 1, 0)
        assert points == grid(GRID_30, None, 0) * 5

    def test_parameters_without_listed_values_are_sampled_afresh_in_every_row(self) -> None:
        mixed = space(u="[$uniform(0, 1)]", a="[1, 2]")
        rows = grid(mixed, 6, seed=7)
        assert [row["a"] for row in rows] == [1, 2, 1, 2, 1, 2]
        assert [row["u"] for row in rows] == [uniform(7, i, "u") for i in range(6)]
        assert len({row["u"] for row in rows}) == 6
        assert len(grid(mixed, None, seed=7)) == 2


class TestRandom:
    def test_the_count_is_runs_or_max_runs_or_the_nodes(self) -> None:
        assert static_count(GRID_30, "random", 7, 5, 3) == 7
        assert static_count(GRID_30, "random", None, 5, 3) == 5
        assert static_count(GRID_30, "random", None, None, 3) == 3
        assert static_count(GRID_30, "random", None, None, 1) == 1

    def test_a_point_depends_on_seed_index_and_name_alone(self) -> None:
        one = space(a="[$uniform(0, 1)]", b="[$uniform(0, 1)]")
        other = space(b="[$uniform(0, 1)]", c="[$normal(0, 1)]", a="[$uniform(0, 1)]")
        points = random(one, 10, seed=3)
        assert [point(one, "random", 3, i) for i in reversed(range(10))] == points[::-1]
        for i, values in enumerate(points):
            again = point(other, "random", 3, i)
            assert (again["a"], again["b"]) == (values["a"], values["b"])
        assert len({value for p in points for value in p.values()}) == 20
        assert random(one, 10, seed=4) != points

    def test_uniform_numbers_never_change(self) -> None:
        assert uniform(0, 0, "lr") == 0.333668100690624
        assert uniform(1, 23, "é") == 0.49660003593390434

    def test_uniform_numbers_are_spread_evenly(self) -> None:
        numbers = sorted(uniform(0, i, "x") for i in range(10_000))
        assert numbers[0] > 0
        assert numbers[-1] < 1
        assert max(abs(u - (i + 0.5) / 10_000) for i, u in enumerate(numbers)) < 0.02

    def test_points_are_the_same_whatever_the_hash_seed(self) -> None:
        program = (
            "from xt_core.search.space import Space; from xt_core.search.static import random;"
            "print(random(Space.from_object({'lr': '$loguniform(-9, -2)', 'o': ['a', 'b']}), 5, 1))"
        )
        outputs = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for hash_seed in ("1", "2")
        }
        here = random(Space.from_object({"lr": "$loguniform(-9, -2)", "o": ["a", "b"]}), 5, 1)
        assert outputs == {f"{here}\n"}

    def test_a_hundred_thousand_points_are_made(self) -> None:
        points = random(space(lr="[$loguniform(-9, -2)]", seed="[$randint()]"), 100_000, 0)
        assert len({values["lr"] for values in points}) == 100_000


class TestSearchType:
    def test_an_explicit_type_wins(self) -> None:
        assert choose_search_type("random", GRID_30, None) == "random"
        assert choose_search_type("grid", space(a="[$uniform(0, 1)]"), 5) == "grid"

    def test_listed_values_without_runs_make_a_grid(self) -> None:
        assert choose_search_type(None, GRID_30, None) == "grid"

    def test_runs_or_an_unlisted_parameter_make_it_random(self) -> None:
        assert choose_search_type(None, GRID_30, 150) == "random"
        assert choose_search_type(None, space(a="[1]", b="[$randint()]"), None) == "random"

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("gird", "did you mean grid?"),
            ("zzz", "the search types are grid, random, tpe, bayesian, gp, cmaes, qmc, nsga2, dgd"),
        ],
    )
    def test_an_unknown_type_is_refused(self, name: str, hint: str) -> None:
        with pytest.raises(UsageError) as caught:
            choose_search_type(name, GRID_30, None)
        assert caught.value.message == f"unknown search type {name!r}"
        assert caught.value.hint == hint
