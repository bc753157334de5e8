"""By which metric reports judge a job's runs.

It is the primary metric that was chosen for it. Where nobody chose one, and no run has logged the
one that XT has for want of another, it is a metric that was logged: `likely_primary` says which,
and its name which way it is better, unless less was asked for. Searches and early stopping go by
what the job was submitted with all the same.
"""

from collections.abc import Sequence
from dataclasses import replace

from xt_core.model.records import Job, Objective, Run
from xt_core.model.states import RunStatus
from xt_core.query.fields import is_member_name
from xt_core.query.filters import Check, Filter
from xt_core.query.registry import RUN_FIELDS
from xt_core.reports.direction import is_maximized, likely_primary
from xt_core.stats.store import RunQuery, StatsStore

_SAMPLE = 20
"""Runs that are asked what was logged."""
_MOST_TELLING: tuple[Sequence[str], ...] = ([RunStatus.COMPLETED], [RunStatus.RUNNING], ())


def judged(
    store: StatsStore, jobs: Sequence[Job]
) -> tuple[list[Job], dict[str, tuple[str, float]]]:
    """The jobs with the metrics that they are judged by, and the best run of each that has one, as
    of `StatsStore.best_runs`."""
    best = store.best_runs(jobs)
    found = [job if job.name in best else judged_job(store, job) for job in jobs]
    others = [job for job, before in zip(found, jobs, strict=True) if job is not before]
    return found, best | (store.best_runs(others) if others else {})


def judged_job(store: StatsStore, job: Job) -> Job:
    """A job with the metric that it is judged by."""
    if not job.is_metric_default or _first(store, job, [_has(job.primary_metric)]):
        return job
    logged = _logged(store, job)
    if not logged:
        return job
    metric = likely_primary(logged)
    maximize = job.maximize and is_maximized(metric, "", True)
    objectives = [Objective(metric, maximize)]
    return replace(job, primary_metric=metric, maximize=maximize, objectives=objectives)


def _logged(store: StatsStore, job: Job) -> list[str]:
    """The metrics that are numbers of some of its runs, in the order they were logged."""
    for statuses in _MOST_TELLING:
        runs = _first(store, job, statuses=statuses, most=_SAMPLE)
        names = dict.fromkeys(
            name
            for run in runs
            for name, value in run.metrics.items()
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and is_member_name(name)
        )
        if names:
            return list(names)
    return []


def _first(
    store: StatsStore,
    job: Job,
    filters: Sequence[Filter[Run]] = (),
    statuses: Sequence[str] = (),
    most: int = 1,
) -> list[Run]:
    query = RunQuery(jobs=[job.name], filters=filters, statuses=statuses, first=most)
    return store.find_runs(query)[0]


def _has(metric: str) -> Filter[Run]:
    return Filter(metric, RUN_FIELDS.member("metrics", metric), Check.EXISTS)
