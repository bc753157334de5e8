"""Opens the comparison of the runs that are marked."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xt_core.model.records import Run

if TYPE_CHECKING:
    from xt_tui.app import XtApp

MOST = 1_000
"""Runs side by side."""


def compare(app: "XtApp") -> None:
    """Show the chosen runs side by side; the first one is the baseline."""

    def go_to(run: Run) -> None:
        app.main.runs.go_to(run.full_name)
        app.main.focus_pane("runs")

    show(app, app.main.meant_runs, go_to)


def show(app: "XtApp", runs: Sequence[Run], go_to: Callable[[Run], object]) -> None:
    """Show runs side by side, and go to the one that is chosen there."""
    from xt_tui.screens.compare import CompareScreen

    def chosen(run: Run | None) -> None:
        if run is not None:
            go_to(run)

    app.push_screen(CompareScreen(app.session, runs), chosen)


def needs_several(app: "XtApp") -> str | None:
    """Why there is nothing to compare."""
    return why_not_compared(len(app.main.meant_runs))


def why_not_compared(count: int) -> str | None:
    """Why so many runs cannot be compared; None if they can."""
    if count > MOST:
        return f"{count:,} runs are marked: mark {MOST:,} at most"
    return None if count > 1 else "mark the runs to compare with space, v or *, two or more"
