"""`xt run`: submit a job."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from xt_core.cli.parser import Parser, command_parser, overrides_of
from xt_core.cli.talk import Progress, emit_json, note
from xt_core.errors import ExitCode, UsageError, XTError
from xt_core.model.records import JobCounts
from xt_core.model.states import JobStatus, RunStatus, SearchStyle
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_core.submit.options import RUN_OPTIONS, Kind, RunOption, RunRequest, parse_pair
from xt_core.submit.preparation import Preparation, prepare
from xt_core.submit.submission import Submission, extend, submit

_EXAMPLES = (
    "xt run train.py --lr=0.1                        one run; what follows the script is its own",
    "xt run --attach train.py                        … and watch its output",
    "xt run --runs 5 train.py                        the same command five times",
    "xt run --concurrent 2 train.py --lr=[.01,.03]   a grid search, two runs at a time",
    "xt run --runs 20 train.py '--lr=[$loguniform(-9,-2)]'   a random search (quote the $)",
    "xt run --runs 50 --search-type tpe --primary-metric loss:min train.py '--lr=[$uniform(0,1)]'",
    "                                                a search that learns from its runs",
    "xt run --extend job12 --runs 50                 50 more runs of a search",
    "xt run --multi-commands commands.txt            one run a line of the file",
    "xt run --data-local ~/mnist --data-upload train.py      upload what changed (XT_DATA_DIR)",
    "xt run --model-share-path resnet train.py       a share of the team, in XT_MODEL_DIR",
    "xt run --setup torch train.py                   in the environment of a setup, built once",
    "xt run --preset small --seed 7 -- --epochs=3    a preset of the launch form, changed",
    "xt run --dry-run train.py --lr=[.01,.03]        show what would be run (--json: with its MRC)",
)
_PREVIEW = 20


def main(argv: list[str]) -> int:
    own, command = split_command_line(argv[1:])
    parser = _parser()
    options = parser.parse_args(own)
    if options.preset is None:
        request = request_of_options(options, command)
    else:
        team = Session(overrides=overrides_of(argparse.Namespace(team=options.team)))
        request = _with_preset(team, options, command)
    session = Session(overrides=overrides_of(options) | request.overrides(), waiting=note)
    if request.extend is not None:
        if options.dry_run:
            raise UsageError(
                "--extend and --dry-run together: an extension has nothing to show beforehand",
                "leave one of them out",
            )
        return _after_submission(session, extend(session, request, note), options)
    return submit_and_follow(session, prepare(session, request), options)


def submit_and_follow(
    session: Session, preparation: Preparation, options: argparse.Namespace
) -> int:
    """Submit, or show what would be; then do what `add_run_options` lets the user choose."""
    for doubt in preparation.doubts:
        note(f"warning: {doubt}")
    if options.dry_run:
        _show_plan(preparation, session, as_json=options.json)
        return ExitCode.OK
    if preparation.placement.boxes:
        from xt_core.cli.box_prepare import Steps

        session.boxes.told = Steps()
    progress = Progress()
    try:
        submission = submit(session, preparation, note, progress.show_bytes)
    finally:
        progress.clear()
    return _after_submission(session, submission, options, has_setup=preparation.has_setup)


def split_command_line(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """(XT's options, the command): the first word that is no option begins the command, and is
    not looked into. ``--`` ends the options too."""
    takes_value = {f"--{option.name}" for option in RUN_OPTIONS if option.kind is not Kind.FLAG}
    takes_value |= {"--team", "--preset"}
    position = 0
    while position < len(argv):
        word = argv[position]
        if word == "--":
            return list(argv[:position]), list(argv[position + 1 :])
        if not word.startswith("-") or word == "-":
            break
        position += 2 if word in takes_value else 1
    return list(argv[:position]), list(argv[position:])


def _parser() -> Parser:
    parser = command_parser(
        "run", "submit a job", _EXAMPLES, usage="xt run [OPTIONS] SCRIPT [ARGUMENTS…]"
    )
    add_run_options(parser)
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="what that preset of the launch form says; arguments replace those of its command",
    )
    return parser


def add_run_options(parser: Parser, but: Sequence[str] = ()) -> None:
    """The options of a submission, and what follows it; `but` those of these names."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in RUN_OPTIONS:
        if option.name not in but:
            group = groups.setdefault(option.group, parser.add_argument_group(option.group.lower()))
            _add(group, option)
    then = parser.add_argument_group("then")
    then.add_argument("--attach", action="store_true", help="follow the output until the end")
    then.add_argument("--wait", action="store_true", help="return when the job has ended")
    then.add_argument(
        "--dry-run", action="store_true", help="show, submit nothing; --json tells all"
    )


def _add(group: argparse._ArgumentGroup, option: RunOption) -> None:
    name, text = f"--{option.name}", option.help
    if option.kind is Kind.FLAG:
        group.add_argument(name, action="store_true", default=None, help=text)
    elif option.kind is Kind.PAIRS:
        group.add_argument(name, action="append", metavar=option.metavar, help=text, default=[])
    elif option.kind in (Kind.NUMBER, Kind.AMOUNT):
        kind = float if option.kind is Kind.AMOUNT else int
        group.add_argument(name, type=kind, metavar=option.metavar, help=text)
    else:
        choices = option.choices or None
        group.add_argument(name, choices=choices, metavar=option.metavar, help=text)


def request_of_options(options: argparse.Namespace, command: list[str]) -> RunRequest:
    """The request that the options and a command make. Raises UsageError."""
    given = {
        option.field: getattr(options, option.field)
        for option in RUN_OPTIONS
        if hasattr(options, option.field)
    }
    given["env"] = dict(parse_pair(text) for text in given["env"])
    return RunRequest(command=command, **given)


def read_command_line(session: Session, words: Sequence[str]) -> tuple[RunRequest, list[str]]:
    """What `xt run` with these words submits, and those of its options that are no part of that,
    such as `--attach`. Writes nothing. Raises UsageError, and for a preset UnknownNameError and
    UnavailableError."""
    own, command = split_command_line(words)
    if not {"-h", "--help"}.isdisjoint(own):
        raise UsageError("xt run --help submits nothing", "leave --help out")
    options = _parser().parse_args(own)
    if options.preset is None:
        request = request_of_options(options, command)
    else:
        request = _with_preset(session, options, command)
    parts = {option.field for option in RUN_OPTIONS} | {"preset"}
    others = [name for name, given in vars(options).items() if given and name not in parts]
    return request, [f"--{name.replace('_', '-')}" for name in others]


def _with_preset(session: Session, options: argparse.Namespace, arguments: list[str]) -> RunRequest:
    """What a preset of the launch form says, changed by options and arguments that are given."""
    from xt_core.submit.again import changed
    from xt_core.submit.presets import preset_request

    given = request_of_options(options, []).given()
    return changed(preset_request(session, options.preset), given, arguments)


def _show_plan(preparation: Preparation, session: Session, *, as_json: bool) -> None:
    plan = preparation.plan
    if as_json:
        mrc = preparation.mrc("", preparation.nodes, session)
        emit_json(
            {
                "style": plan.style,
                "search_type": plan.search_type,
                "work_items": plan.work_items,
                "items": [
                    {"run_index": i, "command": plan.argv(i), "hparams": plan.hparams(i)}
                    for i in range(plan.work_items)
                ],
                "mrc": asdict(mrc),
            }
        )
        return
    from xt_core.reports.plans import plan_lines

    for line in plan_lines(plan, _PREVIEW):
        print(line)


def _after_submission(
    session: Session,
    submission: Submission,
    options: argparse.Namespace,
    *,
    has_setup: bool = False,
) -> int:
    if options.json and not (options.wait or options.attach):
        emit_json(asdict(submission))
        return ExitCode.OK
    try:
        if not options.json:
            output = sys.stderr if options.attach else sys.stdout
            print(_summary(submission), file=output, flush=True)
        if not (options.wait or options.attach):
            return ExitCode.OK
        if has_setup:
            from xt_core.cli.follow import tell_setup

            tell_setup(session, submission.job, submission.workspace, submission.runs)
        if options.attach and not options.json:
            _attach(session, submission)
        all_completed = _wait(session, submission)
    except KeyboardInterrupt:
        note(f"\n{submission.job} lives on: xt cancel job {submission.job} ends it")
        raise
    _bring_files(session, submission)
    if options.json:
        from xt_core.reports.documents import job_document

        emit_json(asdict(submission) | {"result": job_document(session.store, submission.job)})
    return ExitCode.OK if all_completed else ExitCode.WORK_FAILED


def _summary(submission: Submission) -> str:
    name = f"{submission.job}: {', '.join(submission.runs)}"
    if submission.style == SearchStyle.SINGLE:
        return f"{name} submitted"
    return f"{name} submitted ({submission.style}, {counted(submission.work_items, 'run')})"


def _attach(session: Session, submission: Submission) -> None:
    from xt_core.cli.follow import write_to_stdout
    from xt_core.console import stream_console

    if submission.style == SearchStyle.SINGLE:
        run = session.store.run(submission.workspace, submission.runs[0])
        stream_console(session, run, "start", write_to_stdout, told=note)
    else:
        _attach_children(session, submission)


def _attach_children(session: Session, submission: Submission) -> None:
    """The output of a search: each run's whole output in turn, headed by its name."""
    from xt_core.cli.follow import job_progress, write_to_stdout
    from xt_core.console import stream_console
    from xt_core.stats.store import RunQuery

    done: set[str] = set()
    for _counts in job_progress(session, submission.job):
        while True:
            query = RunQuery(workspace=submission.workspace, jobs=[submission.job])
            begun = [
                run
                for run in session.store.find_runs(query)[0]
                if run.name not in done and run.status is not RunStatus.QUEUED
            ]
            if not begun:
                break
            run = begun[0]
            done.add(run.name)
            note(f"==> {run.name}: {run.command}")
            stream_console(session, run, "start", write_to_stdout, told=note)


def _bring_files(session: Session, submission: Submission) -> None:
    """What the job's runs on boxes made: whoever waited for the job finds it here."""
    progress = Progress()
    for node in set(submission.nodes) & set(session.homecoming.due()):
        try:
            session.homecoming.bring_all(node, progress.show_bytes)
        except XTError as error:
            note(f"{error.message}: files wait there; xt sync {node} brings them")
        finally:
            progress.clear()


def _wait(session: Session, submission: Submission) -> bool:
    """Wait for the job's end; whether all of its runs completed."""
    from xt_core.cli.follow import job_progress
    from xt_core.reports.jobs import outcome_text

    progress, counts = Progress(), JobCounts()
    try:
        for counts in job_progress(session, submission.job):
            progress.show(
                f"{submission.job}: {counts.completed} completed, {counts.running} running, "
                f"{counts.queued + counts.unstarted} waiting, {counts.error} failed"
            )
    finally:
        progress.clear()
    if counts.status() is JobStatus.COMPLETED and not counts.cancelled:
        return True
    told = f"{submission.job} ended as {outcome_text(counts)}"
    listed = "view job" if counts.failed_parents else "list runs --job"
    note(f"{told}: xt {listed} {submission.job}")
    return False
