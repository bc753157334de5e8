"""Which job or run was made from which, as far as the UI knows."""

from collections.abc import Iterable

from xt_core.model.names import child_name, job_number
from xt_core.model.records import Job, Run
from xt_core.model.states import SearchStyle
from xt_tui.state import ViewState


def reruns_of_run(state: ViewState, run: Run) -> list[Job]:
    """The jobs that were made from a run, in numeric order; a single run is its whole job."""
    if run.parent is None and run.job in state.jobs:
        return reruns_of_job(state, state.jobs[run.job].job)
    return _jobs(state, state.reruns.get(run.full_name, ()))


def reruns_of_job(state: ViewState, job: Job) -> list[Job]:
    """The jobs that were made from a job or from a run of it, in numeric order."""
    origins = [origin for origin in state.reruns if job_of(state, origin) == job.name]
    return _jobs(state, (name for origin in origins for name in state.reruns[origin]))


def job_of(state: ViewState, origin: str) -> str | None:
    """The job that a run belongs to, or the job itself, by what the team calls them; None for what
    is not there. A parent, which the UI does not know, is known by its first child."""
    if origin in state.jobs:
        return origin
    run = state.runs.get(origin) or state.runs.get(child_name(origin, 1))
    return None if run is None else run.job


def only_runs(state: ViewState, jobs: Iterable[Job]) -> list[Run]:
    """The runs of those jobs that are single runs."""
    names = {job.name for job in jobs if job.style == SearchStyle.SINGLE}
    return [run for run in state.runs.values() if run.job in names] if names else []


def counterpart(state: ViewState, run: Run) -> Run | None:
    """The run that a rerun is to be compared with: what it was made from, or of a whole search that
    was made again the run of the same index, which has the same set unless that was changed."""
    if (origin := state.runs.get(run.origin)) is not None:
        return origin
    row = state.jobs.get(job_of(state, run.origin) or "")
    if row is None:
        return None
    if row.job.style == SearchStyle.SINGLE:
        return next(iter(only_runs(state, [row.job])), None)
    place = None if run.parent is None else run.run_index
    runs = (each for each in state.runs.values() if each.job == row.job.name)
    return next((each for each in runs if place is not None and each.run_index == place), None)


def _jobs(state: ViewState, names: Iterable[str]) -> list[Job]:
    return [state.jobs[name].job for name in sorted(names, key=job_number)]
