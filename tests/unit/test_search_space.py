"""The grammar of search spaces, and the distributions."""

import math
from statistics import NormalDist

import pytest
import yaml

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.distributions import (
    Choice,
    Distribution,
    Linspace,
    Normal,
    RandomInteger,
    Uniform,
)
from xt_core.search.space import Space, from_object, parse_values
from xt_core.search.values import render_value

SMALLEST_U = 2.0**-53
LARGEST_U = 1 - 2.0**-53


def typed(values: list[Value] | None) -> list[tuple[type, Value]]:
    """Values with their types, since 1 == 1.0 == True."""
    assert values is not None
    return [(type(value), value) for value in values]


def space(**written: str) -> Space:
    return Space({name: parse_values(name, text) for name, text in written.items()})


def assert_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_values("lr", text)
    assert caught.value.message == message
    assert hint in caught.value.hint


class TestLists:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("[.01, .03]", [0.01, 0.03]),
            ("[adam, sgd]", ["adam", "sgd"]),
            ("[adam,sgd]", ["adam", "sgd"]),
            ("  [ adam ,\tsgd ]  ", ["adam", "sgd"]),
            ("[3]", [3]),
            ("[0, -1, +2]", [0, -1, 2]),
            ("[1e-3, 1E3, 5., -.5, 2.0]", [0.001, 1000.0, 5.0, -0.5, 2.0]),
            ("[true, False, TRUE]", [True, False, True]),
            ("[none, null, nan, inf, -inf]", ["none", "null", "nan", "inf", "-inf"]),
            ("[007, 1_000, 1e999, 0x10]", ["007", "1_000", "1e999", "0x10"]),
            ("[9223372036854775807]", [9223372036854775807]),
            ("[9223372036854775808]", ["9223372036854775808"]),
            ("[" + "9" * 5000 + "]", ["9" * 5000]),
            ("""["a b", 'c,d']""", ["a b", "c,d"]),
            ("""["3", 'true', "", ' x ']""", ["3", "true", "", " x "]),
            (r"""["a\"b", 'it\'s', "a\\b", "C:\new"]""", ['a"b', "it's", "a\\b", "C:\\new"]),
            (r'["ends with \\"]', ["ends with \\"]),
            ("[it's, don't]", ["it's", "don't"]),
            ("[a b, c=d, --x, é]", ["a b", "c=d", "--x", "é"]),
            ("[[64, 32], [8]]", ["[64, 32]", "[8]"]),
            ("[(1, 2), (3, 4)]", ["(1, 2)", "(3, 4)"]),
            ("""[{"a,]": 1}, {}]""", ['{"a,]": 1}', "{}"]),
            ("[$HOME, $x]", ["$HOME", "$x"]),
            ("""['$uniform(0,1)', "(x)"]""", ["$uniform(0,1)", "(x)"]),
            ("""['(x)']""", ["(x)"]),
            ("[$choice(a, 2, 'b,c')]", ["a", 2, "b,c"]),
            ("[bad\udcff]", ["bad\udcff"]),
        ],
    )
    def test_a_list_gives_its_values_with_their_types(self, text: str, values: list[Value]) -> None:
        assert typed(parse_values("x", text).choices) == typed(values)

    @pytest.mark.parametrize("text", ["[]", "[ ]", "[$choice()]"])
    def test_a_list_without_values_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"hyperparameter lr: no values, in '\[.*\]'"):
            parse_values("lr", text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[a,,b]", "an empty value"),
            ("[a,]", "an empty value"),
            ("[,]", "an empty value"),
            ("['a]", "unbalanced '"),
            (r"['a\']", "unbalanced '"),
            ("[(a, b]", "unbalanced ("),
            ("[a), b]", "unbalanced )"),
            ("[(a]), b]", "unbalanced ]"),
            ("['a'b]", "text after a closing '"),
            ("['a' 'b']", "text after a closing '"),
        ],
    )
    def test_a_malformed_list_is_refused(self, text: str, message: str) -> None:
        assert_refused(text, f"hyperparameter lr: {message}, in {text!r}", "in quotes")

    @pytest.mark.parametrize("text", ["", "[", "a, b", "[a", "a]"])
    def test_values_without_brackets_are_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="not in square brackets"):
            parse_values("lr", text)


