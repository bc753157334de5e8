"""Every action of the UI, declared once: its keys, its help, when it is possible, and what it does.

Key bindings, the command palette and the help screen are derived from this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding

from xt_core.model.states import SearchStyle
from xt_core.services.team import team_names
from xt_tui import boxes, steering, tagging

if TYPE_CHECKING:
    from xt_tui.app import XtApp

Guard = Callable[["XtApp"], str | None]
"""Why an action is not possible now; None if it is."""


def _always(_app: "XtApp") -> str | None:
    return None


def _needs_run(app: "XtApp") -> str | None:
    return None if app.runs.run is not None else "no run is under the cursor"


def _needs_runs(app: "XtApp") -> str | None:
    return None if app.main.meant_runs else "no run is chosen"


def _needs_box(app: "XtApp") -> str | None:
    if app.main.pane is app.main.nodes:
        return None if app.main.nodes.box is not None else "that is this machine, no box"
    return "choose a box in the nodes pane (7)"


def _needs_living(app: "XtApp") -> str | None:
    if app.main.pane is app.main.nodes:
        node = app.main.nodes.node
        if node is None:
            return "no node is under the cursor"
        return None if node["running"] or node["queued"] else f"nothing runs on {node['name']}"
    if app.on_jobs:
        rows = app.jobs.chosen
        if not rows:
            return "no job is chosen: the cursor is on all of them"
        return None if steering.living_jobs(rows) else f"{rows[0].job.name} has ended"
    runs = app.main.meant_runs
    if not runs:
        return "no run is chosen"
    return None if steering.living_runs(runs) else "what is chosen has ended"


def _needs_running_job(app: "XtApp") -> str | None:
    job = app.main.meant_job
    if job is None or job not in app.state.jobs:
        return "no job is chosen"
    return None if app.state.jobs[job].counts.running else f"no run of {job} is running"


def _needs_search(app: "XtApp") -> str | None:
    row = app.state.jobs.get(app.main.meant_job or "")
    if row is None:
        return "no job is chosen"
    return f"{row.job.name} is a single run" if row.job.style == SearchStyle.SINGLE else None


def _needs_teams(app: "XtApp") -> str | None:
    only = len(team_names(app.session.config)) == 1
    return "the configuration has no other team" if only else None


@dataclass(frozen=True)
class Action:
    """One action. `keys` as Textual names them, comma-separated; `group` is its help heading."""

    id: str
    title: str
    help: str
    keys: str
    group: str
    perform: Callable[["XtApp"], None]
    guard: Guard = _always
    in_footer: bool = False

    def binding(self) -> Binding:
        """The key binding."""
        return Binding(
            self.keys,
            f"perform('{self.id}')",
            self.title,
            show=self.in_footer,
            tooltip=self.help,
            id=f"xt.{self.id}",
        )


PANE_GROUPS: dict[str, tuple[str, ...]] = {
    "jobs": ("Work", "Lists"),
    "runs": ("Work", "Lists"),
    "metrics": ("Metrics",),
    "output": ("Output", "Work"),
    "nodes": ("Boxes", "Work"),
}
"""The groups that help names first, by the pane that has the keys."""

ACTIONS: dict[str, Action] = {
    action.id: action
    for action in (
        Action("new", "new", "launch a run or a search from a form", "n", "Work",
               lambda app: app.open_launch_form(), in_footer=True),
        Action("attach", "attach", "follow the run's output", "a", "Work",
               lambda app: app.attach(), _needs_run, in_footer=True),
        Action("cancel", "cancel", "cancel what is marked, or what is under the cursor", "c",
               "Work", steering.cancel, _needs_living, in_footer=True),
        Action("restart", "restart", "simulate a service restart of the job's running runs", "R",
               "Work", steering.restart, _needs_running_job, in_footer=True),
        Action("search", "search", "how the job's search goes: its best runs, parameters and sets",
               "S", "Work", lambda app: app.open_search(), _needs_search, in_footer=True),
        Action("tags", "tags", "set or clear tags of the chosen runs", "t", "Work",
               tagging.ask_for_tags, _needs_runs),
        Action("copy", "copy name", "copy the names of the chosen runs to the clipboard", "y",
               "Work", lambda app: app.copy_names(), _needs_runs),
        Action("filter", "filter", "show only what matches, as metrics.loss<.2", "slash", "Lists",
               lambda app: app.main.records.open_filter(), in_footer=True),
        Action("unfilter", "no filter", "give up the range that is being marked, or the filter",
               "backspace,escape", "Lists", lambda app: app.main.records.close_filter()),
        Action("sort_next", "sort by next", "sort by the column to the right", "greater_than_sign",
               "Lists", lambda app: app.main.records.sort_by_next(1)),
        Action("sort_previous", "sort by previous", "sort by the column to the left",
               "less_than_sign", "Lists", lambda app: app.main.records.sort_by_next(-1)),
        Action("reverse", "reverse", "turn the sort order round", "r", "Lists",
               lambda app: app.main.records.reverse()),
        Action("mark", "mark", "mark or unmark the row, to act on several", "space", "Lists",
               lambda app: app.main.records.toggle_mark()),
        Action("mark_range", "mark range", "mark every row that the cursor passes, until v again",
               "v", "Lists", lambda app: app.main.records.toggle_range()),
        Action("mark_all", "mark all", "mark all rows shown, or none", "asterisk", "Lists",
               lambda app: app.main.records.mark_all()),
        Action("unmark", "unmark all", "forget the marks", "u", "Lists",
               lambda app: app.main.records.clear_marks()),
        Action("metric_next", "next metric", "begin the charts with the next one", "m", "Metrics",
               lambda app: app.metrics.next_metric(1)),
        Action("metric_previous", "previous metric", "begin with the one before", "M", "Metrics",
               lambda app: app.metrics.next_metric(-1)),
        Action("log_y", "log y", "switch the y axis between linear and logarithmic", "L", "Metrics",
               lambda app: app.metrics.toggle_log_y()),
        Action("smoothing", "smoothing", "smooth the curves more, or not at all", "s", "Metrics",
               lambda app: app.metrics.next_smoothing()),
        Action("follow", "follow", "follow the end of the output again", "F", "Output",
               lambda app: app.output.view.action_follow()),
        Action("add_box", "add box", "add a box, a machine that is reached over SSH", "b", "Boxes",
               boxes.add),
        Action("check_box", "check box", "see whether the box has what XT needs", "C", "Boxes",
               boxes.check_chosen, _needs_box),
        Action("remove_box", "remove box", "forget the box; what is on it stays there", "D",
               "Boxes", boxes.remove, _needs_box),
        Action("teams", "teams", "go to the teams pane", "1", "Panes",
               lambda app: app.main.focus_pane("teams")),
        Action("jobs", "jobs", "go to the jobs pane", "2", "Panes",
               lambda app: app.main.focus_pane("jobs")),
        Action("runs", "runs", "go to the runs pane", "3", "Panes",
               lambda app: app.main.focus_pane("runs")),
        Action("metrics", "metrics", "go to the metrics pane", "4", "Panes",
               lambda app: app.main.focus_pane("metrics")),
        Action("output", "output", "go to the output pane", "5", "Panes",
               lambda app: app.main.focus_pane("output")),
        Action("details", "details", "go to the details pane", "6", "Panes",
               lambda app: app.main.focus_pane("details")),
        Action("nodes", "nodes", "go to the nodes pane: this machine and the boxes", "7", "Panes",
               lambda app: app.main.focus_pane("nodes")),
        Action("zoom", "zoom", "give the pane the whole screen, or take it back", "z", "Panes",
               lambda app: app.main.toggle_zoom(), in_footer=True),
        Action("team", "team", "show the jobs and runs of another team", "T", "XT",
               lambda app: app.choose_team(), _needs_teams),
        Action("help", "help", "show all keys", "question_mark", "XT",
               lambda app: app.open_help(), in_footer=True),
        Action("quit", "quit", "leave; whatever runs goes on", "q", "XT",
               lambda app: app.exit(), in_footer=True),
    )
}  # fmt: skip
