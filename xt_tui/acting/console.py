"""What is done with the output that is shown: copied, saved, opened in a pager.

Files are written in a thread, from the same buffer that goes on growing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from xt_core.console import console_range
from xt_core.errors import RefusedError, XTError
from xt_core.model.records import Run
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_tui.acting.files import open_made, page_file
from xt_tui.console.ansi import LONGEST_LINE, plain, whole
from xt_tui.console.rows import lines_of, rows_of
from xt_tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_LINES_AT_ONCE = 1_000
_NO_END = 1 << 62


def copy(app: "XtApp") -> None:
    """Put the marked lines, or those in sight, on the clipboard, by way of the terminal."""
    view = app.output.view
    first, last = view.range.ends if view.range is not None else view.visible_numbers
    lines = view.texts(view.rows.row(first), view.rows.row(last + 1))
    app.copy_to_clipboard("\n".join(lines))
    app.notify(counted(len(lines), "line"), title="copied", markup=False)
    if view.range is not None:
        view.end_range()


def save(app: "XtApp") -> None:
    """Ask what is to be written where, and write it."""
    from xt_tui.screens.save_output import Part, SaveOutputScreen, Saving

    pane, view = app.output, app.output.view
    runs = pane.runs
    most = f", none beyond {LONGEST_LINE:,} characters" if view.buffer.is_cut else ""
    count = counted(view.buffer.stop - view.buffer.first, "line")
    choices = {Part.ALL: f"all {count}, as text{most}"}
    if view.filter is not None:
        choices = {Part.SHOWN: f"the {counted(view.rows.count, 'line')} that match"} | choices
    if view.range is not None:
        first, last = view.range.ends
        marked = view.rows.row(last + 1) - view.rows.row(first)
        choices = {Part.MARKED: f"the {counted(marked, 'line')} that are marked"} | choices
    if len(runs) == 1:
        raw = {Part.RAW: "all bytes, as the run wrote them"}
        choices = raw | choices if most else choices | raw

    def write(saving: Saving | None) -> None:
        if saving is None:
            return
        session = app.session.beside() if saving.part is Part.RAW else None
        texts = _texts(view, saving.part is Part.MARKED, saving.part is Part.ALL)
        app.run_worker(
            lambda: _write(app, saving.path, runs[0], session, texts),
            thread=True,
            group="save output",
            description="save output",
            exit_on_error=False,
        )
        if view.range is not None:
            view.end_range()

    name = f"{runs[0].name}-output.txt" if len(runs) == 1 else "output.txt"
    app.push_screen(SaveOutputScreen(app.session.cwd, name, choices), write)


def _write(
    app: "XtApp", path: Path, run: Run, session: Session | None, texts: Iterator[str]
) -> None:
    """Called in a thread. With a session, the bytes of the run; else the texts."""
    try:
        with path.open("wb") as file:
            if session is not None:
                for data in console_range(session, run, 0, _NO_END):
                    file.write(data)
            else:
                _write_texts(file, texts)
            size = file.tell()
    except (OSError, XTError) as error:
        what = error.message if isinstance(error, XTError) else f"{path}: {error.strerror}"
        app.call_from_thread(app.notify, what, title="not saved", severity="error", markup=False)
    else:
        app.call_from_thread(app.notify, f"{path} ({size:,} bytes)", title="saved", markup=False)
    finally:
        if session is not None:
            session.close()


def open_pager(app: "XtApp") -> None:
    """Let the user page through what is shown."""
    texts = _texts(app.output.view, False, False)

    def make(folder: Path) -> Path:
        path = folder / "output.txt"
        try:
            with path.open("wb") as file:
                _write_texts(file, texts)
        except OSError as error:
            raise RefusedError(f"cannot write {path}: {error.strerror}") from error
        return path

    open_made(app, "writing what is shown", make, page_file)


def _write_texts(file: BinaryIO, texts: Iterator[str]) -> None:
    for text in texts:
        file.write(text.encode("utf-8", "replace"))


def _texts(view: LogView, only_marked: bool, all_lines: bool) -> Iterator[str]:
    """Lines as text, some at a time: those that are marked, all, or what the filter leaves."""
    buffer = view.buffer
    rows = rows_of(buffer, None if all_lines else view.filter)
    first, stop = 0, rows.count
    if only_marked and view.range is not None:
        first, stop = rows.row(view.range.ends[0]), rows.row(view.range.ends[1] + 1)

    def texts() -> Iterator[str]:
        for start in range(first, stop, _LINES_AT_ONCE):
            lines = lines_of(buffer, rows, start, min(stop, start + _LINES_AT_ONCE))
            yield "".join(plain(whole(line)) + "\n" for line in lines)

    return texts()
