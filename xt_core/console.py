"""A run's console, byte for byte: followed live, or read from the artifact store."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.model.records import Run
from xt_core.nodes.client import OutputStream
from xt_core.nodes.outbox import waiting_file
from xt_core.nodes.positions import of_stream, start_offset
from xt_core.session import Session

_CHUNK = 1 << 20
_LOOK_AGAIN_SECONDS = 1.0


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
    """Replay a run's console from `start` and follow it until the run has ended.

    It comes from the run's node, or from the team's artifact store where that is out of reach: some
    seconds late. A controller that goes away (killed, upgraded) is started again, and the stream
    goes on at the next byte: nothing twice, nothing missing. `on_open` is told of each connection,
    so that another thread can close it; `write` may raise DetachedError.
    """
    is_here = session.does(run.job)
    position = start
    while not _is_all_stored(session, run):
        if not is_here:
            position = _write_stored(session, run, position, write)
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
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
    _write_stored(session, run, position, write)


def _is_all_stored(session: Session, run: Run) -> bool:
    """Whether the artifact store has the console to its last byte, or is to get it from here."""
    if not run.status.is_final:
        return False
    if session.access.artifacts is None or _waiting_file(session, run) is not None:
        return True
    events = session.store.events(run.workspace, run.name)
    ends = [event.data for event in events if event.event == "ended"]
    wanted = int(ends[-1].get("console_bytes", 0)) if ends else 0
    try:
        return wanted == 0 or session.artifacts.stat(_key(run)).size >= wanted
    except UnknownNameError:
        return False


def _has_ended(session: Session, run: Run) -> bool:
    """Whether a stream that ended did so because the process ended, not the controller.

    Its node knows of that first: the team's store may be out of its reach.
    """
    current = session.run(run.workspace, run.name)
    if current.status.is_final or current.ended is not None:
        return True
    return session.controllers.of_run(run).has_ended(run.workspace, run.name)


def _write_stored(session: Session, run: Run, start: str, write: Callable[[bytes], None]) -> str:
    """Write what is stored of the console from a position on; the position that it ends at."""
    position = start if start.startswith("@") else "start"  # with nothing stored, all is to come
    for offset, data in stored_console(session, run, start):
        write(data)
        position = f"@{offset + len(data)}"
    return position


def stored_console(session: Session, run: Run, start: str) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of the console in the artifact store, or on its way there from a node of
    this machine; nothing if there is none.

    First comes one pair with no bytes: the offset that it starts at.
    """
    waiting = _waiting_file(session, run)
    try:
        file = session.artifacts.open(_key(run)) if waiting is None else waiting.open("rb")
    except FileNotFoundError:  # it has just arrived
        yield from stored_console(session, run, start)
        return
    except UnknownNameError:
        return
    with file:
        size = file.seek(0, os.SEEK_END)
        offset = start_offset(of_stream(file), size, start)
        yield offset, b""
        file.seek(offset)
        while data := file.read(_CHUNK):
            yield offset, data
            offset += len(data)


def _waiting_file(session: Session, run: Run) -> Path | None:
    """The console of an ended run in the outbox of its node, if that is here."""
    return waiting_file(session.team_home.node(run.node).outbox_dir, _key(run))


def _key(run: Run) -> str:
    return f"{run.workspace}/runs/{run.name}/logs/output.txt"
