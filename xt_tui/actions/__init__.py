"""Every action of the UI, declared once: its keys, its help, when it is possible, and what it does.

Key bindings, the footer, the command palette, the help screen and the table of keys in the
documentation are derived from this registry.
"""

from textual.binding import BindingType

from xt_tui.actions import boxes, charts, console, general, lists, panes, work
from xt_tui.actions.action import Action
from xt_tui.actions.action import bindings as _bindings

PANE_GROUPS: dict[str, tuple[str, ...]] = {
    "jobs": ("Work", "Lists"),
    "runs": ("Work", "Lists"),
    "metrics": ("Metrics",),
    "output": ("Output", "Work"),
    "details": ("Details", "Work"),
    "nodes": ("Boxes", "Work"),
}
"""The groups that help names first, by the pane that has the keys."""

ACTIONS: dict[str, Action] = {
    action.id: action
    for part in (general, work, lists, charts, console, boxes, panes)
    for action in part.ACTIONS
}


def bindings(pane: str = "") -> list[BindingType]:
    """The bindings of a pane, by its id; without one, those of the app. The footer has their order:
    help, what is done with runs, and last what concerns XT as a whole."""
    ordered = sorted(ACTIONS.values(), key=lambda each: each.group == "XT" and each.id != "help")
    return _bindings(ordered, pane)
