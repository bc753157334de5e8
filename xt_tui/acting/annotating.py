"""Changes of what is said of runs and jobs: shown as pending at once, done in parts, told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xt_core.annotations import Change, annotate, runs_of
from xt_core.model.records import Job, Run
from xt_core.query.formats import counted
from xt_core.reports.jobs import job_rows
from xt_core.session import Session
from xt_tui.acting.steering import Acted, Progressed, as_told
from xt_tui.screens.confirm import MOST_UNTYPED, ConfirmScreen
from xt_tui.telling import ACTS

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_PART = 250
"""Runs changed at once: the store is free between two parts, and the user sees how far it is."""
Check = Callable[[list[Run]], None]


@dataclass(frozen=True)
class Meant:
    """The runs or the jobs that the user means."""

    runs: list[Run] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    @property
    def records(self) -> list[Run | Job]:
        return [*self.jobs, *self.runs]

    @property
    def names(self) -> list[str]:
        """As badges know them."""
        return [*(job.name for job in self.jobs), *(run.full_name for run in self.runs)]

    @property
    def text(self) -> str:
        """Its name, or how many."""
        if len(self.names) == 1:
            return self.records[0].name
        return counted(len(self.jobs), "job") if self.jobs else counted(len(self.runs), "run")


def meant(app: "XtApp") -> Meant:
    """The jobs chosen in the jobs pane, else the runs."""
    if app.on_jobs:
        return Meant(jobs=[row.job for row in app.jobs.chosen])
    return Meant(runs=app.main.meant_runs)


def ask_if_many(
    app: "XtApp", what: Meant, question: str, consequence: str, yes: str, go_on: Callable[[], None]
) -> None:
    """Go on; but of more than one has in view, ask first."""
    if len(what.names) <= MOST_UNTYPED:
        go_on()
        return
    names = [record.name for record in what.records]
    screen = ConfirmScreen(f"{question}?", names, consequence, yes, "Leave them")
    app.push_screen(screen, lambda is_meant: go_on() if is_meant else None)


def change(
    app: "XtApp",
    what: Meant,
    wanted: Change,
    badge: str,
    told: str,
    *,
    with_runs: bool = False,
    check: Check | None = None,
) -> None:
    """Change runs and jobs in a thread; `with_runs` those of the jobs too, once `check` has raised
    nothing for them. `badge` is what is shown meanwhile, `told` what is said in the end."""
    session, state, names = app.session, app.state, what.names
    if with_runs and what.jobs:
        jobs = {job.name for job in what.jobs}
        names = names + [run.full_name for run in state.runs.values() if run.job in jobs]
    state.set_noting(names, badge)
    app.main.show_pending()

    def work() -> None:
        acted = _change(app, session, what, wanted, badge, told, with_runs, check)
        app.call_later(state.clear_pending, names, badge)
        app.call_later(app.show_pending)
        app.post_message(acted)

    app.run_worker(work, thread=True, group=ACTS, description=badge, exit_on_error=False)


def _change(
    app: "XtApp",
    session: Session,
    what: Meant,
    wanted: Change,
    badge: str,
    told: str,
    with_runs: bool,
    check: Check | None,
) -> Acted:
    store, done = session.store, 0
    try:
        runs = [*what.runs, *(runs_of(store, what.jobs) if with_runs else [])]
        if check is not None:
            check(runs)
        annotate(store, [], what.jobs, wanted)
        for start in range(0, len(runs), _PART):
            part = runs[start : start + _PART]
            annotate(store, part, [], wanted)
            done += len(part)
            if len(runs) > _PART:
                app.post_message(Progressed(badge, done, len(runs)))
        rows = job_rows(store, [job.name for job in what.jobs]) if what.jobs else []
    except Exception as error:
        failure = as_told(error)
        if done:
            failure.message += f" (after {counted(done, 'run')})"
            app.post_message(Progressed(badge, done, done))
        return Acted("", [], failure, doing=badge)
    return Acted(told, [], rows=rows, session=session)
