"""`xt view`: one thing, whole."""

import argparse
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.cli.names import one_run
from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, add_workspace, count
from xt_core.cli.talk import emit_json, note
from xt_core.cli.view_job import add_job_options, view_job
from xt_core.cli.view_system import add_system_options, view_system
from xt_core.errors import ExitCode, UnavailableError, UnknownNameError, UsageError
from xt_core.home import FIRST_NODE, is_own_node
from xt_core.model.encoding import plain
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Run
from xt_core.reports.documents import (
    chosen_points,
    event_documents,
    metric_series,
    metric_summaries,
    run_document,
)
from xt_core.reports.reruns import reruns_of_run
from xt_core.session import Session
from xt_core.stats.store import RunQuery

_EXAMPLES = (
    "xt view run run3.2                status, hyperparameters, metrics, events, files",
    "xt view job job12                 progress, best value over the runs, and best sets",
    "xt view job job12 --top all       every set, the best first",
    "xt view job job12 --importance --slices",
    "xt view metrics run3 --metrics 'test-*' --last 20",
    "xt view metrics run3 --steps 100-200",
    "xt view system run3               what it used: processor, memory, GPUs, over its time",
    "xt view system node0 --follow     what a node's machine does, as it is looked at",
    "xt view events run3               its life, in order",
    "xt view console run3 --last 50    the end of its output",
    "xt view log controller            the log of the first node's controller",
    "xt view log node1                 … of another node's",
    "xt view log job12                 the events of its runs, a JSON object a line",
    "xt view config --origin           each setting, and which layer set it",
    "xt view config general            the settings of one section",
)
_STEPS = re.compile(r"(\d+(?:\.\d+)?)(-(\d+(?:\.\d+)?)?)?")
_WIDEST_CELL = 1000
_MOST_LOG_LINES = 100_000


def main(argv: list[str]) -> int:
    run_noun(argv, "one thing, whole", _VIEWS, _EXAMPLES, is_looking=True)
    return ExitCode.OK


def _add_run(parser: Parser) -> None:
    parser.add_argument("name", metavar="RUN", help="such as run3, run35.2 or ws2/run3")
    add_workspace(parser)


def _add_run_and_last(parser: Parser) -> None:
    _add_run(parser)
    _add_last(parser, "lines")


def _add_last(parser: Parser, what: str) -> None:
    parser.add_argument("--last", type=count, metavar="N", help=f"only the last N {what}")


def _add_metrics_options(parser: Parser) -> None:
    _add_run(parser)
    parser.add_argument("--metrics", metavar="LIST", help="names; * stands for any text")
    parser.add_argument("--steps", metavar="LOW-HIGH", help="only these: 5, 100-200 or 100-")
    _add_last(parser, "steps")


def _add_log_options(parser: Parser) -> None:
    parser.add_argument("name", metavar="RUN|JOB|NODE|controller")
    _add_last(parser, "lines")
    add_workspace(parser)


