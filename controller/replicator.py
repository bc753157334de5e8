"""Brings what a node knows to its team's stats store.

The node's own store is the truth of its runs; here it is read in batches and delivered, whenever
the team's store answers. Nothing waits for that but who asks for `flush`. What was cut off by a
crash is delivered again: the team's store knows each record by its key. After each failure batches
are half as large: over a bad network a small one still arrives.
"""

import logging
import threading
from collections.abc import Callable

from controller.backoff import Backoff
from xt_core.errors import XTError
from xt_core.stats.outgoing import Outgoing
from xt_core.stats.store import StatsStore

_GATHER_SECONDS = 0.05  # changes come in swarms
_SMALLEST_SHARE = 256  # of a batch: some ten records
_log = logging.getLogger(__name__)


class Replicator:
    """A thread that delivers, woken by each commit of the node's store."""

    def __init__(
        self, outgoing: Outgoing, team: StatsStore, on_delivered: Callable[[], None]
    ) -> None:
        """`on_delivered` is called from the thread after each batch that has arrived."""
        self._outgoing, self._team, self._on_delivered = outgoing, team, on_delivered
        self._changed = threading.Condition()
        self._asked = 1
        """Counts what woke it; `_answered` is the last one after which all had arrived."""
        self._answered = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="replicator", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier controller left."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def flush(self, patience: float) -> bool:
        """Wait until all that was committed so far has arrived; False after `patience` seconds,
        or if it is closed before."""
        self.wake()
        with self._changed:
            asked = self._asked
            self._changed.wait_for(lambda: self._closed or self._answered >= asked, patience)
            return self._answered >= asked

    def has_arrived(self) -> bool:
        """Whether all that was committed so far has arrived."""
        with self._changed:
            return self._answered >= self._asked

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Stop after the batch that is under way; the rest keeps."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        backoff, share = Backoff(), 1
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._asked > self._answered)
                asked = self._asked
            self._pause(_GATHER_SECONDS)
            try:
                while batch := self._outgoing.next_batch(share):
                    if self.is_closed:
                        return
                    refused = self._team.deliver(batch)
                    self._outgoing.delivered()
                    share = max(1, share // 2)
                    if backoff.after_success():
                        _log.info("the team's stats store answers again")
                    for name in refused:
                        _log.warning("%s was given up: its later states are not taken", name)
                    self._on_delivered()
            except XTError as error:
                if not backoff.failures:
                    _log.warning("%s; stats wait on this node", error.message)
                share = min(_SMALLEST_SHARE, 2 * share)
                self._pause(backoff.after_failure())
                continue
            except Exception:  # a defect, perhaps of one record: the rest must not end with it
                _log.exception("stats wait on this node: internal error")
                self._pause(backoff.after_failure())
                continue
            with self._changed:
                self._answered = asked
                self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)
