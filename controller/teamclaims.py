"""Claims of a job that several machines share: made in the team's store, then adopted here.

The team's store makes the child run, with its name; the node's own store takes both in before the
run begins, and what becomes of it is delivered like anything else. A claim that was cut off, by a
crash or by a store that went away before it answered, is *in doubt*: before the next claim, and
before the part ends, whatever the team's store has for this node and the node does not know is
adopted. So nothing is lost, and nothing is done twice.

Leases go by the server's clock. When the store was away nobody could renew one: whoever comes back
first gives nobody up before it has renewed its own, without a break, for as long as a lease lasts.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from controller.backoff import Backoff, may_pass
from controller.claims import Claimed
from controller.node import Bell, NodeServices
from xt_core.errors import XTError
from xt_core.model.records import Job, Run, Value
from xt_core.model.states import RunStatus
from xt_core.stats.adoption import adopt_claim, adopt_job, lose_runs
from xt_core.stats.rules import lease_of
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunQuery, StatsStore

T = TypeVar("T")
_CALLS_AT_ONCE = 4  # a claim, a lease, a set, a look: none waits for another
_log = logging.getLogger(__name__)


class TeamClaims:
    """Implements `controller.claims.Claims`."""

    def __init__(
        self,
        node: NodeServices,
        job: Job,
        team: StatsStore,
        lease_seconds: float,
        cancelled: asyncio.Event,
    ) -> None:
        """`cancelled` is set when the job, or its part here, is to end."""
        self._node, self._job, self._team = node, job, team
        self._lease_seconds, self._cancelled = lease_seconds, cancelled
        self.joined = asyncio.Event()
        self._calls = ThreadPoolExecutor(_CALLS_AT_ONCE, f"claims-{job.name}")
        self._backoff, self._answers = Backoff(), Bell()
        self._claiming = asyncio.Lock()
        self._background: set[asyncio.Task[Claimed | None]] = set()
        self._left: list[Claimed] = []
        """Claimed for this node, adopted, and not begun."""
        self._is_in_doubt = True
        self._renewed = self._steady_since = float("-inf")

    # Claims -----------------------------------------------------------------------------

    async def claim(self, parent: Run) -> Claimed | None:
        claiming = asyncio.create_task(self._claim(parent))
        self._background.add(claiming)
        claiming.add_done_callback(self._background.discard)
        await _until_any(asyncio.wait({claiming}), self._cancelled.wait())
        if claiming.done():
            return claiming.result()
        claiming.add_done_callback(_forget)
        return None  # what comes of it all the same is for `leave`

    async def _claim(self, parent: Run) -> Claimed | None:
        async with self._claiming:
            await _until_any(self.joined.wait(), self._cancelled.wait())
            while not self._cancelled.is_set():
                try:
                    claimed = await self._attempt(parent)
                except XTError as error:
                    await self._pause_after(error, self._cancelled)
                    continue
                self._has_answered()
                if claimed is not None and self._cancelled.is_set():
                    self._left.append(claimed)
                    return None
                return claimed
        return None

    async def _attempt(self, parent: Run) -> Claimed | None:
        if self._is_in_doubt:
            self._left += await self._adopt_left()
            self._is_in_doubt = False
        if self._left:
            return self._left.pop(0)
        self._is_in_doubt = True
        claimed = await self._call(lambda team: team.claim_child(parent, self._node.name))
        if claimed is not None:
            await self._node.store(lambda store: adopt_claim(store, *claimed))
        self._is_in_doubt = False
        return claimed

    async def _adopt_left(self) -> list[Claimed]:
        """What the team's store has claimed for this node, and this node does not know."""
        job, node = self._job.name, self._node.name

        def read(team: StatsStore) -> list[Claimed]:
            runs = [run for run in team.open_runs(job, node) if run.run_index is not None]
            items = {item.run: item for item in team.work_items(job)} if runs else {}
            return [(items[run.name], run) for run in runs if run.name in items]

        def adopt(store: SqliteStatsStore) -> list[Claimed]:
            return [claimed for claimed in found if adopt_claim(store, *claimed)]

        found = await self._call(read)
        return await self._node.store(adopt)

    async def tell_set(
        self,
        claimed: Claimed,
        hparams: dict[str, Value],
        notes: dict[str, object],
        cancelled: asyncio.Event,
    ) -> None:
        item, run = claimed
        await self._ask(lambda team: team.set_hparams(run, item, hparams, notes), cancelled)

    async def job(self) -> Job:
        name, link = self._job.name, self._node.team
        assert link is not None
        parts = await self._ask(lambda _: link.read_job(name))
        assert parts is not None
        await self._node.store(lambda store: adopt_job(store, *parts))
        return await self._node.store(lambda store: store.job(name))

    async def open_items(self) -> int:
        count = await self._ask(lambda team: team.open_items(self._job.name), self._cancelled)
        return count or 0

    async def have_others_ended(self, parent: Run, interruption: asyncio.Event) -> bool:
        query = RunQuery(jobs=[self._job.name], parents=True)
        found = await self._ask(lambda team: team.find_runs(query)[0], interruption)
        others = [each for each in found or () if each.name != parent.name]
        return found is not None and all(each.status.is_final for each in others)

    async def leave(self, status: RunStatus) -> list[Claimed]:
        if status is RunStatus.COMPLETED:
            return []
        name, node = self._job.name, self._node.name
        job = await self._node.store(lambda store: store.job(name))

        def tell(team: StatsStore) -> None:
            if job.cancel_requested:
                team.update_job(name, cancel_requested=True)
            if job.cancel_requested or status is RunStatus.ERROR:
                team.cancel_unstarted(name)
            if status is RunStatus.CANCELLED:
                team.cancel_part(name, node)

        await self._ask(tell)
        async with self._claiming:
            while True:
                try:
                    left = self._left + await self._adopt_left()
                except XTError as error:
                    await self._pause_after(error, None)
                    continue
                self._left, self._is_in_doubt = [], False
                return left

    # The lease --------------------------------------------------------------------------

    async def renew(self) -> None:
        lease = lease_of(self._job, self._node.name)
        await self._ask(lambda team: team.renew_lease(lease))
        now = time.monotonic()
        if now - self._renewed > self._lease_seconds / 2:  # the others may have had to wait too
            self._steady_since = now
        self._renewed = now

    async def give_up_lost(self, seconds: float) -> list[str]:
        if self._renewed - self._steady_since < seconds:
            return []
        return await self._ask(lambda team: team.give_up_lost(self._job.name, seconds)) or []

    async def kept(self) -> set[str]:
        name, node = self._job.name, self._node.name
        query = RunQuery(jobs=[name], statuses=[RunStatus.LOST])
        found = await self._ask(lambda team: team.find_runs(query)[0]) or []
        lost = [(run.workspace, run.name) for run in found if run.node == node]

        def take_note(store: SqliteStatsStore) -> set[str]:
            lose_runs(store, lost, f"{node} was lost")
            return {run.name for run in store.open_runs(name, node)}

        kept = await self._node.store(take_note)
        self.joined.set()
        return kept

    def close(self) -> None:
        self._calls.shutdown(wait=False)

    # The team's store -------------------------------------------------------------------

    async def _ask(
        self, operation: Callable[[StatsStore], T], unless: asyncio.Event | None = None
    ) -> T | None:
        """The store's answer, however long it is away; None if `unless` was set first."""
        while unless is None or not unless.is_set():
            try:
                answer = await self._call(operation)
            except XTError as error:
                await self._pause_after(error, unless)
                continue
            self._has_answered()
            return answer
        return None

    async def _call(self, operation: Callable[[StatsStore], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, operation, self._team)

    async def _pause_after(self, error: XTError, unless: asyncio.Event | None) -> None:
        """Until another attempt is worth it; raises the error if none ever is."""
        if not may_pass(error):
            raise error
        if not self._backoff.failures:
            _log.warning("%s; new work of %s waits", error.message, self._job.name)
        pause = self._backoff.after_failure()
        interruption = asyncio.Event() if unless is None else unless
        with contextlib.suppress(TimeoutError):
            waiting = _until_any(self._answers.wait(), interruption.wait())
            await asyncio.wait_for(waiting, pause)

    def _has_answered(self) -> None:
        if self._backoff.after_success():
            _log.info("the team's stats store answers again; %s goes on", self._job.name)
            self._answers.ring()


async def _until_any(*waits: Coroutine[None, None, object]) -> None:
    """Return once one of them does."""
    tasks = [asyncio.create_task(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _forget(task: "asyncio.Task[Claimed | None]") -> None:
    """What it raised is told by nobody: its part ends."""
    if not task.cancelled():
        task.exception()
