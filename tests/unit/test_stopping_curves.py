"""The store of curves: the same answers whatever the order of arrival, and after a restart."""

import math
import random

import pytest

from xt_core.search.stopping import CurveStore, Point, StoppingPolicy, Verdict
from xt_core.search.stopping.curves import Statistic
from xt_core.search.stopping.halving import AshaStopping, HyperbandStopping
from xt_core.search.stopping.policies import (
    BanditStopping,
    PatienceStopping,
    PercentileStopping,
    ThresholdStopping,
    TruncationStopping,
)

POLICIES: list[StoppingPolicy] = [
    PercentileStopping(maximize=False, min_runs=2),
    PercentileStopping(maximize=True, percentile=30, min_runs=2, interval=3, delay=4),
    TruncationStopping(maximize=False, percentage=30),
    BanditStopping(maximize=True, slack_factor=0.3),
    BanditStopping(maximize=False, slack_amount=0.3, interval=2),
    AshaStopping(maximize=False, reduction_factor=2),
    HyperbandStopping(maximize=True, max_steps=16, reduction_factor=2, seed=3),
    ThresholdStopping(maximize=False, upper=0.95),
    PatienceStopping(maximize=True, patience=4, min_delta=0.1),
]
STATISTICS = list(Statistic)


def random_curves(source: random.Random, runs: int = 12) -> dict[str, list[Point]]:
    """Curves of unequal lengths at unequal steps, some with values that are not finite."""
    curves = {}
    for number in range(runs):
        stride = source.choice([1, 1, 1, 2, 3.5])
        count = source.randrange(1, 20)
        values = [source.choice([source.random()] * 9 + [math.nan]) for _ in range(count)]
        curves[f"run{number}"] = [(stride * (i + 1), value) for i, value in enumerate(values)]
    return curves


def live(
    policy: StoppingPolicy, curves: dict[str, list[Point]], source: random.Random
) -> tuple[CurveStore, list[tuple[str, Point]], dict[str, Verdict | None]]:
    """Feed points one by one, the runs interleaved, each judged at once; stopped runs end.

    Returns the store, the points in order of arrival, and each run's last verdict.
    """
    store = policy.new_curves()
    for index, run in enumerate(curves):
        store.start(run, index)
    left = {run: list(points) for run, points in curves.items()}
    arrived: list[tuple[str, Point]] = []
    verdicts: dict[str, Verdict | None] = {}
    while left:
        run = source.choice(list(left))
        point = left[run].pop(0)
        arrived.append((run, point))
        verdicts[run] = policy.judge(run, store, store.add(run, [point]))
        if verdicts[run] is not None or not left[run]:
            del left[run]
            store.end(run)
    return store, arrived, verdicts


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_a_store_that_is_fed_again_gives_the_same_verdicts(policy: StoppingPolicy) -> None:
    stopped = 0
    for seed in range(30):
        source = random.Random(seed)
        curves = random_curves(source)
        _, arrived, verdicts = live(policy, curves, source)
        stopped += sum(verdict is not None for verdict in verdicts.values())
        # A restart just after each run's last point: all that had arrived is fed, run by run.
        for run, verdict in verdicts.items():
            moment = max(i for i, (other, _) in enumerate(arrived) if other == run) + 1
            again = policy.new_curves()
            known: dict[str, list[Point]] = {}
            for other, point in arrived[:moment]:
                known.setdefault(other, []).append(point)
            for other in source.sample(sorted(known), len(known)):
                again.start(other, list(curves).index(other))
                again.add(other, known[other])
                ended = len(known[other]) == sum(name == other for name, _ in arrived)
                if other != run and ended:
                    again.end(other)
            assert policy.judge(run, again) == verdict
    assert stopped > 20


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("most", [1, 3, 100])
def test_a_ranking_kept_up_to_date_is_the_one_made_afresh(statistic: Statistic, most: int) -> None:
    for seed in range(20):
        source = random.Random(seed)
        curves = random_curves(source)
        store = CurveStore(False, most_ranked_steps=most)
        for run in curves:
            store.start(run)
        points = [(run, point) for run in curves for point in curves[run]]
        source.shuffle(points)
        points.sort(key=lambda item: curves[item[0]].index(item[1]))  # each run's in its order
        for run, point in points:
            store.add(run, [point])
            step = source.choice([1, 2, 3, 3.5, 4, 7, 10])
            known = [store.curve(name).at(step, statistic) for name in curves]
            expected = sorted(loss for loss in known if loss is not None)
            assert list(store.ranking(step, statistic)) == expected


def test_what_stands_for_a_curve_at_a_step() -> None:
    store = CurveStore(maximize=False)
    store.start("a")
    store.add("a", [(2.0, 5.0), (4.0, 3.0), (6.0, 4.0)])
    curve = store.curve("a")

    def at(step: float) -> list[float | None]:
        return [curve.at(step, statistic) for statistic in STATISTICS]

    assert at(1) == [None, None, 5.0]
    assert at(4) == [3.0, 3.0, 3.0]
    assert at(5) == [3.0, 3.0, 4.0]
    assert at(6) == [4.0, 3.0, 4.0]
    assert at(6.5) == [None, None, None]


def test_values_become_losses() -> None:
    store = CurveStore(maximize=True)
    store.start("a")
    store.add("a", [(1, 2), (2, math.nan), (3, math.inf), (4, -math.inf), (5, 3)])
    assert list(store.curve("a").losses) == [-2, math.inf, math.inf, math.inf, -3]
    assert list(store.curve("a").bests) == [-2, -2, -2, -2, -3]


def test_what_a_restarted_run_logs_again_is_not_new() -> None:
    store = CurveStore(maximize=False)
    store.start("a")
    assert store.add("a", [(1, 5), (2, 4), (3, 3)]) == 3
    store.end("a")
    store.start("a")
    assert store.add("a", [(2, 9), (3, 9), (4, 2), (math.nan, 0), (math.inf, 0)]) == 1
    assert list(store.curve("a").steps) == [1, 2, 3, 4]
    assert list(store.curve("a").losses) == [5, 4, 3, 2]


def test_groups_are_ranked_apart() -> None:
    store = CurveStore(maximize=False, group_of=lambda run_index: run_index % 2)
    for index in range(5):
        store.start(f"run{index}", index)
        store.add(f"run{index}", [(1, 10 - index)])
        assert len(store.ranking(1, Statistic.LAST, index % 2)) == index // 2 + 1
    assert list(store.ranking(1, Statistic.LAST, 0)) == [6, 8, 10]
    assert list(store.ranking(1, Statistic.LAST, 1)) == [7, 9]
