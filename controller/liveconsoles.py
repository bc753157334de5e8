"""The consoles of living runs, brought to the team's artifact store as they grow.

So members who cannot reach the node can read along. It is a convenience: the whole console is
stored when a run has ended, whatever became of this.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from controller.backoff import Backoff
from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import UnavailableError, XTError

_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 15.0
_PART_OF_AGE = 60  # a run of ten minutes is looked at every ten seconds: each append costs money
_AT_ONCE_BYTES = 4 << 20
_log = logging.getLogger(__name__)


@dataclass
class _Console:
    path: Path
    began: float = field(default_factory=time.monotonic)
    due: float = field(default_factory=time.monotonic)
    stored: int = 0
    """How many bytes the store has."""

    def put_off(self) -> None:
        """Reckon when to look at it again."""
        now = time.monotonic()
        age = now - self.began
        self.due = now + min(_LONGEST_SECONDS, max(_SHORTEST_SECONDS, age / _PART_OF_AGE))


class LiveConsoles:
    """A thread that appends what consoles have grown by."""

    def __init__(self, team: ArtifactStore) -> None:
        self._team = team
        self._changed = threading.Condition()
        self._consoles: dict[str, _Console] = {}
        self._backoff, self._not_before = Backoff(), 0.0
        self._thread = threading.Thread(target=self._work, name="live consoles", daemon=True)

    def start(self) -> None:
        """Begin to append."""
        self._thread.start()

    @contextlib.contextmanager
    def showing(self, key: str, path: Path) -> Iterator[None]:
        """Bring along, within the context, what a file grows by."""
        with self._changed:
            self._consoles[key] = _Console(path)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._consoles.pop(key, None)

    def _work(self) -> None:
        while True:
            key, console = self._next()
            try:
                self._append(key, console)
                self._backoff.after_success()
            except UnavailableError:  # the outbox has said so
                self._not_before = time.monotonic() + self._backoff.after_failure()
            except XTError as error:
                _log.warning("the console %s is shown when its run has ended: %s", key, error)
                with self._changed:
                    self._consoles.pop(key, None)
            except Exception:  # a defect, perhaps of one console: the others go on
                _log.exception("the console %s is shown when its run has ended", key)
                with self._changed:
                    self._consoles.pop(key, None)

    def _next(self) -> tuple[str, _Console]:
        """Wait for a console that it is time to look at."""
        with self._changed:
            while True:
                if not self._consoles:
                    self._changed.wait()
                    continue
                key, console = min(self._consoles.items(), key=lambda item: item[1].due)
                pause = max(console.due, self._not_before) - time.monotonic()
                if pause <= 0:
                    return key, console
                self._changed.wait(pause)

    def _append(self, key: str, console: _Console) -> None:
        try:
            with console.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                while console.stored < size:
                    file.seek(console.stored)
                    data = file.read(min(_AT_ONCE_BYTES, size - console.stored))
                    if not data:  # the run's own code made it shorter
                        break
                    console.stored = self._team.append(key, console.stored, data)
        except OSError:  # it has moved: the run has ended
            pass
        console.put_off()
