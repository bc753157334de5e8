"""Actions on boxes and their controllers."""

from xt_tui.actions import guards
from xt_tui.actions.action import Action
from xt_tui.actions.late import boxes, charts, controllers

ACTIONS = (
    Action("add_box", "add box", "add a box, a machine that is reached over SSH", "b", "Boxes",
           boxes.add, command="xt box add"),
    Action("check_box", "check box", "see whether the box has what XT needs", "C", "Boxes",
           boxes.check_chosen, guards.needs_box, pane="nodes", command="xt box check"),
    Action("remove_box", "remove box", "forget the box; what is on it stays there", "D", "Boxes",
           boxes.remove, guards.needs_box, pane="nodes", command="xt box remove"),
    Action("start_controller", "start controller",
           "have a controller where there is none, or a new one in the place of one that hangs",
           "s", "Boxes", controllers.start, controllers.refusal, in_footer=True, pane="nodes",
           command="xt status"),
    Action("node_system", "usage", "charts of what the machine uses: processor, memory, GPUs", "U",
           "Boxes", charts.show_machines, guards.needs_node, in_footer=True, pane="nodes",
           command="xt view system"),
    Action("mark_node", "mark", "mark the node: usage and cancel are about those that are marked",
           "space", "Boxes", lambda app: app.main.nodes.toggle_mark(), guards.needs_node,
           pane="nodes"),
    Action("unmark_nodes", "unmark all", "forget the marks of nodes", "u", "Boxes",
           lambda app: app.main.nodes.clear_marks(), pane="nodes"),
)  # fmt: skip
