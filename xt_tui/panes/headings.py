"""The headings of a pane's columns: which there are, how wide, and what the rows are sorted by."""

from collections.abc import Callable, Mapping

from xt_core.query.columns import Column
from xt_core.query.fields import FieldSet, Record
from xt_core.query.formats import counted
from xt_core.query.sorting import parse_sort
from xt_core.query.table import display_width
from xt_tui.actions.lists import ACTIONS
from xt_tui.keymap import key_text
from xt_tui.order import Selection
from xt_tui.panes.arranging import Arrangement
from xt_tui.widgets.table_lines import TableColumn

_MARK_CELLS = 1
_CHOICE = next(action for action in ACTIONS if action.id == "columns")


def table_columns(
    arrangement: Arrangement[Record],
    arrows: dict[str, str],
    heading: Callable[[Column[Record], int], tuple[str, int]],
    is_right: Callable[[Column[Record]], bool],
) -> list[TableColumn]:
    """The columns of a table, that of the marks before them. `arrows` are those of `sort_arrows`;
    `heading` says what stands above a column and how wide that is, `is_right` which columns go to
    the right."""
    columns = [TableColumn(" ", _MARK_CELLS)]
    for column, width in zip(arrangement.columns, arrangement.widths, strict=True):
        header, width = heading(column, width)
        header += arrows.get(column.field.name, "")
        columns.append(TableColumn(header, max(width, display_width(header)), is_right(column)))
    return columns


def sort_arrows(selection: Selection[Record], fields: FieldSet[Record]) -> dict[str, str]:
    """What the headers of the columns that are sorted by say, by field: ``▲``, or ``▼2`` for the
    second of several."""
    keys = parse_sort(selection.sort, fields).keys
    return {
        key.field.name: ("▼" if key.descending is not selection.reverse else "▲")
        + (str(number) if len(keys) > 1 else "")
        for number, key in enumerate(keys, 1)
    }


def more_text(more: int, changed: Mapping[str, str]) -> list[str]:
    """``+388 columns: C``, the key being the one that chooses them; `changed` are the user's own
    keys."""
    keys = changed.get(_CHOICE.id, _CHOICE.keys)
    return [f"+{counted(more, 'column')}: {key_text(keys)}"] if more else []
