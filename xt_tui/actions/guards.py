"""What must hold for an action to be possible: each tells the reason if it does not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xt_core.model.shown import CANCELLING
from xt_core.model.states import RunStatus, SearchStyle
from xt_core.nodes.states import UNREACHABLE, UNRESPONSIVE
from xt_core.query.formats import counted
from xt_core.services.team import team_names
from xt_tui.actions.late import steering
from xt_tui.layout import PANES

if TYPE_CHECKING:
    from xt_tui.app import XtApp

NO_JOB = "no job is chosen: the cursor is on all of them"


def needs_output(app: "XtApp") -> str | None:
    return None if app.main.output_of else "no run is chosen"


def needs_runs(app: "XtApp") -> str | None:
    return None if app.main.meant_runs else "no run is chosen"


def needs_box(app: "XtApp") -> str | None:
    if app.main.pane is app.main.nodes:
        return None if app.main.nodes.box is not None else "that is this machine, no box"
    return "choose a box in the nodes pane (7)"


def needs_node(app: "XtApp") -> str | None:
    return None if app.main.nodes.chosen else "no node is under the cursor"


def needs_living(app: "XtApp") -> str | None:
    """Something that has not ended, in the pane that has the keys."""
    if app.main.pane is app.main.nodes:
        nodes = app.main.nodes.chosen
        if not nodes:
            return "no node is under the cursor"
        if any(node["running"] or node["queued"] for node in nodes):
            return None
        if silent := [
            node["name"] for node in nodes if node["state"] in (UNRESPONSIVE, UNREACHABLE)
        ]:
            return f"{', '.join(silent)}: nobody there answers, so nothing can be cancelled"
        only = nodes[0]["name"] if len(nodes) == 1 else "those that are marked"
        return f"nothing runs on {only}"
    if app.on_jobs:
        rows = app.jobs.chosen
        if not rows:
            return NO_JOB
        if living := steering.living_jobs(rows):
            if any(app.state.job_status(row) != CANCELLING for row in living):
                return None
            names = [row.job.name for row in living]
            return f"{_named(names, 'job')} being cancelled: what runs may take its grace period"
        return _ended([row.job.name for row in rows], "job", app.jobs.marked)
    runs = app.main.meant_runs
    if not runs:
        return "no run is chosen"
    if living_runs := steering.living_runs(runs):
        if any(app.state.run_status(run) != CANCELLING for run in living_runs):
            return None
        if len(living_runs) == 1:
            return app.state.cancel_text(living_runs[0])
        return f"{_named([run.name for run in living_runs], 'run')} being cancelled"
    is_shown = app.main.pane is app.main.output
    return _ended([run.name for run in runs], "run", 0 if is_shown else app.runs.marked)


def _named(names: Sequence[str], noun: str) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"these {counted(len(names), noun)} are"


def _ended(names: Sequence[str], noun: str, marked: int) -> str:
    """Why nothing can be cancelled: marks may be out of sight, or forgotten."""
    if marked == 1:
        return f"{names[0]}, which is marked, has ended: u unmarks it"
    if marked:
        return f"the {counted(marked, f'marked {noun}')} have ended: u unmarks them"
    return (
        f"{names[0]} has ended"
        if len(names) == 1
        else f"these {counted(len(names), noun)} have ended"
    )


def needs_running(app: "XtApp") -> str | None:
    """In the jobs pane the job must have runs that are running, elsewhere the runs must."""
    if not app.on_jobs:
        return _needs_running_runs(app)
    job = app.main.meant_job
    if job is None or job not in app.state.jobs:
        return NO_JOB
    return None if app.state.jobs[job].counts.running else f"no run of {job} is running"


def _needs_running_runs(app: "XtApp") -> str | None:
    runs = app.main.meant_runs
    if not runs or any(run.status == RunStatus.RUNNING for run in runs):
        return None if runs else "no run is chosen"
    return f"{runs[0].name} is not running" if len(runs) == 1 else "none of the runs is running"


def needs_search(app: "XtApp") -> str | None:
    row = app.state.jobs.get(app.main.meant_job or "")
    if row is None:
        return NO_JOB if app.on_jobs else "no run is chosen"
    return f"{row.job.name} is a single run" if row.job.style == SearchStyle.SINGLE else None


def needs_teams(app: "XtApp") -> str | None:
    only = len(team_names(app.session.config)) == 1
    return "the configuration has no other team" if only else None


def needs_shell(app: "XtApp") -> str | None:
    driver = app._driver
    return None if driver is not None and driver.can_suspend else "there is no shell to go to here"


def needs_other_pane(app: "XtApp") -> str | None:
    hidden = app.main.layout_of_panes.hidden
    return "it is the last pane that is shown" if len(hidden) + 1 >= len(PANES) else None
