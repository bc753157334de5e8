"""`xt restart controller`: simulate a service restart, to test a script's checkpointing."""

from xt_core.cli.parser import command_parser, overrides_of, seconds
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode, UsageError
from xt_core.model.names import JOB_NAME
from xt_core.session import Session

_EXAMPLES = (
    "xt restart controller job12                 stop the job's runs, start them again",
    "xt restart controller job12 --delay 15      … after a quarter of a minute",
    "xt restart controller job12 --node-index 1  only those on the second of its nodes",
)


def main(argv: list[str]) -> int:
    parser = command_parser(
        "restart",
        "simulate a service restart: a job's runs are stopped and started again, with the same "
        "name, hyperparameters and output directory, and XT_RESTARTS one higher",
        _EXAMPLES,
        usage="xt restart controller JOB [OPTIONS]",
    )
    parser.add_argument("what", choices=("controller",))
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("--node-index", type=int, metavar="N", help="default: all nodes")
    parser.add_argument(
        "--delay", type=seconds, default=0.0, metavar="SECONDS", help="pause before the start"
    )
    options = parser.parse_args(argv[1:])
    if not JOB_NAME.fullmatch(options.job):
        raise UsageError(f"{options.job!r} is no job name", "as in job12")
    session = Session(overrides=overrides_of(options))
    job = session.store.job(options.job)
    session.check_is_reached([job.name])
    restarted = session.controllers.restart(job, options.delay, options.node_index)
    if options.json:
        emit_json({"job": job.name, "restarted": restarted})
    else:
        print(f"{job.name}: {', '.join(restarted) or 'no run is running'} restarted")
    return ExitCode.OK
