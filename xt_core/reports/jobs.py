"""Jobs: those a list names, as rows with what is derived from their runs, their best runs."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from xt_core.errors import UnknownNameError, UsageError
from xt_core.model.names import job_number
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import JobStatus, RunStatus
from xt_core.query.filters import Check, Filter
from xt_core.query.names import RunPattern
from xt_core.query.registry import RUN_FIELDS, JobRow
from xt_core.reports.judging import judged
from xt_core.search.trials import finite_number
from xt_core.stats.store import RunQuery, StatsStore


def job_rows(
    store: StatsStore, names: Sequence[str] = (), workspace: str | None = None
) -> list[JobRow]:
    """The jobs named, or all of a workspace, in numeric order, as they are `judged`."""
    jobs, best = judged(store, store.jobs(names, workspace))
    counts = store.job_counts([job.name for job in jobs])
    return [_row(store, job, counts[job.name], best.get(job.name)) for job in jobs]


def _row(store: StatsStore, job: Job, counts: JobCounts, best: tuple[str, float] | None) -> JobRow:
    if best is not None:
        return JobRow(job, counts, *best)
    leading = best_runs(store, job, 1, [RunStatus.RUNNING]) if counts.running else []
    value = leading[0].metrics[job.primary_metric] if leading else None
    return JobRow(job, counts, leading_value=value)


def outcome_text(counts: JobCounts) -> str:
    """The job's state, and how many of its runs ended as others did not: ``completed (1
    cancelled)``, ``error (14 completed, 1 failed, 1 cancelled)``."""
    status = counts.status()
    ends = (
        (JobStatus.COMPLETED, "completed", counts.completed),
        (JobStatus.ERROR, "failed", counts.error),
        (JobStatus.CANCELLED, "cancelled", counts.cancelled),
    )
    if not status.is_final or sum(bool(number) for _, _, number in ends) < 2:
        return str(status)
    # What the state says already needs no number, but a failure does: it may be one of many.
    told = [
        f"{number} {word}"
        for end, word, number in ends
        if number and (end is not status or status is JobStatus.ERROR)
    ]
    return f"{status} ({', '.join(told)})"


def named_jobs(store: StatsStore, patterns: Sequence[RunPattern]) -> list[Job]:
    """The jobs that patterns such as `job12`, `job3-job5` or `job*` name, in numeric order.

    Raises UsageError for a pattern of runs, UnknownNameError for one that no job matches.
    """
    for pattern in patterns:
        if pattern.jobs is None:
            raise UsageError(f"{pattern.text!r} is no job name", "as in job12")
    single = all(pattern.single_job for pattern in patterns)
    jobs = store.jobs([pattern.name for pattern in patterns] if single else ())
    for pattern in patterns:
        if not any(_matches(pattern, job) for job in jobs):
            raise UnknownNameError(f"no job named {pattern.text}", "xt list jobs shows them")
    return [job for job in jobs if any(_matches(pattern, job) for pattern in patterns)]


def best_runs(
    store: StatsStore, job: Job, most: int | None, statuses: Sequence[str] = ()
) -> list[Run]:
    """The job's runs by the last value of its primary metric, the best first, in whatever state
    or in one of these; all that have one for None."""
    metric = job.primary_metric
    quote = "'" if '"' in metric else '"'
    if not metric or quote in metric:
        return []
    has_one = Filter(metric, RUN_FIELDS.member("metrics", metric), Check.EXISTS)
    sort = f"{'-' if job.maximize else ''}metrics.{quote}{metric}{quote}"
    query = RunQuery(jobs=[job.name], filters=[has_one], statuses=statuses, sort=sort, first=most)
    runs, _ = store.find_runs(query)
    return [run for run in runs if finite_number(run.metrics.get(metric)) is not None]


def _matches(pattern: RunPattern, job: Job) -> bool:
    return (
        pattern.workspace in (None, job.workspace)
        and pattern.jobs is not None
        and pattern.jobs.holds(job_number(job.name))
        and (pattern.glob is None or fnmatchcase(job.name, pattern.glob))
    )
