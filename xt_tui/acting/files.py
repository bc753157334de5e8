"""Opens what a run has left, its output, its record, its files, in the user's editor or pager."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from xt_core.model.records import Run
from xt_core.runfiles import RunFile, copy_file, run_files
from xt_tui.acting import programs
from xt_tui.acting.lookups import look_up

if TYPE_CHECKING:
    from xt_tui.app import XtApp

Open = Callable[["XtApp", Path], object]


def open_in_editor(app: "XtApp") -> None:
    """Choose a file of the run, and open a copy of it in $EDITOR."""
    _choose(app, "editor", edit_file)


def open_in_pager(app: "XtApp") -> None:
    """Choose a file of the run, and read it in $PAGER."""
    _choose(app, "pager", page_file)


def edit_file(app: "XtApp", file: Path) -> None:
    """Open a file in the user's editor."""
    programs.edit(app, file, app.session.environ)


def page_file(app: "XtApp", file: Path) -> None:
    """Show a file in the user's pager."""
    programs.page(app, file, app.session.environ)


def _choose(app: "XtApp", where: str, opened: Open) -> None:
    run, session = app.main.meant_runs[0], app.session

    look_up(
        app,
        f"listing the files of {run.name}",
        lambda: run_files(session, run),
        lambda found: _offer(app, run, found, where, opened),
    )


def _offer(app: "XtApp", run: Run, found: list[RunFile], where: str, opened: Open) -> None:
    from xt_tui.screens.choose import Choice, ChoiceScreen

    def chosen(key: str | None) -> None:
        if key is not None:
            _fetch(app, run, key, opened)

    choices = [Choice(file.key, file.name, file.about) for file in found]
    app.push_screen(ChoiceScreen(f"Open what of {run.name} in the {where}?", choices), chosen)


def _fetch(app: "XtApp", run: Run, key: str, opened: Open) -> None:
    session, name = app.session, key.rpartition("/")[2]
    open_made(
        app,
        f"fetching {name} of {run.name}",
        lambda folder: copy_file(session, run, key, folder),
        opened,
    )


def open_made(app: "XtApp", what: str, make: Callable[[Path], Path], opened: Open) -> None:
    """Make a file in a thread, open it once it is there, and remove it then.

    `make` writes it into a folder that only the user may enter. `what` is shown meanwhile.
    """

    def call() -> tuple[TemporaryDirectory[str], Path]:
        folder = TemporaryDirectory(prefix="xt-", ignore_cleanup_errors=True)
        try:
            return folder, make(Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise

    def show(made: tuple[TemporaryDirectory[str], Path]) -> None:
        folder, file = made
        with folder:
            opened(app, file)

    look_up(app, what, call, show, lambda made: made[0].cleanup())
