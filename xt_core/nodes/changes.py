"""The changes of all of a home's nodes as one stream.

However many changes come while the last one is being dealt with, one more follows. A controller
that hangs holds nobody up.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from xt_core.errors import UnavailableError
from xt_core.home import is_own_node
from xt_core.nodes.boxwatch import BoxWatch
from xt_core.nodes.heartbeat import Heartbeat
from xt_core.nodes.requests import NodeClient, Told, nobody
from xt_core.nodes.streams import ChangeStream

_NEWCOMERS_SECONDS = 1.0


class Changes:
    """Iterates at once, and again after whatever changes on any node; to be iterated once.

    It ends when one of this machine's controllers does, at once if none runs or not all that are
    needed, or by `close`. A controller that comes later is heard too: it is looked for after each
    change and once a second. Boxes are watched for as long as it takes: none ends the stream.
    """

    def __init__(
        self,
        running: Callable[[], Sequence[str]],
        of: Callable[[str], NodeClient],
        needed: Iterable[str] = (),
        boxes: Callable[[], Iterable[str]] = tuple,
        watch: Callable[[str, Callable[[], None]], BoxWatch] | None = None,
        told: Told = nobody,
    ) -> None:
        """`running` tells which nodes of this machine have a controller, `of` gives a node's
        client; `boxes` tells which are to be watched beside those needed, and `watch` begins to
        watch one. `told` hears of needed ones that hang."""
        self._running, self._of = running, of
        wanted = set(needed)
        self._needed = {*filter(is_own_node, wanted)}
        self._needed_boxes = wanted - self._needed
        self._boxes, self._watch, self._told = boxes, watch, told
        self._watches: dict[str, BoxWatch] = {}
        self._streams: dict[str, ChangeStream] = {}
        self._lock = threading.Lock()
        self._rung, self._ended = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[None]:
        try:
            if self._ended.is_set():
                return
            self._listen_to_newcomers()
            if self._needed - set(self._streams) or not (self._streams or self._watches):
                return
            yield  # also if a controller has gone since
            while not self._ended.is_set():
                if self._rung.wait(_NEWCOMERS_SECONDS):
                    self._rung.clear()
                    if self._ended.is_set():
                        return
                    yield
                self._listen_to_newcomers()
        finally:
            self.close()

    def close(self) -> None:
        """End the stream, from any thread."""
        with self._lock:
            self._ended.set()
            self._rung.set()
            for stream in self._streams.values():
                stream.close()
            for watch in self._watches.values():
                watch.close()

    def _listen_to_newcomers(self) -> None:
        for node in self._running():
            if node not in self._streams:
                with contextlib.suppress(UnavailableError):  # it went just now
                    client = self._of(node)
                    self._listen_to(node, client, client.changes())
        for box in {*self._needed_boxes, *self._boxes()} - set(self._watches):
            if self._watch is not None:
                with self._lock:
                    self._watches[box] = self._watch(box, self._rung.set)
                    if self._ended.is_set():
                        self._watches[box].close()

    def _listen_to(self, node: str, client: NodeClient, stream: ChangeStream) -> None:
        with self._lock:
            self._streams[node] = stream
            if self._ended.is_set():  # `close` saw no such stream yet
                stream.close()
        told = self._told if node in self._needed else nobody
        threading.Thread(
            target=self._ring, args=(stream, client, told), name=f"changes of {node}", daemon=True
        ).start()

    def _ring(self, stream: ChangeStream, client: NodeClient, told: Told) -> None:
        with contextlib.suppress(UnavailableError), Heartbeat(client, told) as heartbeat:
            for _ in stream:
                heartbeat.heard()
                self._rung.set()
        self._ended.set()
        self._rung.set()
