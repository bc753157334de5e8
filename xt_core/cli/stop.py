"""`xt stop controller`: let the controllers of nodes end; their runs live on."""

import argparse

from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UnknownNameError
from xt_core.model.states import RunStatus
from xt_core.query.formats import counted
from xt_core.session import Session

_EXAMPLES = (
    "xt stop controller              those of this machine",
    "xt stop controller node1 gpu1   of these nodes, boxes too",
)
_WHAT_GOES_ON = """\
Runs live on, and what they log is kept. Nothing is started, recorded or shown of them until
there is a controller again: xt status starts one where there is work, and so does every command
that needs it. One without work ends by itself. xt cancel ends runs."""


def main(argv: list[str]) -> int:
    parser = command_parser(
        "stop",
        "let the controllers of nodes end",
        _EXAMPLES,
        usage="xt stop controller [NODES…] [OPTIONS]",
    )
    parser.epilog = f"{_WHAT_GOES_ON}\n\n{parser.epilog}"
    parser.add_argument("what", choices=("controller",))
    parser.add_argument("nodes", nargs="*", metavar="NODES", help="default: all of this machine")
    options = parser.parse_intermixed_args(argv[1:])
    session = Session(overrides=overrides_of(options), waiting=note)
    answers = session.controllers.stop(_nodes(session, options))
    living = {node: _living(session, node) for node in answers.results}
    if options.json:
        nodes = [
            {"name": node, "stopped": was_there, "living_runs": living[node]}
            for node, was_there in answers.results.items()
        ]
        emit_json({"nodes": nodes})
    else:
        for node, was_there in answers.results.items():
            print(_line(node, was_there, len(living[node])))
        if not answers.results and not answers.failures:
            print("no controller of this machine runs")
    answers.raise_failures()
    return ExitCode.OK


def _nodes(session: Session, options: argparse.Namespace) -> list[str]:
    """The nodes that are named, with blanks or commas between them. Raises UnknownNameError."""
    names = [name for text in options.nodes for name in text.split(",")]
    known = session.controllers.known()
    for name in names:
        if name not in known:
            raise UnknownNameError(f"no node named {name}", "xt list nodes shows those there are")
    return names or session.controllers.running()


def _living(session: Session, node: str) -> list[str]:
    """The runs of a node that have processes, as far as the stats store knows."""
    return [
        run.name
        for job in session.open_jobs(node)
        for run in session.store.open_runs(job.name, node)
        if run.status is RunStatus.RUNNING and not run.is_parent
    ]


def _line(node: str, was_there: bool, living: int) -> str:
    told = "its controller was stopped" if was_there else "it had no controller"
    if not living:
        return f"{node}: {told}"
    verb = "lives" if living == 1 else "live"
    return f"{node}: {told}; {counted(living, 'run')} {verb} on, xt status starts a new one"
