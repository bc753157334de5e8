"""Puts runs and jobs away, and brings them back: one key for both."""

from typing import TYPE_CHECKING

from xt_core.annotations import archived, check_may_be_archived, is_archived, unarchived
from xt_tui.acting import annotating
from xt_tui.acting.annotating import Meant
from xt_tui.actions.guards import NO_JOB

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_ARCHIVING, _RETURNING = "archiving", "returning"


def toggle(app: "XtApp") -> None:
    """Archive what is meant; if all of it is archived, bring it back."""
    meant = annotating.meant(app)
    if _all_archived(meant):
        annotating.change(
            app, meant, unarchived, _RETURNING, f"{meant.text} brought back", with_runs=True
        )
        return
    chosen = Meant(
        [run for run in meant.runs if not is_archived(run)],
        [job for job in meant.jobs if not is_archived(job)],
    )
    annotating.ask_if_many(
        app,
        chosen,
        archive := f"Archive {chosen.text}",
        "They are not shown any more, and nothing is lost: A shows them, d there brings them back.",
        archive,
        lambda: _archive(app, chosen),
    )


def _archive(app: "XtApp", chosen: Meant) -> None:
    pronoun = "it" if len(chosen.names) == 1 else "them"
    told = f"{chosen.text} archived: A shows {pronoun}, d there brings {pronoun} back"
    annotating.change(
        app,
        chosen,
        archived,
        _ARCHIVING,
        told,
        with_runs=True,
        check=check_may_be_archived,
    )


def refusal(app: "XtApp") -> str | None:
    """Why what is meant cannot be archived or brought back now."""
    meant = annotating.meant(app)
    if not meant.names:
        return NO_JOB if app.on_jobs else "no run is chosen"
    if _all_archived(meant):
        return None
    living = [run.name for run in meant.runs if not run.status.is_final]
    rows = [app.state.jobs[job.name] for job in meant.jobs if job.name in app.state.jobs]
    living += [row.job.name for row in rows if not row.counts.status().is_final]
    if not living:
        return None
    pane = app.jobs if app.on_jobs else app.runs
    hint = f": {pane.marked:,} are marked, u unmarks them" if pane.marked > 1 else ""
    if len(living) == 1:
        return f"{living[0]} has not ended{hint}"
    return f"{len(living):,} of them have not ended, {living[0]} for one{hint}"


def toggle_shown(app: "XtApp") -> None:
    """Show what is archived in both tables, or leave it out again."""
    app.jobs.toggle_archived()
    app.runs.toggle_archived()


def _all_archived(meant: Meant) -> bool:
    return all(map(is_archived, meant.records))
