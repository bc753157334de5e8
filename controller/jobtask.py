"""One job's part on this node: its single run, or a parent that creates children."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from controller.claims import Claims, NodeClaims
from controller.jobrecords import fail_job, store_job_record, store_parent_records
from controller.jobsetup import JobSetup
from controller.lease import keep_lease, may_inherit, outlast_others
from controller.liveruns import LiveRuns
from controller.node import NodeServices
from controller.output import OutputFeed
from controller.parentscript import ParentScript
from controller.places import Place, Places, place_unless
from controller.sets import Sets
from controller.slots import Slots
from controller.teamclaims import TeamClaims
from controller.timelimit import wait_for_time_limit
from xt_core import clock
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, Schedule, SearchStyle
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import GivenUpError, RunChange
from xt_core.submit.mrc import MultiRunConfig

_log = logging.getLogger(__name__)


class JobTask:
    """Schedules the runs of one job on this node until none is left."""

    def __init__(self, node: NodeServices, job: Job, mrc: MultiRunConfig) -> None:
        self._node, self.job, self._mrc = node, job, mrc
        self.context = mrc.nodes[node.name]
        self.given_up_for = 0.0
        """Seconds after which a part that was refused a claim, and came back in that very moment,
        is given up once more; 0 unless one was refused."""
        self._takes_over = job.schedule == Schedule.DYNAMIC and len(job.nodes) > 1
        self.places = Places(Slots(mrc.concurrent), node.slots, job.priority)
        self._others: set[asyncio.Task[None]] = set()
        self._parent: ParentScript | None = None
        self.cancelled = asyncio.Event()
        if job.cancel_requested:
            self.cancelled.set()
        self._claims = _claims_of(node, job, mrc, self.cancelled)
        self._sets = Sets(node, job, mrc, self._claims)
        self.live = LiveRuns(node, job, mrc, self.places, self._claims, self._sets, self.cancelled)
        self._extended = asyncio.Event()
        self.finished = asyncio.Event()
        self.served_items = job.work_items
        """How many work items the job had when its work here ended."""

    # Serving ----------------------------------------------------------------------------

    async def serve(self) -> None:
        """Bring the job's runs on this node to their ends."""
        timers = self._start_timers()
        try:
            name = self.job.workspace, self.context.run
            first = await self._node.store(lambda store: store.run(*name))
            if first.cancel_requested:
                self.cancelled.set()
            if self._mrc.style == SearchStyle.SINGLE:
                await self._serve_single(first)
            else:
                await self._serve_parent(first)
            await store_job_record(self._node, self.job)
        except GivenUpError as error:
            _log.warning("%s: %s", self.job.name, error)
            self.given_up_for = self._mrc.lease_seconds
            await self.live.wait()
        except Exception:
            _log.exception("%s: internal error", self.job.name)
            await self.live.wait()
            await fail_job(self._node, self.job, "internal error, see controller.log")
        finally:
            for timer in timers:
                timer.cancel()
            self._sets.close()
            self._claims.close()
            self.finished.set()

    def _start_timers(self) -> list["asyncio.Task[None]"]:
        """What goes on beside the runs, for as long as the job is served."""
        mrc, timers = self._mrc, list[asyncio.Task[None]]()
        if mrc.max_minutes is not None:
            timers.append(self._spawn(self._end_in_time(mrc.max_minutes)))
        if self._takes_over:
            keeping = keep_lease(
                self._claims, self.job.name, mrc.lease_seconds, self.live.end_handed_on
            )
            timers.append(self._spawn(keeping))
        return timers

    def extend(self, job: Job) -> None:
        """The job has more work items now."""
        self.job = job
        self._sets.extend(job.work_items)
        self._extended.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)
        return task

    async def _serve_single(self, run: Run) -> None:
        if not run.status.is_final:
            task = self.live.add(run)
            error = await JobSetup(self._node, self.context, task, is_shown=False).carry_out()
            if error:
                await task.fail(error)
                self.live.tasks.pop(run.name, None)
            else:
                self.live.begin(task)
        await self.live.wait()

    async def _serve_parent(self, parent: Run) -> None:
        self._parent = ParentScript(self._node, self._mrc, self.context, parent)
        try:
            if not parent.status.is_final and await self._may_spawn(self._parent):
                await self._spawn_children(parent)
                while not await self._end_parent(parent, self._final_status(), ""):
                    await self._spawn_children(parent)  # the job was extended just now
            await store_parent_records(self._node, parent)
        finally:
            self._parent.feed.end()
        if self._takes_over:
            self._sets.close()
            self.finished.set()
            await outlast_others(self._node, self._claims, parent, self._extended)

    def _final_status(self) -> RunStatus:
        return RunStatus.CANCELLED if self.cancelled.is_set() else RunStatus.COMPLETED

    async def _spawn_children(self, parent: Run) -> None:
        """Run what was left open and what can be claimed, until nothing is left on any node that
        could come back to this one."""
        for child in await self._open_children():
            if child.name not in self.live.tasks:
                self.live.begin(self.live.add(child))
        while True:
            self._extended.clear()
            while (claimed := await self._next_child(parent)) is not None:
                item, child, place = claimed
                self.live.begin(self.live.add(child), item, place)
            if self._takes_over and await may_inherit(
                self._claims, self._mrc.lease_seconds, self.cancelled
            ):
                continue
            await self.live.wait(self._extended)
            if not self._extended.is_set():
                break

    async def _may_spawn(self, script: ParentScript) -> bool:
        """Run the parent script unless that was done; on failure end the job's work here.

        Its end and what the parent becomes by it are one change: a script never runs twice.
        """
        parent = script.run
        if parent.status is RunStatus.SPAWNING:
            return True
        if self.context.parent_script is not None or self.context.environment is not None:
            self.live.tasks[parent.name] = script
        if self.cancelled.is_set():
            script.cancel(self.context.grace_seconds)
        change: RunChange | None = None
        error = await JobSetup(self._node, self.context, script, is_shown=True).carry_out()
        if not error:
            change, error = await script.run_unless_done()
            error = error and f"parent script: {error}"
        self.live.tasks.pop(parent.name, None)
        if error:
            status = RunStatus.CANCELLED if self.cancelled.is_set() else RunStatus.ERROR
            await self._end_parent(parent, status, error, change)
        elif change is not None:
            await self._node.store(lambda store: store.change_run(change))
        await asyncio.to_thread(script.execution.folder.remove)
        return not error

    async def _next_child(self, parent: Run) -> tuple[WorkItem, Run, Place] | None:
        """Wait for a place, then claim work; None when nothing is left."""
        place = await place_unless(self.cancelled, self.places.queue())
        if place is None:
            return None
        claim = None
        try:
            claim = await self._claims.claim(parent)
        finally:
            if claim is None:
                place.give_back()
        if claim is None:
            return None
        if claim[0].run_index >= self._sets.work_items:
            self.extend(await self._claims.job())
        return *claim, place

    async def _open_children(self) -> list[Run]:
        name, node = self.job.name, self._node.name
        runs = await self._node.store(lambda store: store.open_runs(name, node))
        return [run for run in runs if not run.is_parent]

    # Time -------------------------------------------------------------------------------

    async def _end_in_time(self, minutes: float) -> None:
        """Cancel the job when its minutes are over."""
        await wait_for_time_limit(self._node, self.job, self.context.run, minutes)
        self._spawn(self.cancel(self.context.grace_seconds))

    # Steering ---------------------------------------------------------------------------

    async def cancel(self, grace: float) -> None:
        """Cancel the job, what was never started too; returns when all of it here has ended."""

        def mark(store: SqliteStatsStore) -> None:
            store.update_job(self.job.name, cancel_requested=True)
            store.cancel_unstarted(self.job.name)

        await self._cancel_by(mark, grace)

    async def cancel_here(self, grace: float) -> None:
        """Cancel this node's part of the job; returns when it has ended. Other nodes go on, with
        what none had claimed too."""
        if self._mrc.style == SearchStyle.SINGLE:
            await self.cancel(grace)
        else:
            await self._cancel_by(self._cancel_part, grace)

    def _cancel_part(self, store: SqliteStatsStore) -> None:
        store.cancel_part(self.job.name, self._node.name)

    async def _cancel_by(self, mark: Callable[[SqliteStatsStore], None], grace: float) -> None:
        live = [task.run.name for task in self.live.tasks.values() if not task.run.is_parent]

        def mark_all(store: SqliteStatsStore) -> None:
            mark(store)
            for name in live:  # whoever looks at them sees why they end
                store.change_run(self._cancel_request(name))

        await self._node.store(mark_all)
        self.cancelled.set()
        for task in list(self.live.tasks.values()):
            task.cancel(grace)
        await self.finished.wait()

    async def cancel_run(self, name: str, grace: float) -> None:
        """Cancel one run; its parent's name means the job's part on this node."""
        if name == self.context.run and self._mrc.style != SearchStyle.SINGLE:
            await self.cancel_here(grace)
            return
        task = self.live.tasks.get(name)
        if task is None:
            return
        await self._node.store(lambda store: store.change_run(self._cancel_request(name)))
        task.cancel(grace)
        await task.finished.wait()

    def _cancel_request(self, run: str) -> RunChange:
        return RunChange(self.job.workspace, run, fields={"cancel_requested": True})

    def feed(self, run: str) -> OutputFeed | None:
        """The console of a run of this job that has not ended; a parent's lasts for the job."""
        if self._parent is not None and run == self._parent.run.name:
            return self._parent.feed
        return self.live.tasks[run].feed if run in self.live.tasks else None

    # Records ----------------------------------------------------------------------------

    async def _end_parent(
        self, parent: Run, status: RunStatus, error: str, first: RunChange | None = None
    ) -> bool:
        """The parent's final state; unless all went well nothing more of the job is started.
        False if there is more work for it to do first."""

        def end(store: SqliteStatsStore) -> bool:
            if status is RunStatus.COMPLETED and store.has_work(self.job.name, self._node.name):
                return False
            name, moment = (parent.workspace, parent.name), clock.now()
            if first is not None:
                store.change_run(first)
            if status is RunStatus.ERROR:
                store.cancel_unstarted(self.job.name)
            if status is RunStatus.CANCELLED:
                self._cancel_part(store)
                store.change_run(RunChange(*name, event="cancelled", time=moment))
            data = {"status": status, "error": error} if error else {"status": status}
            store.change_run(RunChange(*name, status, "ended", data, {"error": error}, moment))
            return True

        for item, child in await self._claims.leave(status):
            self.live.begin(self.live.add(child), item)
        await self.live.wait()
        count = self.job.work_items
        ended = await self._node.store(end)
        self.served_items = count if ended else self.served_items
        return ended


def _claims_of(
    node: NodeServices, job: Job, mrc: MultiRunConfig, cancelled: asyncio.Event
) -> Claims:
    team = None if node.team is None else node.team.stats
    if team is not None and job.is_shared_by_machines:
        return TeamClaims(node, job, team, mrc.lease_seconds, cancelled)
    return NodeClaims(node, job)
