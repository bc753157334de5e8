"""Opens what a run has left, its output, its record, its files, in the user's editor or pager."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.runfiles import RunFile, copy_file, run_files
from xt_tui.acting import programs
from xt_tui.acting.steering import Acted

if TYPE_CHECKING:
    from xt_tui.app import XtApp

Open = Callable[["XtApp", Path], object]


def open_in_editor(app: "XtApp") -> None:
    """Choose a file of the run, and open a copy of it in $EDITOR."""
    _choose(app, "editor", lambda app, file: programs.edit(app, file, app.session.environ))


def open_in_pager(app: "XtApp") -> None:
    """Choose a file of the run, and read it in $PAGER."""
    _choose(app, "pager", lambda app, file: programs.page(app, file, app.session.environ))


def _choose(app: "XtApp", where: str, opened: Open) -> None:
    run, session = app.main.meant_runs[0], app.session

    def work() -> None:
        try:
            found = run_files(session, run)
        except XTError as error:
            app.post_message(Acted("", [], error))
        else:
            app.call_later(_offer, app, run, found, where, opened)

    app.run_worker(work, thread=True, group="act", description="files", exit_on_error=False)


def _offer(app: "XtApp", run: Run, found: list[RunFile], where: str, opened: Open) -> None:
    from xt_tui.screens.choose import Choice, ChoiceScreen

    def chosen(key: str | None) -> None:
        if key is not None:
            _fetch(app, run, key, opened)

    choices = [Choice(file.key, file.name, file.about) for file in found]
    app.push_screen(ChoiceScreen(f"Open what of {run.name} in the {where}?", choices), chosen)


def _fetch(app: "XtApp", run: Run, key: str, opened: Open) -> None:
    """Copy the file in a thread; open it once it is there."""
    session = app.session

    def work() -> None:
        folder = Path(tempfile.mkdtemp(prefix=f"xt-{run.name}-"))
        try:
            file = copy_file(session, run, key, folder)
        except XTError as error:
            shutil.rmtree(folder, ignore_errors=True)
            app.post_message(Acted("", [], error))
        else:
            app.call_later(_show, app, file, opened)

    app.run_worker(work, thread=True, group="act", description="open", exit_on_error=False)


def _show(app: "XtApp", file: Path, opened: Open) -> None:
    try:
        opened(app, file)
    finally:
        shutil.rmtree(file.parent, ignore_errors=True)
