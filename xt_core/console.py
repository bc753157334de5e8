"""A run's console, byte for byte: followed live, or read from the artifact store."""

import contextlib
import os
from collections.abc import Callable, Iterator
from glob import escape
from typing import BinaryIO

from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.home import NodeHome
from xt_core.model.records import Run
from xt_core.nodes.client import OutputStream
from xt_core.nodes.positions import start_offset
from xt_core.session import Session

_CHUNK = 1 << 20


class DetachedError(Exception):
    """Raised by a `write` callback to end a stream."""


def _ignore(_stream: OutputStream) -> None:
    """Nobody wants to know of the stream."""


def stream_console(
    session: Session,
    run: Run,
    start: str,
    write: Callable[[bytes], None],
    on_open: Callable[[OutputStream], None] = _ignore,
) -> None:
    """Replay a run's console from `start` and follow it, on its node, until the run has ended.

    A controller that goes away (killed, upgraded) is started again, and the stream goes on at the
    next byte: nothing twice, nothing missing. `on_open` is told of each connection, so that
    another thread can close it; `write` may raise DetachedError.
    """
    position = start
    if not run.status.is_final:
        session.check_is_here([run.job])
    while not run.status.is_final:
        with contextlib.suppress(UnavailableError, UnknownNameError):
            session.controllers.ensure_running([run.node])
            with session.controllers.of_run(run).output(
                run.workspace, run.name, position
            ) as stream:
                on_open(stream)
                position = f"@{stream.offset}"
                for data in stream.chunks():
                    write(data)
                    position = f"@{stream.offset}"
                if _has_ended(session, run):
                    return
        write(b"")  # lets a detached listener end
        run = session.run(run.workspace, run.name)
    for data in stored_console(session, run, position):
        write(data)


def _has_ended(session: Session, run: Run) -> bool:
    """Whether a stream that ended did so because the process ended, not the controller.

    Its node knows of that first: the team's store may be out of its reach.
    """
    current = session.run(run.workspace, run.name)
    if current.status.is_final or current.ended is not None:
        return True
    return session.controllers.of_run(run).has_ended(run.workspace, run.name)


def stored_console(session: Session, run: Run, start: str) -> Iterator[bytes]:
    """The console of an ended run, from the artifact store, or from its node if it is still on
    its way there; nothing if it never had one."""
    key = f"{run.workspace}/runs/{run.name}/logs/output.txt"
    file = _waiting_file(session.team_home.node(run.node), key)
    if file is None:
        try:
            file = session.artifacts.open(key)
        except UnknownNameError:
            return
    with file:
        size = file.seek(0, os.SEEK_END)
        file.seek(start_offset(file.fileno(), size, start))
        while data := file.read(_CHUNK):
            yield data


def _waiting_file(home: NodeHome, key: str) -> BinaryIO | None:
    """The newest entry of a key in a node's outbox on this machine."""
    for path in sorted(home.outbox_dir.glob(f"*/{escape(key)}"), reverse=True):
        with contextlib.suppress(FileNotFoundError):  # it has just arrived
            return path.open("rb")
    return None