class TestForms:
    @pytest.mark.parametrize(
        ("text", "distribution"),
        [
            ("[$randint()]", RandomInteger(0, 65535)),
            ("[$randint(100)]", RandomInteger(0, 100)),
            ("[$randint(5, 8)]", RandomInteger(5, 8)),
            ("[ $uniform ( 0 , 1 ) ]", Uniform(0, 1)),
            ("[$normal(0, .5)]", Normal(0, 0.5)),
            ("[$loguniform(-9, -2)]", Uniform(-9, -2, log=True)),
            ("[$lognormal(0, 1)]", Normal(0, 1, log=True)),
            ("[$quniform(0, 10, 2)]", Uniform(0, 10, 2)),
            ("[$qnormal(0, 10, 2)]", Normal(0, 10, 2)),
            ("[$qloguniform(0, 5, .5)]", Uniform(0, 5, 0.5, log=True)),
            ("[$qlognormal(0, 1, 1)]", Normal(0, 1, 1, log=True)),
            ("[$linspace(0, 1, 5)]", Linspace(0, 1, 5)),
            ("[$choice(a, b)]", Choice(("a", "b"))),
        ],
    )
    def test_every_distribution_can_be_written(self, text: str, distribution: Distribution) -> None:
        assert parse_values("x", text) == distribution

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("[$unifrm(0, 1)]", "unknown distribution $unifrm", "[$uniform(low, high)]?"),
            ("[$LogUniform(0, 1)]", "unknown distribution $LogUniform", "[$loguniform(low, high)]"),
            ("[$zzz()]", "unknown distribution $zzz", "choice, linspace, lognormal"),
            ("[$uniform(1)]", "$uniform with 1 arguments", "[$uniform(low, high)]"),
            ("[$uniform()]", "$uniform with 0 arguments", "[$uniform(low, high)]"),
            ("[$quniform(0, 1)]", "$quniform with 2 arguments", "[$quniform(low, high, q)]"),
            ("[$randint(1,2,3)]", "$randint with 3 arguments", "[$randint()] or [$randint(upper)]"),
            ("[$uniform(a, 1)]", "'a' is not a number", "[$uniform(low, high)]"),
            ("[$uniform('0', 1)]", "'0' is not a number", "[$uniform(low, high)]"),
            ("[$uniform(true, 1)]", "'true' is not a number", "[$uniform(low, high)]"),
            ("[$uniform(nan, 1)]", "'nan' is not a number", "[$uniform(low, high)]"),
            ("[$uniform(0, 1e999)]", "'1e999' is not a number", "[$uniform(low, high)]"),
            ("[$uniform(0,)]", "an empty value", "[$uniform(low, high)]"),
            ("[$uniform(1, 1)]", "low 1 is not less than high 1", "[$uniform(low, high)]"),
            ("[$loguniform(-2, -9)]", "low -2 is not less than high -9", "[$loguniform(low, high)"),
            ("[$linspace(1, 0, 3)]", "low 1 is not less than high 0", "[$linspace(low, high, n)]"),
            ("[$linspace(0, 1, 0)]", "n is 0, not an integer from 1 to 1000000", "$linspace"),
            ("[$linspace(0, 1, 2.5)]", "n is 2.5, not an integer from 1 to 1000000", "$linspace"),
            ("[$quniform(0, 1, 0)]", "q 0 is not above 0", "[$quniform(low, high, q)]"),
            ("[$qnormal(0, 1, -1)]", "q -1 is not above 0", "[$qnormal(mu, sigma, q)]"),
            ("[$quniform(0, 1, 1e-320)]", "q 1e-320 is too small", "[$quniform(low, high, q)]"),
            ("[$normal(0, 0)]", "sigma 0 is not above 0", "[$normal(mu, sigma)]"),
            ("[$lognormal(0, -1.5)]", "sigma -1.5 is not above 0", "[$lognormal(mu, sigma)]"),
            ("[$randint(0)]", "low 0 is not less than upper 0", "[$randint(upper)]"),
            ("[$randint(1.5)]", "the bound 1.5 is not an integer within ±2**63", "$randint"),
            (
                "[$loguniform(1, 1000)]",
                "e to the power of 1000 is too large: give the logarithms of the values",
                "[$loguniform(low, high)]",
            ),
            (
                "[$uniform(-1e308, 1e308)]",
                "the range is too large for floating point",
                "[$uniform(low, high)]",
            ),
            ("[$uniform(0, 1), 3]", "$uniform(0, 1) beside other values", "stands alone"),
            ("[3, $uniform(0, 1)]", "$uniform(0, 1) beside other values", "stands alone"),
            ("[$randint]", "no parentheses", "[$randint()]"),
            ("[uniform(0, 1)]", "a distribution without its $", "write [$uniform(0, 1)] for"),
            ("[(-9, -2)]", "a distribution without its name", "single quotes"),
            ("[()]", "a distribution without its name", "single quotes"),
        ],
    )
    def test_a_mistake_is_named_with_a_valid_form(self, text: str, message: str, hint: str) -> None:
        assert_refused(text, f"hyperparameter lr: {message}, in {text!r}", hint)

    def test_an_unbalanced_parenthesis_is_refused(self) -> None:
        assert_refused(
            "[$uniform(0, 1]", "hyperparameter lr: unbalanced (, in '[$uniform(0, 1]'", "quotes"
        )


