"""Search spaces as YAML gives them: nested names, conditional parameters, and their grids."""

import itertools
import json
import random as randomness
from collections.abc import Mapping
from functools import partial

import pytest
import yaml

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.conditions import Condition
from xt_core.search.distributions import Choice, Discrete, Distribution, RandomInteger, Uniform
from xt_core.search.space import VALUES_HINT, Space
from xt_core.search.static import choose_search_type, grid, point, random, static_count
from xt_core.submit.command import find_search_options

OPTIMIZERS = """
optimizer: [adam, sgd]
momentum: {values: [0.8, 0.9], when: {optimizer: sgd}}
model:
  kind: [cnn, mlp]
  depth: {values: $randint(2, 8), when: {model.kind: cnn}}
"""


def space(text: str) -> Space:
    return Space.from_object(yaml.safe_load(text))


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        space(text)
    return caught.value.message, caught.value.hint


class TestNesting:
    def test_nested_names_are_joined_by_dots(self) -> None:
        nested = space("lr: 0.1\nmodel: {depth: [2, 4], enc: {width: [8], act.name: relu}}")
        flat = space("lr: 0.1\nmodel.depth: [2, 4]\nmodel.enc.width: [8]\nmodel.enc.act.name: relu")
        assert nested == flat
        assert list(nested) == ["lr", "model.depth", "model.enc.width", "model.enc.act.name"]

    def test_booleans_and_constants_keep_their_types(self) -> None:
        made = space("flip: [true, false]\nseed: 3\nname: x\ndebug: false\nsize: {values: 5}")
        assert [type(value) for d in made.values() for value in d.choices or ()] == [
            bool, bool, int, str, bool, int,
        ]  # fmt: skip
        assert grid(made, None, 0) == [
            {"flip": True, "seed": 3, "name": "x", "debug": False, "size": 5},
            {"flip": False, "seed": 3, "name": "x", "debug": False, "size": 5},
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "{lr: $uniform(0, 1), model: {depth: $randint(2, 8), kind: [a]}, last: $normal(0, 2)}",
            "{lr: '$uniform(0, 1)', model: {depth: '$randint(2, 8)', kind: [a]},"
            " last: [$normal(0, 2)]}",
            "{lr: [$uniform(0, 1)], model: {depth: {values: $randint(2, 8)}, kind: a},"
            " last: {values: [$normal(0, 2)]}}",
        ],
    )
    def test_a_distribution_between_braces_is_whole(self, text: str) -> None:
        assert space(text).describe() == {
            "lr": "[$uniform(0, 1)]",
            "model.depth": "[$randint(2, 8)]",
            "model.kind": "[a]",
            "last": "[$normal(0, 2)]",
        }

    def test_a_distribution_of_three_numbers_between_braces_is_whole(self) -> None:
        made = space("{a: {values: $quniform(0, 10, 0.5), when: {b: 1}}, b: [1, 2]}")
        assert made["a"] == Uniform(0, 10, 0.5)
        assert made.condition("a") == Condition((("b", (1,)),))

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            (
                "model: {1: [2]}",
                "the hyperparameter name 1 is not text, in model",
                "put the name in quotes: YAML reads on, no and 1 as something else",
            ),
            (
                "model: {}",
                "hyperparameter model: no values, in '{}'",
                VALUES_HINT,
            ),
            (
                "model: {depth: [2]}\nmodel.depth: [3]",
                "hyperparameter model.depth: it is given twice",
                "remove one of the two",
            ),
            (
                "model: {depth: }",
                "hyperparameter model.depth: no values",
                VALUES_HINT,
            ),
            (
                "{x: $uniform(0, 1), y: $normal(0, 1)}",
                "hyperparameter y: unbalanced (, in '[$normal(0]'",
                "put text with commas, quotes or brackets in quotes: ['a, b', \"it's\"]",
            ),
        ],
    )
    def test_what_is_no_nesting_is_refused(self, text: str, message: str, hint: str) -> None:
        assert refusal(text) == (message, hint)

    def test_nested_names_are_options_of_a_command_too(self) -> None:
        template = find_search_options(
            ["train.py", "--model.depth=[2, 4]", "--model.pre-norm", "[true, 'a b']"], "--"
        )
        points = grid(template.space, None, 0)
        assert [template.render(values) for values in points] == [
            ["train.py", "--model.depth=2", "--model.pre-norm", "true"],
            ["train.py", "--model.depth=4", "--model.pre-norm", "true"],
            ["train.py", "--model.depth=2", "--model.pre-norm", "a b"],
            ["train.py", "--model.depth=4", "--model.pre-norm", "a b"],
        ]


