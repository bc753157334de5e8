"""What the user does to boxes: added by a form, checked, and forgotten."""

from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_tui.acting.steering import Acted
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.telling import ACTS

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def add(app: "XtApp") -> None:
    """Open the form; a box that was added is checked at once."""
    from xt_tui.screens.box import BoxScreen

    def added(name: str | None) -> None:
        if name is not None:
            app.reload_config()
            app.main.focus_pane("nodes")
            app.main.nodes.table.move_to(name)
            check(app, name)

    app.push_screen(BoxScreen(app.session), added)


def check_chosen(app: "XtApp") -> None:
    """Check the box under the cursor."""
    if (name := app.main.nodes.box) is not None:
        check(app, name)


def check(app: "XtApp", name: str) -> None:
    """Show what the check of a box finds."""
    from xt_tui.screens.check import CheckScreen

    app.push_screen(CheckScreen(app.session, name))


def remove(app: "XtApp") -> None:
    """Forget the box under the cursor, if the user says yes."""
    name, node = app.main.nodes.box, app.main.nodes.node
    if name is None or node is None:
        return
    living = node["running"] + node["queued"]
    lives = f" {counted(living, 'living run')} there will be out of reach." if living else ""
    screen = ConfirmScreen(
        f"Remove box {name} from the configuration?",
        [name],
        f"What is on it stays there, its key stays known.{lives}",
        f"Remove {name}",
        "Keep it",
    )

    def answered(yes: bool | None) -> None:
        if yes:
            session = app.session
            app.run_worker(
                lambda: _remove(app, session, name),
                thread=True,
                group=ACTS,
                description="remove box",
                exit_on_error=False,
            )

    app.push_screen(screen, answered)


def _remove(app: "XtApp", session: Session, name: str) -> None:
    """Take the box out of the files, in a thread."""
    from xt_core.ssh.adding import remove_box

    try:
        files = remove_box(session, name)
    except XTError as error:
        app.post_message(Acted("", [], error, doing=f"removing {name}"))
        return
    app.call_from_thread(app.reload_config)
    told = ", ".join(str(file) for file in files)
    app.post_message(Acted(f"box {name} removed from {told}", []))
