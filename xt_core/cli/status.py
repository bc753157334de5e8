"""`xt status`: nodes, their controllers and what runs, live."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from xt_core.cli.freshness import (
    OWN_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    refresh,
    tell_absent,
    tell_missing,
)
from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode
from xt_core.home import FIRST_NODE, is_own_node
from xt_core.model.names import JOB_NAME
from xt_core.nodes.states import UNRESPONSIVE
from xt_core.query.formats import format_duration
from xt_core.reports.nodes import machine_text
from xt_core.session import Session

_EXAMPLES = (
    "xt status                this machine's nodes and what runs on them",
    "xt status job12          one job, and its nodes",
    "xt status --target lab   the boxes of a pool, and what runs on them",
    "xt status --follow       again at each change, until Ctrl-C",
)
Document = dict[str, Any]


def main(argv: list[str]) -> int:
    parser = command_parser("status", "what runs now, live from the controllers", _EXAMPLES)
    parser.add_argument("name", nargs="?", metavar="RUN|JOB")
    parser.add_argument("--target", metavar="NAME", help="only this target")
    parser.add_argument("--follow", action="store_true", help="show again at each change")
    options = parser.parse_args(argv[1:])
    session = Session(overrides=overrides_of(options), is_looking=True, waiting=note)
    is_wanted = _nodes_of_target(session, options.target)
    if not (options.json or options.follow or options.name):
        _show_as_they_come(session, is_wanted)
        return ExitCode.OK
    refresh(session, working=True)
    nodes = _nodes_concerned(session, options.name)
    _ensure_running(session, nodes)
    show = emit_json if options.json else _show
    if not options.follow:
        document = _only(_status(session, options.name), is_wanted)
        show(document)
        _tell_hung(document)
        return ExitCode.OK
    shown: Document | None = None
    while True:
        for _ in session.controllers.changes(nodes, told=note):
            document = _only(_status(session, options.name), is_wanted)
            if _essence(document) != shown:
                shown = _essence(document)
                if sys.stdout.isatty() and not options.json:
                    print("\x1b[H\x1b[2J", end="")
                show(document)
                _tell_hung(document)
        _ensure_running(session, nodes)


def _nodes_of_target(session: Session, name: str | None) -> Callable[[str], bool]:
    """Whether a node is one of the target's; all are without one. Raises UnknownNameError."""
    if name is None:
        return lambda node: True
    target = session.config.target(name)
    if target.service == "local":
        return is_own_node
    return {FIRST_NODE if box == "local" else box for box in target.boxes}.__contains__


def _only(document: Document, is_wanted: Callable[[str], bool]) -> Document:
    return document | {
        "nodes": [node for node in document["nodes"] if is_wanted(node["name"])],
        "runs": [run for run in document["runs"] if is_wanted(run["node"])],
    }


def _show_as_they_come(session: Session, is_wanted: Callable[[str], bool]) -> None:
    """Show this machine's nodes and each box once it has answered; then boxes that have have the
    time to tell what they did."""
    _ensure_running(session, [FIRST_NODE])
    working = session.homecoming.working() if session.boxes.records.names() else []
    tell_missing(session)
    answered = list[str]()
    for document in session.controllers.statuses(working, OWN_PATIENCE_SECONDS):
        _add_jobs(session, document)
        document = _only(document, is_wanted)
        _show(document)
        sys.stdout.flush()
        _tell_hung(document)
        for node in document["nodes"]:
            if node["name"] in working and node["controller"] is None:
                tell_absent(session, node["name"], node["reason"])
            elif node["name"] in working:
                answered.append(node["name"])
    for name, error in session.homecoming.refresh(answered, PATIENCE_SECONDS).items():
        tell_absent(session, name, error.message)


def _tell_hung(document: Document) -> None:
    """Note what to do about controllers of this machine that hang."""
    for node in document["nodes"]:
        if node["state"] == UNRESPONSIVE and is_own_node(node["name"]):
            note(
                f"the controller of {node['name']} does not answer; xt restart controller --hung "
                f"{node['name']} ends it and starts a new one, its runs live on"
            )


