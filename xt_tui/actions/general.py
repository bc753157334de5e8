"""Actions on the UI as a whole."""

from xt_tui.acting import teams
from xt_tui.actions import guards
from xt_tui.actions.action import Action

ACTIONS = (
    Action("team", "team", "show the jobs and runs of another team", "T", "XT",
           teams.choose, guards.needs_teams, command="xt use team"),
    Action("help", "help", "show all keys", "question_mark", "XT",
           lambda app: app.open_help(), in_footer=True),
    Action("quit", "quit", "leave; whatever runs goes on", "q", "XT",
           lambda app: app.exit(), in_footer=True),
)  # fmt: skip
