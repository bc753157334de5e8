"""Follows the stats store for the UI: at most ten looks a second, one message a look.

It reads only what changed since its last look. It is woken by the controllers of all nodes, and
looks once a second where none runs; a dead controller costs the UI nothing.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.query.registry import JobRow
from xt_core.reports.jobs import job_rows
from xt_core.session import Session
from xt_core.stats.store import RunQuery
from xt_tui.memory import keep_large_blocks_apart
from xt_tui.state import Batch, Health

if TYPE_CHECKING:
    from xt_core.nodes.changes import Changes

_PAUSE_SECONDS = 1.0
_LEAST_SECONDS_BETWEEN_LOOKS = 0.1
_FIRST_BATCH, _LARGEST_BATCH = 200, 2_000
"""The first is small: something is on the screen at once, the newest runs."""
_MACHINES_SECONDS = 5.0
"""How old loads and memories of machines may be on the screen."""
_LEAVING_SECONDS = 2.0
"""How long who leaves waits for a look that is being made."""
_PATIENCE_SECONDS = 2.0
"""With a node that does not answer: longer, and news of the others would come late."""
_LONGEST_UNSEEN_SECONDS = 1.0
"""How long the first batch may take to the screen before the others follow all the same."""


class Feed:
    """Two lifelong threads: one listens for changes, one looks and hands batches to `deliver`
    (which must be thread-safe). However many changes are rung in during a look, one look follows.

    The first batch is small, and until it is on the screen nothing else takes the processor: what
    is needed to listen, and to ask nodes, is loaded after it.
    """

    def __init__(self, session: Session, deliver: Callable[["Feed", Batch], object]) -> None:
        self._session = session.beside(is_looking=True)
        self._deliver = deliver
        self._revision = 0
        self._jobs: set[str] = set()
        self._stopped, self._bell = threading.Event(), threading.Event()
        self._seen = threading.Event()
        self._changes: Changes | None = None
        self._threads = [
            threading.Thread(target=self._listen, name="feed listener", daemon=True),
            threading.Thread(target=self._follow, name="feed", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def seen(self) -> None:
        """The first batch is on the screen."""
        self._seen.set()

    def reload_config(self) -> None:
        """Take over what was changed in the configuration. Raises ConfigError."""
        self._session.reload_config()
        self._bell.set()

    def let_go(self) -> None:
        """Let the threads end, whenever what they wait for has answered."""
        self._stopped.set()
        self._bell.set()
        self._seen.set()
        if self._changes is not None:
            self._changes.close()

    def stop(self) -> None:
        """End the threads, and wait for them, but not for a store that does not answer."""
        self.let_go()
        for thread in self._threads:
            if thread.ident is not None:  # the UI may close before it was open
                thread.join(timeout=_LEAVING_SECONDS)

    def _listen(self) -> None:
        self._seen.wait(_LONGEST_UNSEEN_SECONDS)
        keep_large_blocks_apart()
        while not self._stopped.is_set():
            with contextlib.suppress(Exception):  # each look tells of it
                self._changes = self._session.controllers.changes()
                if self._stopped.is_set():  # `stop` may have seen no stream yet
                    self._changes.close()
                for _ in self._changes:
                    self._bell.set()
            self._stopped.wait(_PAUSE_SECONDS)
            self._bell.set()

    def _follow(self) -> None:
        self._look()
        while not self._stopped.wait(_LEAST_SECONDS_BETWEEN_LOOKS):
            self._bell.wait(self._longest_pause())
            self._bell.clear()
            self._look()
        self._session.close()

    def _longest_pause(self) -> float:
        """Seconds between looks: what other machines do for the team rings no bell here, nor do
        the loads of machines, nor boxes that go."""
        try:
            return _MACHINES_SECONDS if self._session.access.stats is None else _PAUSE_SECONDS
        except XTError:  # each look tells of it
            return _PAUSE_SECONDS

    def _look(self) -> None:
        """Read what is new, in parts, and hand it on."""
        try:
            if not self._revision:
                self._show_newest()
            while not self._stopped.is_set():
                runs = self._session.store.changed_runs(self._revision, _LARGEST_BATCH)
                self._jobs |= {run.job for run in runs}
                if len(runs) < _LARGEST_BATCH:
                    status = self._session.controllers.status(_PATIENCE_SECONDS)
                    health = self._health()
                    self._deliver(self, Batch(runs, self._job_rows(), status, health=health))
                else:
                    self._deliver(self, Batch(runs, [], None, is_last=False))
                if runs:
                    self._revision = runs[-1].revision
                if len(runs) < _LARGEST_BATCH:
                    return
                self._let_it_be_seen()
        except XTError as error:
            self._deliver(self, Batch([], [], None, error.message))
        except Exception as error:  # a defect is told too, and does not end the feed
            self._deliver(self, Batch([], [], None, f"{type(error).__name__}: {error}"))

    def _show_newest(self) -> None:
        """Of many runs bring the newest first: they stand at the top, and are not moved by those
        that come after them."""
        store = self._session.store
        if len(store.changed_runs(0, _FIRST_BATCH)) == _FIRST_BATCH:
            newest = store.find_runs(RunQuery(last=_FIRST_BATCH))[0]
            self._deliver(self, Batch(newest, [], None, is_last=False))
            self._let_it_be_seen()

    def _let_it_be_seen(self) -> None:
        """Wait until the first batch is on the screen; if it does not come there, only once."""
        self._seen.wait(_LONGEST_UNSEEN_SECONDS)
        self._seen.set()

    def _job_rows(self) -> list[JobRow]:
        """The jobs whose runs have changed, and those that live: an item changes no run."""
        rows = job_rows(self._session.store, sorted(self._jobs)) if self._jobs else []
        self._jobs = {row.job.name for row in rows if not row.counts.status().is_final}
        return rows

    def _health(self) -> Health | None:
        home = self._session.team_home
        try:
            names = (home.stats_file, f"{home.stats_file}-wal")
            size = sum(os.path.getsize(name) for name in names if os.path.exists(name))
            return Health(size, shutil.disk_usage(home.root).free)
        except OSError:  # a file came or went; the next look tells
            return None
