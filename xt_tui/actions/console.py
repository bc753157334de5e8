"""Actions on the output of runs."""

from xt_tui.actions.action import Action

ACTIONS = (
    Action("follow", "follow", "follow the end of the output again", "F", "Output",
           lambda app: app.output.view.action_follow()),
)  # fmt: skip
