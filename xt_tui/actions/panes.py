"""Actions on panes: which has the keys, and how much of the screen."""

from xt_tui.actions.action import Action


def _go_to(pane: str, key: str, about: str = "") -> Action:
    text = f"go to the {pane} pane{about}"
    return Action(pane, pane, text, key, "Panes", lambda app: app.main.focus_pane(pane))


ACTIONS = (
    _go_to("teams", "1"),
    _go_to("jobs", "2"),
    _go_to("runs", "3"),
    _go_to("metrics", "4"),
    _go_to("output", "5"),
    _go_to("details", "6"),
    _go_to("nodes", "7", ": this machine and the boxes"),
    Action("zoom", "zoom", "give the pane the whole screen, or take it back", "z", "Panes",
           lambda app: app.main.toggle_zoom(), in_footer=True),
)  # fmt: skip
