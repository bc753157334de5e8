"""Early-stopping policies on small curves made by hand: exact decisions and reasons."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from xt_core.search.stopping import CurveStore, Point, StoppingPolicy, Verdict
from xt_core.search.stopping.halving import AshaStopping, HyperbandStopping
from xt_core.search.stopping.policies import (
    BanditStopping,
    PatienceStopping,
    PercentileStopping,
    ThresholdStopping,
    TruncationStopping,
    quantile,
)

NAN = math.nan
Values = Sequence[float]


def from_step_1(values: Values) -> list[Point]:
    return [(float(step), value) for step, value in enumerate(values, 1)]


def store(policy: StoppingPolicy, **curves: Values) -> CurveStore:
    """Curves whose values are logged at steps 1, 2, …"""
    filled = policy.new_curves()
    for run, values in curves.items():
        filled.start(run)
        filled.add(run, from_step_1(values))
    return filled


def last(policy: StoppingPolicy, **curves: Values) -> Verdict | None:
    """The verdict on the last point of the last curve."""
    return policy.judge(list(curves)[-1], store(policy, **curves))


def reason(policy: StoppingPolicy, **curves: Values) -> str | None:
    verdict = last(policy, **curves)
    return None if verdict is None else verdict.reason


def both_directions(make: Any, **curves: Values) -> set[bool]:
    """Whether the last run is stopped when minimising, and with all negated when maximising."""
    negated = {run: [-value for value in values] for run, values in curves.items()}
    return {
        last(make(maximize=False), **curves) is not None,
        last(make(maximize=True), **negated) is not None,
    }


class TestMedian:
    policy = PercentileStopping(maximize=False, metric="loss", min_runs=1)

    def test_a_run_whose_best_is_worse_than_the_median_is_stopped(self) -> None:
        assert last(self.policy, a=[5, 0.1], b=[5, 0.3], c=[5, 0.9], me=[0.6, 0.7]) == Verdict(
            "me", 2.0, "loss 0.6 is worse than the median 0.3 of 3 runs at step 2"
        )

    def test_its_best_value_counts_and_of_the_others_the_last(self) -> None:
        assert last(self.policy, a=[0.1, 0.5], b=[0.1, 0.5], me=[0.4, 0.9]) is None

    def test_larger_may_be_better(self) -> None:
        policy = PercentileStopping(maximize=True, metric="acc", min_runs=1)
        assert reason(policy, a=[0.75], b=[0.5], me=[0.6]) == (
            "acc 0.6 is worse than the median 0.625 of 2 runs at step 1"
        )
        assert last(policy, a=[0.75], b=[0.5], me=[0.625]) is None

    def test_a_tie_goes_on(self) -> None:
        assert last(self.policy, a=[0.5], b=[0.5], me=[0.5]) is None

    def test_one_run_alone_goes_on(self) -> None:
        assert last(PercentileStopping(maximize=False, min_runs=0), me=[9, 9, 9]) is None

    def test_others_that_have_not_reached_the_step_do_not_count(self) -> None:
        assert last(self.policy, a=[0.1], b=[0.1], me=[5, 5]) is None
        assert reason(self.policy, a=[0.1], b=[0.1, 0.2], me=[5, 5]) == (
            "loss 5 is worse than the median 0.2 of 1 run at step 2"
        )

    def test_min_runs_others_must_have_reached_the_step(self) -> None:
        policy = PercentileStopping(maximize=False)
        others = {name: [0.1] for name in "abcd"}
        assert last(policy, **others, me=[5]) is None
        assert last(policy, **others, e=[0.1], me=[5]) is not None

    def test_a_diverged_run_ranks_last(self) -> None:
        assert last(self.policy, a=[0.1], b=[NAN], c=[math.inf], me=[5]) is None
        assert reason(self.policy, a=[0.1], b=[0.3], c=[NAN], me=[NAN]) == (
            "loss (not finite) is worse than the median 0.3 of 3 runs at step 1"
        )
        assert last(self.policy, a=[NAN], me=[NAN]) is None

    def test_minus_infinity_is_no_good_loss(self) -> None:
        assert last(self.policy, a=[0.1], me=[-math.inf]) is not None

    def test_a_run_that_skips_the_step_counts_with_its_value_before_it(self) -> None:
        curves = self.policy.new_curves()
        for run, points in {
            "a": [(10.0, 0.2), (20.0, 0.1)],
            "late": [(16.0, 0.0), (20.0, 0.0)],
            "short": [(14.0, 0.0)],
            "me": [(7.0, 0.5), (15.0, 0.4)],
        }.items():
            curves.start(run)
            curves.add(run, points)
        verdict = self.policy.judge("me", curves)
        assert verdict is not None
        assert verdict.reason == "loss 0.4 is worse than the median 0.2 of 1 run at step 15"

    def test_a_run_without_values_goes_on(self) -> None:
        curves = store(self.policy, a=[0.1], me=[])
        assert self.policy.judge("me", curves) is None
        assert self.policy.judge("me", curves, new=0) is None

    def test_a_run_that_was_not_started_is_a_mistake_of_the_caller(self) -> None:
        curves = self.policy.new_curves()
        with pytest.raises(KeyError, match="ghost"):
            self.policy.judge("ghost", curves)
        with pytest.raises(KeyError, match="ghost"):
            curves.add("ghost", [(1.0, 0.5)])
        with pytest.raises(KeyError, match="ghost"):
            curves.end("ghost")


class TestPercentile:
    def test_a_run_must_keep_up_with_the_best_percentage(self) -> None:
        policy = PercentileStopping(maximize=False, metric="loss", percentile=25, min_runs=1)
        others: dict[str, Values] = {"a": [1], "b": [2], "c": [3], "d": [4], "e": [5]}
        assert last(policy, **others, me=[2]) is None
        assert reason(policy, **others, me=[2.1]) == (
            "loss 2.1 is worse than 2, the bound of the best 25% of 5 runs at step 1"
        )

    @pytest.mark.parametrize(
        ("mine", "stopped"), [(2.0, False), (2.1, True), (1.0, False), (NAN, True)]
    )
    def test_it_is_the_same_in_both_directions(self, mine: float, stopped: bool) -> None:
        def make(maximize: bool) -> StoppingPolicy:
            return PercentileStopping(maximize=maximize, percentile=25, min_runs=1)

        assert both_directions(make, a=[1], b=[2], c=[3], d=[4], e=[5], me=[mine]) == {stopped}

    @pytest.mark.parametrize(
        ("values", "share", "expected"),
        [
            ([7.0], 0.3, 7.0),
            ([1.0, 2.0], 0.5, 1.5),
            ([1.0, 2.0, 4.0], 0.75, 3.0),
            ([1.0, 2.0, 4.0], 1.0, 4.0),
            ([1.0, 2.0, math.inf], 0.5, 2.0),
            ([1.0, 2.0, math.inf], 0.75, math.inf),
            ([1.0, math.inf, math.inf], 0.75, math.inf),
        ],
    )
    def test_quantiles(self, values: list[float], share: float, expected: float) -> None:
        assert quantile(values, share) == expected


class TestTruncation:
    policy = TruncationStopping(maximize=True, metric="acc", percentage=40)

    def test_the_worst_share_of_the_running_runs_is_stopped(self) -> None:
        others: dict[str, Values] = {"a": [0.9], "b": [0.8], "c": [0.7], "d": [0.5]}
        assert last(self.policy, **others, me=[0.75]) is None
        assert reason(self.policy, **others, me=[0.6]) == (
            "acc 0.6 is among the worst 2 of 5 runs running at step 1"
        )

    def test_the_number_is_rounded_down(self) -> None:
        assert last(self.policy, a=[0.9], me=[0.1]) is None
        assert last(self.policy, a=[0.9], b=[0.8], me=[0.1]) is not None

    def test_a_run_that_ended_is_not_compared(self) -> None:
        curves = store(self.policy, a=[0.9], b=[0.8], me=[0.1])
        curves.end("b")
        assert self.policy.judge("me", curves) is None
        curves.start("b")
        assert self.policy.judge("me", curves) is not None

    def test_runs_that_tie_at_the_bound_all_go_on(self) -> None:
        assert last(self.policy, a=[0.5], b=[0.5], c=[0.5], me=[0.5]) is None
        assert last(self.policy, a=[0.9], b=[0.8], c=[0.8], d=[0.5], me=[0.5]) is not None
        assert last(self.policy, a=[0.9], b=[0.8], c=[0.5], d=[0.5], me=[0.5]) is None

    def test_smaller_may_be_better(self) -> None:
        policy = TruncationStopping(maximize=False, percentage=50)
        assert last(policy, a=[0.1], me=[0.2]) is not None
        assert last(policy, a=[0.2], me=[0.1]) is None
        assert last(policy, a=[0.2], me=[NAN]) is not None


class TestBandit:
    def test_the_factor_is_of_the_best_value(self) -> None:
        policy = BanditStopping(maximize=True, metric="acc", slack_factor=0.2)
        assert last(policy, best=[0.8], me=[0.67]) is None
        assert reason(policy, best=[0.8], me=[0.66]) == (
            "acc 0.66 is more than the slack of 0.133333 from the best 0.8 of 2 runs at step 1"
        )

    def test_the_factor_when_smaller_is_better(self) -> None:
        policy = BanditStopping(maximize=False, slack_factor=0.2)
        assert last(policy, best=[0.5], me=[0.6]) is None
        assert last(policy, best=[0.5], me=[0.61]) is not None

    @pytest.mark.parametrize(("mine", "stopped"), [(0.625, False), (0.6251, True)])
    def test_the_amount_is_a_distance(self, mine: float, stopped: bool) -> None:
        def make(maximize: bool) -> StoppingPolicy:
            return BanditStopping(maximize=maximize, slack_amount=0.125)

        assert both_directions(make, best=[0.5], me=[mine]) == {stopped}

    def test_negative_values_have_slack_in_the_right_direction(self) -> None:
        for maximize in (True, False):
            policy = BanditStopping(maximize=maximize, slack_factor=0.25)
            assert last(policy, me=[-0.5], other=[-0.5]) is None
        larger = BanditStopping(maximize=True, slack_factor=0.25)
        assert last(larger, best=[-0.5], me=[-0.6]) is None
        assert last(larger, best=[-0.5], me=[-0.61]) is not None

    def test_bests_so_far_are_compared_at_the_same_step(self) -> None:
        policy = BanditStopping(maximize=False, slack_amount=1)
        assert last(policy, ahead=[5, 5, 0], me=[6, 9]) is None
        assert last(policy, ahead=[4.9, 9, 9], me=[6, 9]) is not None

    def test_the_best_run_goes_on_also_among_diverged_ones(self) -> None:
        policy = BanditStopping(maximize=False, slack_amount=0)
        assert last(policy, a=[NAN], me=[3]) is None
        assert last(policy, a=[NAN], me=[NAN]) is None
        assert last(policy, a=[3], me=[NAN]) is not None
        assert last(policy, me=[3]) is None

    def test_a_stopped_run_stays_the_one_to_beat(self) -> None:
        policy = BanditStopping(maximize=False, slack_amount=1)
        curves = store(policy, best=[1], me=[3])
        curves.end("best")
        assert policy.judge("me", curves) is not None


class TestThreshold:
    policy = ThresholdStopping(maximize=False, metric="loss", lower=0, upper=10)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (0, None),
            (10, None),
            (10.5, "loss 10.5 is above 10 at step 2"),
            (-0.5, "loss -0.5 is below 0 at step 2"),
            (NAN, "loss is not finite at step 2"),
            (math.inf, "loss is not finite at step 2"),
        ],
    )
    def test_a_value_beyond_the_bounds_or_not_finite_stops(
        self, value: float, expected: str | None
    ) -> None:
        assert reason(self.policy, me=[5, value]) == expected
        larger = ThresholdStopping(maximize=True, metric="loss", lower=0, upper=10)
        assert reason(larger, me=[5, value]) == expected

    def test_a_bound_may_be_missing(self) -> None:
        assert last(ThresholdStopping(maximize=False, lower=0), me=[1e300]) is None
        assert last(ThresholdStopping(maximize=False, upper=0), me=[-1e300]) is None
        assert last(ThresholdStopping(maximize=False), me=[NAN]) is not None


class TestPatience:
    def test_values_without_an_improvement_stop(self) -> None:
        policy = PatienceStopping(maximize=False, metric="loss", patience=3)
        assert last(policy, me=[3, 2, 2, 2]) is None
        assert reason(policy, me=[3, 2, 2, 5, 2]) == (
            "loss has not improved on 2 in the last 3 values at step 5"
        )
        assert last(policy, me=[3, 2, 2, 2, 1.9]) is None

    @pytest.mark.parametrize(("value", "stopped"), [(1.75, True), (1.5, False), (NAN, True)])
    def test_an_improvement_has_a_least_size(self, value: float, stopped: bool) -> None:
        def make(maximize: bool) -> StoppingPolicy:
            return PatienceStopping(maximize=maximize, patience=2, min_delta=0.5)

        assert both_directions(make, me=[2, 2, value]) == {stopped}

    def test_the_least_size_is_in_the_reason(self) -> None:
        policy = PatienceStopping(maximize=True, metric="acc", patience=1, min_delta=0.25)
        assert reason(policy, me=[0.5, 0.625]) == (
            "acc has not improved by 0.25 on 0.5 in the last 1 value at step 2"
        )

    def test_a_first_finite_value_is_an_improvement(self) -> None:
        policy = PatienceStopping(maximize=False, patience=2, min_delta=0.5)
        assert last(policy, me=[NAN, NAN, 3]) is None
        assert last(policy, me=[NAN, NAN, NAN]) is not None


class TestAsha:
    policy = AshaStopping(maximize=False, metric="loss", min_steps=1, reduction_factor=3)

    def test_rungs_are_powers_of_the_factor_below_the_last_step(self) -> None:
        policy = AshaStopping(maximize=False, min_steps=2, reduction_factor=3, max_steps=54)
        assert list(policy.rungs()) == [2, 6, 18]
        assert list(policy.rungs(1)) == [6, 18]

    def test_the_best_third_of_a_rung_goes_on(self) -> None:
        others: dict[str, Values] = {"a": [1], "b": [2], "c": [3], "d": [4], "e": [5]}
        assert last(self.policy, **others, me=[2]) is None
        assert reason(self.policy, **others, me=[2.5]) == (
            "loss 2.5 is not among the best 2 of 6 runs at step 1"
        )

    def test_the_first_runs_of_a_rung_go_on_if_they_are_the_best_so_far(self) -> None:
        assert last(self.policy, me=[9]) is None
        assert last(self.policy, a=[9], me=[8]) is None
        assert last(self.policy, a=[9], me=[9]) is None
        assert last(self.policy, a=[8], me=[9]) is not None

    def test_larger_may_be_better(self) -> None:
        policy = AshaStopping(maximize=True, metric="acc")
        assert last(policy, a=[0.8], me=[0.9]) is None
        assert reason(policy, a=[0.9], me=[0.8]) == (
            "acc 0.8 is not among the best 1 of 2 runs at step 1"
        )

    def test_between_rungs_nothing_is_judged(self) -> None:
        assert last(self.policy, a=[1, 1, 1, 1], me=[1, 9]) is None
        assert last(self.policy, a=[1, 1, 1, 1], me=[1, 1, 9]) is not None
        assert last(self.policy, a=[1, 1, 1, 1], me=[1, 1, 1, 9]) is None

    def test_the_value_at_the_rung_counts_not_the_best_before(self) -> None:
        assert last(self.policy, a=[9, 9, 5], me=[1, 1, 6]) is not None

    def test_a_rung_that_is_passed_over_counts_with_the_first_value_behind_it(self) -> None:
        curves = self.policy.new_curves()
        for run, points in {"a": [(2.0, 5.0), (4.0, 3.0)], "me": [(5.0, 4.0)]}.items():
            curves.start(run)
            curves.add(run, points)
        verdict = self.policy.judge("me", curves)
        assert verdict is not None
        assert verdict.reason == "loss 4 is not among the best 1 of 2 runs at step 3"

    def test_a_diverged_run_never_goes_on_and_counts_as_a_run_of_the_rung(self) -> None:
        assert last(self.policy, me=[NAN]) is not None
        assert last(self.policy, a=[NAN], b=[NAN], me=[5]) is None
        assert last(self.policy, a=[1], b=[NAN], c=[NAN], d=[NAN], e=[NAN], me=[2]) is None

    def test_min_runs_others_must_have_reached_the_rung(self) -> None:
        policy = AshaStopping(maximize=False, min_runs=2)
        assert last(policy, a=[1], me=[9]) is None
        assert last(policy, a=[1], b=[1], me=[9]) is not None

    def test_a_rung_before_the_delay_is_passed_unjudged(self) -> None:
        policy = AshaStopping(maximize=False, delay=2)
        assert last(policy, a=[1], me=[9]) is None
        assert last(policy, a=[1, 1, 1], me=[9, 9, 9]) is not None


class TestHyperband:
    policy = HyperbandStopping(maximize=False, max_steps=27, reduction_factor=3, seed=7)

    def test_brackets_have_the_sizes_of_the_paper(self) -> None:
        paper = HyperbandStopping(maximize=False, max_steps=81, reduction_factor=3)
        assert paper.bracket_sizes == (81, 34, 15, 8, 5)
        assert self.policy.bracket_sizes == (27, 12, 6, 4)

    def test_each_bracket_has_one_rung_less(self) -> None:
        rungs = [list(self.policy.rungs(bracket)) for bracket in range(4)]
        assert rungs == [[1, 3, 9], [3, 9], [9], []]

    def test_a_bracket_is_a_pure_function_of_seed_and_index(self) -> None:
        brackets = [self.policy.group(index) for index in range(4900)]
        again = HyperbandStopping(maximize=True, max_steps=27, reduction_factor=3, seed=7)
        assert [again.group(index) for index in range(4900)] == brackets
        other = HyperbandStopping(maximize=False, max_steps=27, reduction_factor=3, seed=8)
        assert [other.group(index) for index in range(4900)] != brackets
        counts = [brackets.count(bracket) for bracket in range(4)]
        expected = [2700, 1200, 600, 400]
        assert all(
            abs(n - mean) < 5 * math.sqrt(mean) for n, mean in zip(counts, expected, strict=True)
        )

    def test_runs_are_compared_within_their_bracket(self) -> None:
        indexes: dict[int, list[int]] = {bracket: [] for bracket in range(4)}
        for index in range(100):
            indexes[self.policy.group(index)].append(index)
        curves = self.policy.new_curves()
        for name, index, value in [
            ("best", indexes[0][0], 1.0),
            ("worse", indexes[0][1], 2.0),
            ("elsewhere", indexes[1][0], 3.0),
            ("whole", indexes[3][0], 9.0),
        ]:
            curves.start(name, index)
            curves.add(name, from_step_1([value] * 27))
        stopped = {
            name: self.policy.judge(name, curves, new=27)
            for name in ("best", "worse", "elsewhere", "whole")
        }
        assert stopped == {
            "best": None,
            "worse": Verdict("worse", 1.0, "value 2 is not among the best 1 of 2 runs at step 1"),
            "elsewhere": None,
            "whole": None,
        }


class TestTiming:
    def judged_steps(
        self, steps: Sequence[float], delay: float = 0.0, interval: float | None = None
    ) -> list[float]:
        """The steps at which a run is judged that would be stopped whenever it is."""
        policy = ThresholdStopping(maximize=False, upper=0, delay=delay, interval=interval)
        curves = policy.new_curves()
        curves.start("me")
        found = []
        for step in steps:
            curves.add("me", [(step, 1.0)])
            verdict = policy.judge("me", curves)
            if verdict is not None:
                found.append(verdict.step)
        return found

    def test_without_settings_every_point_is_judged(self) -> None:
        assert self.judged_steps([0, 0.5, 1, 7]) == [0, 0.5, 1, 7]

    def test_nothing_is_judged_before_the_delay(self) -> None:
        assert self.judged_steps([0, 1, 2, 3], delay=2) == [2, 3]

    def test_an_interval_judges_the_first_point_at_or_after_each_multiple(self) -> None:
        assert self.judged_steps(range(12), interval=5) == [5, 10]
        assert self.judged_steps([3, 4, 6, 7, 9, 13, 14, 31], interval=5) == [6, 13, 31]

    def test_only_multiples_from_the_delay_on_count(self) -> None:
        assert self.judged_steps(range(16), interval=5, delay=7) == [10, 15]
        assert self.judged_steps(range(16), interval=5, delay=10) == [10, 15]

    def test_fractions_are_multiples_as_written(self) -> None:
        tenths = [round(0.1 * i, 1) for i in range(1, 11)]
        assert self.judged_steps(tenths, interval=0.1) == tenths
        assert self.judged_steps(tenths, interval=0.1, delay=0.3) == tenths[2:]

    def test_steps_may_be_negative_or_enormous(self) -> None:
        assert self.judged_steps([-1e300, -7, -2, 3], interval=2) == [3]
        assert self.judged_steps([-1e300, 1], interval=1e-9) == [1]
        assert self.judged_steps([1e300, 1.5e300], interval=1e-9) == [1e300]
        asha = AshaStopping(maximize=False, min_steps=1e-9, reduction_factor=2)
        curves = asha.new_curves()
        for run, value in (("a", 1.0), ("me", 2.0)):
            curves.start(run)
            curves.add(run, [(1e308, value)])
        assert asha.judge("a", curves) is None
        assert asha.judge("me", curves) is not None

    def test_points_in_one_batch_are_judged_as_if_each_came_alone(self) -> None:
        policy = ThresholdStopping(maximize=False, upper=5)
        curves = store(policy, me=[1, 9, 1, 1])
        assert policy.judge("me", curves) is None
        assert policy.judge("me", curves, new=2) is None
        assert policy.judge("me", curves, new=4) == Verdict(
            "me", 2.0, "value 9 is above 5 at step 2"
        )
