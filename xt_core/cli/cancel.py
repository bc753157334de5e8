"""`xt cancel`: runs, jobs, a node, or everything; idempotent."""

import argparse

from xt_core import clock
from xt_core.cli.names import chosen_runs
from xt_core.cli.parser import add_workspace, command_parser, overrides_of, seconds
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UnknownNameError, UsageError
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Run
from xt_core.reports.documents import run_document
from xt_core.session import Session
from xt_core.stats.store import RunQuery

_EXAMPLES = (
    "xt cancel run run3,run7-run9      these runs",
    "xt cancel run run35               a parent: its job's runs on that node",
    "xt cancel job job12 --grace 60    a minute to save a checkpoint",
    "xt cancel node node1              its part of each job; other nodes go on with the rest",
    "xt cancel all                     whatever runs here",
)


_PARTS = """\
Of a job over several nodes, cancel node ends the node's own part: its runs, and the
work that was dealt out to it (static schedule). What any node may take (dynamic
schedule) is left to the others, and cancelled with the last part. cancel run with a
parent's name does the same for one job; cancel job ends the job on all nodes."""


def main(argv: list[str]) -> int:
    options = _parse(argv[1:])
    session = Session(overrides=overrides_of(options), waiting=note)
    affected = _affected(session, options.what, options.names)
    living = [run for run in affected if not run.status.is_final]
    session.check_is_reached(run.job for run in living)
    if options.what == "run":
        session.controllers.cancel(runs=living, grace=options.grace)
    elif options.what == "job" and living:
        jobs = session.store.jobs(options.names)
        session.controllers.cancel(jobs=jobs, grace=options.grace)
    elif living:
        nodes = list({run.node for run in living})
        session.controllers.cancel(nodes=nodes, grace=options.grace)
    ended = [session.store.run(run.workspace, run.name) for run in affected]
    _report(ended, {run.full_name for run in living}, as_json=options.json)
    return ExitCode.OK


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = command_parser(
        "cancel",
        "cancel work: SIGTERM, a grace period, then SIGKILL to the whole process tree",
        _EXAMPLES,
        usage="xt cancel run RUNS… | job JOBS… | node NODES… | all  [OPTIONS]",
    )
    parser.epilog = f"{_PARTS}\n\n{parser.epilog}"
    parser.add_argument("what", choices=("run", "job", "node", "all"))
    parser.add_argument("names", nargs="*", metavar="NAMES")
    parser.add_argument("--grace", type=seconds, metavar="SECONDS", help="default: 10")
    add_workspace(parser)
    options = parser.parse_args(argv)
    if options.what == "all" and options.names:
        raise UsageError("cancel all takes no names", "xt cancel run RUNS cancels some")
    if options.what != "all" and not options.names:
        raise UsageError(f"no {options.what} is named", "xt cancel --help has examples")
    if options.what in ("job", "node"):
        options.names = [name for text in options.names for name in text.split(",")]
    return options


def _affected(session: Session, what: str, names: list[str]) -> list[Run]:
    if what == "run":
        return chosen_runs(session, names, parents=None)
    if what == "job":
        for name in names:
            if not JOB_NAME.fullmatch(name):
                raise UsageError(f"{name!r} is no job name", "as in job12")
            session.store.job(name)
        return session.store.find_runs(RunQuery(jobs=names, parents=None))[0]
    known = session.controllers.known()
    for name in names:
        if name not in known:
            raise UnknownNameError(f"no node named {name}", "xt list nodes shows those there are")
    return [
        run
        for node in names or known
        for job in session.open_jobs(node)
        for run in session.store.open_runs(job.name, node)
    ]


def _report(runs: list[Run], cancelled: set[str], *, as_json: bool) -> None:
    runs = [run for run in runs if not run.is_parent or run.full_name in cancelled]
    if as_json:
        now = clock.now()
        emit_json({"runs": [run_document(run, now) for run in runs]})
        return
    for run in runs:
        already = "" if run.full_name in cancelled else " already"
        print(f"{run.name} {run.status}{already}")
    if not runs:
        print("nothing to cancel")
