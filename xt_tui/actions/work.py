"""Actions on jobs and runs."""

from typing import TYPE_CHECKING

from xt_tui.actions import guards
from xt_tui.actions.action import Action
from xt_tui.actions.late import again, archiving, comparing, files, lineage, steering, tagging

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def _needs_meant(app: "XtApp") -> str | None:
    """Something to say something of: jobs in the jobs pane, else runs."""
    if not app.on_jobs:
        return guards.needs_runs(app)
    return None if app.jobs.chosen else guards.NO_JOB


ACTIONS = (
    Action("new", "new", "launch a run or a search from a form", "n", "Work",
           lambda app: app.open_launch_form(), in_footer=True, command="xt run"),
    Action("rerun", "rerun", "launch it again: the form filled in with what it was, to change",
           "N", "Work", again.rerun, again.needs_one, in_footer=True, command="xt rerun"),
    Action("attach", "attach", "follow the output of the run, or of those marked", "a", "Work",
           lambda app: app.attach(), guards.needs_output, in_footer=True, command="xt attach"),
    Action("cancel", "cancel", "cancel what is marked, or what is under the cursor", "c", "Work",
           steering.cancel, guards.needs_living, in_footer=True, command="xt cancel"),
    Action("restart", "restart runs",
           "stop what is running of the job, or of the runs meant, and start it again, as a "
           "service restart would", "R",
           "Work", steering.restart, guards.needs_running, command="xt restart"),
    Action("search", "results", "how the job's search goes: its best runs, parameters and sets",
           "S", "Work", lambda app: app.open_search(), guards.needs_search, in_footer=True,
           command="xt view job"),
    Action("compare", "compare", "see the marked runs side by side: what differs, by how much",
           "equals_sign", "Work", comparing.compare, comparing.needs_several, in_footer=True,
           command="xt compare"),
    Action("origin", "go to origin", "go from a rerun to what it was made from, and back",
           "o", "Work", lineage.go, lineage.needs_kin, command="xt view run"),
    Action("compare_origin", "compare origin",
           "see a rerun beside what it was made from", "plus", "Work",
           lineage.compare, lineage.needs_compared, command="xt compare"),
    Action("tags", "tags", "set or clear tags of what is chosen", "t", "Work",
           tagging.ask_for_tags, _needs_meant, command="xt set tags"),
    Action("notes", "notes", "write notes about what is chosen", "i", "Work",
           tagging.ask_for_notes, _needs_meant, command="xt set notes"),
    Action("archive", "archive", "put what is chosen away; what is archived, bring back", "d",
           "Work", archiving.toggle, archiving.refusal, command="xt archive"),
    Action("archived", "archived", "show what is archived too, or leave it out again", "A",
           "Work", archiving.toggle_shown, command="xt list runs --archived"),
    Action("copy", "copy name", "copy the names of the chosen runs to the clipboard", "y", "Work",
           lambda app: app.copy_names(), guards.needs_runs),
    Action("copy_command", "copy command", "copy the xt command that does what is shown or meant",
           "Y", "Work", again.choose_command),
    Action("edit", "edit", "open the run's output, record or files in $EDITOR", "e", "Work",
           files.open_in_editor, guards.needs_runs, command="xt view console"),
    Action("page", "page", "read the run's output, record or files in $PAGER", "P", "Work",
           files.open_in_pager, guards.needs_runs, command="xt view console"),
)  # fmt: skip
