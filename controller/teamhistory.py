"""What nodes of other machines have tried, as the team's stats store tells it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from controller.backoff import Backoff
from xt_core.errors import XTError
from xt_core.model.records import Run, WorkItem
from xt_core.stats.store import StatsStore

_PATIENCE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class TeamHistory:
    """The history of some jobs, and what is new in it since it was last asked for."""

    def __init__(self, team: StatsStore, jobs: Callable[[StatsStore], Sequence[str]]) -> None:
        """`jobs` names them: it may ask the team's store."""
        self._team, self._jobs = team, jobs
        self._revision = 0
        self._backoff, self._not_before = Backoff(), 0.0

    def rewind(self) -> None:
        """Tell all of it again."""
        self._revision = 0

    async def news(self) -> list[tuple[WorkItem, Run]]:
        """Items with their runs, oldest first; nothing while the team's store is out of reach, so
        that a search goes on with what its own node knows."""
        if time.monotonic() < self._not_before:
            return []
        try:
            reading = asyncio.to_thread(self._read)
            pairs = await asyncio.wait_for(reading, _PATIENCE_SECONDS)
        except (XTError, TimeoutError) as error:
            if not self._backoff.failures:
                _log.warning("%s; the search goes on without runs of other machines", error)
            self._not_before = time.monotonic() + self._backoff.after_failure()
            return []
        self._backoff.after_success()
        self._revision = max([self._revision, *(run.revision for _, run in pairs)])
        return pairs

    def _read(self) -> list[tuple[WorkItem, Run]]:
        names = self._jobs(self._team)
        return self._team.search_history(names, self._revision) if names else []
