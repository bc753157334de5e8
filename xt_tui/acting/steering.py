"""What the user does to runs and jobs: asked first, called in a thread, and told how it went.

Until the feed confirms it, what was asked for is shown as a badge: cancelling, restarting, …
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.widgets import Static

from xt_core.errors import WorkFailedError, XTError
from xt_core.model.records import Run
from xt_core.model.shown import CANCELLING
from xt_core.query.formats import counted
from xt_core.query.registry import JobRow
from xt_core.session import Session
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.telling import ACTS

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_MOST_TOLD = 5
_RESTARTING = "restarting"
_RESTARTS = "Each is stopped and started again: same name, hyperparameters and output directory."


@dataclass
class Acted(Message):
    """An engine call ended; `error` tells how it failed. `names` were pending on it."""

    text: str
    names: list[str]
    error: XTError | None = None
    rows: list[JobRow] = field(default_factory=list)
    """Jobs that were changed as no run of theirs was: the feed will not tell of them."""
    done_with: list[str] = field(default_factory=list)
    """Runs and jobs that were meant, and of which nothing more is wanted: their marks go."""
    doing: str = ""
    """What it was, such as `cancelling run3`, for the title of a failure."""
    session: "Session | None" = None
    """Of the team whose runs and jobs these are."""


@dataclass
class CancelWanted(Message):
    """The user wants these runs of a screen of their own cancelled."""

    runs: list[Run]


@dataclass
class Progressed(Message):
    """How far an action on many is; it has ended once all are done."""

    doing: str
    done: int
    total: int


def cancel(app: "XtApp") -> None:
    """Cancel what the user means: jobs in the jobs pane, all on a node in the nodes pane, else
    runs."""
    if app.main.pane is app.main.nodes:
        _cancel_nodes(app, [n for n in app.main.nodes.chosen if n["running"] or n["queued"]])
    elif app.on_jobs:
        _cancel_jobs(app, living_jobs(app.jobs.chosen))
    else:
        runs = app.main.meant_runs
        living = living_runs(runs)
        cancel_runs(app, living, len(runs) - len(living))


def living_runs(runs: list[Run]) -> list[Run]:
    """Those of the runs that have not ended."""
    return [run for run in runs if not run.status.is_final]


def living_jobs(rows: list[JobRow]) -> list[JobRow]:
    """Those of the jobs that have not ended."""
    return [row for row in rows if not row.counts.status().is_final]


def cancel_runs(app: "XtApp", runs: list[Run], left_out: int) -> None:
    """Cancel runs that live, after asking; so many that were chosen too have ended."""
    count = runs[0].name if len(runs) == 1 else counted(len(runs), "run")
    screen = ConfirmScreen(
        f"Cancel {count}?",
        [run.name for run in runs],
        "SIGTERM, the grace period, then SIGKILL to the whole process tree."
        + _left_out(left_out, "run"),
        f"Cancel {count}",
        "Keep running",
        len(runs),
    )

    def call(session: Session) -> str:
        session.check_is_reached(run.job for run in runs)
        session.controllers.cancel(runs=runs)
        ended = [session.store.run(run.workspace, run.name) for run in runs[:_MOST_TOLD]]
        more = f" and {len(runs) - _MOST_TOLD} more" if len(runs) > _MOST_TOLD else ""
        return ", ".join(f"{run.name} {run.status}" for run in ended) + more

    names = [run.full_name for run in runs]
    _ask(app, screen, call, names, CANCELLING, names)


def _cancel_jobs(app: "XtApp", rows: list[JobRow]) -> None:
    names = [row.job.name for row in rows]
    count = names[0] if len(names) == 1 else counted(len(names), "job")
    running = sum(row.counts.running for row in rows)
    waiting = sum(row.counts.unstarted + row.counts.queued for row in rows)
    scripts = sum(row.counts.running_parents for row in rows)
    listed = f"{counted(running, 'running run')}, {waiting} waiting"
    listed = f"{counted(scripts, 'parent script')}, {listed}" if scripts else listed
    screen = ConfirmScreen(
        f"Cancel {count}?",
        [listed] if len(names) == 1 else names,
        "What runs is stopped, what waits is never started."
        + ("" if len(names) == 1 else f" {listed}.")
        + _left_out(len(app.jobs.chosen) - len(rows), "job"),
        f"Cancel {count}",
        "Keep running",
        running,
    )

    def call(session: Session) -> str:
        session.check_is_reached(names)
        session.controllers.cancel(jobs=[row.job for row in rows])
        return f"{count} cancelled"

    _ask(app, screen, call, names, CANCELLING, names)


def _left_out(count: int, noun: str) -> str:
    """Of what was chosen, what there is nothing to do for."""
    return f" {counted(count, noun)} more that you chose ended before." if count > 0 else ""


def _cancel_nodes(app: "XtApp", nodes: Sequence[Mapping[str, Any]]) -> None:
    names = [str(node["name"]) for node in nodes]
    where = names[0] if len(names) == 1 else counted(len(names), "node")
    running = sum(node["running"] for node in nodes)
    queued = sum(node["queued"] for node in nodes)
    listed = f"{counted(running, 'running run')}, {queued} queued"
    screen = ConfirmScreen(
        f"Cancel all that runs on {where}?",
        [listed] if len(names) == 1 else names,
        "What runs there is stopped; jobs go on on their other nodes."
        + ("" if len(names) == 1 else f" {listed}."),
        "Cancel all",
        "Keep running",
        running + queued,
    )

    def call(session: Session) -> str:
        session.controllers.cancel(nodes=names)
        return f"all that ran on {where} is cancelled"

    living = living_runs([run for run in app.state.runs.values() if run.node in names])
    _ask(app, screen, call, [run.full_name for run in living], CANCELLING)


def restart(app: "XtApp") -> None:
    """The simulated service restart: of a job in the jobs pane, else of the runs that are meant."""
    if app.on_jobs:
        _restart_job(app, app.main.meant_job)
    else:
        _restart_runs(app, [run for run in app.main.meant_runs if run.status == "running"])


def _restart_runs(app: "XtApp", runs: list[Run]) -> None:
    count = runs[0].name if len(runs) == 1 else counted(len(runs), "run")
    screen = ConfirmScreen(
        f"Restart {count}?", [run.name for run in runs], _RESTARTS, "Restart", "Keep running"
    )

    def call(session: Session) -> str:
        session.check_is_reached(run.job for run in runs)
        restarted = session.controllers.restart_runs(runs, 0.0)
        return f"{', '.join(restarted) or 'no run'} restarted"

    meant = [run.full_name for run in app.main.meant_runs]
    _ask(app, screen, call, [run.full_name for run in runs], _RESTARTING, meant)


def _restart_job(app: "XtApp", job: str | None) -> None:
    if job is None:
        return
    running = [run for run in app.state.runs.values() if run.job == job and run.status == "running"]
    screen = ConfirmScreen(
        f"Restart the running runs of {job}?",
        [run.name for run in running],
        _RESTARTS,
        "Restart",
        "Keep running",
    )

    def call(session: Session) -> str:
        session.check_is_reached([job])
        restarted = session.controllers.restart(session.store.job(job), 0.0)
        return f"{', '.join(restarted) or 'no run'} restarted"

    _ask(app, screen, call, [run.full_name for run in running], _RESTARTING)


def _ask(
    app: "XtApp",
    screen: ConfirmScreen,
    call: Callable[[Session], str],
    names: list[str],
    what: str,
    done_with: Sequence[str] = (),
) -> None:
    """Make the call if the user says yes; `names` show `what` until it is confirmed, and the marks
    of what is `done_with` go if it succeeds."""

    def answered(yes: bool | None) -> None:
        if yes:
            app.state.set_pending(names, what)
            app.show_pending()
            session, doing = app.session, f"{what} {_told_names(names)}"
            app.run_worker(
                lambda: app.post_message(_act(session, call, names, done_with, doing)),
                thread=True,
                group=ACTS,
                description=what,
                exit_on_error=False,
            )

    app.push_screen(screen, answered)


def _act(
    session: Session,
    call: Callable[[Session], str],
    names: list[str],
    done_with: Sequence[str],
    doing: str,
) -> Acted:
    """Call the engine, in a thread."""
    try:
        return Acted(call(session), names, done_with=list(done_with), session=session)
    except Exception as error:
        return Acted("", names, as_told(error), doing=doing, session=session)


def _told_names(names: Sequence[str]) -> str:
    """The first of them, without its workspace, and how many others there are."""
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return names[0].rpartition("/")[2] + more


def as_told(error: Exception) -> XTError:
    """An error as the user is told of it: a defect ends an action as a failure does, so that
    nothing stays pending."""
    if isinstance(error, XTError):
        return error
    return WorkFailedError(f"{type(error).__name__}: {error}")


def show_progress(app: "XtApp", message: Progressed) -> None:
    """A line at the foot of the screen, until all is done."""
    for line in app.main.query("#progress").results(Static):
        line.update(f"{message.doing}: {message.done:,} of {message.total:,}")
        if message.done >= message.total:
            line.remove()
        return
    if message.done < message.total:
        text = f"{message.doing}: {message.done:,} of {message.total:,}"
        app.main.mount(Static(text, id="progress", markup=False))


def _show(app: "XtApp", message: Acted) -> None:
    """The feed takes the badges back, unless there is nothing to confirm."""
    if message.rows:
        app.state.jobs.update({row.job.name: row for row in message.rows})
        app.jobs.note(message.rows)
    if message.error is None:
        for pane in (app.jobs, app.runs):
            pane.take_marks_away(message.done_with)
        return
    for name in message.names:
        app.state.pending.pop(name, None)
    app.show_pending()


def tell(app: "XtApp", message: Acted) -> None:
    """Say how it went, and show it."""
    if message.session is None or message.session is app.session:  # no other team is shown by now
        _show(app, message)
    if message.error is None:
        app.notify(message.text, markup=False)
        return
    text = f"{message.error.message}\n{message.error.hint}".strip()
    title = f"{message.doing}: failed" if message.doing else "failed"
    app.notify(text, title=title, severity="error", timeout=15, markup=False)