class TestConditions:
    def test_a_condition_names_parents_and_the_values_they_may_have(self) -> None:
        made = space("a: [1, 2, 3]\nb: [x, y]\nc: {values: [5], when: {a: [1, 3], b: y}}")
        condition = made.condition("c")
        assert condition == Condition((("a", (1, 3)), ("b", ("y",))))
        assert condition is not None
        assert condition.parents == ("a", "b")
        assert condition.holds({"a": 3, "b": "y"})
        assert not condition.holds({"a": 2, "b": "y"})
        assert not condition.holds({"a": 3})
        assert made.condition("a") is None
        assert made.is_active("a", {})
        assert made.is_active("c", {"a": 1, "b": "y"})
        assert not made.is_active("c", {"a": 1, "b": "x"})

    @pytest.mark.parametrize(
        ("allowed", "value", "holds"),
        [
            (True, True, True),
            (1, 1, True),
            (1, 1.0, True),
            (1, True, False),
            (True, 1, False),
            ("1", "1", True),
            ("1", 1, False),
        ],
    )
    def test_values_are_compared_with_their_types(
        self, allowed: Value, value: Value, holds: bool
    ) -> None:
        assert Condition((("p", (allowed,)),)).holds({"p": value}) is holds

    def test_parents_stand_before_their_children_and_the_rest_as_given(self) -> None:
        made = space(
            "c: {values: [1], when: {b: 1}}\nx: [1]\nb: {values: [1], when: {a: 1}}\na: [1]\ny: [1]"
        )
        assert list(made) == ["x", "a", "b", "c", "y"]
        assert list(made.describe()) == ["x", "a", "b", "c", "y"]
        assert len(made) == 5

    def test_the_parents_of_a_condition_may_be_nested(self) -> None:
        flat = space("m.kind: [a, b]\nw: {values: [1], when: {m.kind: a}}")
        assert space("m: {kind: [a, b]}\nw: {values: [1], when: {m: {kind: [a]}}}") == flat

    def test_a_constant_may_be_a_parent(self) -> None:
        assert grid(space("kind: cnn\ndepth: {values: [1, 2], when: {kind: cnn}}"), None, 0) == [
            {"kind": "cnn", "depth": 1},
            {"kind": "cnn", "depth": 2},
        ]

    @pytest.mark.parametrize(
        "text",
        [
            OPTIMIZERS,
            "o: ['3', 3, true, 'true', a b]\nx: {values: [1], when: {o: ['3', 'true', a b]}}",
            "o: $linspace(0, 1, 3)\nx: {values: $normal(0, 1), when: {o: [0.0, 0.5]}}",
        ],
    )
    def test_a_space_is_read_back_from_its_description_as_json(self, text: str) -> None:
        made = space(text)
        again = Space.from_object(json.loads(json.dumps(made.describe())))
        assert again == made
        assert again.describe() == made.describe()

    def test_spaces_that_differ_in_a_condition_are_different(self) -> None:
        one, other = (
            space(f"a: [1, 2]\nb: {{values: [3], when: {{a: {value}}}}}") for value in (1, 2)
        )
        assert one != other
        assert one != space("a: [1, 2]\nb: [3]")
        assert dict(one) == dict(other)

    def test_the_description_is_in_the_grammar(self) -> None:
        assert space(OPTIMIZERS).describe() == {
            "optimizer": "[adam, sgd]",
            "momentum": {"values": "[0.8, 0.9]", "when": {"optimizer": "[sgd]"}},
            "model.kind": "[cnn, mlp]",
            "model.depth": {"values": "[$randint(2, 8)]", "when": {"model.kind": "[cnn]"}},
        }

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            (
                "optimizer: [a]\nm: {values: [1], when: {optimiser: a}}",
                "hyperparameter m: its condition names optimiser, which is not a hyperparameter",
                "did you mean optimizer?",
            ),
            (
                "model: {kind: [a], m: {values: [1], when: {kind: a}}}",
                "hyperparameter model.m: its condition names kind, which is not a hyperparameter",
                "did you mean model.kind?",
            ),
            (
                "a: [1]\nb: [2]\nm: {values: [1], when: {zzz: a}}",
                "hyperparameter m: its condition names zzz, which is not a hyperparameter",
                "the other hyperparameters are a, b",
            ),
            (
                "m: {values: [1], when: {zzz: a}}",
                "hyperparameter m: its condition names zzz, which is not a hyperparameter",
                "there is no other hyperparameter",
            ),
            (
                "lr: $uniform(0, 1)\nm: {values: [1], when: {lr: 0.5}}",
                "hyperparameter m: its condition names lr, whose values are not listed, "
                "in '[$uniform(0, 1)]'",
                "list the values of lr, as in lr: [a, b]",
            ),
            (
                "opt: [adam, sgd]\nm: {values: [1], when: {opt: sdg}}",
                "hyperparameter m: its condition has sdg, which is not a value of opt, "
                "in '[adam, sgd]'",
                "did you mean sgd?",
            ),
            (
                "k: [3, 5]\nm: {values: [1], when: {k: '3'}}",
                "hyperparameter m: its condition has \"3\", which is not a value of k, in '[3, 5]'",
                "did you mean 3?",
            ),
            (
                "k: [3, 5]\nm: {values: [1], when: {k: zzz}}",
                "hyperparameter m: its condition has zzz, which is not a value of k, in '[3, 5]'",
                "give k that value, or take another",
            ),
            (
                "a: {values: [1], when: {b: 1}}\nb: {values: [1], when: {c: 1}}\n"
                "c: {values: [1], when: {b: 1}}",
                "hyperparameter b: its condition depends on itself (b → c → b)",
                "take the condition from one of them",
            ),
            (
                "a: {values: [1], when: {a: 1}}",
                "hyperparameter a: its condition depends on itself (a → a)",
                "take the condition from one of them",
            ),
            (
                "k: [a, b, c]\nm: {values: [1], when: {k: [a, b]}}\n"
                "n: {values: [1], when: {k: c, m: 1}}",
                "hyperparameter n: it is never active: k would be c, and a or b too",
                "a parent is active only where its own condition holds",
            ),
            (
                "k: [a]\nm: {values: [1], whn: {k: a}}",
                "hyperparameter m: unknown key whn beside values",
                "did you mean when?; write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "m: {values: [1], depth: [2]}",
                "hyperparameter m: unknown key depth beside values",
                "a parameter has values and when; "
                "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "k: [a]\nm: {value: [1], when: {k: a}}",
                "hyperparameter m: when without values",
                "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "k: [a]\nm: {values: [1], when: k}",
                "hyperparameter m: when is not a mapping of names to values, in 'k'",
                "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "k: [a]\nm: {values: [1], when: }",
                "hyperparameter m: when is not a mapping of names to values",
                "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "k: [a]\nm: {values: [1], when: {k: '$uniform(0, 1)'}}",
                "hyperparameter m: its condition on k is a distribution, in '[$uniform(0, 1)]'",
                "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}",
            ),
            (
                "m: {k: [a]}\nn: {values: [1], when: {m: {k: a}, m.k: a}}",
                "hyperparameter n: its condition names m.k twice",
                "write m.k: [a, b] for either value",
            ),
            (
                "m: {values: {a: 1}}",
                "hyperparameter m: dict is not a value, in \"{'a': 1}\"",
                "put it in quotes",
            ),
        ],
    )
    def test_a_wrong_condition_is_refused(self, text: str, message: str, hint: str) -> None:
        assert refusal(text) == (message, hint)

    def test_a_condition_of_no_parameter_is_refused(self) -> None:
        with pytest.raises(UsageError, match="hyperparameter b: it has a condition but no values"):
            Space({"a": Choice((1,))}, {"b": Condition((("a", (1,)),))})


