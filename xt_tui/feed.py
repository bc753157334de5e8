"""Follows the stats store for the UI: one thread, one message a batch, at most ten a second.

It reads only what changed since its last look. It is woken by the controller where one runs, and
looks once a second where none does; a dead controller costs the UI nothing.
"""

import threading
from collections.abc import Callable

from xt_core.errors import UnavailableError, XTError
from xt_core.nodes.client import ChangeStream
from xt_core.reports.jobs import job_rows
from xt_core.session import Session
from xt_tui.state import Batch

_PAUSE_SECONDS = 1.0
_LARGEST_BATCH = 5_000


class Feed:
    """A lifelong thread that hands batches to `deliver` (which must be thread-safe)."""

    def __init__(self, session: Session, deliver: Callable[[Batch], object]) -> None:
        self._session = Session(session.home, session.cwd, session.environ, session.overrides)
        self._deliver = deliver
        self._revision = 0
        self._stopped = threading.Event()
        self._stream: ChangeStream | None = None
        self._thread = threading.Thread(target=self._follow, name="feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.close()
        self._thread.join(timeout=10)

    def _follow(self) -> None:
        self._look()
        while not self._stopped.is_set():
            try:
                self._stream = self._session.controller.changes()
                for _ in self._stream:
                    if self._stopped.is_set():
                        break
                    self._look()
            except UnavailableError:
                pass
            if not self._stopped.wait(_PAUSE_SECONDS):
                self._look()
        self._session.close()

    def _look(self) -> None:
        """Read what is new, in parts, and hand it on."""
        try:
            while True:
                runs = self._session.store.changed_runs(self._revision, _LARGEST_BATCH)
                if runs:
                    self._revision = runs[-1].revision
                more = len(runs) == _LARGEST_BATCH
                jobs = job_rows(self._session.store) if runs and not more else []
                self._deliver(Batch(runs, jobs, self._status()))
                if not more or self._stopped.is_set():
                    return
        except XTError as error:
            self._deliver(Batch([], [], None, error.message))

    def _status(self) -> dict[str, object] | None:
        try:
            return self._session.controller.status()
        except UnavailableError:
            return None
