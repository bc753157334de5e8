"""Actions on tables of jobs and runs: filter, sort, mark."""

from xt_tui.actions.action import Action
from xt_tui.actions.late import tables

ACTIONS = (
    Action("filter", "filter", "show only what matches: words, metrics.loss<.2", "slash", "Lists",
           lambda app: app.main.records.open_filter(), in_footer=True,
           command="xt list runs --filter"),
    Action("unfilter", "no filter", "give up the range that is being marked, or the filter",
           "backspace,escape,ctrl+g", "Lists", lambda app: app.main.records.close_filter()),
    Action("sort_next", "sort by next", "sort by the column to the right", "greater_than_sign",
           "Lists", lambda app: app.main.records.sort_by_next(1), command="xt list runs --sort"),
    Action("sort_previous", "sort by previous", "sort by the column to the left",
           "less_than_sign", "Lists", lambda app: app.main.records.sort_by_next(-1)),
    Action("reverse", "reverse", "turn the sort order round", "r", "Lists",
           lambda app: app.main.records.reverse(), command="xt list runs --reverse"),
    Action("order", "sort by", "sort by any field, shown or not, or by several", "O", "Lists",
           tables.choose_order, command="xt list runs --sort"),
    Action("group", "group by", "rows in groups of one value, with their best and mean", "B",
           "Lists", tables.choose_group, command="xt list runs --group"),
    Action("views", "views", "apply, save or delete a view: filter, order, columns and group", "V",
           "Lists", tables.choose_view, command="xt list runs --view"),
    Action("columns", "columns", "choose which columns are shown, in which order, how wide", "C",
           "Lists", tables.choose_columns,
           command="xt list runs --columns"),
    Action("pause", "pause", "let the jobs and runs stand still, or go on with what has changed",
           "p", "Lists", lambda app: app.main.toggle_pause(), command="xt list runs"),
    Action("mark", "mark", "mark or unmark the row, to act on several", "space", "Lists",
           lambda app: app.main.records.toggle_mark(), in_footer=True),
    Action("mark_range", "mark range", "mark every row that the cursor passes, until v again",
           "v", "Lists", lambda app: app.main.records.toggle_range()),
    Action("mark_all", "mark all", "mark all rows shown, or none", "asterisk", "Lists",
           lambda app: app.main.records.mark_all()),
    Action("unmark", "unmark all", "forget the marks", "u", "Lists",
           lambda app: app.main.records.clear_marks()),
)  # fmt: skip
