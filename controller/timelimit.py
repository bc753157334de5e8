"""The minutes that a job may take, from its submission or its last extension on."""

import asyncio
import logging

from controller.node import NodeServices
from xt_core import clock
from xt_core.model.records import Job
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange

_TIME_OVER, _EXTENDED = "time_over", "extended"
_log = logging.getLogger(__name__)


async def wait_for_time_limit(node: NodeServices, job: Job, run: str, minutes: float) -> None:
    """Return once the job's minutes are over and an event of `run`, its first here, tells so.

    What counts is what the store says when they seem over: of an extension nobody need tell.
    """
    while (left := await node.store(lambda store: _time_left(store, job, run, minutes))) > 0:
        await asyncio.sleep(left)
    _log.warning("%s: its %g minutes are over", job.name, minutes)


def _time_left(store: SqliteStatsStore, job: Job, run: str, minutes: float) -> float:
    """Seconds; where none are left this is told, once."""
    events = store.events(job.workspace, run)
    began = max([job.created, *(each.time for each in events if each.event == _EXTENDED)])
    left = began + minutes * 60 - clock.now()
    is_told = any(each.event == _TIME_OVER and each.time >= began for each in events)
    if left <= 0 and not is_told:
        data = {"max_minutes": minutes}
        store.change_run(RunChange(job.workspace, run, event=_TIME_OVER, data=data))
    return left
