"""What the edge of a pane of records says: how many there are, in what order, what is marked."""

from xt_core.query.fields import FieldSet, Record
from xt_core.query.formats import counted
from xt_tui.groups import Groups
from xt_tui.order import Selection
from xt_tui.panes.arranging import Arrangement
from xt_tui.panes.headings import sort_arrows
from xt_tui.panes.marks import Marks


def edge_text(*parts: str) -> str:
    """The parts that say something, as a border's title is written."""
    return " · ".join(filter(None, parts)).replace("[", r"\[")


def count_text(shown: Arrangement[Record], noun: str, *, is_filtered: bool) -> str:
    """``3 of 12 runs`` where a filter leaves some out."""
    all_of_them = counted(shown.total, noun)
    return f"{len(shown.ordered):,} of {all_of_them}" if is_filtered else all_of_them


def order_text(
    shown: Arrangement[Record], selection: Selection[Record], fields: FieldSet[Record]
) -> str:
    """The sorted fields that have no column, and so no arrow that says it; "" for no rows."""
    if not shown.ordered:
        return ""
    seen = {column.field.name for column in shown.columns}
    arrows = sort_arrows(selection, fields).items()
    unseen = ", ".join(f"{name}{arrow}" for name, arrow in arrows if name not in seen)
    return f"sorted by {unseen}" if unseen else ""


def groups_text(groups: Groups) -> str:
    """``4 by status``"""
    return f"{len(groups.by_key):,} by {groups.column}" if groups.column else ""


def marks_text(marks: Marks, shown: int) -> list[str]:
    """How many of the marked rows are shown, and how many a filter hides."""
    hidden = len(marks.keys) - shown
    return [
        f"{shown:,} marked" if shown else "",
        f"{counted(hidden, 'mark')} out of sight" if hidden else "",
    ]
