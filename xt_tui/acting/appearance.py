"""What the user does to the UI itself: themes, jumps, what it told, what is copied from it."""

from typing import TYPE_CHECKING

from textual.widget import Widget

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def open_events(app: "XtApp") -> None:
    """Show all that was told."""
    from xt_tui.screens.events import EventsScreen

    app.push_screen(EventsScreen(app.events))


def choose_theme(app: "XtApp") -> None:
    """Choose a theme with a live preview; what is chosen is remembered."""
    from xt_tui.screens.theme import ThemeScreen

    def chosen(name: str | None) -> None:
        if name is not None:
            app.wear(name)

    app.push_screen(ThemeScreen(app.theme), chosen)


def jump(app: "XtApp") -> None:
    """Label what can take the keys; the label that is pressed next is where they go."""
    from xt_tui.screens.jump import JumpScreen

    if isinstance(app.screen, JumpScreen):
        return

    def chosen(widget: Widget | None) -> None:
        if widget is not None and widget.is_attached:
            app.screen.set_focus(widget)

    app.push_screen(JumpScreen(app.screen), chosen)


def copy_details(app: "XtApp") -> None:
    """Put what the details pane shows on the clipboard."""
    app.copy_to_clipboard(app.details.text)
    app.notify(f"{app.details.section} of the details", title="copied", markup=False)
