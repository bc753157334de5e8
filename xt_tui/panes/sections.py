"""The sections of a run's details, and the page of a job: read in a thread.

Loaded on use, as are reports that most never look at.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xt_core.failures import failure_facts
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.query.registry import JobRow
from xt_core.reports.documents import kept_summaries, metric_summaries
from xt_core.reports.early_stopping import early_stopping_of
from xt_core.reports.jobs import best_runs
from xt_core.reports.pages import (
    event_lines,
    file_lines,
    hyperparameter_lines,
    job_page,
    run_overview,
    summary_lines,
)
from xt_core.reports.parents import parent_lines, parents_of
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.reports.search_page import Page

_BEST_SETS = 5


def section_lines(
    session: Session,
    run: Run,
    reruns: Sequence[Job],
    section: str,
    width: int,
    show: Callable[[list[str]], object],
) -> list[str]:
    """The lines of a section, `width` cells wide; `reruns` are the jobs that were made from the
    run, and `show` is called with those that are there while others have yet to be read. Raises
    XTError where they cannot be read."""
    place = (run.workspace, run.name)
    if section == "hyperparameters":
        return hyperparameter_lines(run) or ["it has no hyperparameters"]
    if section == "metrics":
        summaries = kept_summaries(run)  # a long run's points take seconds to go through
        if summaries is None:
            summaries = metric_summaries(session.store.metrics(*place))
        return summary_lines(summaries) or ["no metrics logged yet"]
    if section == "system":
        from xt_core.reports.system import system_table
        from xt_core.system import run_series

        series = run_series(session, run)
        return system_table(series, width) if series.series else ["nothing was sampled of it"]
    if section == "events":
        return list(event_lines(session.store.events(*place)))
    if section == "files":
        listed = session.artifacts.list(f"{run.workspace}/runs/{run.name}")
        return file_lines(listed) or ["no files are stored yet"]
    if run.status is not RunStatus.ERROR and not run.stopped_early:
        return run_overview(run, reruns=reruns)
    show(run_overview(run, reruns=reruns))  # why it failed may be far away
    return run_overview(run, failure_facts(session, run), reruns)


def job_parts(
    session: Session, row: JobRow, reruns: Sequence[Job], width: int, *, is_ascii: bool
) -> "Page":
    """A job and what its search found, `width` cells wide; `reruns` are the jobs that were made
    from it. Raises XTError."""
    from xt_core.reports.search import outcomes
    from xt_core.reports.search_page import search_page

    store, job = session.store, row.job
    found = outcomes(job, store.search_history([job.name]))
    best = best_runs(store, job, _BEST_SETS)
    page = search_page(job, found, best, width, ascii_only=is_ascii, table_width=width)
    more = ["", "S shows the whole search: all sets, importance, slices"] if page else []
    parents = parent_lines(session, parents_of(session, job))
    stopping = early_stopping_of(session, job)
    return [*job_page(row, reruns, parents, stopping, ascii_only=is_ascii), *page, *more]
