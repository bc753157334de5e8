"""From a rerun to what it was made from, and back; and both side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xt_core.model.records import Job, Run
from xt_tui.acting import comparing
from xt_tui.acting.again import needs_one
from xt_tui.lineage import counterpart, job_of, only_runs, reruns_of_job, reruns_of_run
from xt_tui.state import marked

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def go(app: "XtApp") -> None:
    """Go to what the run or the job was made from, or to what was made from it; where there are
    several of these, to the one that is chosen."""
    from xt_tui.screens.choose import Choice, ChoiceScreen

    kin = {name: text for name, text in _kin(app).items() if _why_not_there(app, name) is None}
    if len(kin) == 1:
        _go_to(app, *kin)
        return

    def chosen(name: str | None) -> None:
        if name is not None:
            _go_to(app, name)

    here = f"{_meant(app).workspace}/"
    choices = [Choice(name, name.removeprefix(here), text) for name, text in kin.items()]
    app.push_screen(ChoiceScreen("Go where?", choices), chosen)


def needs_kin(app: "XtApp") -> str | None:
    """Why there is nothing to go to."""
    if reason := needs_one(app):
        return reason
    kin = _kin(app)
    if not kin:
        return _without_kin(_meant(app))
    reasons = [_why_not_there(app, name) for name in kin]
    return None if None in reasons else reasons[0]


def _meant(app: "XtApp") -> Run | Job:
    return app.jobs.chosen[0].job if app.on_jobs else app.main.meant_runs[0]


def _without_kin(record: Run | Job) -> str:
    return f"{record.name} is no rerun, and nothing was made from it"


def _kin(app: "XtApp") -> dict[str, str]:
    """What the team calls each origin and rerun of what is meant, and what is said of it; what it
    was made from first, then the newest."""
    record, state = _meant(app), app.state
    found = {record.origin: f"{record.name} was made from it"} if record.origin else {}
    for job in reversed(_reruns(app, record)):
        status = marked(state.job_status(state.jobs[job.name]))
        found[job.name] = f"{status}, was made from {job.rerun_of}"
    return found


def _reruns(app: "XtApp", record: Run | Job) -> list[Job]:
    if isinstance(record, Job):
        return reruns_of_job(app.state, record)
    return reruns_of_run(app.state, record)


def _why_not_there(app: "XtApp", name: str) -> str | None:
    """Why a run or a job cannot be gone to."""
    state, run = app.state, app.state.runs.get(name)
    row = state.jobs.get(job_of(state, name) or "")
    if row is None:
        return _not_there(name)
    if run is not None and app.runs.leaves_out(run):
        return f"{run.name} is archived: A shows what is"
    return f"{row.job.name} is archived: A shows what is" if app.jobs.leaves_out(row) else None


def _not_there(name: str) -> str:
    return f"{name} is not there"


def _go_to(app: "XtApp", name: str) -> None:
    """Put the cursor on a run or a job; who looked at runs comes to the run of a job that has but
    one."""
    state = app.state
    job = state.jobs[job_of(state, name) or ""].job
    run = state.runs.get(name)
    if run is None and not app.on_jobs:
        run = next(iter(only_runs(state, [job])), None)
    if run is None:
        app.main.go_to_job(job.name)
    elif app.runs.table.place(run.full_name) is not None:
        app.runs.go_to(run.full_name)
        app.main.focus_pane("runs")
    else:
        app.main.go_to_run(job.name, run.full_name)


# Side by side ---------------------------------------------------------------------------


def compare(app: "XtApp") -> None:
    """Show a rerun against what it was made from; or that, against its reruns."""
    runs = _compared(app)
    if not isinstance(runs, str):
        comparing.show(app, runs, lambda run: _go_to(app, run.full_name))


def needs_compared(app: "XtApp") -> str | None:
    """Why there is nothing to compare."""
    found = needs_one(app) or _compared(app)
    return found if isinstance(found, str) else None


def _compared(app: "XtApp") -> Sequence[Run] | str:
    """What is shown side by side, what was there first before what was made from it; or why there
    is nothing."""
    record, state = _meant(app), app.state
    run = record if isinstance(record, Run) else next(iter(only_runs(state, [record])), None)
    if run is None:
        return f"{record.name} is a search: mark runs of it, = compares them"
    if not run.origin:
        reruns = only_runs(state, _reruns(app, run))
        return [run, *reruns][: comparing.MOST] if reruns else _without_kin(run)
    if (origin := counterpart(state, run)) is not None:
        return [origin, run]
    if job_of(state, run.origin) is None:
        return _not_there(run.origin)
    return f"{run.name} was made from {run.rerun_of}, a search: mark runs of it, = compares them"
