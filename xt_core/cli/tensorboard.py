"""`xt tensorboard`: runs as event files of TensorBoard, and TensorBoard itself on them."""

import argparse
import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.cli.names import chosen_runs, run_patterns
from xt_core.cli.parser import Parser, add_workspace, command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UsageError, WorkFailedError
from xt_core.model.records import Run
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.tensorboard.export import Export

_EXAMPLES = (
    "xt tensorboard job12                       its runs, into the folder tensorboard",
    "xt tensorboard run3,run7-run9 --to logs    a second call adds only what is new",
    "xt tensorboard job12 --follow --serve      go on until all have ended, and show it",
    "xt tensorboard job12 --template '{job}/lr={hparams.lr}/{run}'",
)
_PROGRAM = "tensorboard"
_STANDARD_ERROR = 2
_LOOK_AGAIN_SECONDS = 2.0
"""How often a team's store is asked, which tells of no changes."""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv[1:])
    program = _checked_program() if options.serve else ""
    if find_spec("tensorboardX") is None:
        raise UsageError(
            "writing event files takes the package tensorboardX, which is not installed",
            "install the extra: pip install 'xt[tensorboard]'",
        )
    from xt_core.tensorboard.export import Export, held

    template = {} if options.template is None else {"tensorboard.template": options.template}
    session = Session(overrides=overrides_of(options) | template)
    root = Path(options.to)
    names = [pattern.text for pattern in run_patterns(options.runs)]
    export = Export(root, session.team.name, session.config.string("tensorboard.template"))
    code = ExitCode.OK
    with contextlib.ExitStack() as stack:
        server: subprocess.Popen[bytes] | None = None
        try:
            with held(root):
                if program and options.follow:
                    server = stack.enter_context(_served(program, root))
                _write(session, export, names, follow=options.follow)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        _report(export, options)
        if program and code == ExitCode.OK:
            _wait_for(server or stack.enter_context(_served(program, root)))
    return code


def _parser() -> Parser:
    parser = command_parser(
        "tensorboard",
        "runs as event files of TensorBoard: metrics, texts and hyperparameters",
        _EXAMPLES,
        usage="xt tensorboard RUNS… [OPTIONS]",
    )
    parser.add_argument("runs", nargs="+", metavar="RUNS")
    parser.add_argument(
        "--to", default="tensorboard", metavar="FOLDER", help="default: ./tensorboard"
    )
    parser.add_argument(
        "--template", metavar="TEXT", help="the log folder of each run; see tensorboard.template"
    )
    parser.add_argument("--follow", action="store_true", help="go on until the runs have ended")
    parser.add_argument("--serve", action="store_true", help="then start TensorBoard on the folder")
    add_workspace(parser)
    return parser


def _checked_program() -> str:
    """TensorBoard's program: that beside XT's own Python, else that on the path."""
    beside = shutil.which(_PROGRAM, path=str(Path(sys.executable).parent))
    program = beside or shutil.which(_PROGRAM)
    if program is None:
        raise UsageError(
            "--serve takes TensorBoard, which is not installed", "pip install tensorboard"
        )
    return program


def _write(session: Session, export: "Export", names: list[str], *, follow: bool) -> None:
    """Write the runs, with `follow` until all of them have ended."""
    runs = _write_once(session, export, names, patient=follow)
    living = [run for run in runs if not run.status.is_final]
    if not follow or not living:
        return
    note("following until the runs have ended; Ctrl-C ends it earlier")
    for _ in _looks(session, living):
        runs = _write_once(session, export, names, patient=True)
        if all(run.status.is_final for run in runs):
            return


def _write_once(
    session: Session, export: "Export", names: list[str], *, patient: bool
) -> list[Run]:
    """Write what is new; all runs named, also the parents, which make more runs while they live."""
    runs = chosen_runs(session, names, parents=None)
    named = {pattern.name for pattern in run_patterns(names) if pattern.single}
    chosen = [run for run in runs if not run.is_parent or run.name in named]
    export.write(session.store, chosen, patient=patient)
    return runs


def _looks(session: Session, living: list[Run]) -> Iterator[None]:
    """The moments to look again: changes on the nodes of an embedded team; a team's services tell
    of none."""
    here = {job for job in {run.job for run in living} if session.does(job)}
    nodes = {run.node for run in living if run.job in here}
    while True:
        session.controllers.ensure_running(nodes)
        if session.access.stats is None:
            yield from session.controllers.changes(nodes)
        else:
            yield
            time.sleep(_LOOK_AGAIN_SECONDS)


def _report(export: "Export", options: argparse.Namespace) -> None:
    if options.json:
        runs = [
            {"run": name, "folder": str(log.folder), "points": log.points}
            for name, log in export.logs.items()
        ]
        emit_json({"folder": options.to, "runs": runs})
        return
    for name, log in export.logs.items():
        print(f"{name}  {log.points} new points  {log.folder}")
    if export.idle:
        note(f"not started, so with nothing to write: {export.idle}")
    if export.logs and not options.serve:
        note(f"tensorboard --logdir {shlex.quote(options.to)} shows them")


@contextlib.contextmanager
def _served(program: str, root: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """TensorBoard, for as long as the context lasts, which SIGTERM ends too; what it says goes to
    standard error."""
    command = [program, "--logdir", str(root)]
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=_STANDARD_ERROR)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        signal.signal(signal.SIGTERM, before)


def _wait_for(server: "subprocess.Popen[bytes]") -> None:
    """Wait until TensorBoard ends, by Ctrl-C as a rule. Raises WorkFailedError if it failed."""
    if code := server.wait():
        raise WorkFailedError(f"TensorBoard ended with exit code {code}", "see what it says above")
