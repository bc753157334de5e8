"""Actions on panes: which has the keys, and how much of the screen."""

from xt_tui.actions import guards
from xt_tui.actions.action import Action
from xt_tui.actions.late import appearance
from xt_tui.layout import Layout

_CELLS, _ROWS = 4, 2


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
    Action("hide", "hide", "take the pane off the screen; its digit brings it back", "H", "Panes",
           lambda app: app.main.hide_pane(), guards.needs_other_pane),
    Action("wider", "wider", "make the pane wider", "right_square_bracket,ctrl+right", "Panes",
           lambda app: app.main.resize_pane(_CELLS, 0)),
    Action("narrower", "narrower", "make the pane narrower", "left_square_bracket,ctrl+left",
           "Panes", lambda app: app.main.resize_pane(-_CELLS, 0)),
    Action("higher", "higher", "make the pane higher", "right_curly_bracket,ctrl+down", "Panes",
           lambda app: app.main.resize_pane(0, _ROWS)),
    Action("lower", "lower", "make the pane lower", "left_curly_bracket,ctrl+up", "Panes",
           lambda app: app.main.resize_pane(0, -_ROWS)),
    Action("reset_layout", "reset layout", "show all panes, in their first sizes", "0", "Panes",
           lambda app: app.main.change_layout(Layout())),
    Action("section_next", "next section", "the next section of the details", "l,right", "Details",
           lambda app: app.details.next_section(1), in_footer=True, pane="details",
           command="xt view run"),
    Action("section_previous", "previous section", "the section before", "h,left", "Details",
           lambda app: app.details.next_section(-1), pane="details"),
    Action("copy_section", "copy section", "copy the section to the clipboard", "y", "Details",
           appearance.copy_details, pane="details"),
)  # fmt: skip
