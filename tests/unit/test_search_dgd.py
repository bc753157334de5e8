"""Distributed grid descent: from a centre to its neighbours."""

from collections.abc import Mapping

import pytest
from search_support import LOSS, SCORE, best, completed, failed, new, number, run, running, told

from xt_core.model.records import Objective, Value
from xt_core.search.axes import axis, stepped_axis
from xt_core.search.space import Space, parse_values
from xt_core.search.trials import Suggestion, Trial

CUBE = Space.from_object(dict.fromkeys("abc", "[$randint(10)]"))
SMALL = Space.from_object({"a": [1, 2, 3], "b": ["x", "y"]})
STARTS = [(9, 9, 9), (0, 9, 9), (9, 0, 9), (9, 9, 0), (0, 0, 9)]


def distance(hparams: Mapping[str, Value]) -> float:
    return sum(abs(number(hparams, name) - 4) for name in hparams)


def at(*places: Value) -> Suggestion:
    return Suggestion(dict(zip("abc", places, strict=True)))


def starts(centre: tuple[int, int, int], sign: float = 1) -> list[Trial]:
    """Random points that are done with, and the best one among them."""
    worse = [completed(index, at(*start), sign * 5.0) for index, start in enumerate(STARTS)]
    return [*worse, completed(len(STARTS), at(*centre), sign * 1.0)]


def around(a: int, b: int, c: int) -> list[tuple[int, int, int]]:
    return [
        (a - 1, b, c),
        (a + 1, b, c),
        (a, b - 1, c),
        (a, b + 1, c),
        (a, b, c - 1),
        (a, b, c + 1),
    ]


def places(suggestion: Suggestion) -> tuple[Value, ...]:
    return tuple(suggestion.hparams.values())


@pytest.mark.parametrize(("objectives", "sign"), [(LOSS, 1), (SCORE, -1)])
def test_the_next_set_is_the_best_or_one_step_from_it(
    objectives: tuple[Objective, ...], sign: int
) -> None:
    search = told(new("dgd", CUBE, objectives), starts((5, 5, 5), sign))
    found = {places(search.suggest(index)) for index in range(6, 200)}
    assert found == {(5, 5, 5), *around(5, 5, 5)}


def test_at_the_edge_there_are_fewer_neighbours() -> None:
    search = told(new("dgd", CUBE), starts((0, 5, 0)))
    found = {places(search.suggest(index)) for index in range(6, 200)} - {(0, 5, 0)}
    assert found == {(1, 5, 0), (0, 4, 0), (0, 6, 0), (0, 5, 1)}


def test_any_other_value_is_next_to_an_unordered_one() -> None:
    space = Space.from_object({"a": ["p", "q", "r", "s"], "b": [1, 2, 3, 4]})
    sets = [("q", 2), ("p", 4), ("r", 4), ("s", 4), ("p", 1), ("r", 1)]
    trials = [
        completed(index, Suggestion({"a": a, "b": b}), float(index))
        for index, (a, b) in enumerate(sets)
    ]
    search = told(new("dgd", space), trials)
    found = {places(search.suggest(index)) for index in range(6, 200)}
    assert found == {("q", 2), ("p", 2), ("r", 2), ("s", 2), ("q", 1), ("q", 3)}


def test_the_best_is_the_best_mean() -> None:
    lucky = [completed(6, at(2, 2, 2), 0.0), completed(7, at(2, 2, 2), 8.0)]
    search = told(new("dgd", CUBE), [*starts((5, 5, 5)), *lucky])
    assert {places(search.suggest(index)) for index in range(8, 100)} == {
        (5, 5, 5),
        *around(5, 5, 5),
    }


def test_the_less_visited_come_more_often() -> None:
    often = [completed(index, at(6, 5, 5), 2.0) for index in range(6, 12)]
    failures = [failed(index, at(5, 6, 5)) for index in range(12, 18)]
    search = told(new("dgd", CUBE), [*starts((5, 5, 5)), *often, *failures])
    found = [places(search.suggest(index)) for index in range(18, 218)]
    assert found.count((6, 5, 5)) + found.count((5, 6, 5)) < found.count((4, 5, 5)) / 4