class TestPoints:
    def test_a_grid_has_each_active_combination_once(self) -> None:
        made = space(
            "momentum: {values: [0.8, 0.9], when: {optimizer: sgd}}\n"
            "optimizer: [adam, sgd]\nlr: [1, 2]"
        )
        assert made.size == made.grid_size == 6
        assert grid(made, None, 0) == [
            {"optimizer": "adam", "lr": 1},
            {"optimizer": "sgd", "momentum": 0.8, "lr": 1},
            {"optimizer": "sgd", "momentum": 0.9, "lr": 1},
            {"optimizer": "adam", "lr": 2},
            {"optimizer": "sgd", "momentum": 0.8, "lr": 2},
            {"optimizer": "sgd", "momentum": 0.9, "lr": 2},
        ]
        assert grid(made, 9, 0) == [*grid(made, 6, 0), *grid(made, 3, 0)]
        assert static_count(made, "grid", None, 4, 1) == 4

    def test_an_inactive_parent_makes_its_children_inactive(self) -> None:
        made = space(
            "a: [1, 2]\nb: {values: [x, y], when: {a: 2}}\nc: {values: [8, 9], when: {b: y}}"
        )
        assert grid(made, None, 0) == [
            {"a": 1},
            {"a": 2, "b": "x"},
            {"a": 2, "b": "y", "c": 8},
            {"a": 2, "b": "y", "c": 9},
        ]

    def test_parameters_without_listed_values_are_sampled_where_they_are_active(self) -> None:
        made = space(OPTIMIZERS)
        assert made.size is None
        assert made.grid_size == 6
        assert choose_search_type(None, made, None) == "random"
        rows = grid(made, 60, seed=1)
        assert {"model.depth" in row for row in rows if row["model.kind"] == "cnn"} == {True}
        assert {"model.depth" in row for row in rows if row["model.kind"] == "mlp"} == {False}
        assert {row.get("model.depth", 2) for row in rows} == {2, 3, 4, 5, 6, 7}

    def test_a_random_point_holds_active_parameters_and_those_do_not_change_for_it(self) -> None:
        made = space(OPTIMIZERS)
        free = Space(dict(made))
        points = random(made, 200, seed=5)
        for values, all_values in zip(points, random(free, 200, seed=5), strict=True):
            kept = {"optimizer", "model.kind"}
            kept |= {"momentum"} if all_values["optimizer"] == "sgd" else set()
            kept |= {"model.depth"} if all_values["model.kind"] == "cnn" else set()
            assert values == {name: value for name, value in all_values.items() if name in kept}
        assert len({frozenset(values) for values in points}) == 4

    def test_a_grid_of_a_trillion_points_is_never_made(self) -> None:
        listed: dict[str, object] = {f"p{i}": list(range(10)) for i in range(12)}
        conditional = {"values": [1, 2], "when": {"p3": [1, 2]}}
        made = Space.from_object(listed | {"c": conditional})
        assert made.grid_size == 12 * 10**11
        last = point(made, "grid", 0, made.grid_size - 1)
        assert last == dict.fromkeys(listed, 9)
        assert point(made, "grid", 0, 2 * made.grid_size) == dict.fromkeys(listed, 0)

    def test_many_parents_of_one_child_are_counted(self) -> None:
        parents: dict[str, object] = {f"p{i}": [False, True] for i in range(60)}
        child = {"values": [1, 2, 3], "when": dict.fromkeys(parents, True)}
        made = Space.from_object(parents | {"child": child})
        assert made.grid_size == 2**60 + 2
        points = [point(made, "grid", 0, made.grid_size - i) for i in (1, 2, 3, 4)]
        assert [values.get("child") for values in points] == [3, 2, 1, None]

    def test_many_pairs_below_one_switch_are_counted(self) -> None:
        written: dict[str, object] = {"kind": ["a", "b"]}
        for i in range(40):
            written[f"p{i}"] = {"values": [1, 2], "when": {"kind": "a"}}
        for i in range(40):
            written[f"c{i}"] = {"values": [1, 2], "when": {f"p{i}": 2}}
        assert Space.from_object(written).grid_size == 3**40 + 1

    @pytest.mark.parametrize(("shape", "size"), [("chain", 1000), ("knot", 40)])
    def test_conditions_that_cannot_be_counted_are_refused_but_can_be_sampled(
        self, shape: str, size: int
    ) -> None:
        made = chain(size) if shape == "chain" else knot(size)
        with pytest.raises(UsageError) as caught:
            made.grid_size  # noqa: B018
        assert caught.value.message == (
            f"the {size} conditions depend on each other too much to count the grid's points"
        )
        assert caught.value.hint == (
            "sample them with --search-type random --runs N, or use fewer conditions"
        )
        assert random(made, 1, 0)[0]

    @pytest.mark.parametrize("seed", range(60))
    def test_a_grid_of_any_conditions_enumerates_what_is_active(self, seed: int) -> None:
        made = random_space(randomness.Random(seed))
        expected = active_points(made)
        points = [point(made, "grid", 0, i) for i in range(made.grid_size)]
        assert len(points) == len(expected)
        assert {frozenset(values.items()) for values in points} == expected
        assert all(list(values) == [name for name in made if name in values] for values in points)


