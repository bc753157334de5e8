"""Sort orders."""

import math
import re

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Job, JobCounts, Run, Value
from xt_core.model.states import RunStatus
from xt_core.query.registry import JOB_FIELDS, RUN_FIELDS, JobRow
from xt_core.query.sorting import parse_sort, sort_records, sort_text, sort_without


def run(name: str, loss: Value = None, node: str = "node0") -> Run:
    metrics: dict[str, Value] = {} if loss is None else {"loss": loss}
    return Run("ws1", name, "job1", "e", node, RunStatus.RUNNING, 0.0, metrics=metrics)


def order(runs: list[Run], text: str, reverse: bool = False) -> list[str]:
    return [each.name for each in sort_records(runs, parse_sort(text, RUN_FIELDS), reverse, 0.0)]


def test_names_are_in_numeric_order_children_after_their_parent() -> None:
    runs = [run(name) for name in ("run10", "run9.10", "run9", "run100", "run9.2")]
    assert order(runs, "") == ["run9", "run9.2", "run9.10", "run10", "run100"]
    assert order(runs, "-run") == ["run100", "run10", "run9.10", "run9.2", "run9"]
    assert order(runs, "name", reverse=True) == order(runs, "-run")


def test_missing_values_are_last_in_both_directions_and_ties_are_by_name() -> None:
    runs = [
        run("run5", math.nan), run("run4", 0.5), run("run10", 0.1), run("run9", 0.1), run("run2"),
        run("run7", math.inf),
    ]  # fmt: skip
    assert order(runs, "metrics.loss") == ["run9", "run10", "run4", "run2", "run5", "run7"]
    assert order(runs, "-metrics.loss") == ["run4", "run9", "run10", "run2", "run5", "run7"]
    assert order(runs, "metrics.loss", reverse=True) == order(runs, "-metrics.loss")
    assert order(runs, "-metrics.loss", reverse=True) == order(runs, "metrics.loss")


def test_numbers_come_before_text_in_a_mixed_column() -> None:
    runs = [
        run("run1", "b"),
        run("run2", 10),
        run("run3", "a"),
        run("run4", 9.5),
        run("run5", True),
    ]
    assert order(runs, "metrics.loss") == ["run5", "run4", "run2", "run3", "run1"]


def test_several_fields_sort_the_first_one_first() -> None:
    runs = [run("run1", 1, "node10"), run("run2", 2, "node9"), run("run3", 3, "node9")]
    assert order(runs, "node, -metrics.loss") == ["run3", "run2", "run1"]


def test_a_logged_name_may_stand_in_quotes() -> None:
    spec = parse_sort('-metrics."a,b",metrics.x-y', RUN_FIELDS)
    assert [(key.field.member, key.descending) for key in spec.keys] == [
        ("a,b", True), ("x-y", False),
    ]  # fmt: skip


def test_fields_are_left_out_of_an_order() -> None:
    assert sort_without("status,-trend, metrics.'a,b'", {"trend"}) == "status,metrics.'a,b'"
    assert sort_without("-trend", {"trend"}) == ""


def test_a_name_without_its_family_is_written_with_it() -> None:
    known = RUN_FIELDS.knowing(lambda: ["metrics.loss", "metrics.a,b", "hparams.lr", "tags.lr"])
    spec = parse_sort("-loss,loss.min,'a,b'.max,status", known)
    text = '-metrics.loss,metrics.loss.min,metrics."a,b".max,status'
    assert sort_text(spec) == text
    assert sort_text(parse_sort(text, RUN_FIELDS)) == text
    assert sort_text(parse_sort("", RUN_FIELDS)) == "run"
    for unclear in ("lr", "los", "lr.min", "loss.most"):
        with pytest.raises(UsageError, match=f"there is no field '{unclear}'"):
            parse_sort(unclear, known)


def test_what_is_known_is_asked_for_once_and_only_where_it_matters() -> None:
    asked = list[int]()

    def logged() -> list[str]:
        asked.append(1)
        return ["metrics.loss", "metrics.acc"]

    known = RUN_FIELDS.knowing(logged)
    assert sort_text(parse_sort("run,metrics.x,hparams.lr", known)) == "run,metrics.x,hparams.lr"
    assert asked == []
    assert sort_text(parse_sort("loss,acc", known)) == "metrics.loss,metrics.acc"
    assert asked == [1]


def test_jobs_sort_by_number() -> None:
    rows = [
        JobRow(Job(name, "ws1", "e", "single", "local", "ann", 0.0, 1, 1), JobCounts())
        for name in ("job10", "job9", "job100")
    ]
    ordered = sort_records(rows, parse_sort("", JOB_FIELDS), False, 0.0)
    assert [row.job.name for row in ordered] == ["job9", "job10", "job100"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("loss", "there is no field 'loss'"), ("-", "malformed sort order '-'"),
     ("run,,job", "malformed sort order 'run,,job'")],
)  # fmt: skip
def test_a_wrong_sort_order_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_sort(text, RUN_FIELDS)
