"""`xt demo`: a real search over a real training script, on this machine."""

import sys
from importlib import import_module

from xt_core.cli.parser import command_parser, count, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode
from xt_core.model.records import JobCounts
from xt_core.resources import resource
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import Submission, submit

_EXAMPLES = (
    "xt demo            on a terminal: watch it in the terminal UI",
    "xt demo --no-tui   print progress and the best run",
)
_SEARCH = ["--lr=[.001,.01,.03,.1]", "--hidden=[0,16,32]"]


def main(argv: list[str]) -> int:
    parser = command_parser(
        "demo",
        "train a small network on handwritten digits with 12 settings, 2 at a time",
        _EXAMPLES,
    )
    parser.add_argument("--no-tui", action="store_true", help="print progress, open no UI")
    parser.add_argument("--epochs", type=count, default=8, metavar="N", help="default: 8")
    options = parser.parse_args(argv[1:])
    session, submission = _submit(options.epochs, overrides_of(options))
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if terminal and not (options.no_tui or options.json):
        app = import_module("xt_tui.app")
        return int(app.run_app(session))
    return _print_progress(session, submission, as_json=options.json)


def _submit(epochs: int, overrides: dict[str, object]) -> tuple[Session, Submission]:
    script = resource("examples/digits/train.py")
    request = RunRequest(
        command=["train.py", *_SEARCH, f"--epochs={epochs}"],
        search_type="grid",
        concurrent=2,
        experiment="demo",
        description="xt demo: digits",
        primary_metric="test-acc",
        maximize=True,
    )
    session = Session(cwd=script.parent, overrides=overrides | request.overrides(), waiting=note)
    submission = submit(session, prepare(session, request), note)
    note(f"{submission.job}: {submission.work_items} runs, 2 at a time, of {script}")
    return session, submission


def _print_progress(session: Session, submission: Submission, *, as_json: bool) -> int:
    from xt_core.cli.follow import job_progress
    from xt_core.reports.documents import job_document

    shown, counts = "", JobCounts()
    for counts in job_progress(session, submission.job):
        line = (
            f"{counts.completed:>2} of {submission.work_items} runs completed, "
            f"{counts.running} running, {counts.error} failed"
        )
        if line != shown:
            note(line)
            shown = line
    document = job_document(session.store, submission.job)
    best = document["best"]
    if as_json:
        emit_json(document)
    elif best is not None:
        run = session.store.run(submission.workspace, best["run"])
        values = ", ".join(f"{name} {value}" for name, value in sorted(run.hparams.items()))
        print(f"best run: {best['run']}, test-acc {best['value']:.4f} ({values})")
        print(f"next: xt list runs --job {submission.job} --sort metrics.test-acc")
        print(f"      xt plot {best['run']} test-acc,train-loss")
        print("      xt")
    return ExitCode.OK if counts.completed == submission.work_items else ExitCode.WORK_FAILED
