"""What a node has for the client that keeps its team's stats store, told when that asks.

Several commands of the client may ask at once: they may be told the same, which their store takes
once.
"""

import threading

from xt_core.nodes.parcels import news_to_json
from xt_core.stats.outgoing import Cursor, Outgoing


class News:
    """The news of one node. Thread-safe."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing, self._lock = outgoing, threading.Lock()

    def next_batch(self, share: int) -> str:
        """The oldest news, as JSON; the same again until they are taken."""
        with self._lock:
            batch = self._outgoing.next_batch(share)
            return news_to_json(batch, self._outgoing.cursor)

    def take(self, cursor: Cursor) -> None:
        """The client has what came up to a cursor."""
        with self._lock:
            self._outgoing.take(cursor)

    def rewind(self) -> None:
        """The client has lost what it had: all is news again."""
        with self._lock:
            self._outgoing.rewind()
