"""Aggregates of metrics: carried on in parts, named in columns, worked out for databases of before
them.
"""

import random
from dataclasses import asdict
from pathlib import Path

import pytest

from xt_core.model.aggregates import (
    KINDS,
    add_records,
    aggregate_value,
    aggregates_from_json,
    aggregates_to_json,
    as_document,
)
from xt_core.model.records import Job, MetricRecord, Objective, Run, Value
from xt_core.model.states import RunStatus
from xt_core.query.columns import Column, expand_columns, parse_columns
from xt_core.query.registry import RUN_FIELDS
from xt_core.reports.documents import kept_summaries, metric_summaries
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import JournalBatch


def records(*values: Value, step: float | None = None) -> list[MetricRecord]:
    return [MetricRecord(n, 0.0, step, {"loss": value}) for n, value in enumerate(values)]


def a_run(**more: object) -> Run:
    run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.RUNNING, 100.0)
    for field, value in more.items():
        setattr(run, field, value)
    return run


def columns(text: str, *runs: Run) -> list[tuple[str, str]]:
    """The headers, each with the cell of the first run."""
    found = expand_columns(parse_columns(text, RUN_FIELDS), RUN_FIELDS, runs, 0.0)
    return [(column.header, column.text(runs[0], 0.0)) for column in found]


def test_parts_give_what_the_whole_gives() -> None:
    rng = random.Random(5)
    whole = records(*(rng.choice([0.25, 2, -3.5, float("nan"), None]) for _ in range(200)))
    parts = add_records(add_records({}, whole[:70]), whole[70:])
    assert parts == add_records({}, whole)
    finite = [v for r in whole if isinstance(v := r.values["loss"], int | float) and v == v]
    assert parts["loss"].points == len(finite)
    assert parts["loss"].mean == pytest.approx(sum(finite) / len(finite))
    assert (parts["loss"].low, parts["loss"].high) == (-3.5, 2)


def test_stored_ones_are_the_same_though_they_are_read_when_asked_for() -> None:
    found = add_records({}, records(1.5, 2, float("nan")))
    text = aggregates_to_json(found)
    assert text == '{"loss":[2,1.75,1.5,0,2,1,2]}'
    stored = aggregates_from_json(text)
    assert stored == found
    assert aggregates_to_json(stored) == text
    assert asdict(a_run(aggregates=stored))["aggregates"] == found
    assert (len(stored), "loss" in stored, stored.get("acc")) == (1, True, None)
    assert add_records(stored, records(9.0))["loss"].points == 3
    assert aggregates_from_json(None) == aggregates_from_json("{}") == {}


def test_huge_values_have_a_mean() -> None:
    found = add_records({}, records(1.5e308, -1.5e308, 1.5e308, 2**70))["loss"]
    assert found.mean == pytest.approx(0.375e308)
    assert as_document(found)["max_step"] == 0


def test_steps_that_no_store_can_hold_are_rounded_or_counted() -> None:
    steps = [2**80, 2**63 - 1, None, 10**400, float("inf"), 7.0]
    points = [MetricRecord(n, 0.0, step, {"a": n}) for n, step in enumerate(steps)]
    places = [add_records({}, points[: n + 1])["a"].last_step for n in range(len(points))]
    assert places == [2.0**80, 2**63 - 1, 2.0**63, 2.0**63, 2.0**63, 7]
    assert [type(place) for place in places] == [float, int, float, float, float, int]


def test_the_best_goes_by_the_goal_and_is_unknown_without_one() -> None:
    found = add_records({}, records(3.0, 1.0, 2.0))
    values = {kind: aggregate_value(found, {"loss": False}, "loss", kind) for kind in KINDS}
    assert values == {
        "min": 1.0, "max": 3.0, "mean": 2.0, "count": 3, "best": 1.0,
        "min_step": 1, "max_step": 0, "best_step": 1,
    }  # fmt: skip
    assert aggregate_value(found, {"loss": True}, "loss", "best") == 3.0
    assert aggregate_value(found, {"acc": True}, "loss", "best") is None
    assert aggregate_value(found, {}, "acc", "min") is None


def test_a_metric_that_is_called_as_an_aggregate_is_meant_first() -> None:
    both = a_run(
        metrics={"loss": 2.0, "loss.min": 7.0},
        aggregates=add_records({}, records(1.0, 2.0)),
    )
    text = 'metrics.loss.min,metrics."loss".min,metrics."loss.min",metrics.loss.max'
    assert columns(text, both) == [
        ("metrics.loss.min", "7.0"), ('metrics."loss".min', "1.0"),
        ("metrics.loss.min", "7.0"), ("loss.max", "2.0"),
    ]  # fmt: skip
    only_loss = a_run(metrics={"loss": 2.0}, aggregates=both.aggregates)
    assert columns("metrics.loss.min=Low:.2f", only_loss) == [("Low", "1.00")]
    assert columns('metrics."loss".mean=M', only_loss) == [("M", "1.5")]
    assert columns('metrics."loss.min"', only_loss) == [("loss.min", "")]
    assert columns("hparams.loss.min", only_loss) == [("loss.min", "")]


