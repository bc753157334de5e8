"""`xt scp`: copy files and directories from and to a box."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import Progress, emit_json, note
from xt_core.errors import ExitCode, UnavailableError, UsageError
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.ssh.transfer import Transfer

_EXAMPLES = (
    "xt scp data.tar gpu1:             to the home folder there",
    "xt scp model gpu1:/scratch        a directory: it becomes /scratch/model",
    "xt scp model/ gpu1:/scratch       … what is in it, as with rsync",
    "xt scp 'gpu1:logs/*.txt' .        from a box; * is of the files there",
    "xt scp gpu1:run/model.pt best.pt  … under another name",
)
_SHOWN_SECONDS = 0.1


@dataclass(frozen=True)
class _Path:
    """A path of a box, or (`box` is None) of this machine."""

    box: str | None
    path: str


def main(argv: list[str]) -> int:
    parser = command_parser(
        "scp",
        "copy files and directories from and to a box; a copy that broke off is taken up again",
        _EXAMPLES,
        usage="xt scp SOURCE… DEST [OPTIONS]",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="BOX:PATH, or a path from here")
    options = parser.parse_intermixed_args(argv[1:])
    if len(options.paths) < 2:
        raise UsageError("a source and a destination are needed", "as in xt scp data.tar gpu1:")
    *sources, target = [_parsed(text) for text in options.paths]
    box = _the_box(sources, target)
    session = Session(overrides=overrides_of(options))
    began = time.monotonic()
    transfer = _copy(session, box, [source.path for source in sources], target)
    _tell(transfer, box, time.monotonic() - began, as_json=options.json)
    return ExitCode.OK


def _parsed(text: str) -> _Path:
    """``BOX:PATH``, unless a slash comes first: ``./a:b`` is a file."""
    from xt_core.ssh.address import BOX_NAME

    box, colon, path = text.partition(":")
    if not colon or not BOX_NAME.fullmatch(box):
        return _Path(None, text)
    if path == "~" or path.startswith("~/"):
        path = path[2:]
    return _Path(box, path or ".")


def _the_box(sources: list[_Path], target: _Path) -> str:
    names = {source.box for source in sources}
    if len(names) > 1:
        raise UsageError("all sources must be of one place", "copy them one after the other")
    (source,) = names
    if source is None and target.box is None:
        raise UsageError("none of these paths is of a box", "as in gpu1:data.tar")
    if source is not None and target.box is not None:
        raise UsageError("boxes do not copy to each other", "copy to this machine first")
    box = source or target.box
    assert box is not None
    return box


def _copy(session: Session, name: str, sources: list[str], target: _Path) -> "Transfer":
    from xt_core.ssh.boxes import Boxes

    boxes = Boxes(session.config, session.environ)
    box, progress = boxes.of(name), Progress()
    shown = _Shown(progress)
    copy = box.download if target.box is None else box.upload
    try:
        while True:
            before = shown.done_bytes
            try:
                return copy(sources, target.path, shown)
            except UnavailableError as error:
                if shown.done_bytes <= before:  # the last attempt has brought nothing
                    raise
                progress.clear()
                note(f"{error.message}; going on")
    finally:
        progress.clear()
        boxes.close()


class _Shown:
    """Shows a copy's progress, not more often than can be read."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._last = progress, 0.0
        self.done_bytes = 0
        """The most that any attempt has had done."""
        self._began = time.monotonic()

    def __call__(self, transfer: "Transfer") -> None:
        self.done_bytes = max(self.done_bytes, transfer.done_bytes)
        now = time.monotonic()
        if now - self._last < _SHOWN_SECONDS:
            return
        self._last = now
        share = transfer.done_bytes / transfer.total_bytes if transfer.total_bytes else 1.0
        rate = (transfer.done_bytes - transfer.resumed_bytes) / max(now - self._began, 1e-3)
        self._progress.show(
            f"{share:4.0%}  {transfer.done} of {transfer.files} files, "
            f"{transfer.done_bytes / 1e6:.1f} of {transfer.total_bytes / 1e6:.1f} MB, "
            f"{rate / 1e6:.1f} MB/s"
        )


def _tell(transfer: "Transfer", box: str, took: float, *, as_json: bool) -> None:
    if as_json:
        emit_json({
            "box": box,
            "files": transfer.files,
            "copied": transfer.done - transfer.kept,
            "kept": transfer.kept,
            "bytes": transfer.total_bytes,
            "resumed_bytes": transfer.resumed_bytes,
            "left_out": transfer.left_out,
            "seconds": round(took, 3),
        })  # fmt: skip
        return
    copied, kept = transfer.done - transfer.kept, ""
    if transfer.kept:
        kept = f"; {transfer.kept} were there already"
    what = "file" if copied == 1 else "files"
    print(f"{copied} {what} copied, {transfer.total_bytes / 1e6:.1f} MB in all{kept}")
    for path in transfer.left_out:
        note(f"left out: {path} is neither a file nor a directory")
