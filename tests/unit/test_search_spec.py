"""What a search is made of: its checks, quantiles, axes and JSON."""

import importlib.util
import math
import subprocess
import sys

import pytest
from search_support import LOSS, MIXED, spec

from xt_core.errors import UsageError
from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Objective, Run, Value
from xt_core.model.states import RunStatus
from xt_core.search.axes import Axes, Continuous, Listed, axis
from xt_core.search.space import Space, parse_values
from xt_core.search.spec import ALGORITHMS, SearchSpec, check_algorithm
from xt_core.search.trials import Trial, TrialState, objective_values


class TestCheck:
    @pytest.mark.parametrize("name", ALGORITHMS)
    def test_each_algorithm_takes_a_mixed_space_and_one_objective(self, name: str) -> None:
        check_algorithm(name, MIXED, 1)

    def test_it_imports_no_algorithm(self) -> None:
        program = (
            "import sys\n"
            "from xt_core.search.suggest import check_algorithm\n"
            "from xt_core.search.space import Space\n"
            "check_algorithm('tpe', Space.from_object({'a': 1}), 1)\n"
            "assert not {'optuna', 'numpy', 'scipy', 'torch', 'cmaes'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    @pytest.mark.parametrize(
        ("name", "section", "objectives", "message", "hint"),
        [
            ("tpee", {}, 1, "unknown search type 'tpee'", "did you mean tpe?"),
            ("Bayes", {}, 1, "unknown search type 'Bayes'", "did you mean bayesian?"),
            (
                "x",
                {},
                1,
                "unknown search type 'x'",
                "the search types are grid, random, tpe, bayesian, gp, cmaes, qmc, nsga2, dgd",
            ),
            (
                "dgd",
                {},
                2,
                "search type dgd: 2 objectives, but it takes one",
                "use --search-type tpe, gp or nsga2 for several",
            ),
            (
                "tpe",
                {},
                0,
                "search type tpe: no metric to go by",
                "name one with --primary-metric; random, grid and qmc need none",
            ),
            (
                "cmaes",
                {"a": ["x", "y"], "b": 3},
                1,
                "search type cmaes: the space has no parameter with numbers to choose among",
                "use --search-type tpe or dgd for choices",
            ),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, name: str, section: dict[str, object], objectives: int, message: str, hint: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            check_algorithm(name, Space.from_object(section), objectives)
        assert (caught.value.message, caught.value.hint) == (message, hint)

    @pytest.mark.parametrize("name", ["gp", "bayesian"])
    def test_a_gaussian_process_needs_pytorch(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("xt_core.search.spec.find_spec", lambda package: None)
        with pytest.raises(UsageError) as caught:
            check_algorithm(name, MIXED, 1)
        assert caught.value.message == f"search type {name}: PyTorch is not installed"
        assert caught.value.hint == (
            "install the extra: pip install 'xt[gp]'; or use --search-type tpe"
        )
        assert importlib.util.find_spec("optuna") is not None


def test_a_spec_is_the_same_after_json() -> None:
    data = loads(dumps(spec("tpe").to_json()))
    again = SearchSpec.from_json(data)
    assert again.to_json() == spec("tpe").to_json()
    assert dict(again.space) == dict(MIXED)
    assert (again.algorithm, again.objectives, again.seed) == ("tpe", LOSS, 1)


def test_a_trial_is_the_same_after_json() -> None:
    nan = float("nan")
    trial = Trial(
        "job3", 4, {"a": 1, "b": "x"}, TrialState.COMPLETED, (1.5, nan), {"n": {"x": [1]}}
    )
    again = Trial.from_json(loads(dumps(trial.to_json())))
    assert repr(again) == repr(trial)


class TestQuantiles:
    @pytest.mark.parametrize(
        "text",
        [
            "[$uniform(-1, 3)]",
            "[$loguniform(-9, 2)]",
            "[$normal(3, 2)]",
            "[$lognormal(0, 1)]",
            "[$quniform(0, 10, 3)]",
            "[$quniform(1, 11, 4)]",
            "[$qnormal(0, 5, .5)]",
            "[$qloguniform(-3, 3, 1)]",
            "[$qlognormal(0, 1, 2)]",
            "[$randint(3, 900)]",
            "[$randint(-9000000000000000000, 9000000000000000000)]",
            "[$linspace(0, 1, 7)]",
            "[4, 2, 8]",
        ],
    )
    def test_the_quantile_of_a_sample_gives_the_sample(self, text: str) -> None:
        distribution = parse_values("x", text)
        for u in (1e-6, 0.001, 0.1, 0.25, 0.5, 0.77, 0.999, 1 - 1e-6):
            value = distribution.sample(u)
            quantile = distribution.quantile(value)
            assert quantile is not None
            assert distribution.sample(quantile) == pytest.approx(value, rel=1e-6)

    @pytest.mark.parametrize(
        ("text", "value", "quantile"),
        [
            ("[$uniform(0, 4)]", 1, 0.25),
            ("[$uniform(0, 4)]", 4.0, 1.0),
            ("[$uniform(0, 4)]", 4.1, None),
            ("[$uniform(0, 4)]", True, None),
            ("[$uniform(0, 4)]", "1", None),
            ("[$uniform(0, 4)]", None, None),
            ("[$uniform(0, 4)]", float("nan"), None),
            ("[$uniform(0, 4)]", 10**400, None),
            ("[$loguniform(0, 1)]", -1, None),
            ("[$loguniform(0, 1)]", 0, None),
            ("[$normal(3, 2)]", 3, 0.5),
            ("[$quniform(0, 8, 2)]", 4, 0.5),
            ("[$quniform(0, 8, 2)]", 0, 0.0625),
            ("[$quniform(0, 8, 2)]", 3, None),
            ("[$quniform(0, 8, 2)]", 10, None),
            ("[$randint(4)]", 1, 0.375),
            ("[$randint(4)]", 4, None),
            ("[$randint(4)]", 1.5, None),
            ("[a, b]", "b", 0.75),
            ("[1, true]", True, 0.75),
            ("[1, 2]", 1.0, 0.25),
            ("[a, b]", "c", None),
        ],
    )
    def test_exact(self, text: str, value: Value, quantile: float | None) -> None:
        assert parse_values("x", text).quantile(value) == quantile


class TestAxes:
    def test_lists_are_ordered_if_they_are_numbers_that_rise_or_fall(self) -> None:
        def ordered(text: str) -> bool:
            found = axis(parse_values("x", text))
            assert isinstance(found, Listed)
            return found.ordered

        assert ordered("[1, 2, 8]")
        assert ordered("[.1, .01, .001]")
        assert ordered("[$linspace(0, 1, 5)]")
        assert not ordered("[1, 3, 2]")
        assert not ordered("[1, 2]")
        assert not ordered("[a, b, c]")
        assert not ordered("[false, true]")

    def test_a_value_listed_twice_has_one_place(self) -> None:
        found = axis(parse_values("x", "[b, a, b, c]"))
        assert found == Listed(("b", "a", "c"), ordered=False)
        assert found.coordinate("b") == 0

    def test_long_ranges_are_continuous(self) -> None:
        assert isinstance(axis(parse_values("x", "[$randint(1000)]")), Listed)
        assert isinstance(axis(parse_values("x", "[$randint(1001)]")), Continuous)
        assert isinstance(axis(parse_values("x", "[$linspace(0, 1, 1001)]")), Continuous)

    def test_normal_distributions_end_at_three_sigma(self) -> None:
        found = axis(parse_values("x", "[$normal(0, 1)]"))
        assert found.value(0.0) == pytest.approx(-3.0902, abs=1e-4)
        assert found.coordinate(50.0) == 0.999

    def test_what_is_read_is_what_was_chosen(self) -> None:
        axes = Axes(MIXED)
        chosen = axes.choose(lambda name, one: one.at(0.3))
        assert chosen == {
            "lr": pytest.approx(0.0018363, rel=1e-4),
            "units": 20,
            "noise": pytest.approx(-1.0472, abs=1e-3),
            "batch": 24,
            "opt": "adam",
            "depth": 2,
            "data": "digits",
        }
        point = axes.read(chosen)
        assert point is not None
        assert list(point) == ["lr", "units", "noise", "batch", "opt", "depth"]
        assert axes.choose(lambda name, one: point[name]) == pytest.approx(chosen)


@pytest.mark.parametrize("value", [10**400, math.nan, -math.inf, "0.5", None, True])
def test_what_is_no_finite_number_is_no_value_of_an_objective(value: Value) -> None:
    run = Run("ws1", "run1.1", "job1", "e", "node0", RunStatus.COMPLETED, 1.0)
    run.metrics = {"a": 1, "b": value}
    assert objective_values(run, [Objective("a", True)]) == (1.0,)
    assert objective_values(run, [Objective("a", True), Objective("b", False)]) is None
