"""`xt attach`: replay and follow a run's output."""

from xt_core.cli.follow import write_to_stdout
from xt_core.cli.names import one_run
from xt_core.cli.parser import add_workspace, command_parser, join_value, overrides_of
from xt_core.cli.talk import note
from xt_core.console import stream_console
from xt_core.errors import ExitCode, UsageError
from xt_core.nodes.positions import is_start
from xt_core.session import Session

_EXAMPLES = (
    "xt attach run3               all of its output, then what comes",
    "xt attach run3 --from end    only what comes",
    "xt attach run3 --from -20    the last 20 lines, then what comes",
    "xt attach run3 --from @4096  from byte 4096 on",
)


def main(argv: list[str]) -> int:
    parser = command_parser("attach", "replay and follow a run's output, byte for byte", _EXAMPLES)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "--from", dest="start", default="start", metavar="WHERE", help="start, end, -N or @BYTE"
    )
    add_workspace(parser)
    options = parser.parse_args(join_value(argv[1:], "--from"))
    if not is_start(options.start):
        raise UsageError(f"--from {options.start} is no position", "give start, end, -N or @BYTE")
    if options.json:
        raise UsageError("attach gives a run's own bytes, not JSON", "leave --json away")
    session = Session(overrides=overrides_of(options), waiting=note)
    run = one_run(session, options.run, or_here=True)
    try:
        stream_console(session, run, options.start, write_to_stdout, told=note)
    except KeyboardInterrupt:
        note(f"\ndetached; {run.name} lives on")
        return ExitCode.INTERRUPTED
    return ExitCode.OK