class TestQuantiles:
    @pytest.mark.parametrize(
        ("text", "u", "expected"),
        [
            ("[$uniform(2, 4)]", 0.25, 2.5),
            ("[$loguniform(-9, -2)]", 0.5, math.exp(-5.5)),
            ("[$loguniform(-9, -2)]", 0.25, math.exp(-7.25)),
            ("[$normal(3, 2)]", 0.5, 3.0),
            ("[$normal(3, 2)]", 0.9, NormalDist(3, 2).inv_cdf(0.9)),
            ("[$lognormal(1, 2)]", 0.5, math.exp(1)),
            ("[$lognormal(1, 2)]", 0.1, math.exp(NormalDist(1, 2).inv_cdf(0.1))),
            ("[$quniform(0, 10, 4)]", 0.55, 4),
            ("[$quniform(0, 10, 4)]", 0.99, 8),
            ("[$quniform(0, 1, 0.25)]", 0.4, 0.5),
            ("[$qnormal(0, 10, 5)]", 0.9, 15),
            ("[$qloguniform(0, 5, 3)]", 0.5, 12),
            ("[$qlognormal(2, 1, 2)]", 0.5, 8),
            ("[$randint()]", 0.5, 32767),
            ("[$randint(100)]", 0.5, 50),
            ("[$randint(10, 20)]", 0.75, 17),
            ("[$linspace(0, 1, 5)]", 0.5, 0.5),
            ("[a, b, c]", 0.34, "b"),
        ],
    )
    def test_a_sample_is_the_quantile(self, text: str, u: float, expected: Value) -> None:
        assert parse_values("x", text).sample(u) == expected

    def test_an_integer_q_gives_integers_and_a_float_q_floats(self) -> None:
        assert render_value(parse_values("x", "[$quniform(0, 10, 2)]").sample(0.5)) == "4"
        assert render_value(parse_values("x", "[$quniform(0, 10, 2.0)]").sample(0.5)) == "4.0"

    def test_quantised_values_are_rounded_quotients_times_q(self) -> None:
        distribution = parse_values("x", "[$quniform(0, 1, 0.1)]")
        assert distribution.sample(0.31) == round(0.31 / 0.1) * 0.1

    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ("[$randint()]", 0, 65534),
            ("[$randint(3)]", 0, 2),
            ("[a, b, c]", "a", "c"),
            ("[$linspace(-1, 1, 3)]", -1.0, 1.0),
        ],
    )
    def test_the_extreme_quantiles_are_the_first_and_last_values(
        self, text: str, first: Value, last: Value
    ) -> None:
        distribution = parse_values("x", text)
        assert distribution.sample(SMALLEST_U) == first
        assert distribution.sample(LARGEST_U) == last

    def test_the_largest_randint_stays_below_its_upper_bound(self) -> None:
        upper = 2**63 - 1
        assert RandomInteger(0, upper).sample(LARGEST_U) == 2**63 - 2**10
        assert RandomInteger(upper - 1, upper).sample(LARGEST_U) == upper - 1

    @pytest.mark.parametrize(
        "text",
        ["[$lognormal(0, 78)]", "[$qlognormal(5, 70, 1e-3)]", "[$normal(1e300, 1e306)]"],
    )
    def test_the_extreme_quantiles_of_wide_distributions_are_finite(self, text: str) -> None:
        distribution = parse_values("x", text)
        for u in (SMALLEST_U, LARGEST_U):
            sample = distribution.sample(u)
            assert isinstance(sample, float)
            assert math.isfinite(sample)

    def test_randint_is_uniform_over_its_values(self) -> None:
        distribution = parse_values("x", "[$randint(4)]")
        samples = [distribution.sample((i + 0.5) / 400) for i in range(400)]
        assert [samples.count(value) for value in range(4)] == [100, 100, 100, 100]

    def test_linspace_includes_both_ends(self) -> None:
        assert typed(parse_values("x", "[$linspace(0, 1, 5)]").choices) == typed(
            [0.0, 0.25, 0.5, 0.75, 1.0]
        )
        assert parse_values("x", "[$linspace(0, .7, 8)]").choices[-1:] == [0.7]  # type: ignore[index]
        assert parse_values("x", "[$linspace(2, 3, 1)]").choices == [2.0]

    def test_only_listed_values_are_choices(self) -> None:
        assert parse_values("x", "[$randint(3)]").choices is None
        assert parse_values("x", "[$quniform(0, 3, 1)]").choices is None
        assert parse_values("x", "[$normal(0, 3)]").choices is None


