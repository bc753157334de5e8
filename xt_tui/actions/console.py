"""Actions on the output of runs."""

from typing import TYPE_CHECKING

from xt_tui.actions.action import Action
from xt_tui.actions.late import console

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_PANE = "output"


def _needs_output(app: "XtApp") -> str | None:
    return None if app.output.attachments else "no run is chosen whose output could be shown"


def _needs_search(app: "XtApp") -> str | None:
    return None if app.output.view.search is not None else "nothing is searched for: / searches"


def _needs_filter(app: "XtApp") -> str | None:
    return None if app.output.view.filter is not None else "there is no filter: & filters"


def _needs_attached(app: "XtApp") -> str | None:
    if app.output.is_detached or not app.output.attachments:
        return "no run is attached"
    return None


ACTIONS = (
    Action("follow", "follow", "follow the end of the output again", "F", "Output",
           lambda app: app.output.view.action_follow()),
    Action("find", "find", "search the output; up recalls, ctrl+r takes a regex", "slash",
           "Output", lambda app: app.output.log_lines.open_search(), _needs_output,
           in_footer=True, pane=_PANE),
    Action("find_next", "next match", "go to the next match", "n", "Output",
           lambda app: app.output.log_lines.next_match(1), _needs_search, pane=_PANE),
    Action("find_previous", "match before", "go to the match before", "N", "Output",
           lambda app: app.output.log_lines.next_match(-1), _needs_search, pane=_PANE),
    Action("grep", "only lines with", "show only the lines that match, while they come",
           "ampersand", "Output", lambda app: app.output.log_lines.open_filter(), _needs_output,
           in_footer=True, pane=_PANE),
    Action("grep_context", "lines around", "show two lines around those that match, or none", "x",
           "Output", lambda app: app.output.log_lines.toggle_context(), _needs_filter,
           pane=_PANE),
    Action("console_back", "back", "give up the marked range, else the search, else the filter",
           "backspace,escape", "Output", lambda app: app.output.log_lines.give_up(), pane=_PANE),
    Action("error_first", "error", "go to the first traceback or error", "e", "Output",
           lambda app: app.output.log_lines.first_error(), _needs_output, in_footer=True,
           pane=_PANE),
    Action("error_next", "next error", "go to the next traceback or error",
           "right_square_bracket", "Output", lambda app: app.output.log_lines.next_error(1),
           _needs_output, pane=_PANE),
    Action("error_previous", "error before", "go to the traceback or error before",
           "left_square_bracket", "Output", lambda app: app.output.log_lines.next_error(-1),
           _needs_output, pane=_PANE),
    Action("wrap", "wrap", "wrap long lines, or cut them off", "w", "Output",
           lambda app: app.output.view.toggle_wrap(), pane=_PANE),
    Action("line_numbers", "line numbers", "number the lines, from the first of the output",
           "number_sign", "Output", lambda app: app.output.view.toggle_numbers(), _needs_output,
           pane=_PANE),
    Action("console_range", "mark lines", "mark lines from here to where the cursor goes", "v",
           "Output", lambda app: app.output.view.toggle_range(), _needs_output, pane=_PANE),
    Action("console_copy", "copy lines", "copy the marked lines, or those in sight", "y", "Output",
           console.copy, _needs_output, pane=_PANE),
    Action("console_save", "save", "write the output to a file: all, or what is shown", "s",
           "Output", console.save, _needs_output, in_footer=True, pane=_PANE,
           command="xt view console"),
    Action("console_page", "pager", "open what is shown in $PAGER", "P", "Output",
           console.open_pager, _needs_output, pane=_PANE, command="xt view console"),
    Action("detach", "detach", "let go of the run, which lives on", "d", "Output",
           lambda app: app.output.detach(), _needs_attached, pane=_PANE),
)  # fmt: skip
