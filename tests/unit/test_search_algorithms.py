"""What every search algorithm keeps to: purity, the space, trials of every kind."""

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median

import pytest
from search_support import (
    LOSS,
    MIXED,
    SCORE,
    best,
    completed,
    failed,
    mixed_loss,
    new,
    number,
    run,
    running,
    spec,
    told,
)

from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Objective, Value
from xt_core.search.space import Space
from xt_core.search.spec import ALGORITHMS
from xt_core.search.static import point
from xt_core.search.static import random as random_points
from xt_core.search.suggest import Suggester
from xt_core.search.trials import Suggestion, Trial, TrialState

DIFFERENT = tuple(name for name in ALGORITHMS if name != "bayesian")
FAST = tuple(name for name in DIFFERENT if name != "gp")
LEARNING = ("tpe", "cmaes", "nsga2", "dgd")
PLANE = Space.from_object({"x": "[$uniform(-5, 5)]", "y": "[$uniform(0, 10)]"})
DIGITS = Space.from_object({"a": "[$randint(10)]", "b": "[$randint(10)]"})
ROOT = Path(__file__).parents[2]


def bowl(hparams: Mapping[str, Value]) -> float:
    return (number(hparams, "x") - 2) ** 2 + (number(hparams, "y") - 7) ** 2


def distance(hparams: Mapping[str, Value]) -> float:
    return abs(number(hparams, "a") - 4) + abs(number(hparams, "b") - 4)


def history(algorithm: str, count: int = 25) -> list[Trial]:
    """Completed, failed and running trials as the algorithm itself suggested them; for the
    Gaussian process, which takes its time, as chance did."""
    search = new("random" if algorithm == "gp" else algorithm)
    trials: list[Trial] = []
    for index in range(count):
        suggestion = search.suggest(index)
        if index % 7 == 5:
            trials.append(failed(index, suggestion))
        elif index > count - 3:
            trials.append(running(index, suggestion))
        else:
            trials.append(completed(index, suggestion, mixed_loss(suggestion.hparams)))
        search.tell(trials[-1:])
    return trials


