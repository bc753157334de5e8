"""Actions on the UI as a whole."""

from xt_tui.actions import guards
from xt_tui.actions.action import Action
from xt_tui.actions.late import appearance, palette, teams

ACTIONS = (
    Action("help", "help", "show and search all keys; enter does what is found", "question_mark",
           "XT", lambda app: app.open_help(), in_footer=True, command="xt keys"),
    Action("palette", "palette", "find any action, view, metric, node, job, run, team or theme",
           "colon,ctrl+p", "XT", palette.open_palette, in_footer=True),
    Action("quit", "quit", "leave; whatever runs goes on", "q", "XT",
           lambda app: app.exit(), in_footer=True),
    Action("suspend", "suspend", "go back to the shell, and here again with fg", "ctrl+z", "XT",
           lambda app: app.action_suspend_process(), guards.needs_shell),
    Action("team", "team", "show the jobs and runs of another team", "T", "XT",
           teams.choose, guards.needs_teams, command="xt use team"),
    Action("events", "events", "what the UI told: every message, error and lost connection", "E",
           "XT", appearance.open_events),
    Action("jump", "jump", "put a letter on each pane and field; it takes you there", "ctrl+o",
           "XT", appearance.jump, is_everywhere=True),
    Action("theme", "theme", "choose the colours: dark, light, high contrast, or the terminal's",
           "8", "XT", appearance.choose_theme, command="xt tui --theme"),
)  # fmt: skip
