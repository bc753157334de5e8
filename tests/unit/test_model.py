"""Times, names, encodings and derived states."""

import math

import pytest

from xt_core import clock
from xt_core.model.encoding import dumps, loads, loads_all, plain
from xt_core.model.names import child_name, job_number, name_in_team, run_numbers
from xt_core.model.records import JobCounts, MetricRecord, Run
from xt_core.model.states import JobStatus, RunStatus
from xt_core.reports.documents import metric_series, run_document
from xt_core.reports.jobs import outcome_text
from xt_core.submit.options import RunRequest, command_line, request_from_texts


def test_times_are_utc_with_milliseconds() -> None:
    assert clock.iso(0) == "1970-01-01T00:00:00.000Z"
    assert clock.iso(1e9 + 0.9996) == "2001-09-09T01:46:41.000Z"
    assert clock.iso_or_none(None) is None


def test_a_clock_that_jumps_back_gives_no_negative_duration() -> None:
    run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.COMPLETED, 100.0)
    run.started, run.ended = 200.0, 150.0
    assert run.duration(0.0) == 0.0
    run.ended = None
    assert run.duration(100.0) == 0.0
    assert run_document(run, 100.0)["duration"] == 0.0


@pytest.mark.parametrize("value", [1, -2.5, "é", None, True, {"a": [1, "x"]}, 2**62])
def test_plain_values_are_plain_json(value: object) -> None:
    assert loads(dumps(value)) == value
    assert dumps(value).isascii()


@pytest.mark.parametrize("value", [math.inf, -math.inf, {"a": [math.inf]}])
def test_infinities_survive(value: object) -> None:
    assert loads(dumps(value)) == value
    assert "Infinity" in dumps(value)
    assert plain([value, 1.5])[1] == 1.5


def test_nan_survives() -> None:
    assert math.isnan(loads(dumps(math.nan)))
    assert plain({"a": math.nan}) == {"a": None}


def test_lone_surrogates_survive() -> None:
    assert loads(dumps("\udcff")) == "\udcff"


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 2_001])
def test_many_documents_are_read_as_one_by_one(count: int) -> None:
    values = [{"loss": math.inf if n % 500 == 7 else n / 8, "note": "],["} for n in range(count)]
    assert loads_all([dumps(value) for value in values]) == values


@pytest.mark.parametrize(
    ("name", "expected"),
    [("run3.2", "ws1/run3.2"), ("ws2/run3", "ws2/run3"), ("job12", "job12"), ("", "")],
)
def test_a_team_calls_runs_by_their_workspaces_and_jobs_as_they_are(
    name: str, expected: str
) -> None:
    assert name_in_team("ws1", name) == expected
    run = Run("ws1", "run9", "job9", "e", "node0", RunStatus.QUEUED, 1.0, rerun_of=name)
    assert run.origin == expected


def test_names_have_numbers() -> None:
    assert run_numbers("run35") == (35, 0)
    assert run_numbers(child_name("run35", 2)) == (35, 2)
    assert job_number("job12") == 12
    for wrong in ("run", "run1.", "run1.2.3", "job1", "xrun1", "run1 "):
        with pytest.raises(ValueError, match="not a run name"):
            run_numbers(wrong)


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        (JobCounts(unstarted=3, open_parents=1), JobStatus.SUBMITTED),
        (JobCounts(unstarted=3, open_parents=1, running_parents=1), JobStatus.RUNNING),
        (JobCounts(queued=1), JobStatus.SUBMITTED),
        (JobCounts(running=1, unstarted=2), JobStatus.RUNNING),
        (JobCounts(completed=1, unstarted=2), JobStatus.RUNNING),
        (JobCounts(completed=3, open_parents=1), JobStatus.RUNNING),
        (JobCounts(completed=3), JobStatus.COMPLETED),
        (JobCounts(completed=2, error=1), JobStatus.ERROR),
        (JobCounts(completed=2, cancelled=1), JobStatus.COMPLETED),
        (JobCounts(completed=2, cancelled=1, cancelled_parents=1), JobStatus.CANCELLED),
        (JobCounts(completed=2, cancelled_parents=1), JobStatus.COMPLETED),
        (JobCounts(cancelled=2), JobStatus.CANCELLED),
        (JobCounts(error=1, cancelled=1), JobStatus.ERROR),
        (JobCounts(cancelled=2, failed_parents=1), JobStatus.ERROR),
    ],
)
def test_a_jobs_state_is_derived(counts: JobCounts, status: JobStatus) -> None:
    assert counts.status() is status


def test_what_ended_otherwise_is_told_beside_a_jobs_state() -> None:
    assert outcome_text(JobCounts(completed=3)) == "completed"
    assert outcome_text(JobCounts(completed=15, cancelled=1)) == "completed (1 cancelled)"
    assert outcome_text(JobCounts(completed=14, error=1, cancelled=1)) == (
        "error (14 completed, 1 failed, 1 cancelled)"
    )
    assert outcome_text(JobCounts(completed=5, cancelled=11, cancelled_parents=1)) == (
        "cancelled (5 completed)"
    )
    assert outcome_text(JobCounts(error=2)) == "error"
    assert outcome_text(JobCounts(completed=1, error=1, running=1)) == "running"


def test_series_count_on_where_no_step_was_given() -> None:
    records = [
        MetricRecord(0, 0.0, None, {"a": 1}),
        MetricRecord(1, 1.0, 5.0, {"a": 2, "b": 3}),
        MetricRecord(2, 2.0, None, {"a": 4}),
        MetricRecord(3, 3.0, 0.5, {"b": 6}),
    ]
    series = metric_series(records)
    assert series["a"]["step"] == [0, 5, 6]
    assert series["a"]["value"] == [1, 2, 4]
    assert series["b"]["step"] == [5, 0.5]


def test_a_forms_texts_and_the_command_line_mean_the_same() -> None:
    texts: dict[str, str | bool] = {
        "runs": "3",
        "grace": "1.5",
        "maximize": True,
        "env": "A=1 'B=x y'",
        "target": "",
    }
    request = request_from_texts("t.py 'a b' --lr=[1,2]", texts)
    assert request == RunRequest(
        command=["t.py", "a b", "--lr=[1,2]"],
        runs=3, grace=1.5, maximize=True, env={"A": "1", "B": "x y"},
    )  # fmt: skip
    assert command_line(request) == (
        "xt run --runs 3 --maximize --env A=1 --env 'B=x y' --grace 1.5 t.py 'a b' '--lr=[1,2]'"
    )