def _nodes_concerned(session: Session, name: str | None) -> Iterable[str]:
    """The nodes whose controllers have to run for the answer: of all nodes, just the first."""
    if name is None:
        return [FIRST_NODE]
    if JOB_NAME.fullmatch(name):
        return session.store.job(name).nodes
    from xt_core.cli.names import one_run

    return [one_run(session, name, or_here=True).node]


def _ensure_running(session: Session, nodes: Iterable[str]) -> None:
    """Start the controllers that the answer needs, and those that died and left work behind: it
    would wait for ever."""
    own = filter(is_own_node, session.controllers.known())
    session.controllers.ensure_present(filter(is_own_node, nodes), OWN_PATIENCE_SECONDS)
    left = {node: session.open_jobs(node) for node in own}
    answers = session.controllers.start_stopped(node for node, jobs in left.items() if jobs)
    for node in answers.results:
        jobs = ", ".join(job.name for job in left[node])
        note(f"the controller of {node} was gone, with {jobs} unfinished: started again")
    for error in answers.failures.values():
        note(f"{error.message}; {error.hint}")


def _status(session: Session, name: str | None) -> Document:
    document = session.controllers.status(own_patience=OWN_PATIENCE_SECONDS)
    _add_jobs(session, document)
    if name is None:
        return document
    if JOB_NAME.fullmatch(name):
        from xt_core.reports.documents import job_document

        job = job_document(session.store, name)
        runs = [run for run in document["runs"] if run["job"] == name]
        return document | {"jobs": [job], "runs": runs}
    from xt_core.cli.names import one_run

    wanted = one_run(session, name, or_here=True)
    runs = [
        run
        for run in document["runs"]
        if (run["workspace"], run["name"]) == (wanted.workspace, wanted.name)
    ]
    if not runs:
        from xt_core import clock
        from xt_core.reports.documents import run_document

        runs = [run_document(wanted, clock.now())]
    return document | {"runs": runs}


def _add_jobs(session: Session, document: Document) -> None:
    """What the store knows of nodes that do not say themselves what they do."""
    for node in document["nodes"]:
        if node["controller"] is None:
            node["jobs"] = [job.name for job in session.open_jobs(node["name"])]


def _essence(document: Document) -> Document:
    """What counts as a change: not the passing of time."""
    runs = [{k: v for k, v in run.items() if k != "duration"} for run in document["runs"]]
    nodes = [
        {k: v for k, v in node.items() if k not in ("controller", "machine")}
        for node in document["nodes"]
    ]
    return {"runs": runs, "nodes": nodes, "jobs": document.get("jobs")}


def _show(document: Document) -> None:
    for node in document["nodes"]:
        print(_node_line(node))
        if node.get("trouble"):
            print(_alarm(f"✘ {node['name']}: {node['trouble']}"))
    for job in document.get("jobs", []):
        counts = ", ".join(f"{number} {state}" for state, number in job["counts"].items() if number)
        print(f"{job['name']} {job['status']}: {counts}")
    for run in document["runs"]:
        duration = "" if run["duration"] is None else format_duration(run["duration"])
        metrics = "  ".join(f"{name}={value:.4g}" for name, value in _numbers(run["metrics"]))
        status = "cancelling" if run.get("cancelling") else run["status"]
        print(f"  {run['name']:<10} {status:<10} {duration:>8}  {metrics}")


def _alarm(text: str) -> str:
    """In red, where there are colours."""
    is_colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[31m{text}\x1b[0m" if is_colored else text


def _node_line(node: Document) -> str:
    line, controller = f"{node['name']} ({node['target']}) {node['state']}", node["controller"]
    if controller is None:
        return f"{line}: {', '.join(node['jobs'])} unfinished" if node["jobs"] else line
    machine = machine_text(node)
    return (
        f"{line}: {node['running']} running, {node['queued']} queued; "
        + (f"{machine}; " if machine else "")
        + f"controller {controller['version']}, pid {controller['pid']}, "
        f"up {format_duration(controller['uptime'])}"
    )


def _numbers(metrics: Document) -> list[tuple[str, float]]:
    return [(name, value) for name, value in metrics.items() if isinstance(value, int | float)]