def _add_config_options(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", metavar="SETTING", help="only this one or this section")
    parser.add_argument("--origin", action="store_true", help="which layer set each value")


def _view_run(session: Session, options: argparse.Namespace) -> None:
    run = one_run(session, options.name)
    events = session.store.events(run.workspace, run.name)
    summaries = metric_summaries(session.store.metrics(run.workspace, run.name))
    files = list(session.artifacts.list(f"{run.workspace}/runs/{run.name}"))
    from xt_core.failures import failure_facts

    failure = failure_facts(session, run)
    reruns = reruns_of_run(session.store, run)
    if options.json:
        document = run_document(run, clock.now()) | failure
        document["reruns"] = [job.name for job in reruns]
        document["metric_summaries"] = plain(summaries)
        document["events"] = event_documents(events)
        document["files"] = [{"key": info.key, "size": info.size} for info in files]
        emit_json(document)
        return
    from xt_core.reports.pages import run_page

    _print_lines(run_page(run, events, files, summaries, failure, reruns))


def _view_metrics(session: Session, options: argparse.Namespace) -> None:
    run = one_run(session, options.name)
    series = metric_series(session.store.metrics(run.workspace, run.name))
    names = chosen_metrics(list(series), options.metrics)
    low, high = _step_range(options.steps)
    chosen = chosen_points({name: series[name] for name in names}, low, high, options.last)
    if options.json:
        emit_json({"run": run.name, "metrics": plain(chosen)})
        return
    if not names:
        note(f"{run.name} has logged no metrics")
        return
    from xt_core.reports.pages import metric_table

    _print_lines(metric_table(chosen))


def _step_range(text: str | None) -> tuple[float, float]:
    """The lowest and highest step of ``5``, ``100-200`` or ``100-``. Raises UsageError."""
    if text is None:
        return float("-inf"), float("inf")
    match = _STEPS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--steps {text}", "as in --steps 5, --steps 100-200 or --steps 100-")
    low = float(match[1])
    high = float(match[3]) if match[3] else float("inf") if match[2] else low
    if low > high:
        raise UsageError(f"--steps {text} runs backwards", "write the lower step first")
    return low, high


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
    events = _tail(session.store.events(run.workspace, run.name), options.last)
    if options.json:
        emit_json({"run": run.name, "events": event_documents(events)})
        return
    from xt_core.reports.pages import event_lines

    _print_lines(list(event_lines(events)))


def _view_log(session: Session, options: argparse.Namespace) -> None:
    """`controller`, a node or a box: the controller's log; a run: its raw events, a JSON line
    each; a job: those of its runs."""
    node = FIRST_NODE if options.name == "controller" else options.name
    if is_own_node(node) or node in session.boxes.known():
        lines = _tail(_log_of(session, node), options.last)
        if options.json:
            emit_json({"log": lines})
        else:
            _print_lines(lines)
        return
    entries: list[dict[str, Any]] = []
    for run in _runs_of(session, options.name):
        events = event_documents(session.store.events(run.workspace, run.name))
        entries += [{"run": run.name} | event for event in events]
    entries = _tail(entries, options.last)
    if options.json:
        emit_json({"log": entries})
    else:
        _print_lines([json.dumps(entry) for entry in entries])


def _runs_of(session: Session, name: str) -> list[Run]:
    if JOB_NAME.fullmatch(name):
        session.store.job(name)
        return session.store.find_runs(RunQuery(jobs=[name], parents=None))[0]
    return [one_run(session, name)]


def _log_of(session: Session, node: str) -> list[str]:
    if is_own_node(node):
        return _lines_of(session.team_home.node(node).controller_log)
    box, log = session.boxes.boxes.of(node), session.boxes.records.get(node).log
    done = box.run(["tail", "-n", str(_MOST_LOG_LINES), log])
    if done.exit_code:
        raise UnknownNameError(f"{node}: there is no {log}", "no controller has run there yet")
    return done.stdout.decode(errors="backslashreplace").splitlines()


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    except FileNotFoundError:
        raise UnknownNameError(f"there is no {path}", "no controller has run here yet") from None


def _view_console(session: Session, options: argparse.Namespace) -> None:
    from xt_core.cli.follow import write_to_stdout
    from xt_core.console import present_console

    run = one_run(session, options.name, or_here=True)
    if options.json:
        raise UsageError("a console is bytes, not JSON", "leave --json away")
    start = "start" if options.last is None else f"-{options.last}"
    for data in present_console(session, run, start):
        write_to_stdout(data)


def _view_config(session: Session, options: argparse.Namespace) -> None:
    items = _settings(session, options.name)
    if options.json:
        if options.origin:
            emit_json({"config": [{"setting": p, "value": v, "origin": o} for p, v, o in items]})
        elif options.name is None:
            emit_json({"config": session.config.as_dict()})
        else:
            emit_json({"config": {path: value for path, value, _ in items}})
        return
    rows = [[path, json.dumps(value, ensure_ascii=False), origin] for path, value, origin in items]
    from xt_core.query.table import render_table
    from xt_core.reports.tables import terminal_width

    width = 3 if options.origin else 2
    headers, alignments = ["setting", "value", "origin"][:width], ["left"] * width
    cells = [row[:width] for row in rows]
    _print_lines(render_table(headers, cells, alignments, _WIDEST_CELL, terminal_width()))


def _settings(session: Session, name: str | None) -> list[tuple[str, Any, str]]:
    """(path, value, origin) of all settings, or of one or one section. Raises UnknownNameError."""
    items = list(session.config.items())
    if name is None:
        return items
    chosen = [item for item in items if item[0] == name or item[0].startswith(f"{name}.")]
    if not chosen:
        from difflib import get_close_matches

        paths = [path for path, _, _ in items]
        sections = [path.partition(".")[0] for path in paths]
        near = get_close_matches(name, [*paths, *sections], n=1)
        hint = f"did you mean {near[0]}?" if near else "xt view config shows all"
        raise UnknownNameError(f"there is no setting {name!r}", hint)
    return chosen


def _tail(items: list[Any], last: int | None) -> list[Any]:
    return items if last is None else items[max(0, len(items) - last) :]


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        print(line)


def _view_team(session: Session, options: argparse.Namespace) -> None:
    from xt_core.services.check import team_document, team_lines

    if options.name is not None:
        session = Session(overrides={"general.xt-team-name": options.name}, is_looking=True)
    document, error = team_document(session)
    session.close()
    if options.json:
        emit_json(document)
        if error is not None:
            raise SystemExit(error.exit_code)
        return
    _print_lines(team_lines(document))
    if isinstance(error, UnavailableError):
        raise UnavailableError(
            f"not all services of team {document['team']} answer", "xt team check tells more"
        )
    if error is not None:
        raise error


def _add_team(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="default: the one in use")


_VIEWS: dict[str, Noun] = {
    "run": Noun("a run on one page", "RUN", _add_run, _view_run),
    "job": Noun("a job, its progress and what its search found", "JOB", add_job_options, view_job),
    "metrics": Noun("what a run logged, step by step", "RUN", _add_metrics_options, _view_metrics),
    "system": Noun("what a run or a machine uses", "RUN|NODE", add_system_options, view_system),
    "events": Noun("a run's life, in order", "RUN", _add_run_and_last, _view_events),
    "log": Noun("the log of runs or of a controller", "NAME", _add_log_options, _view_log),
    "console": Noun("a run's output, byte for byte", "RUN", _add_run_and_last, _view_console),
    "output": Noun("the same as console", "RUN", _add_run_and_last, _view_console),
    "team": Noun("a team's services: do they answer?", "[NAME]", _add_team, _view_team),
    "config": Noun("the settings in force", "[SETTING]", _add_config_options, _view_config),
}
