"""The order of a table: the same as a new sort gives, however the records changed."""

import random
from dataclasses import replace

import pytest

from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.query.filters import matches_all, parse_filter
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort, sort_records
from xt_tui.order import RecordOrder, Selection

STATUSES = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.COMPLETED)
LOSSES = (0.1, 0.2, 0.2, None, float("nan"), "text")


def some_run(number: int, dice: random.Random) -> Run:
    loss = dice.choice(LOSSES)
    started = dice.choice([None, 10.0, 20.0])
    return Run(
        f"ws{number % 2}", f"run{number // 2}", "job1", "e", "node0", dice.choice(STATUSES), 1e9,
        metrics={} if loss is None else {"loss": loss},
        started=started,
        ended=dice.choice([None, 25.0]),
    )  # fmt: skip


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "sort", ["run", "-run", "metrics.loss", "status", "duration", "-status,metrics.loss"]
)
@pytest.mark.parametrize("condition", ["", "status!=queued", "duration<30"])
def test_changes_give_the_order_of_a_new_sort(sort: str, reverse: bool, condition: str) -> None:
    dice = random.Random(f"{sort}{reverse}{condition}")
    filters = (parse_filter(condition, RUN_FIELDS),) if condition else ()
    selection = Selection(sort, filters, reverse)
    runs: dict[str, Run] = {}
    order = RecordOrder(
        RUN_FIELDS,
        runs,
        lambda run: run.full_name,
        lambda run: run.started is not None and run.ended is None,
    )
    given = [order.update(selection, 29.0)]
    for look in range(30):
        changed = [some_run(dice.randrange(60), dice) for _ in range(dice.choice([0, 1, 7]))]
        runs |= {run.full_name: run for run in changed}
        order.note(changed)
        now = 30.0 + look
        shown = [run for run in runs.values() if matches_all(filters, run, now)]
        expected = sort_records(shown, parse_sort(sort, RUN_FIELDS), reverse, now)
        given.append(order.update(selection, now))
        assert given[-1].keys == [run.full_name for run in expected]
        for each in given:  # those that are still shown know their places, whatever came since
            assert dict(each.places) == {key: place for place, key in enumerate(each.keys)}
            missing = runs.keys() - set(each.keys)
            assert [each.places.get(key) for key in missing] == [None] * len(missing)


def test_another_selection_and_many_changes_sort_anew() -> None:
    dice = random.Random(1)
    runs = {run.full_name: run for run in (some_run(number, dice) for number in range(3_000))}
    order = RecordOrder(RUN_FIELDS, runs, lambda run: run.full_name, lambda run: False)
    order.note(runs.values())
    by_name = Selection[Run]("run")
    names = [[f"ws{place}/run{number}" for place in (0, 1)] for number in range(1_500)]
    upwards = [name for both in names for name in both]
    downwards = [name for both in reversed(names) for name in both]
    for _ in range(2):
        forwards = order.update(by_name, 0.0)
        backwards = order.update(replace(by_name, reverse=True), 0.0)
        assert (forwards.keys, backwards.keys) == (upwards, downwards)
        assert (forwards.places["ws1/run7"], backwards.places["ws1/run7"]) == (15, 2_985)
        by_loss = order.update(Selection("metrics.loss"), 0.0).keys
        assert sorted(by_loss) == sorted(upwards)