def test_what_is_kept_says_of_metrics_what_their_points_would() -> None:
    points = records(2.0, 0.5, 1.25)
    run = a_run(metrics={"loss": 1.25}, aggregates=add_records({}, points))
    assert kept_summaries(run) == metric_summaries(points)
    run.metrics = {"loss": 1.25, "note": "x", "ok": True}
    nothing = {"points": None, "min": None, "max": None}
    assert kept_summaries(run) == {
        "loss": {"points": 3, "min": 0.5, "max": 2.0, "last": 1.25},
        "note": {**nothing, "last": "x"},
        "ok": {**nothing, "last": True},
    }
    run.aggregates = {}  # of before them, not worked out yet
    assert kept_summaries(run) is None


def test_a_wildcard_may_stand_for_aggregates_of_many_metrics() -> None:
    values: dict[str, Value] = {"loss": 2.0, "acc": 0.5, "note": "x"}
    found = add_records({}, [MetricRecord(0, 0.0, None, values)])
    run = a_run(metrics=values, aggregates=found)
    assert columns("metrics.*.max", run) == [("acc.max", "0.5"), ("loss.max", "2.0")]
    named = a_run(metrics=values | {"x.max": 3}, aggregates=found)
    assert columns("metrics.*.max", named) == [("x.max", "3")]


def test_a_chooser_learns_of_members_and_of_their_aggregates() -> None:
    run = a_run(metrics={"loss": 2.0, "note": "x"}, aggregates=add_records({}, records(2.0)))
    fields = RUN_FIELDS.members("metrics", [run])
    assert [field.name for field in fields] == ["metrics.loss", "metrics.note"]
    found = RUN_FIELDS.aggregates_of(fields[0], [run])
    assert [field.title for field in found] == [
        f"loss.{kind}" for kind in KINDS if not kind.startswith("best")
    ]
    assert RUN_FIELDS.find(found[0].name).get(run, 0.0) == 2.0
    assert RUN_FIELDS.aggregates_of(fields[1], [run]) == []
    assert RUN_FIELDS.aggregates_of(RUN_FIELDS.find("status"), [run]) == []
    assert isinstance(parse_columns(found[0].name, RUN_FIELDS)[0], Column)


def test_a_database_of_before_aggregates_gets_goals_at_once_and_them_when_asked(
    tmp_path: Path,
) -> None:
    store = SqliteStatsStore(tmp_path / "stats.db")
    goals = [Objective("loss", False), Objective("acc", True)]
    for number, primary in ((1, "loss"), (2, ""), (3, "loss")):
        job = Job(f"job{number}", "ws1", "e", "single", "local", "me", 1.0, 1, 1)
        job.primary_metric, job.maximize = primary, False
        job.objectives = goals if primary else []
        store.add_job(job, [a_run(name=f"run{number}", job=job.name)], [])
    for name in ("run1", "run3"):
        store.add_journal(JournalBatch("ws1", name, 0, 50, metrics=records(4.0, 1.0, 2.5)))
    runs = {name: store.run("ws1", name) for name in ("run1", "run2", "run3")}
    with store.database.transaction() as connection:
        connection.execute("DROP INDEX runs_without_aggregates")
        connection.execute("DROP INDEX jobs_by_origin")
        connection.execute("DROP INDEX runs_stopped_early")
        for column in ("goals", "aggregates", "rerun_of"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        for column in ("rerun_of", "is_metric_default"):
            connection.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        connection.execute("PRAGMA user_version=6")
    store.close()
    store = SqliteStatsStore(tmp_path / "stats.db")
    for name, run in runs.items():
        assert (store.run("ws1", name).goals, store.run("ws1", name).aggregates) == (run.goals, {})
    assert store.complete_aggregates(records=1) == 1
    assert store.run("ws1", "run3").aggregates == runs["run3"].aggregates
    store.add_journal(JournalBatch("ws1", "run1", 50, 60, metrics=[
        MetricRecord(50, 0.0, None, {"loss": 0.5}),
    ]))  # fmt: skip
    assert store.complete_aggregates() == 0
    assert store.run("ws1", "run1").aggregates["loss"].points == 4
    assert store.run("ws1", "run2").aggregates == {}
    store.close()
