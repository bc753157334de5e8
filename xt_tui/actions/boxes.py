"""Actions on boxes and their controllers."""

from xt_tui.actions import guards
from xt_tui.actions.action import Action
from xt_tui.actions.late import boxes, controllers

ACTIONS = (
    Action("add_box", "add box", "add a box, a machine that is reached over SSH", "b", "Boxes",
           boxes.add, command="xt box add"),
    Action("check_box", "check box", "see whether the box has what XT needs", "C", "Boxes",
           boxes.check_chosen, guards.needs_box, pane="nodes", command="xt box check"),
    Action("remove_box", "remove box", "forget the box; what is on it stays there", "D", "Boxes",
           boxes.remove, guards.needs_box, pane="nodes", command="xt box remove"),
    Action("start_controller", "start controller", "have a controller where none answers",
           "s", "Boxes", controllers.start, controllers.refusal, in_footer=True, pane="nodes",
           command="xt status"),
)  # fmt: skip
