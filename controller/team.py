"""A node's link to the stores of its team, where those are elsewhere.

The node works with its own SQLite file and its own disk; this brings jobs from the team's store
to it, and what happens here to the team. Invariant: no run waits for the team's services.
"""

import asyncio
import contextlib
from collections.abc import Callable

from controller.homebound import HomeboundOutbox
from controller.liveconsoles import LiveConsoles
from controller.news import News
from controller.outbox import Outbox
from controller.replicator import Replicator
from xt_core.errors import UnknownNameError
from xt_core.home import NodeHome
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.stats.store import RunQuery, StatsStore

SETTLE_SECONDS = 10.0
"""How long a client that asked for something is kept waiting until its team can see it done."""


class TeamLink:
    """Stats by a replicator, artifacts by an outbox; None for what the node itself keeps, or a
    client."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """`ring` tells clients that there is something new to see."""
        self.stats: StatsStore | None = None
        self.replicator: Replicator | None = None
        self.outbox: Outbox | HomeboundOutbox | None = None
        self.consoles: LiveConsoles | None = None
        self.news: News | None = None
        """For a client that keeps the team's stats store."""
        self._ring = ring

    def start(self) -> None:
        """Begin with what an earlier controller left."""
        for part in (self.outbox, self.replicator, self.consoles):
            if part is not None:
                part.start()

    def wake(self) -> None:
        """Something was committed to the node's own store."""
        if self.replicator is None:
            self._ring()
        else:
            self.replicator.wake()

    async def settle(self) -> None:
        """Wait until the team can see all that was done here so far, unless that takes long."""
        parts = [part for part in (self.outbox, self.replicator) if part is not None]
        await asyncio.gather(*(asyncio.to_thread(part.flush, SETTLE_SECONDS) for part in parts))

    def has_arrived(self) -> bool:
        """Whether the team can see all that was done here."""
        parts = [part for part in (self.outbox, self.replicator) if part is not None]
        return all(part.has_arrived() for part in parts)

    def open_jobs(self, home: NodeHome) -> list[Job]:
        """The unfinished jobs of a node that the team's store knows to be done here."""
        jobs = [] if self.stats is None else self.stats.open_jobs(home.name)
        return [job for job in jobs if job.hosts.get(home.name) == home.place]

    def has_begun(self, job: Job, node: str) -> bool:
        """Whether a node has told the team anything of its part of a job."""
        stats = self.stats
        runs = [] if stats is None else stats.open_runs(job.name, node)
        return any(run.parent or run.status is not RunStatus.QUEUED for run in runs)

    def keep(self, *keys: str) -> None:
        """Bring artifacts to this node, so that it needs the team's store for them no more."""
        if self.outbox is None:
            return
        for key in keys:
            with contextlib.suppress(UnknownNameError):  # whoever needs it tells
                self.outbox.keep(key)

    def has_kept(self, *keys: str) -> bool:
        """Whether artifacts are on this node, or need not be."""
        return self.outbox is None or all(map(self.outbox.has_copy, keys))

    def read_job(self, name: str) -> tuple[Job, list[Run], list[WorkItem]] | None:
        """A job as it was submitted: with its first runs, and its work items; None if the node
        itself keeps the team's stats."""
        if self.stats is None:
            return None
        job = self.stats.job(name)
        query = RunQuery(workspace=job.workspace, jobs=[name], parents=None)
        first = [run for run in self.stats.find_runs(query)[0] if run.parent is None]
        return job, first, self.stats.work_items(name)
