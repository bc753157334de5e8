"""Programs of the user that take the terminal for a while: the editor, the pager."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from xt_core.errors import XTError
from xt_core.programs import editor, open_file, pager

if TYPE_CHECKING:
    from collections.abc import Mapping


def edit(app: App[Any], file: Path, environ: "Mapping[str, str]") -> bool:
    """Open a file in $EDITOR; whether the user left it in good order."""
    return _open(app, editor(environ), file, "editor", "EDITOR")


def page(app: App[Any], file: Path, environ: "Mapping[str, str]") -> bool:
    """Show a file in $PAGER; whether that went well."""
    return _open(app, pager(environ), file, "pager", "PAGER")


def _open(app: App[Any], program: str, file: Path, role: str, variable: str) -> bool:
    """The UI gives the terminal away, and takes it back whatever becomes of the program."""
    try:
        with app.suspend():
            open_file(program, file, role, variable)
    except SuspendNotSupported:
        app.notify(
            f"no {role} can be opened here: the UI has no terminal of its own",
            severity="warning",
            markup=False,
        )
    except XTError as error:
        text = f"{error.message}\n{error.hint}".strip()
        app.notify(text, title="failed", severity="error", markup=False)
    else:
        return True
    finally:
        app.refresh(layout=True)
    return False