class TestDescription:
    @pytest.mark.parametrize(
        "text",
        [
            "[0.01, 3, true, adam]",
            "[$randint(65535)]",
            "[$randint(5, 8)]",
            "[$uniform(0, 1)]",
            "[$normal(0, 0.5)]",
            "[$loguniform(-9, -2)]",
            "[$lognormal(0, 1)]",
            "[$quniform(0, 10, 2)]",
            "[$qnormal(0, 10, 2)]",
            "[$qloguniform(0, 5, 0.5)]",
            "[$qlognormal(0, 1, 1)]",
            "[$linspace(0, 1, 5)]",
        ],
    )
    def test_a_canonical_text_describes_itself(self, text: str) -> None:
        assert parse_values("x", text).describe() == text

    def test_any_values_are_read_back_from_their_description(self) -> None:
        values: tuple[Value, ...] = (
            *(
                "3",
                "true",
                "",
                " a ",
                "a,b",
                "it's",
                'a"b',
                "\\",
                '\\"',
                "(x)",
                "[1]",
                "$uniform(0,1)",
            ),
            *("uniform(0, 1)", "é", "\n", "\udcff", "nan", "007", "1e999", "-1", "none"),
            *(3, -1, 0.1, 1e-05, 1e22, True, False),
        )
        described = Choice(values).describe()
        assert typed(parse_values("x", described).choices) == typed(list(values))

    @pytest.mark.parametrize("value", ["(x)", "$randint", "uniform(1)", "$uniform(0, 1)", ""])
    def test_a_lone_odd_value_is_read_back_from_its_description(self, value: str) -> None:
        assert parse_values("x", Choice((value,)).describe()) == Choice((value,))

    def test_a_space_is_read_back_from_its_description(self) -> None:
        original = space(
            lr="[$loguniform(-9, -2)]", opt="[adam, 'a b', \"3\"]", seed="[$randint()]"
        )
        assert Space.from_object(original.describe()) == original
        assert list(Space.from_object(original.describe())) == ["lr", "opt", "seed"]