def test_no_neighbour_is_given_to_two_running_trials() -> None:
    search = told(new("dgd", CUBE), starts((5, 5, 5)))
    given = []
    for index in range(6, 26):
        suggestion = search.suggest(index)
        given.append(places(suggestion))
        search.tell([running(index, suggestion)])
    assert len(set(given)) == 20


def test_an_exhausted_neighbourhood_is_left_for_the_next_best_and_for_new_places() -> None:
    around_best = [completed(i, at(*p), 2.0 + i / 100) for i, p in enumerate(around(5, 5, 5), 6)]
    trials = [*starts((5, 5, 5)), *around_best]
    search = told(new("dgd", CUBE), trials)
    found = [places(search.suggest(index)) for index in range(12, 212)]
    visited = {tuple(trial.hparams.values()) for trial in trials}
    assert not visited & set(found)
    beside_next = set(around(*around(5, 5, 5)[0]))
    assert 120 <= sum(place in beside_next for place in found) < 200


def test_where_repeated_trials_differ_an_exhausted_neighbourhood_is_measured_again() -> None:
    noisy = [completed(i, at(*p), 2.0 + i / 100) for i, p in enumerate(around(5, 5, 5), 6)]
    noisy.append(completed(12, at(5, 5, 5), 1.1))
    search = told(new("dgd", CUBE), [*starts((5, 5, 5)), *noisy])
    found = [places(search.suggest(index)) for index in range(13, 213)]
    assert 120 <= sum(p in {(5, 5, 5), *around(5, 5, 5)} for p in found) < 200


def test_a_small_grid_is_visited_entirely_before_anything_comes_twice() -> None:
    search = new("dgd", SMALL)
    sets = []
    for index in range(6):
        suggestion = search.suggest(index)
        sets.append(places(suggestion))
        search.tell([running(index, suggestion)])
    assert len(set(sets)) == 6
    search.tell([completed(i, Suggestion({"a": a, "b": b}), 1.0) for i, (a, b) in enumerate(sets)])
    assert places(search.suggest(6)) in sets


def test_the_optimum_is_found_where_chance_would_not() -> None:
    """40 of 1,000 configurations."""
    assert [best(run(new("dgd", CUBE, seed=s), distance, 40)) for s in range(5)] == [0.0] * 5


def test_maximising_is_minimising_the_negative() -> None:
    down = run(new("dgd", CUBE), distance, 50)
    up = run(new("dgd", CUBE, SCORE), lambda hparams: -distance(hparams), 50)
    assert [trial.hparams for trial in up] == [trial.hparams for trial in down]


class TestSteps:
    def test_a_continuous_parameter_has_ten_values_of_equal_probability(self) -> None:
        grid = stepped_axis(parse_values("x", "[$uniform(0, 100)]"), 10)
        assert [grid.coordinate(5.0 + 10 * step) for step in range(10)] == list(range(10))
        values = [grid.value(step) for step in range(10)]
        assert values == pytest.approx([5.0 + 10 * step for step in range(10)])

    def test_values_between_the_steps_belong_to_the_step_they_lie_in(self) -> None:
        grid = stepped_axis(parse_values("x", "[$uniform(0, 100)]"), 10)
        assert [grid.coordinate(x) for x in (0.0, 9.9, 10.1, 99.9, 100.0)] == [0, 0, 1, 9, 9]
        assert grid.coordinate(101.0) is None

    def test_a_quantised_parameter_has_each_value_once(self) -> None:
        grid = stepped_axis(parse_values("x", "[$quniform(0, 6, 2)]"), 10)
        assert [grid.value(place) for place in range(4)] == [0, 2, 4, 6]
        assert [grid.coordinate(x) for x in (0, 2, 4, 6)] == [0, 1, 2, 3]

    def test_lists_and_short_ranges_stay_as_they_are(self) -> None:
        for text in ("[a, b]", "[$randint(3, 9)]", "[$linspace(0, 1, 50)]"):
            distribution = parse_values("x", text)
            assert stepped_axis(distribution, 10) == axis(distribution)
