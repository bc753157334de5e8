"""`xt view`: one thing, whole."""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.cli.names import one_run
from xt_core.cli.parser import Parser, add_workspace, command_parser, count
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UnknownNameError, UsageError
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Run
from xt_core.reports.documents import (
    event_documents,
    job_document,
    metric_series,
    run_document,
)
from xt_core.session import Session
from xt_core.stats.store import RunQuery

_EXAMPLES = (
    "xt view run run3.2                status, hyperparameters, metrics, events, files",
    "xt view job job12                 progress and best runs",
    "xt view metrics run3 --metrics 'test-*' --last 20",
    "xt view events run3               its life, in order",
    "xt view console run3 --last 50    the end of its output",
    "xt view log controller            the controller's own log",
    "xt view config --origin           each setting, and which layer set it",
)


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv[1:])
    overrides = {"general.workspace": options.workspace} if options.workspace else {}
    if options.what != "config" and options.name is None:
        raise UsageError(f"view {options.what} needs a name", "xt view --help has examples")
    _VIEWS[options.what](Session(overrides=overrides), options)
    return ExitCode.OK


def _parser() -> Parser:
    parser = command_parser(
        "view", "one thing, whole", _EXAMPLES, usage="xt view WHAT [NAME] [OPTIONS]"
    )
    parser.add_argument("what", choices=tuple(_VIEWS), metavar="WHAT", help=", ".join(_VIEWS))
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--metrics", metavar="LIST", help="names, * stands for any text")
    parser.add_argument("--last", type=count, metavar="N", help="only the last N lines or steps")
    parser.add_argument("--origin", action="store_true", help="which layer set each value")
    add_workspace(parser)
    return parser


def _view_run(session: Session, options: argparse.Namespace) -> None:
    run = one_run(session, options.name)
    events = session.store.events(run.workspace, run.name)
    files = list(session.artifacts.list(f"{run.workspace}/runs/{run.name}"))
    if options.json:
        document = run_document(run, clock.now())
        document["events"] = event_documents(events)
        document["files"] = [{"key": info.key, "size": info.size} for info in files]
        emit_json(document)
        return
    from xt_core.reports.pages import run_page

    _print_lines(run_page(run, events, files), options.last)


def _view_job(session: Session, options: argparse.Namespace) -> None:
    if not JOB_NAME.fullmatch(options.name):
        raise UsageError(f"{options.name!r} is no job name", "as in job12")
    document = job_document(session.store, options.name)
    if options.json:
        emit_json(document)
        return
    from xt_core.reports.jobs import job_rows
    from xt_core.reports.pages import job_page

    runs, _ = session.store.find_runs(RunQuery(jobs=[options.name]))
    _print_lines(job_page(job_rows(session.store, [options.name])[0], runs), options.last)


def _view_metrics(session: Session, options: argparse.Namespace) -> None:
    run = one_run(session, options.name)
    series = metric_series(session.store.metrics(run.workspace, run.name))
    names = chosen_metrics(list(series), options.metrics)
    if options.json:
        from xt_core.model.encoding import plain

        emit_json({"run": run.name, "metrics": {name: plain(series[name]) for name in names}})
        return
    if not names:
        note(f"{run.name} has logged no metrics")
        return
    from xt_core.reports.pages import metric_table

    _print_lines(metric_table(series, names, options.last), None)


def chosen_metrics(logged: list[str], wanted: str | None) -> list[str]:
    """The metrics that a list of names and patterns means. Raises UnknownNameError."""
    if wanted is None:
        return logged
    chosen: dict[str, None] = {}
    for pattern in wanted.split(","):
        matching = [name for name in logged if fnmatchcase(name, pattern.strip())]
        if not matching:
            known = ", ".join(logged) or "none"
            raise UnknownNameError(f"no metric {pattern.strip()!r} was logged", f"logged: {known}")
        chosen.update(dict.fromkeys(matching))
    return list(chosen)


def _view_events(session: Session, options: argparse.Namespace) -> None:
    run = one_run(session, options.name)
    events = session.store.events(run.workspace, run.name)
    if options.json:
        emit_json({"run": run.name, "events": event_documents(events)})
        return
    from xt_core.reports.pages import event_lines

    _print_lines(list(event_lines(events)), options.last)


def _view_log(session: Session, options: argparse.Namespace) -> None:
    """`controller`: its log; a run: its raw events, a JSON line each; a job: those of its runs."""
    if options.name == "controller":
        _print_file(session.home.controller_log, options.last)
        return
    lines: list[str] = []
    for run in _runs_of(session, options.name):
        for event in event_documents(session.store.events(run.workspace, run.name)):
            lines.append(json.dumps({"run": run.name} | event))
    if options.json:
        emit_json({"log": [json.loads(line) for line in lines]})
    else:
        _print_lines(lines, options.last)


def _runs_of(session: Session, name: str) -> list[Run]:
    if JOB_NAME.fullmatch(name):
        session.store.job(name)
        return session.store.find_runs(RunQuery(jobs=[name], parents=None))[0]
    return [one_run(session, name)]


def _print_file(path: Path, last: int | None) -> None:
    try:
        lines = path.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    except FileNotFoundError:
        raise UnknownNameError(f"there is no {path}", "no controller has run here yet") from None
    _print_lines(lines, last)


def _view_console(session: Session, options: argparse.Namespace) -> None:
    from xt_core.cli.follow import write_to_stdout

    run = one_run(session, options.name)
    if options.json:
        raise UsageError("a console is bytes, not JSON", "leave --json away")
    start = "start" if options.last is None else f"-{options.last}"
    for data in _console(session, run, start):
        write_to_stdout(data)


def _console(session: Session, run: Run, start: str) -> Iterator[bytes]:
    """What there is of a run's console by now."""
    from xt_core.console import stored_console
    from xt_core.nodes.positions import start_offset

    try:
        file = open(session.home.runs_dir / run.workspace / run.name / "output.txt", "rb")  # noqa: SIM115
    except OSError:
        yield from stored_console(session, run, start)
        return
    with file:
        file.seek(start_offset(file.fileno(), os.fstat(file.fileno()).st_size, start))
        while data := file.read(1 << 20):
            yield data


def _view_config(session: Session, options: argparse.Namespace) -> None:
    config = session.config
    if options.json:
        if options.origin:
            items = [{"setting": p, "value": v, "origin": o} for p, v, o in config.items()]
            emit_json({"config": items})
        else:
            emit_json({"config": config.as_dict()})
        return
    rows = [[path, json.dumps(value), origin] for path, value, origin in config.items()]
    from xt_core.query.table import render_table

    width = 3 if options.origin else 2
    headers = ["setting", "value", "origin"][:width]
    for line in render_table(headers, [row[:width] for row in rows], ["left"] * width, 70):
        print(line)


def _print_lines(lines: list[str], last: int | None) -> None:
    for line in lines if last is None else lines[len(lines) - min(last, len(lines)) :]:
        print(line)


_VIEWS: dict[str, Callable[[Session, Any], None]] = {
    "run": _view_run,
    "job": _view_job,
    "metrics": _view_metrics,
    "events": _view_events,
    "log": _view_log,
    "console": _view_console,
    "config": _view_config,
}