class TestObjects:
    @pytest.mark.parametrize(
        ("written", "values"),
        [
            ("[0.01, 0.03]", [0.01, 0.03]),
            ("[adam, '3', true]", ["adam", "3", True]),
            ("[1e-3, 1.0e-3]", [0.001, 0.001]),
            ("[.nan, -.inf]", ["nan", "-inf"]),
            ("[null, 1]", ["null", 1]),
            ("5", [5]),
            ("adam", ["adam"]),
            ("'5'", ["5"]),
            ("false", [False]),
            ("'[a, b]'", ["a", "b"]),
            ("$linspace(0, 1, 2)", [0.0, 1.0]),
            ("$choice(a, 3)", ["a", 3]),
            ("[$choice(a, 3, true)]", ["a", 3, True]),
            ("$HOME", ["$HOME"]),
            ("''", [""]),
            ("a, b", ["a, b"]),
            ("99999999999999999999", ["99999999999999999999"]),
        ],
    )
    def test_yaml_gives_the_values_of_the_same_text(
        self, written: str, values: list[Value]
    ) -> None:
        assert typed(from_object("x", yaml.safe_load(written)).choices) == typed(values)

    @pytest.mark.parametrize(
        ("written", "distribution"),
        [
            ("$loguniform(-9, -2)", Uniform(-9, -2, log=True)),
            ("'[$loguniform(-9, -2)]'", Uniform(-9, -2, log=True)),
            ("[$loguniform(-9, -2)]", Uniform(-9, -2, log=True)),
            ("[$quniform(0, 10, 2)]", Uniform(0, 10, 2)),
            ("[$randint()]", RandomInteger()),
        ],
    )
    def test_yaml_may_hold_distributions_with_and_without_brackets(
        self, written: str, distribution: Distribution
    ) -> None:
        assert from_object("x", yaml.safe_load(written)) == distribution

    @pytest.mark.parametrize(
        ("written", "message"),
        [
            ([], "hyperparameter x: no values, in '[]'"),
            (None, "hyperparameter x: no values"),
            ([[1], [2]], "hyperparameter x: list is not a value, in '[1]'"),
            ({"a": 1}, "hyperparameter x: dict is not a value, in \"{'a': 1}\""),
            (
                "$unifrm(0, 1)",
                "hyperparameter x: unknown distribution $unifrm, in '[$unifrm(0, 1)]'",
            ),
            ("$randint", "hyperparameter x: no parentheses, in '[$randint]'"),
        ],
    )
    def test_what_is_no_distribution_is_refused(self, written: object, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            from_object("x", written)
        assert caught.value.message == message

    def test_a_space_is_a_mapping_of_texts(self) -> None:
        with pytest.raises(UsageError, match="not a mapping"):
            Space.from_object(["lr"])
        with pytest.raises(UsageError, match="the hyperparameter name True is not text"):
            Space.from_object(yaml.safe_load("on: [1, 2]"))


class TestSpace:
    def test_the_size_is_the_number_of_combinations(self) -> None:
        assert space(a="[1, 2, 3]", b="[x, y]", c="[$linspace(0, 1, 5)]").size == 30
        assert Space().size == 1

    def test_a_space_with_an_unlisted_parameter_has_no_size_but_a_grid_size(self) -> None:
        mixed = space(a="[1, 2, 3]", b="[$uniform(0, 1)]", c="[x, y]")
        assert mixed.size is None
        assert mixed.grid_size == 6

    def test_an_empty_space_is_false(self) -> None:
        assert not Space()
        assert space(a="[1]")
