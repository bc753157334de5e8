"""Actions on jobs and runs."""

from xt_tui.acting import steering, tagging
from xt_tui.actions import guards
from xt_tui.actions.action import Action

ACTIONS = (
    Action("new", "new", "launch a run or a search from a form", "n", "Work",
           lambda app: app.open_launch_form(), in_footer=True, command="xt run"),
    Action("attach", "attach", "follow the output of the run, or of those marked", "a", "Work",
           lambda app: app.attach(), guards.needs_run, in_footer=True, command="xt attach"),
    Action("cancel", "cancel", "cancel what is marked, or what is under the cursor", "c", "Work",
           steering.cancel, guards.needs_living, in_footer=True, command="xt cancel"),
    Action("restart", "restart", "simulate a service restart of the job's running runs", "R",
           "Work", steering.restart, guards.needs_running_job, in_footer=True,
           command="xt restart controller"),
    Action("search", "search", "how the job's search goes: its best runs, parameters and sets",
           "S", "Work", lambda app: app.open_search(), guards.needs_search, in_footer=True,
           command="xt view job"),
    Action("tags", "tags", "set or clear tags of the chosen runs", "t", "Work",
           tagging.ask_for_tags, guards.needs_runs, command="xt set tags"),
    Action("copy", "copy name", "copy the names of the chosen runs to the clipboard", "y", "Work",
           lambda app: app.copy_names(), guards.needs_runs),
)  # fmt: skip
