"""A run's console, byte for byte: followed live, or read from the artifact store."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.home import is_own_node
from xt_core.model.records import Run
from xt_core.nodes.heartbeat import Heartbeat
from xt_core.nodes.outbox import waiting_file
from xt_core.nodes.positions import of_stream, start_offset
from xt_core.nodes.requests import (
    NoAnswerError,
    Told,
    UnresponsiveError,
    nobody,
)
from xt_core.nodes.streams import OutputStream
from xt_core.session import Session

_CHUNK = 1 << 20
_LOOK_AGAIN_SECONDS = 1.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 5.0


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
    told: Told = nobody,
) -> None:
    """Replay a run's console from `start` and follow it until the run has ended.

    It comes from the run's node, or from the team's artifact store where that is out of reach: some
    seconds late. A controller that goes away (killed, upgraded) is started again, and the stream
    goes on at the next byte: nothing twice, nothing missing. So it does with a box whose link was
    lost, of which `told` is told. `on_open` is told of each connection, so that another thread can
    close it; `write` may raise DetachedError. Raises RefusedError where the box lets nobody in.
    """
    is_reached = session.reaches_run(run)
    following = _Following(session, write, on_open, told, start)
    while not _is_all_stored(session, run):
        if not is_reached:
            following.position = _write_stored(session, run, following.position, write)
            time.sleep(_LOOK_AGAIN_SECONDS)
        elif following.follow(run):
            return
        write(b"")  # lets a detached listener end
        run = session.run(run.workspace, run.name)
    _write_stored(session, run, following.position, write)


class _Following:
    """A console that is streamed from its run's node, over as many connections as it takes."""

    def __init__(
        self,
        session: Session,
        write: Callable[[bytes], None],
        on_open: Callable[[OutputStream], None],
        told: Told,
        position: str,
    ) -> None:
        self._session, self._write, self._on_open = session, write, on_open
        self._told = told
        self.position = position
        self._is_lost = False
        self._heartbeat: Heartbeat | None = None
        self._pause = _FIRST_PAUSE_SECONDS

    def _new_heartbeat(self, run: Run) -> Heartbeat:
        """Boxes have another one: their links'."""
        told = self._told if is_own_node(run.node) else nobody
        self._is_lost = self._has_told_of_loss()
        self._heartbeat = Heartbeat(self._session.controllers.of_run(run), told)
        return self._heartbeat

    def follow(self, run: Run) -> bool:
        """Stream until the run has ended (True), or the connection to its node."""
        controllers = self._session.controllers
        try:
            controllers.ensure_running([run.node])
            opened = controllers.of_run(run).output(run.workspace, run.name, self.position)
            with opened as stream, self._new_heartbeat(run) as heartbeat:
                self._find(run)
                self._on_open(stream)
                self.position = f"@{stream.offset}"
                for data in stream.chunks():
                    heartbeat.heard()
                    self._write(data)
                    self.position = f"@{stream.offset}"
                return _has_ended(self._session, run)
        except UnknownNameError:
            self._wait(run)
        except UnavailableError as error:
            self._lose(run, error)
            self._wait(run)
        return False

    def _find(self, run: Run) -> None:
        if self._is_lost:
            self._told(f"{run.node} answers again")
        self._is_lost, self._pause = False, _FIRST_PAUSE_SECONDS

    def _has_told_of_loss(self) -> bool:
        return self._is_lost or (self._heartbeat is not None and self._heartbeat.is_lost)

    def _lose(self, run: Run, error: UnavailableError) -> None:
        if self._has_told_of_loss():
            return
        if is_own_node(run.node):
            if isinstance(error, UnresponsiveError):
                self._is_lost = True
                self._told(f"{error.message}; waiting for it ({error.hint})")
        else:
            self._is_lost = True
            is_cut = isinstance(error, NoAnswerError)
            what = f"the connection to {run.node} was lost" if is_cut else error.message
            self._told(f"{what}; reconnecting…")

    def _wait(self, run: Run) -> None:
        """Before another attempt; a detached listener need not wait for it."""
        pause = self._pause
        if not is_own_node(run.node):
            pause = max(pause, self._session.boxes.of(run.node).box.retry_seconds)
        self._pause = min(_LONGEST_PAUSE_SECONDS, 2 * self._pause)
        until = time.monotonic() + pause
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _FIRST_PAUSE_SECONDS))
            self._write(b"")


def _is_all_stored(session: Session, run: Run) -> bool:
    """Whether the artifact store has the console to its last byte, or is to get it from here."""
    if not run.status.is_final:
        return False
    is_kept_here = session.access.artifacts is None and is_own_node(run.node)
    if is_kept_here or _waiting_file(session, run) is not None:
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


def console_of_node(session: Session, run: Run, start: str) -> Iterator[bytes]:
    """What there is of a run's console by now: from its node on a box, or the artifact store if
    that has all of it. Raises UnavailableError."""
    if _is_all_stored(session, run):
        yield from (data for _, data in stored_console(session, run, start))
        return
    try:
        client = session.controllers.of_run(run)
        with client.output(run.workspace, run.name, start, follow=False) as stream:
            yield from stream.chunks()
    except UnknownNameError:
        yield from (data for _, data in stored_console(session, run, start))


def present_console(session: Session, run: Run, start: str) -> Iterator[bytes]:
    """What there is of a run's console by now, wherever it is. Raises UnavailableError."""
    if not is_own_node(run.node) and session.reaches_run(run):
        yield from console_of_node(session, run, start)
        return
    try:
        runs_dir = session.team_home.node(run.node).runs_dir
        file = open(runs_dir / run.workspace / run.name / "output.txt", "rb")  # noqa: SIM115
    except OSError:
        yield from (data for _, data in stored_console(session, run, start))
        return
    with file:
        file.seek(start_offset(of_stream(file), os.fstat(file.fileno()).st_size, start))
        while data := file.read(_CHUNK):
            yield data


def console_size(session: Session, run: Run) -> int:
    """The bytes of a run's console by now; it waits for a run that has not begun yet, where its
    node is reached. Raises UnavailableError."""
    if _is_on_node(session, run):
        session.controllers.ensure_running([run.node])
        with contextlib.suppress(UnknownNameError):
            client = session.controllers.of_run(run)
            with client.output(run.workspace, run.name, "end", follow=False) as stream:
                return stream.offset
    return next((offset for offset, _ in stored_console(session, run, "end")), 0)


def console_range(session: Session, run: Run, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a run's console from one offset up to another, or its end if that comes first.
    Raises UnavailableError."""
    if _is_on_node(session, run):
        with contextlib.suppress(UnknownNameError):
            client = session.controllers.of_run(run)
            with client.output(run.workspace, run.name, f"@{start}", follow=False) as stream:
                yield from _up_to(stop - start, stream.chunks())
                return
    stored = stored_console(session, run, f"@{start}")
    yield from _up_to(stop - start, (data for _, data in stored))


def _is_on_node(session: Session, run: Run) -> bool:
    """Whether a console is to be had from its run's node only, and can be."""
    return not _is_all_stored(session, run) and session.reaches_run(run)


def _up_to(size: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for data in chunks:
        yield data[:size]
        size -= len(data)
        if size <= 0:
            return


def _waiting_file(session: Session, run: Run) -> Path | None:
    """The console of an ended run in the outbox of its node, if that is here."""
    return waiting_file(session.team_home.node(run.node).outbox_dir, _key(run))


def _key(run: Run) -> str:
    return f"{run.workspace}/runs/{run.name}/logs/output.txt"
