"""Which jobs were made from a run or a job, and how that is told."""

from collections.abc import Sequence

from xt_core.model.records import Job, Run
from xt_core.model.states import SearchStyle
from xt_core.stats.store import RunQuery, StatsStore

_MOST_TOLD = 8
"""Jobs named in a line."""


def reruns_of_run(store: StatsStore, run: Run) -> list[Job]:
    """The jobs that were made from a run; a single run or a parent is its whole job."""
    if run.parent is None:
        return reruns_of_job(store, store.job(run.job))
    return store.reruns([run.full_name])


def reruns_of_job(store: StatsStore, job: Job) -> list[Job]:
    """The jobs that were made from a job, or from a run of it."""
    parents = job.style != SearchStyle.SINGLE
    runs, _ = store.find_runs(RunQuery(workspace=job.workspace, jobs=[job.name], parents=parents))
    return store.reruns([job.name, *(run.full_name for run in runs)])


def reruns_text(origin: str, reruns: Sequence[Job]) -> str:
    """``job40, job41 (of run35.2)``: the newest of the jobs that were made from something (as the
    team calls it), or from what belongs to that, and how many others there are."""
    told = [
        job.name if job.origin == origin else f"{job.name} (of {job.rerun_of})"
        for job in reruns[-_MOST_TOLD:]
    ]
    more = len(reruns) - len(told)
    return ", ".join([*([f"{more:,} earlier"] if more else []), *told])
