"""Jobs with what is derived from their runs, as rows of a report."""

from collections.abc import Sequence

from xt_core.query.registry import JobRow
from xt_core.stats.store import StatsStore


def job_rows(
    store: StatsStore, names: Sequence[str] = (), workspace: str | None = None
) -> list[JobRow]:
    """The jobs named, or all of a workspace, in numeric order."""
    jobs = store.jobs(names, workspace)
    counts = store.job_counts([job.name for job in jobs])
    best = store.best_runs(jobs)
    return [JobRow(job, counts[job.name], *best.get(job.name, (None, None))) for job in jobs]
