"""How the user rearranges the tables of jobs and runs, by dialogs."""

from typing import TYPE_CHECKING, Any

from xt_core.query.sorting import parse_sort

if TYPE_CHECKING:
    from xt_tui.app import XtApp
    from xt_tui.columns import Columns
    from xt_tui.panes.records import RecordsPane


def choose_columns(app: "XtApp") -> None:
    """Which columns are shown, in which order, how wide."""
    from xt_tui.screens.columns import ColumnsScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(columns: "Columns | None") -> None:
        if columns is not None:
            pane.set_columns(columns)

    app.push_screen(ColumnsScreen(pane.noun, pane.fields, pane.examples(), pane.columns), chosen)


def choose_order(app: "XtApp") -> None:
    """Sort by any field, shown or not, or by several."""
    from xt_tui.screens.field import FieldScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(text: str | None) -> None:
        if text is not None:
            pane.sort_by(text)

    hint = "several fields: status,-metrics.loss; a - sorts downwards"
    names = pane.field_names()
    app.push_screen(
        FieldScreen("Sort by", hint, names, lambda text: parse_sort(text, pane.fields)), chosen
    )
