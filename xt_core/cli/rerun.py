"""`xt rerun`: make the submission of a run or a job again, as it was or changed."""

import argparse
from dataclasses import replace

from xt_core.cli.freshness import refresh
from xt_core.cli.names import one_run
from xt_core.cli.parser import Parser, command_parser, overrides_of
from xt_core.cli.run import add_run_options, request_of_options, submit_and_follow
from xt_core.cli.talk import note
from xt_core.errors import RefusedError
from xt_core.model.names import JOB_NAME
from xt_core.session import Session
from xt_core.submit.again import Again, changed, job_again, noting_origin, run_again
from xt_core.submit.options import command_line
from xt_core.submit.preparation import Preparation, prepare

_EXAMPLES = (
    "xt rerun run3                          the same command and options, with the present code",
    "xt rerun run35.2                       a run of a search: the one command, with its set",
    "xt rerun run35.2 -- --lr=0.2           … with another value; what follows -- is the script's",
    "xt rerun job12                         the whole search, with the same sets",
    "xt rerun job12 --seed 7 --runs 50      … with others, and more of them",
    "xt rerun run3 --same-code              with the code that it had",
    "xt rerun run3 --dry-run                show what would be run",
    "xt list jobs --filter rerun_of=run3    what was made from it",
)
_NOT_CHANGED = ("extend",)


def main(argv: list[str]) -> int:
    words = argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:end])
    session = Session(overrides=overrides_of(argparse.Namespace(team=options.team)), waiting=note)
    again = _again(session, options.name)
    given = request_of_options(options, []).given()
    request = changed(again.request, given, words[end + 1 :])
    if again.missing_folder:
        note(f"{again.missing_folder} is not here: looking for the code in {again.folder}")
    there = session.beside({**session.overrides, **request.overrides()}, again.folder)
    preparation = noting_origin(prepare(there, request), again, there.workspace)
    if options.same_code:
        preparation = _with_its_code(preparation, again)
    note(command_line(request))
    return submit_and_follow(there, preparation, options)


def _parser() -> Parser:
    parser = command_parser(
        "rerun",
        "submit a run or a job again: the same command, options and hyperparameters, with the "
        "code as it is now; options and arguments that are given take the place of the old ones",
        _EXAMPLES,
        usage="xt rerun RUN|JOB [OPTIONS] [-- ARGUMENTS…]",
    )
    parser.add_argument("name", metavar="RUN|JOB", help="as run3, run35.2, job12")
    parser.add_argument("--same-code", action="store_true", help="with the code that it had")
    add_run_options(parser, but=_NOT_CHANGED)
    return parser


def _again(session: Session, name: str) -> Again:
    if JOB_NAME.fullmatch(name):
        refresh(session)
        return job_again(session, session.store.job(name))
    return run_again(session, one_run(session, name))


def _with_its_code(preparation: Preparation, again: Again) -> Preparation:
    if again.code is None:
        raise RefusedError(
            f"{again.name} kept no code: it was run where it lay (--no-code)",
            "leave --same-code away",
        )
    return replace(preparation, code=again.code)
