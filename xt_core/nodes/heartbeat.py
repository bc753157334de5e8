"""Whether a controller lives that somebody listens to: one that hangs sends nothing, and so does
one that has nothing to tell.
"""

import threading
from types import TracebackType

from xt_core.errors import XTError
from xt_core.nodes.requests import NodeClient, Told, UnresponsiveError, nobody

QUIET_SECONDS = 5.0
"""After so long without a word it is asked how it is."""
_PATIENCE_SECONDS = 5.0


class Heartbeat:
    """Asks a controller of this machine how it is while it tells nothing, as long as the context
    lasts; `told` hears that it does not answer, and that it does again. Nobody to tell: no asking.
    """

    def __init__(self, client: NodeClient, told: Told) -> None:
        self._client, self._told = client, told
        self._ended, self._heard = threading.Event(), False
        self.is_lost = False
        """Whether it does not answer."""
        self._thread = threading.Thread(target=self._watch, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        if self._told is not nobody:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()

    def heard(self) -> None:
        """It has just told something."""
        self._heard = True

    def _watch(self) -> None:
        while not self._ended.wait(QUIET_SECONDS):
            if self._heard and not self.is_lost:
                self._heard = False
                continue
            try:
                self._client.status(_PATIENCE_SECONDS)
            except UnresponsiveError as error:
                self._lose(error)
            except XTError:  # it has gone: whoever listens sees that
                return
            else:
                self._find()

    def _lose(self, error: XTError) -> None:
        if not self.is_lost and not self._ended.is_set():
            self.is_lost = True
            self._told(f"{error.message}; waiting for it ({error.hint})")

    def _find(self) -> None:
        if self.is_lost:
            self.is_lost, self._heard = False, False
            self._told(f"the controller of {self._client.name} answers again")
