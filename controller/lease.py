"""The lease of a node on its part of a job whose nodes take over from one another."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from controller.claims import Claims
from controller.node import NodeServices
from xt_core.model.records import Run
from xt_core.model.states import RunStatus

_LONGEST_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


async def keep_lease(
    claims: Claims, job: str, seconds: float, on_kept: Callable[[set[str]], None]
) -> None:
    """Tell, until cancelled, that this node lives, and take note of those that do not.

    `on_kept` is called with the names of the job's open runs that are still this node's: what else
    it has was handed on while it seemed dead.
    """
    await claims.renew()  # what it needs took its time
    on_kept(await claims.kept())
    while True:
        await asyncio.sleep(seconds / 3)
        await claims.renew()
        for run in await claims.give_up_lost(seconds):
            _log.warning("%s: %s is lost, its work is done elsewhere", job, run)
        on_kept(await claims.kept())


async def may_inherit(claims: Claims, seconds: float, cancelled: asyncio.Event) -> bool:
    """Wait a while for work that a lost node leaves; False once there can be none."""
    if cancelled.is_set() or not await claims.open_items():
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(cancelled.wait(), min(_LONGEST_LOOK_SECONDS, seconds / 4))
    return True


async def outlast_others(
    node: NodeServices, claims: Claims, parent: Run, interruption: asyncio.Event
) -> None:
    """Wait until the other nodes' parts of a job have ended too, or for the interruption.

    Meanwhile `keep_lease` gives up those that died: no one else is left to tell that they ended.
    A part that did not end well does not wait: it could not do what a lost node leaves.
    """
    while not interruption.is_set():
        own = await node.store(lambda store: store.run(parent.workspace, parent.name))
        if own.status is not RunStatus.COMPLETED:
            return
        if await claims.have_others_ended(parent, interruption):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(interruption.wait(), _LONGEST_LOOK_SECONDS)