def chain(length: int) -> Space:
    """Each parameter but the first depends on the one before."""
    written: dict[str, object] = {"p0": [1, 2]}
    for i in range(length):
        written[f"p{i + 1}"] = {"values": [1, 2], "when": {f"p{i}": 1}}
    return Space.from_object(written)


def knot(size: int) -> Space:
    """Children that each depend on several parents, in no order."""
    generator = randomness.Random(0)
    parents: dict[str, object] = {f"p{i}": [1, 2] for i in range(size)}
    children = {
        f"c{i}": {
            "values": [1, 2],
            "when": dict.fromkeys(generator.sample(sorted(parents), 3), 1),
        }
        for i in range(size)
    }
    return Space.from_object(parents | children)


def random_space(generator: randomness.Random) -> Space:
    """Up to eight parameters with up to three values, many of them conditional."""
    names = [f"p{i}" for i in range(generator.randint(2, 8))]
    written: dict[str, object] = {}
    values: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        values[name] = list(range(generator.randint(1, 3)))
        parents = generator.sample(names[:i], min(i, generator.choice([0, 1, 1, 2])))
        when = {
            parent: generator.sample(values[parent], generator.randint(1, len(values[parent])))
            for parent in parents
        }
        written[name] = {"values": values[name], "when": when} if when else values[name]
        try:
            Space.from_object(written)
        except UsageError:  # it could never be active
            written[name] = values[name]
    shuffled = list(written)
    generator.shuffle(shuffled)
    return Space.from_object({name: written[name] for name in shuffled})


def active_points(made: Space) -> set[frozenset[tuple[str, Value]]]:
    """What is active of every combination, by trying them all."""
    listed = [d.values for d in made.values() if isinstance(d, Discrete)]
    points = set()
    for combination in itertools.product(*listed):
        chosen = dict(zip(made, combination, strict=True))
        points.add(frozenset(made.draw(partial(value_of, chosen)).items()))
    return points


def value_of(chosen: Mapping[str, Value], name: str, _: Distribution) -> Value:
    return chosen[name]


def test_the_values_of_a_conditional_distribution_are_a_distribution() -> None:
    assert space(OPTIMIZERS)["model.depth"] == RandomInteger(2, 8)
