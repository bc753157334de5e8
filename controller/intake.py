"""Jobs that are this node's to serve and that it cannot take up before its team's services answer.

There are four sorts: a job that a client stored and did not hand over (or its extension), one
that was handed over while a service was away, one that an earlier controller left before its code
had come to this node, and one whose part here was given up and has work again. Nothing waits for
them here; each begins as soon as it can.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from controller.backoff import Backoff, may_pass
from controller.node import NodeServices
from controller.rejoining import rejoin
from xt_core.errors import XTError

_log = logging.getLogger(__name__)


class Intake:
    """Tries, with longer and longer pauses, to hand jobs over to this node."""

    def __init__(
        self,
        node: NodeServices,
        hand_over: Callable[[str], Awaitable[object]],
        served: Callable[[], set[str]],
    ) -> None:
        """`served` are the jobs that are served now."""
        self._node, self._hand_over, self._served = node, hand_over, served
        self._waiting: Counter[str] = Counter()
        """How often a job was asked for since it last began."""
        self._has_looked = node.team is None
        """Whether the team's store was asked for what nobody handed over."""
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with a look for what nobody has handed over."""
        self._due.set()
        self._task = asyncio.create_task(self._work())

    def later(self, job: str) -> None:
        """Hand a job over once the services answer."""
        self._waiting[job] += 1
        self._due.set()

    def look_again(self) -> None:
        """Ask the team's store once more for what nobody hands over."""
        self._has_looked = self._node.team is None
        self._due.set()

    def is_empty(self) -> bool:
        """Whether no job is known that waits."""
        return not self._waiting

    async def _work(self) -> None:
        backoff = Backoff()
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._attempt()
                backoff.after_success()
            except (
                Exception
            ) as error:  # also a defect: the jobs that come later must not end with it
                if not backoff.failures:
                    defect = None if isinstance(error, XTError) else error
                    names = self._names()
                    _log.warning("%s; jobs may wait for it: %s", error, names, exc_info=defect)
                pause = backoff.after_failure()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), pause)
                self._due.set()

    def _names(self) -> str:
        return ", ".join(sorted(self._waiting)) or "none known"

    async def _attempt(self) -> None:
        """Hand over what waits. Raises, once all was tried, the error of what waits on."""
        failure: Exception | None = None
        if not self._has_looked:
            self._has_looked = True
            try:
                offered = await self._offered()
                self._waiting.update(offered | await rejoin(self._node, self._served()))
            except BaseException:
                self._has_looked = False
                raise
        for name, asked in sorted(self._waiting.items()):
            try:
                await self._hand_over(name)
            except XTError as error:
                if may_pass(error):
                    failure = failure or error
                    continue
                _log.error("%s cannot be taken up: %s", name, error.message)
            except Exception as error:
                failure = failure or error
                continue
            if self._waiting[name] == asked:  # else it was asked for again meanwhile
                del self._waiting[name]
        if failure is not None:
            raise failure

    async def _offered(self) -> set[str]:
        """What the team's store has for this node beyond what the node knows. A job that was begun
        here and is unknown was lost with the node's files; to do it again is not this node's."""
        team, home = self._node.team, self._node.home
        if team is None:
            return set()
        jobs = await asyncio.to_thread(team.open_jobs, home)
        names = [job.name for job in jobs]
        found = await self._node.store(lambda store: store.jobs(names)) if names else []
        known = {job.name: job.work_items for job in found}
        offered = {job.name for job in jobs if known.get(job.name, job.work_items) < job.work_items}
        for job in (job for job in jobs if job.name not in known):
            if not await asyncio.to_thread(team.has_begun, job, home.name):
                offered.add(job.name)
        return offered
