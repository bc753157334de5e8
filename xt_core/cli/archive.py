"""`xt archive` and `xt unarchive`: put runs and jobs away, and bring them back."""

from xt_core.annotations import (
    annotate,
    archived,
    check_may_be_archived,
    is_archived,
    runs_of,
    unarchived,
)
from xt_core.cli.names import named_records
from xt_core.cli.parser import add_workspace, command_parser, overrides_of
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode
from xt_core.query.formats import counted
from xt_core.session import Session

_EXAMPLES = {
    "archive": (
        "xt archive run3,run7-run9          these runs; lists leave them out from now on",
        "xt archive job12                   a job and all its runs",
        "xt list runs --archived            all the same",
        "xt list runs --filter 'tags.archived=$true' --all    only those that are put away",
    ),
    "unarchive": (
        "xt unarchive run3                  bring a run back",
        "xt unarchive job12                 a job and all its runs",
    ),
}
_SUMMARIES = {
    "archive": "put runs and jobs away: nothing is deleted, lists leave them out",
    "unarchive": "bring runs and jobs back that were archived",
}


def main(argv: list[str]) -> int:
    command = argv[0]
    parser = command_parser(
        command, _SUMMARIES[command], _EXAMPLES[command], usage=f"xt {command} NAMES [OPTIONS]"
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAMES", help="run3,run7-run9,run35.*,job12; - reads them"
    )
    add_workspace(parser)
    options = parser.parse_args(argv[1:])
    session = Session(overrides=overrides_of(options))
    puts_away = command == "archive"
    runs, jobs = named_records(session, options.names)
    runs += runs_of(session.store, jobs)
    if puts_away:
        check_may_be_archived(runs)
    runs = [run for run in runs if is_archived(run) is not puts_away]
    jobs = [job for job in jobs if is_archived(job) is not puts_away]
    annotate(session.store, runs, jobs, archived if puts_away else unarchived)
    named = [*(job.name for job in jobs), *(run.name for run in runs)]
    if options.json:
        emit_json({"changed": named})
    else:
        done = "archived" if puts_away else "brought back"
        parts = [counted(len(jobs), "job")] if jobs else []
        parts += [counted(len(runs), "run")] if runs or not jobs else []
        print(named[0] + f" {done}" if len(named) == 1 else f"{' and '.join(parts)} {done}")
    return ExitCode.OK
