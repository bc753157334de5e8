"""The lease of a node on its part of a job whose nodes take over from one another."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from controller.node import NodeServices
from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.stats.store import RunQuery

_LONGEST_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


async def keep_lease(
    node: NodeServices, job: str, seconds: float, on_kept: Callable[[set[str]], None]
) -> None:
    """Tell, until cancelled, that this node lives, and take note of those that do not.

    `on_kept` is called with the names of the job's open runs that are still this node's: what else
    it has was handed on while it seemed dead.
    """
    await node.store(lambda store: store.renew_lease(node.name))  # what it needs took its time
    while True:
        await asyncio.sleep(seconds / 3)
        await node.store(lambda store: store.renew_lease(node.name))
        for run in await node.store(lambda store: store.give_up_lost(job, seconds)):
            _log.warning("%s: %s is lost, its work is done elsewhere", job, run)
        on_kept({run.name for run in await node.store(lambda s: s.open_runs(job, node.name))})


async def may_inherit(
    node: NodeServices, job: str, seconds: float, cancelled: asyncio.Event
) -> bool:
    """Wait a while for work that a lost node leaves; False once there can be none."""
    if cancelled.is_set() or not await node.store(lambda store: store.open_items(job)):
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(cancelled.wait(), min(_LONGEST_LOOK_SECONDS, seconds / 4))
    return True


async def outlast_others(node: NodeServices, parent: Run, interruption: asyncio.Event) -> None:
    """Wait until the other nodes' parts of a job have ended too, or for the interruption.

    Meanwhile `keep_lease` gives up those that died: no one else is left to tell that they ended.
    A part that did not end well does not wait: it could not do what a lost node leaves.
    """
    query = RunQuery(jobs=[parent.job], parents=True)
    while not interruption.is_set():
        parents, _ = await node.store(lambda store: store.find_runs(query))
        if any(
            each.name == parent.name and each.status is not RunStatus.COMPLETED for each in parents
        ):
            return
        if all(each.status.is_final for each in parents):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(interruption.wait(), _LONGEST_LOOK_SECONDS)
