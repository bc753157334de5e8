"""`xt sync`: bring home what nodes on boxes have, for teams without a server."""

import threading
from typing import Any

from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import Progress, emit_json, note
from xt_core.errors import ExitCode
from xt_core.nodes.concurrently import on_each
from xt_core.nodes.homecoming import Brought
from xt_core.query.formats import byte_text, counted
from xt_core.session import Session

_EXAMPLES = (
    "xt sync              what all boxes have that this machine does not have yet",
    "xt sync gpu1         one box, though nothing is expected of it",
    "xt sync gpu1 --again what came before too: for stats that were lost here",
)
_ABOUT = """\
For a team without a server the records and files of runs on boxes come to this
machine whenever a command shows them, and while the terminal UI is open. xt sync
does it at once, and tells what came. A team with MongoDB and Azure Blob storage needs
none of it: its nodes report there."""


def main(argv: list[str]) -> int:
    parser = command_parser("sync", "bring home what nodes on boxes have", _EXAMPLES)
    parser.epilog = f"{_ABOUT}\n\n{parser.epilog}"
    parser.add_argument("boxes", nargs="*", metavar="BOX", help="default: all that have something")
    parser.add_argument("--again", action="store_true", help="all records, not only new ones")
    options = parser.parse_args(argv[1:])
    session = Session(overrides=overrides_of(options))
    names = list(dict.fromkeys(options.boxes)) or session.homecoming.due()
    for name in names:
        session.boxes.of(name)
    progress, printing = _Sum(), threading.Lock()

    def bring(name: str) -> Brought:
        brought = session.homecoming.bring_all(name, progress.of(name), again=options.again)
        with printing:
            progress.clear()
            _tell(name, brought, as_json=options.json)
        return brought

    answers = on_each(names, bring)
    progress.clear()
    if options.json:
        emit_json({"boxes": [_document(name, answers.results[name]) for name in answers.results]})
    elif not names:
        note("nothing is to be brought from any box")
    answers.raise_failures()
    refused = any(brought.refused for brought in answers.results.values())
    return ExitCode.WORK_FAILED if refused else ExitCode.OK


class _Sum:
    """The progress of all boxes, as one bar."""

    def __init__(self) -> None:
        self._progress, self._lock = Progress(), threading.Lock()
        self._of: dict[str, tuple[int, int]] = {}

    def of(self, name: str) -> "_Told":
        return _Told(self, name)

    def show(self, name: str, done: int, total: int) -> None:
        with self._lock:
            self._of[name] = done, total
            sums = (sum(column) for column in zip(*self._of.values(), strict=True))
            self._progress.show_bytes(*sums)

    def clear(self) -> None:
        with self._lock:
            self._progress.clear()


class _Told:
    def __init__(self, whole: _Sum, name: str) -> None:
        self._whole, self._name = whole, name

    def __call__(self, done: int, total: int) -> None:
        self._whole.show(self._name, done, total)


def _tell(name: str, brought: Brought, *, as_json: bool) -> None:
    for key, error in brought.refused.items():
        note(f"{name}: {key} stays there: {error.message}")
    if not as_json:
        size = byte_text(brought.bytes)
        news, files = counted(brought.news, "record"), counted(brought.files, "file")
        print(f"{name}: {news}, {files} ({size})", flush=True)


def _document(name: str, brought: Brought) -> dict[str, Any]:
    return {
        "name": name,
        "records": brought.news,
        "files": brought.files,
        "bytes": brought.bytes,
        "refused": {key: error.message for key, error in brought.refused.items()},
    }
