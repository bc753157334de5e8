"""What runs of a job have logged on other machines that share it, as the team's store tells it."""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping

from controller.backoff import Backoff
from xt_core.errors import XTError
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.stats.store import RunQuery, StatsStore

_PAUSE_SECONDS = 2.0
"""Between two looks: the runs here may log many times a second."""
_PATIENCE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class TeamCurves:
    """Asks now and then; while the store is out of reach, early stopping goes on without."""

    def __init__(self, team: StatsStore, job: Job, node: str) -> None:
        """`node` is this one, whose runs are known better here."""
        self._team, self._job, self._node = team, job, node
        self._backoff, self._not_before = Backoff(), 0.0

    async def news(
        self, known: Mapping[str, int], ended: Collection[str]
    ) -> list[tuple[Run, list[MetricRecord]]]:
        """Runs elsewhere that are not among the `ended`, each with its records after the journal
        offset up to which it is `known`."""
        if time.monotonic() < self._not_before:
            return []
        try:
            reading = asyncio.to_thread(self._read, dict(known), set(ended))
            news = await asyncio.wait_for(reading, _PATIENCE_SECONDS)
        except (XTError, TimeoutError) as error:
            if not self._backoff.failures:
                _log.warning("%s; early stopping goes on without other machines", error)
            self._not_before = time.monotonic() + self._backoff.after_failure()
            return []
        self._backoff.after_success()
        self._not_before = time.monotonic() + _PAUSE_SECONDS
        return news

    def _read(
        self, known: Mapping[str, int], ended: Collection[str]
    ) -> list[tuple[Run, list[MetricRecord]]]:
        query = RunQuery(workspace=self._job.workspace, jobs=[self._job.name])
        runs = self._team.find_runs(query)[0]
        return [
            (run, self._team.metrics(run.workspace, run.name, known.get(run.name, -1)))
            for run in runs
            if run.node != self._node and run.started is not None and run.name not in ended
        ]
