"""A run or a job made again by the launch form, and commands to copy that do what is shown."""

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xt_core.errors import RefusedError, XTError
from xt_core.query.sorting import sort_without
from xt_core.query.views import ONLY_IN_UI, column_text
from xt_core.session import Session
from xt_core.submit.again import Again, job_again, run_again
from xt_core.submit.options import command_line, texts_of
from xt_core.submit.parameters import without_parameters
from xt_core.submit.presets import Preset
from xt_tui.acting.controllers import commands
from xt_tui.acting.lookups import look_up

if TYPE_CHECKING:
    from xt_core.model.records import Run
    from xt_tui.app import XtApp
    from xt_tui.panes.records import RecordsPane

_MOST_LISTED = 200
"""Names in a command that is copied; a longer one is of no use on a command line."""


def rerun(app: "XtApp") -> None:
    """Open the launch form with what a run or a job was, ready to be changed."""
    find = _finder(app)

    def call() -> tuple[Again, Preset]:
        again = find()
        return again, _as_form(again, _option_prefix(app.session, again))

    look_up(app, "looking up how it was submitted", call, lambda found: _open_form(app, *found))


def _finder(app: "XtApp") -> Callable[[], Again]:
    """What finds out how the job or run that is meant was submitted."""
    session = app.session
    if app.on_jobs:
        job = app.jobs.chosen[0].job
        return lambda: job_again(session, job)
    run = app.main.meant_runs[0]
    return lambda: run_again(session, run)


def _option_prefix(session: Session, again: Again) -> str | None:
    """What options of the script begin with, where brackets in them are a search."""
    config = session.beside(cwd=again.folder).config
    is_search = not again.request.raw_args
    return config.optional_string("hyperparameter-search.option-prefix") if is_search else None


def _as_form(again: Again, prefix: str | None) -> Preset:
    """What is launched again as a form says it: what is searched in rows of its own."""
    command, parameters = without_parameters(again.request.command, prefix)
    return Preset(_as_text(shlex.join(command), again), texts_of(again.request), parameters)


def _as_text(command: str, again: Again) -> str:
    """A command as it can be shown. Raises RefusedError for one that cannot."""
    try:
        command.encode()
    except UnicodeEncodeError:
        raise RefusedError(
            f"the command of {again.name} has bytes that are no text",
            f"xt rerun {again.name} takes them as they are",
        ) from None
    return command


def _open_form(app: "XtApp", again: Again, preset: Preset) -> None:
    from xt_tui.screens.launch import LaunchScreen

    there = app.session.beside(cwd=again.folder)
    form = LaunchScreen(there, app.drafts, again=again, content=preset)
    app.push_screen(form, app.launched)
    if again.missing_folder:
        text = f"{again.missing_folder} is not here: looking for the code in {again.folder}"
        app.notify(text, severity="warning", markup=False)


def needs_one(app: "XtApp") -> str | None:
    """Why there is nothing to make again."""
    chosen = app.jobs.chosen if app.on_jobs else app.main.meant_runs
    if not chosen:
        return "no job is chosen" if app.on_jobs else "no run is chosen"
    kind = "jobs" if app.on_jobs else "runs"
    return None if len(chosen) == 1 else f"{len(chosen):,} {kind} are marked: choose one"


# Commands to copy -----------------------------------------------------------------------


def choose_command(app: "XtApp") -> None:
    """Offer the commands that do, headless, what is shown and meant."""
    table = table_command(app)
    steps = _steps(app)
    if app.main.pane is app.main.nodes:
        steps = [*commands(app), *steps]
    find = _finder(app) if needs_one(app) is None else None

    def call() -> list[tuple[str, str]]:
        if find is None:
            return [*steps, table]
        try:
            again = find()
            first = (_as_text(command_line(again.request), again), "submits it again")
        except XTError as error:
            return [*steps, table, ("", f"no xt run command: {error.message}")]
        return [first, *steps, table]

    look_up(app, "looking up commands", call, lambda commands: _offer(app, commands))


def _offer(app: "XtApp", commands: list[tuple[str, str]]) -> None:
    from xt_tui.screens.choose import Choice, ChoiceScreen

    def copy(command: str | None) -> None:
        if command:
            app.copy_to_clipboard(command)
            app.notify(command, title="copied", markup=False)

    choices = [Choice(command, command, about) for command, about in commands]
    hint = "enter copies · / filters · esc, ctrl+g or q leaves"
    app.push_screen(ChoiceScreen("Copy which command?", choices, hint=hint), copy)


def _steps(app: "XtApp") -> list[tuple[str, str]]:
    """Commands about what is chosen."""
    if app.on_jobs:
        names = ",".join(row.job.name for row in app.jobs.chosen[:_MOST_LISTED])
        view = [(f"xt view job {names}", "the job, whole")] if len(app.jobs.chosen) == 1 else []
        return [*view, (f"xt list runs {names} --all", "their runs")] if names else []
    runs = app.main.meant_runs[:_MOST_LISTED]
    if not runs:
        return []
    names = ",".join(_name(app.session, run) for run in runs)
    if len(runs) == 1:
        return [(f"xt view run {names}", "the run, whole"), (f"xt attach {names}", "its output")]
    return [(f"xt compare {names}", "what differs"), (f"xt list runs {names}", "these")]


def table_command(app: "XtApp") -> tuple[str, str]:
    """The `xt list` that shows what the table shows, as far as a command can show it."""
    pane: RecordsPane[Any] = app.main.records
    words = ["xt", "list", str(pane.id), "--all"]
    if pane is app.runs:
        words += ["--job", app.jobs.job] if app.jobs.job else []
    words += [word for each in pane.selection.filters for word in _option("--filter", each.text)]
    words += _order(pane)
    words += _option("--group", pane.group)
    words += _option("--columns", _columns(pane))
    words += [] if pane.hidden else ["--archived"]
    return shlex.join(words), f"the table of {pane.id}"


def _order(pane: "RecordsPane[Any]") -> list[str]:
    """By what commands can sort; where that is nothing, as the table is sorted at first."""
    shown = pane.selection
    sort, reverse = sort_without(shown.sort, ONLY_IN_UI), shown.reverse
    if not sort:
        sort, reverse = pane.plain_view.sort, pane.plain_view.reverse
    return [*_option("--sort", sort), *(["--reverse"] if reverse else [])]


def _columns(pane: "RecordsPane[Any]") -> str:
    """Those that were chosen, and what came later; "" for the automatic ones."""
    columns = pane.columns if pane.has_chosen_columns else ()
    return column_text(tuple(c for c in columns if c.name not in ONLY_IN_UI), pane.fields)


def _option(name: str, value: str) -> list[str]:
    """As words of a command line; none for no value."""
    if value.startswith("-"):
        return [f"{name}={value}"]  # else it would be taken for an option
    return [name, value] if value else []


def _name(session: Session, run: "Run") -> str:
    return run.name if run.workspace == session.workspace else run.full_name
