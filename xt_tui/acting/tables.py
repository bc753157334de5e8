"""How the user rearranges the tables of jobs and runs, by dialogs."""

from typing import TYPE_CHECKING, Any

from xt_core.errors import UsageError
from xt_core.query.sorting import parse_sort

if TYPE_CHECKING:
    from xt_core.query.views import Columns, View
    from xt_tui.app import XtApp
    from xt_tui.panes.records import RecordsPane

_NO_GROUPS = "(no groups)"


def choose_columns(app: "XtApp") -> None:
    """Which columns are shown, in which order, how wide."""
    from xt_tui.screens.columns import ColumnsScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(columns: "Columns | None") -> None:
        if columns is not None:
            pane.set_columns(columns)

    screen = ColumnsScreen(pane.noun, pane.fields, pane.examples(), pane.columns, pane.example)
    app.push_screen(screen, chosen)


def choose_order(app: "XtApp") -> None:
    """Sort by any field, shown or not, or by several."""
    from xt_tui.screens.field import FieldScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(text: str | None) -> None:
        if text is not None:
            pane.sort_by(text)

    hint = "a - before a name sorts downwards; several, as in status,-metrics.loss"
    names = pane.field_names()
    screen = FieldScreen(
        "Sort by", hint, names, lambda text: parse_sort(text, pane.fields), is_order=True
    )
    app.push_screen(screen, chosen)


def choose_group(app: "XtApp") -> None:
    """Group by any field, or not."""
    from xt_core.query.columns import only_column
    from xt_tui.screens.field import FieldScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(text: str | None) -> None:
        if text is not None:
            pane.group_by("" if text == _NO_GROUPS else text)

    hint = "enter on a group opens it, space marks what is in it"
    chosen_by_users = ("hparams.", "tags.")  # what runs differ by comes first
    fields = sorted(pane.field_names(), key=lambda name: not name.startswith(chosen_by_users))
    names = [_NO_GROUPS, *fields]
    screen = FieldScreen("Group by", hint, names, lambda text: only_column(text, pane.reported))
    app.push_screen(screen, chosen)


def choose_view(app: "XtApp") -> None:
    """Apply, save or delete a named view."""
    from xt_tui.screens.views import ViewsScreen

    pane: RecordsPane[Any] = app.main.records

    def chosen(view: "View | None") -> None:
        if view is not None:
            apply_view(app, pane, view)

    app.push_screen(
        ViewsScreen(pane.nouns, pane.saved_views(), pane.view, pane.plain_view, pane.save_views),
        chosen,
    )


def apply_view(app: "XtApp", pane: "RecordsPane[Any]", view: "View") -> None:
    """Show what a view says, or say what is wrong with it."""
    try:
        pane.apply(view)
    except UsageError as error:
        app.notify(f"{error.message}: {error.hint}", severity="error", markup=False)
