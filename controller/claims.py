"""Where a job's work is claimed: in the node's own store, or in the team's.

The nodes of one machine share a stats store, and claim there. A job that several machines share is
claimed in the store of the team (`teamclaims.py`), and adopted by the node's own.
"""

import asyncio
from typing import Protocol

from controller.node import NodeServices
from xt_core.model.records import Job, Run, Value, WorkItem
from xt_core.model.states import RunStatus
from xt_core.stats.store import RunQuery

Claimed = tuple[WorkItem, Run]


class Claims(Protocol):
    """The claims and the lease of one node's part of a job.

    Everything waits for the store for as long as that is away; nothing of it is lost.
    """

    joined: asyncio.Event
    """Set once it is known which of the runs that are left here are still the node's."""

    async def claim(self, parent: Run) -> Claimed | None:
        """The next item and its child run, both in the node's own store; None if there is none, or
        once the job is cancelled. Raises GivenUpError for a parent that is lost."""

    async def tell_set(
        self,
        claimed: Claimed,
        hparams: dict[str, Value],
        notes: dict[str, object],
        cancelled: asyncio.Event,
    ) -> None:
        """Let whoever takes the item over know the set that was chosen for it, before the node's
        own store does; not if the run is cancelled first. Raises GivenUpError."""

    async def job(self) -> Job:
        """The job as it is now: it may have been extended."""

    async def open_items(self) -> int:
        """How many of the job's items have not ended, on whatever node."""

    async def have_others_ended(self, parent: Run, interruption: asyncio.Event) -> bool:
        """Whether the parts of all other nodes have ended."""

    async def renew(self) -> None:
        """The node lives."""

    async def give_up_lost(self, seconds: float) -> list[str]:
        """Give up nodes whose leases have run out; their runs."""

    async def kept(self) -> set[str]:
        """The open runs of the job that are still this node's."""

    async def leave(self, status: RunStatus) -> list[Claimed]:
        """The node's part ends so; what was claimed for it all the same, and has to end too."""

    def close(self) -> None:
        """No more claims."""


class NodeClaims:
    """Claims in the node's own store, which all of the job's nodes share."""

    def __init__(self, node: NodeServices, job: Job) -> None:
        self._node, self._job = node, job.name
        self.joined = asyncio.Event()
        self.joined.set()

    async def claim(self, parent: Run) -> Claimed | None:
        return await self._node.store(lambda store: store.claim_child(parent, self._node.name))

    async def tell_set(
        self,
        claimed: Claimed,
        hparams: dict[str, Value],
        notes: dict[str, object],
        cancelled: asyncio.Event,
    ) -> None:
        """The node's own store is what the others read."""

    async def job(self) -> Job:
        return await self._node.store(lambda store: store.job(self._job))

    async def open_items(self) -> int:
        return await self._node.store(lambda store: store.open_items(self._job))

    async def have_others_ended(self, parent: Run, interruption: asyncio.Event) -> bool:
        query = RunQuery(jobs=[self._job], parents=True)
        parents, _ = await self._node.store(lambda store: store.find_runs(query))
        return all(each.status.is_final for each in parents)

    async def renew(self) -> None:
        await self._node.store(lambda store: store.renew_lease(self._node.name))

    async def give_up_lost(self, seconds: float) -> list[str]:
        return await self._node.store(lambda store: store.give_up_lost(self._job, seconds))

    async def kept(self) -> set[str]:
        runs = await self._node.store(lambda s: s.open_runs(self._job, self._node.name))
        return {run.name for run in runs}

    async def leave(self, status: RunStatus) -> list[Claimed]:
        return []  # what its end means for the others is stored with the end itself

    def close(self) -> None:
        """Nothing is held."""
