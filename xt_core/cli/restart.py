"""`xt restart`: simulate a service restart of a job or of single runs, to test a script's
checkpointing; or replace a controller that hangs."""

import argparse

from xt_core.cli.names import chosen_runs
from xt_core.cli.parser import command_parser, overrides_of, seconds
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UnknownNameError, UsageError
from xt_core.home import NODE_NAME
from xt_core.model.names import JOB_NAME
from xt_core.model.states import RunStatus
from xt_core.session import Session

_EXAMPLES = (
    "xt restart controller job12                 stop the job's runs, start them again",
    "xt restart controller job12 --delay 15      … after a quarter of a minute",
    "xt restart controller job12 --node-index 1  only those on the second of its nodes",
    "xt restart run run12.3,run12.5              stop these runs, start them again",
    "xt restart controller --hung                replace the controllers here that do not answer",
    "xt restart controller --hung node1          … of this node only",
)
_HUNG = """\
With --hung nothing is done to runs: a controller of this machine that does not answer
(it hangs, or was stopped) is killed, and a new one takes over its runs, which live on.
One that answers is left alone."""
_PATIENCE_SECONDS = 5.0


def main(argv: list[str]) -> int:
    options = _parse(argv[1:])
    session = Session(overrides=overrides_of(options), waiting=note)
    if options.hung:
        return _replace_hung(session, options)
    return _restart_runs(session, options) if options.what == "run" else _restart(session, options)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = command_parser(
        "restart",
        "simulate a service restart: a job's runs are stopped and started again, with the same "
        "name, hyperparameters and output directory, and XT_RESTARTS one higher",
        _EXAMPLES,
        usage="xt restart controller JOB [OPTIONS]\n       xt restart run RUNS [OPTIONS]\n"
        "       xt restart controller --hung [NODE]",
    )
    parser.epilog = f"{_HUNG}\n\n{parser.epilog}"
    parser.add_argument("what", choices=("controller", "run"))
    parser.add_argument("name", nargs="?", metavar="JOB|RUNS|NODE")
    parser.add_argument("--node-index", type=int, metavar="N", help="default: all nodes")
    parser.add_argument(
        "--delay", type=seconds, metavar="SECONDS", help="pause before the start (0)"
    )
    parser.add_argument(
        "--hung", action="store_true", help="replace a controller that does not answer"
    )
    options = parser.parse_intermixed_args(argv)
    if options.hung:
        if options.what == "run" or options.node_index is not None or options.delay is not None:
            raise UsageError(
                "--hung goes with no other option", "it restarts no run: there is nothing to delay"
            )
        if options.name is not None and not NODE_NAME.fullmatch(options.name):
            raise UsageError(
                f"{options.name!r} is no node of this machine", "as in node0; xt list nodes"
            )
    elif options.what == "run":
        if options.name is None or options.node_index is not None:
            raise UsageError("xt restart run takes names of runs", "as in run12.3,run12.5")
    elif not JOB_NAME.fullmatch(options.name or ""):
        is_given = options.name is not None
        what = f"{options.name!r} is no job name" if is_given else "no job is named"
        raise UsageError(what, "as in job12; --hung replaces a controller that does not answer")
    return options


def _restart(session: Session, options: argparse.Namespace) -> int:
    job = session.store.job(options.name)
    session.check_is_reached([job.name])
    restarted = session.controllers.restart(job, options.delay or 0.0, options.node_index)
    if options.json:
        emit_json({"job": job.name, "restarted": restarted})
    else:
        print(f"{job.name}: {', '.join(restarted) or 'no run is running'} restarted")
    return ExitCode.OK


def _restart_runs(session: Session, options: argparse.Namespace) -> int:
    runs = [
        run
        for run in chosen_runs(session, [options.name], parents=False)
        if run.status == RunStatus.RUNNING
    ]
    session.check_is_reached(run.job for run in runs)
    restarted = session.controllers.restart_runs(runs, options.delay or 0.0)
    if options.json:
        emit_json({"restarted": restarted})
    else:
        print(f"{', '.join(restarted) or 'no run is running, so none is'} restarted")
    return ExitCode.OK


def _replace_hung(session: Session, options: argparse.Namespace) -> int:
    controllers = session.controllers
    if options.name is not None and options.name not in controllers.known():
        raise UnknownNameError(
            f"no node named {options.name}", "xt list nodes shows those there are"
        )
    if options.name is None:
        note("asking the controllers of this machine; one that hangs takes a while to be known")
    nodes = controllers.hung(_PATIENCE_SECONDS) if options.name is None else [options.name]
    if nodes:
        note(f"replacing the controller of {', '.join(nodes)}: seconds, while its runs go on")
    killed = controllers.replace_hung(nodes)
    if options.json:
        emit_json({"nodes": [{"name": node, "killed": pid} for node, pid in killed.items()]})
        return ExitCode.OK
    for node, pid in killed.items():
        ended = "it had no controller" if pid is None else f"process {pid} was killed"
        print(f"{node}: {ended}, a new controller runs")
    if not killed:
        print("no controller of this machine hangs")
    return ExitCode.OK
