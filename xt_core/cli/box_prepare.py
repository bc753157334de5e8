"""`xt box prepare`: XT on boxes, before a first job needs it there."""

import argparse
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from xt_core.cli.parser import Parser
from xt_core.cli.talk import emit_json, note
from xt_core.errors import UsageError
from xt_core.nodes.concurrently import on_each
from xt_core.query.formats import byte_text
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.bootstrap.installation import Installation, Progress


def add_prepare_options(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that have addresses")
    parser.add_argument(
        "--searches", action="store_true", help="also what dynamic searches need (65 MB)"
    )


def prepare_boxes(session: Session, options: argparse.Namespace, names: list[str]) -> None:
    """Install on all at once; a second time finds it there. Raises for those that failed."""
    from xt_core.bootstrap.installation import install
    from xt_core.bootstrap.needs import needs_of
    from xt_core.ssh.boxes import Boxes
    from xt_core.ssh.configured import box_address

    if not names:
        raise UsageError("no boxes", "xt box add NAME ADDRESS adds one")
    for name in names:
        box_address(session.config, name)
    needs = needs_of(session.access, searches=options.searches)
    boxes, printing = Boxes(session.config, session.environ), threading.Lock()
    steps = Steps()

    def prepare(name: str) -> "Installation":
        cache = session.home.bootstrap_dir
        told = partial(steps, name)
        made = install(boxes.of(name), needs, cache, session.environ, told)
        if not options.json:
            with printing:
                print(_line(made), flush=True)
        return made

    try:
        answers = on_each(names, prepare)
    finally:
        boxes.close()
    if options.json and not answers.failures:
        made = [_document(answers.results[name]) for name in names]
        emit_json({"boxes": made, "total": len(made)})
    answers.raise_failures()


class Steps:
    """Tells each step of each box once: several are prepared at once."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __call__(self, name: str, progress: "Progress") -> None:
        if progress.what != self._told.get(name):
            self._told[name] = progress.what
            size = f", {byte_text(progress.total_bytes)}" if progress.total_bytes else ""
            note(f"{name}: {progress.what}{size}")


def _line(made: "Installation") -> str:
    sent = f"{byte_text(made.sent_bytes)} sent" if made.ways else "it was there"
    return f"{made.box.name}: XT {made.name} for {made.python.shown} in {made.root}; {sent}"


def _document(made: "Installation") -> dict[str, Any]:
    return {
        "name": made.box.name,
        "version": made.name,
        "root": made.root,
        "python": made.python.executable,
        "ways": made.ways,
        "sent_bytes": made.sent_bytes,
    }
