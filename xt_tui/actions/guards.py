"""What must hold for an action to be possible: each tells the reason if it does not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xt_core.model.states import SearchStyle
from xt_core.nodes.states import UNREACHABLE, UNRESPONSIVE
from xt_core.query.formats import counted
from xt_core.services.team import team_names
from xt_tui.actions.late import steering
from xt_tui.layout import PANES

if TYPE_CHECKING:
    from xt_tui.app import XtApp


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
            return "no job is chosen: the cursor is on all of them"
        if steering.living_jobs(rows):
            return None
        return _ended([row.job.name for row in rows], "job", app.jobs.marked)
    runs = app.main.meant_runs
    if not runs:
        return "no run is chosen"
    if steering.living_runs(runs):
        return None
    is_shown = app.main.pane is app.main.output
    return _ended([run.name for run in runs], "run", 0 if is_shown else app.runs.marked)


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


def needs_running_job(app: "XtApp") -> str | None:
    job = app.main.meant_job
    if job is None or job not in app.state.jobs:
        return "no job is chosen"
    return None if app.state.jobs[job].counts.running else f"no run of {job} is running"


def needs_search(app: "XtApp") -> str | None:
    row = app.state.jobs.get(app.main.meant_job or "")
    if row is None:
        return "no job is chosen"
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
