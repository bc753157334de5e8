"""By which metric jobs are judged, on every stats store."""

from xt_core.model.records import Job, MetricRecord, Objective, Run, Value
from xt_core.model.states import RunStatus
from xt_core.reports.documents import job_document
from xt_core.reports.jobs import job_rows
from xt_core.reports.judging import judged_job
from xt_core.stats.store import JournalBatch, RunChange, StatsStore


def submit(store: StatsStore, number: int, **more: object) -> Job:
    """A job of one run, with the metric that XT has for want of another."""
    job = Job(
        f"job{number}", "ws1", "e", "single", "local", "me", 100.0, 1, 1,
        primary_metric="test-acc", objectives=[Objective("test-acc", True)],
    )  # fmt: skip
    for field, value in ({"is_metric_default": True} | more).items():
        setattr(job, field, value)
    run = Run("ws1", f"run{number}", job.name, "e", "node0", RunStatus.QUEUED, 100.0)
    store.add_job(job, [run], [])
    store.change_run(RunChange("ws1", run.name, RunStatus.RUNNING))
    return job


def log(store: StatsStore, number: int, values: dict[str, Value], start: int = 0) -> None:
    records = [MetricRecord(start, 1.0, 1, values)]
    store.add_journal(JournalBatch("ws1", f"run{number}", start, start + 10, records))


def test_where_nobody_chose_a_metric_a_logged_one_judges(store: StatsStore) -> None:
    job = submit(store, 1)
    assert judged_job(store, job) == job
    log(store, 1, {"loss": 0.5, "val-loss": 0.4, "note": "acc"})
    row = job_rows(store)[0]
    assert (row.job.primary_metric, row.job.maximize) == ("val-loss", False)
    assert (row.job.objectives, row.leading_value) == ([Objective("val-loss", False)], 0.4)
    store.change_run(RunChange("ws1", "run1", RunStatus.COMPLETED))
    row = job_rows(store)[0]
    assert (row.job.primary_metric, row.best_run, row.best_value) == ("val-loss", "run1", 0.4)
    document = job_document(store, "job1")
    assert document["best"] == {"run": "run1", "value": 0.4}
    assert (document["primary_metric"], document["is_metric_default"]) == ("val-loss", True)
    assert store.job("job1") == job


def test_a_run_that_logs_the_metric_of_the_job_brings_it_back(store: StatsStore) -> None:
    job = submit(store, 1)
    log(store, 1, {"loss": 0.5})
    assert judged_job(store, job).primary_metric == "loss"
    log(store, 1, {"test-acc": float("nan")}, 10)
    assert judged_job(store, job) == job


def test_what_was_chosen_is_never_replaced(store: StatsStore) -> None:
    chosen = submit(store, 1, is_metric_default=False)
    least = submit(store, 2, maximize=False, objectives=[Objective("test-acc", False)])
    for number in (1, 2):
        log(store, number, {"val/acc": 0.5})
    assert judged_job(store, chosen) == chosen
    assert judged_job(store, least).objectives == [Objective("val/acc", False)]
    assert [row.job.primary_metric for row in job_rows(store)] == ["test-acc", "val/acc"]