class TestPurity:
    @pytest.mark.parametrize("algorithm", DIFFERENT)
    def test_neither_order_nor_repetition_nor_earlier_asks_matter(self, algorithm: str) -> None:
        trials = history(algorithm, 16)
        first = told(new(algorithm), trials)
        expected = first.suggest(16)
        shuffled = random.Random(3).sample(trials, len(trials))
        other = new(algorithm)
        for trial in shuffled:
            other.tell([Trial(trial.job, trial.run_index, trial.hparams, TrialState.RUNNING)])
        if algorithm != "gp":
            other.suggest(3)
        other.tell(shuffled[8:])
        other.tell(shuffled)
        assert other.suggest(16) == expected
        assert first.suggest(16) == expected

    def test_nor_do_restarts(self) -> None:
        """Another process, with another order of its sets."""
        lines = []
        expected = []
        for algorithm in DIFFERENT:
            trials = history(algorithm, 14)
            lines.append(dumps([spec(algorithm).to_json(), [trial.to_json() for trial in trials]]))
            suggestion = told(new(algorithm), trials).suggest(14)
            expected.append({"hparams": suggestion.hparams, "notes": suggestion.notes})
        program = (
            "import sys\n"
            "from xt_core.model.encoding import dumps, loads\n"
            "from xt_core.search.spec import SearchSpec\n"
            "from xt_core.search.suggest import suggester\n"
            "from xt_core.search.trials import Trial\n"
            "for line in sys.stdin:\n"
            "    spec, trials = loads(line)\n"
            "    search = suggester(SearchSpec.from_json(spec))\n"
            "    search.tell(map(Trial.from_json, trials))\n"
            "    found = search.suggest(14)\n"
            "    print(dumps({'hparams': found.hparams, 'notes': found.notes}))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            input="\n".join(lines),
            env=os.environ | {"PYTHONHASHSEED": "77"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert [loads(line) for line in done.stdout.splitlines()] == loads(dumps(expected))

    def test_bayesian_is_another_name_of_gp(self) -> None:
        trials = run(new("random", PLANE), bowl, 13)
        found = told(new("bayesian", PLANE), trials).suggest(13)
        assert found == told(new("gp", PLANE), trials).suggest(13)

    @pytest.mark.parametrize("algorithm", ["random", "tpe", "cmaes", "qmc", "nsga2"])
    def test_seed_and_index_make_the_point(self, algorithm: str) -> None:
        trials = history("random", 12)
        search = told(new(algorithm), trials)
        points = [search.suggest(index).hparams for index in range(12, 18)]
        assert [points.count(one) for one in points] == [1] * 6
        assert told(new(algorithm, seed=2), trials).suggest(12).hparams not in points


class TestSpace:
    @pytest.mark.parametrize("algorithm", FAST)
    def test_all_values_are_of_the_space_and_in_its_order(self, algorithm: str) -> None:
        for trial in history(algorithm):
            assert list(trial.hparams) == list(MIXED)
            for name, distribution in MIXED.items():
                assert distribution.quantile(trial.hparams[name]) is not None, (name, trial)

    @pytest.mark.parametrize("algorithm", [a for a in ALGORITHMS if a != "cmaes"])
    @pytest.mark.parametrize("section", [{"a": [3], "b": "x", "c": "[$randint(4, 5)]"}, {}])
    def test_a_space_of_one_set(self, algorithm: str, section: dict[str, object]) -> None:
        search = new(algorithm, Space.from_object(section))
        expected = {"a": 3, "b": "x", "c": 4} if section else {}
        assert search.suggest(0).hparams == expected
        search.tell([completed(0, search.suggest(0), 1.0), running(1, search.suggest(1))])
        assert search.suggest(2).hparams == expected

    @pytest.mark.parametrize("algorithm", FAST)
    def test_a_grid_of_a_million_million_sets_is_never_listed(self, algorithm: str) -> None:
        vast = Space.from_object({f"p{n}": f"[$linspace(0, {n}, 1000)]" for n in range(1, 5)})
        assert vast.grid_size == 10**12
        search = new(algorithm, vast)
        trials = run(search, lambda hparams: sum(number(hparams, name) for name in vast), 15)
        assert all(vast[n].quantile(v) is not None for t in trials for n, v in t.hparams.items())

    @pytest.mark.parametrize("algorithm", FAST)
    def test_ranges_beyond_any_list(self, algorithm: str) -> None:
        long = Space.from_object({"n": f"[$randint({-(2**62)}, {2**62})]", "seed": "[$randint()]"})
        for trial in run(new(algorithm, long), lambda hparams: abs(number(hparams, "n")), 13):
            assert isinstance(trial.hparams["n"], int)
            assert abs(trial.hparams["n"]) <= 2**62


class TestQuality:
    @pytest.mark.parametrize(
        ("algorithm", "runs", "seeds"), [("tpe", 30, 9), ("cmaes", 60, 9), ("gp", 20, 2)]
    )
    def test_better_than_random(self, algorithm: str, runs: int, seeds: int) -> None:
        found = [best(run(new(algorithm, PLANE, seed=s), bowl, runs)) for s in range(seeds)]
        by_chance = [best(run(new("random", PLANE, seed=s), bowl, runs)) for s in range(9)]
        assert median(found) < median(by_chance) / 2

    def test_nsga2_is_better_than_random_after_some_generations(self) -> None:
        found = [best(run(new("nsga2", PLANE, seed=s), bowl, 150)) for s in range(5)]
        by_chance = [best(run(new("random", PLANE, seed=s), bowl, 150)) for s in range(5)]
        assert median(found) < median(by_chance)

    @pytest.mark.parametrize("algorithm", ["tpe", "cmaes", "nsga2", "dgd"])
    def test_a_score_is_maximised(self, algorithm: str) -> None:
        score = new(algorithm, PLANE, SCORE)
        loss = new(algorithm, PLANE, LOSS)
        up = run(score, lambda hparams: -bowl(hparams), 30)
        down = run(loss, bowl, 30)
        assert max(trial.values[0] for trial in up) > -2
        if algorithm in ("tpe", "dgd"):
            assert [trial.hparams for trial in up] == [trial.hparams for trial in down]

    def test_quasirandom_points_fill_every_quarter(self) -> None:
        search = new("qmc", PLANE)
        points = [search.suggest(index).hparams for index in range(16)]
        cells = {(number(p, "x") // 2.5, number(p, "y") // 2.5) for p in points}
        assert len(cells) == 16

    def test_random_and_grid_are_the_static_ones(self) -> None:
        search = new("random")
        assert [search.suggest(i).hparams for i in range(4)] == random_points(MIXED, 4, 1)
        assert new("grid", DIGITS).suggest(57).hparams == point(DIGITS, "grid", 1, 57)


class TestTrials:
    @pytest.mark.parametrize("algorithm", [*LEARNING, "gp"])
    def test_running_sets_are_not_repeated(self, algorithm: str) -> None:
        search = new(algorithm, DIGITS)
        for index, hparams in enumerate(random_points(DIGITS, 14, 1)):
            search.tell([completed(index, Suggestion(hparams), distance(hparams))])
        tried = []
        for index in range(14, 20):
            suggestion = search.suggest(index)
            tried.append(tuple(suggestion.hparams.values()))
            search.tell([running(index, suggestion)])
        assert len(set(tried)) == 6

    @pytest.mark.parametrize("algorithm", LEARNING)
    def test_more_nodes_than_sets_go_on(self, algorithm: str) -> None:
        search = new(algorithm, Space.from_object({"a": [1, 2, 3]}))
        for index in range(6):
            suggestion = search.suggest(index)
            assert suggestion.hparams["a"] in (1, 2, 3)
            search.tell([running(index, suggestion)])

    @pytest.mark.parametrize("algorithm", LEARNING)
    def test_nothing_but_failures(self, algorithm: str) -> None:
        search = new(algorithm)
        for index in range(12):
            search.tell([failed(index, search.suggest(index))])
        assert list(search.suggest(12).hparams) == list(MIXED)

    @pytest.mark.parametrize(("algorithm", "asks"), [("tpe", 40), ("cmaes", 40), ("gp", 5)])
    def test_failures_repel(self, algorithm: str, asks: int) -> None:
        """The better half of the space crashes: a search that is told so goes there less."""
        good, bad = [], []
        for index, hparams in enumerate(random_points(PLANE, 40, 4)):
            x = number(hparams, "x")
            if x < 0:
                good.append(completed(index, Suggestion(hparams), -x))
            else:
                bad.append(failed(index, Suggestion(hparams)))

        def mean(*trials: Trial) -> float:
            search = told(new(algorithm, PLANE), trials)
            sets = [search.suggest(index).hparams for index in range(40, 40 + asks)]
            return fmean(number(hparams, "x") for hparams in sets)

        assert mean(*good, *bad) < mean(*good)

    def test_how_far_a_run_diverged_is_nothing_to_a_gaussian_process(self) -> None:
        points = random_points(PLANE, 14, 4)
        trials = [completed(i, Suggestion(p), bowl(p)) for i, p in enumerate(points)]
        found = []
        for objectives, sign in ((LOSS, 1), (SCORE, -1)):
            for loss in (1e4, 1e30):
                told_trials = [completed(13, Suggestion(points[13]), sign * loss)]
                told_trials += [
                    completed(t.run_index, Suggestion(dict(t.hparams)), sign * t.values[0])
                    for t in trials[:13]
                ]
                search = told(new("gp", PLANE, objectives), told_trials)
                found.append(search.suggest(14).hparams)
        assert found == [found[0]] * 4

    @pytest.mark.parametrize("algorithm", LEARNING)
    def test_a_value_that_is_no_number_counts_as_a_failure(self, algorithm: str) -> None:
        good = history("random", 14)
        suggestion = Suggestion(point(MIXED, "random", 5, 0))
        expected = told(new(algorithm), [*good, failed(14, suggestion)]).suggest(15)
        for values in ((float("nan"),), (float("inf"),), (), (1.0, 2.0)):
            odd = Trial("job7", 14, suggestion.hparams, TrialState.COMPLETED, values)
            assert told(new(algorithm), [*good, odd]).suggest(15) == expected

    @pytest.mark.parametrize("algorithm", LEARNING)
    def test_trials_of_other_spaces_do_no_harm(self, algorithm: str) -> None:
        good = history("random", 14)
        extra = [
            Trial(t.job, t.run_index, {**t.hparams, "other": 5}, t.state, t.values) for t in good
        ]
        odd: list[dict[str, Value]] = [
            {"lr": 0.1},
            {**good[0].hparams, "lr": -1.0},
            {**good[0].hparams, "units": "many"},
            {**good[0].hparams, "opt": True},
            {**good[0].hparams, "noise": None},
        ]
        foreign = [
            Trial("job2", index, hparams, TrialState.COMPLETED, (0.0,), {"optuna": 3, "cmaes": 1})
            for index, hparams in enumerate(odd)
        ]
        expected = told(new(algorithm), good).suggest(15)
        assert told(new(algorithm), [*foreign, *extra]).suggest(15) == expected

    @pytest.mark.parametrize("algorithm", LEARNING)
    def test_an_unusable_trial_replaces_a_usable_one(self, algorithm: str) -> None:
        good = history("random", 14)
        search = told(new(algorithm), good)
        search.tell([Trial("job7", 6, {"lr": 0.1}, TrialState.RUNNING)])
        assert search.suggest(15) == told(new(algorithm), good[:6] + good[7:]).suggest(15)

    @pytest.mark.parametrize("algorithm", ["cmaes", "nsga2"])
    def test_notes_make_the_generations(self, algorithm: str) -> None:
        trials = run(new(algorithm, PLANE), bowl, 60)
        again = [Trial.from_json(loads(dumps(trial.to_json()))) for trial in trials]
        assert again == trials
        bare = [Trial(t.job, t.run_index, t.hparams, t.state, t.values) for t in trials]
        with_notes = told(new(algorithm, PLANE), again).suggest(60)
        if algorithm == "cmaes":
            assert with_notes.notes["cmaes"]["generation"] == 60 // 6
        else:
            assert list(with_notes.notes["optuna"].values()) == [60 // 20]
        assert told(new(algorithm, PLANE), bare).suggest(60) != with_notes

    @pytest.mark.parametrize("algorithm", ["tpe", "gp", "cmaes", "dgd"])
    def test_a_warm_start_begins_where_another_job_was_good(self, algorithm: str) -> None:
        source = [
            completed(i, Suggestion(hparams), bowl(hparams), job="job3")
            for i, hparams in enumerate(random_points(PLANE, 60, 8))
        ]
        search: Suggester = told(new(algorithm, PLANE), source)
        first = [bowl(search.suggest(index).hparams) for index in range(5)]
        assert median(first) < median(trial.values[0] for trial in source) / 2


class TestSeveralObjectives:
    @pytest.mark.parametrize("algorithm", ["tpe", "nsga2", "gp", "random", "grid", "qmc"])
    def test_each_counts(self, algorithm: str) -> None:
        objectives = (Objective("loss", False), Objective("speed", True))
        search = new(algorithm, PLANE, objectives)
        for index in range(13):
            suggestion = search.suggest(index)
            values = bowl(suggestion.hparams), number(suggestion.hparams, "y")
            trial = completed(index, suggestion, *values)
            search.tell([failed(index, suggestion) if index == 4 else trial])
        assert list(search.suggest(13).hparams) == ["x", "y"]
