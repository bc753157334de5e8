"""One job's part on this node: its single run, or a parent that creates children."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from controller import capture
from controller.node import NodeServices
from controller.output import OutputFeed
from controller.runtask import RunTask
from controller.slots import Slots
from xt_core import clock
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus, SearchStyle
from xt_core.reports.documents import job_document
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange
from xt_core.submit.mrc import MultiRunConfig
from xt_core.submit.plan import Plan

_log = logging.getLogger(__name__)


class JobTask:
    """Schedules the runs of one job on this node until none is left."""

    def __init__(self, node: NodeServices, job: Job, mrc: MultiRunConfig) -> None:
        self._node, self.job, self._mrc = node, job, mrc
        self.context = mrc.nodes[node.name]
        self._plan: Plan = mrc.plan()
        self.slots = Slots(mrc.concurrent)
        self.live: dict[str, RunTask] = {}
        """Runs that are not yet in a final state, by name; the parent is here only while its
        script runs."""
        self._children: set[asyncio.Task[None]] = set()
        self._parent: ParentScript | None = None
        self.cancelled = asyncio.Event()
        if job.cancel_requested:
            self.cancelled.set()
        self.finished = asyncio.Event()

    # Serving ----------------------------------------------------------------------------

    async def serve(self) -> None:
        """Bring the job's runs on this node to their ends."""
        try:
            first = await self._run(self.context.run)
            if self._mrc.style == SearchStyle.SINGLE:
                await self._serve_single(first)
            else:
                await self._serve_parent(first)
            await self._write_job_record()
        except Exception:
            _log.exception("%s: internal error", self.job.name)
        finally:
            self.finished.set()

    async def _serve_single(self, run: Run) -> None:
        if not run.status.is_final:
            self._begin(run)
        await self._wait_for_children()

    async def _serve_parent(self, parent: Run) -> None:
        self._parent = ParentScript(self._node, self._mrc, self.context, parent)
        try:
            if not parent.status.is_final and await self._may_spawn(self._parent):
                await self._spawn_children(parent)
                status = RunStatus.CANCELLED if self.cancelled.is_set() else RunStatus.COMPLETED
                await self._end_parent(parent, status, "")
            await self._store_parent_records(parent)
        finally:
            self._parent.feed.end()

    async def _spawn_children(self, parent: Run) -> None:
        for child in await self._open_children():
            self._begin(child)
        while (claimed := await self._next_child(parent)) is not None:
            self._begin(claimed, has_slot=True)
        await self._wait_for_children()

    async def _may_spawn(self, task: "ParentScript") -> bool:
        """Run the parent script unless that was done; on failure end the job's work here.

        Its end and what the parent becomes by it are one change: a script never runs twice.
        """
        parent, script = task.run, self.context.parent_script
        if parent.status is RunStatus.SPAWNING:
            return True
        change = RunChange(parent.workspace, parent.name, RunStatus.SPAWNING)
        error = ""
        if script is not None:
            error = await self._run_parent_script(task, script)
            change.event = "parent_script_completed"
            change.data = {"status": "error" if error else "completed", "error": error}
        if error:
            change.status = None
            status = RunStatus.CANCELLED if self.cancelled.is_set() else RunStatus.ERROR
            await self._end_parent(parent, status, f"parent script: {error}", change)
        else:
            await self._node.store(lambda store: store.change_run(change))
        await asyncio.to_thread(task.execution.folder.remove)
        return not error

    async def _run_parent_script(self, task: "ParentScript", script: list[str]) -> str:
        workspace, name = task.run.workspace, task.run.name

        def announce(store: SqliteStatsStore) -> None:
            event = "parent_script_started"
            if all(each.event != event for each in store.events(workspace, name)):
                store.change_run(RunChange(workspace, name, event=event))

        await self._node.store(announce)
        self.live[name] = task
        if self.cancelled.is_set():
            task.cancel(self.context.grace_seconds)
        error = await task.run_script(script)
        del self.live[name]
        return error

    async def _next_child(self, parent: Run) -> Run | None:
        """Wait for a free slot, then claim work; None when nothing is left."""
        if not await self._take_slots_unless(self.cancelled):
            return None
        claim = await self._node.store(lambda store: store.claim_child(parent, self._node.name))
        if claim is None:
            self._give_slots_back()
            return None
        return claim[1]

    async def _open_children(self) -> list[Run]:
        name, node = self.job.name, self._node.name
        runs = await self._node.store(lambda store: store.open_runs(name, node))
        return [run for run in runs if not run.is_parent]

    # Runs -------------------------------------------------------------------------------

    def _begin(self, run: Run, *, has_slot: bool = False) -> None:
        task = RunTask(self._node, self._mrc, self.context, run)
        self.live[run.name] = task
        if run.cancel_requested or self.cancelled.is_set():
            task.cancel(self.context.grace_seconds)
        if run.status is RunStatus.RUNNING and not has_slot:
            self.slots.occupy()
            self._node.slots.occupy()
            has_slot = True
        child = asyncio.create_task(self._live(task, has_slot=has_slot))
        self._children.add(child)
        child.add_done_callback(self._children.discard)

    async def _live(self, task: RunTask, *, has_slot: bool) -> None:
        release: Callable[[], None] = self._give_slots_back
        if not has_slot and not await self._take_slots_unless(task.cancelled):
            release = _nothing
        index = task.run.run_index or 0
        await task.live(self._plan.argv(index), self._plan.hparams(index), release)
        self.live.pop(task.run.name, None)

    async def _wait_for_children(self) -> None:
        while self._children:
            await asyncio.wait(self._children)

    # Slots ------------------------------------------------------------------------------

    async def _take_slots(self) -> None:
        await self.slots.take()
        try:
            await self._node.slots.take()
        except asyncio.CancelledError:
            self.slots.give_back()
            raise

    def _give_slots_back(self) -> None:
        self.slots.give_back()
        self._node.slots.give_back()

    async def _take_slots_unless(self, cancelled: asyncio.Event) -> bool:
        """Whether slots were got before `cancelled` was set."""
        taking = asyncio.create_task(self._take_slots())
        giving_up = asyncio.create_task(cancelled.wait())
        await asyncio.wait({taking, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        giving_up.cancel()
        if taking.done():
            return True
        taking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await taking
        return taking.done() and not taking.cancelled()

    # Steering ---------------------------------------------------------------------------

    async def cancel(self, grace: float) -> None:
        """Cancel what runs and what was never started; returns when all has ended."""
        await self._node.store(self._cancel_unstarted)
        self.cancelled.set()
        for task in list(self.live.values()):
            task.cancel(grace)
        await self.finished.wait()

    def _cancel_unstarted(self, store: SqliteStatsStore) -> None:
        store.update_job(self.job.name, cancel_requested=True)
        store.cancel_unstarted(self.job.name)

    async def cancel_run(self, name: str, grace: float) -> None:
        """Cancel one run; its parent's name means the whole job."""
        if name == self.context.run and self._mrc.style != SearchStyle.SINGLE:
            await self.cancel(grace)
            return
        task = self.live.get(name)
        if task is None:
            return
        change = RunChange(self.job.workspace, name, fields={"cancel_requested": True})
        await self._node.store(lambda store: store.change_run(change))
        task.cancel(grace)
        await task.finished.wait()

    async def restart(self, delay: float) -> list[str]:
        """The service restart: stop each living process, wait, and start it again."""
        chosen = [
            task for task in self.live.values() if task.was_started and task.run.ended is None
        ]
        for task in chosen:
            task.restart(delay, self.context.grace_seconds)
        return [task.run.name for task in chosen]

    def feed(self, run: str) -> OutputFeed | None:
        """The console of a run of this job that has not ended; a parent's lasts for the job."""
        if self._parent is not None and run == self._parent.run.name:
            return self._parent.feed
        return self.live[run].feed if run in self.live else None

    # Records ----------------------------------------------------------------------------

    async def _run(self, name: str) -> Run:
        return await self._node.store(lambda store: store.run(self.job.workspace, name))

    async def _end_parent(
        self, parent: Run, status: RunStatus, error: str, first: RunChange | None = None
    ) -> None:
        """The parent's final state; unless all went well nothing more of the job is started."""

        def end(store: SqliteStatsStore) -> None:
            name, moment = (parent.workspace, parent.name), clock.now()
            if first is not None:
                store.change_run(first)
            if status is not RunStatus.COMPLETED:
                store.cancel_unstarted(self.job.name)
            if status is RunStatus.CANCELLED:
                store.change_run(RunChange(*name, event="cancelled", time=moment))
            data = {"status": status, "error": error} if error else {"status": status}
            store.change_run(RunChange(*name, status, "ended", data, {"error": error}, moment))

        await self._node.store(end)

    async def _store_parent_records(self, parent: Run) -> None:
        run, events = await self._node.store(
            lambda store: (
                store.run(parent.workspace, parent.name),
                store.events(parent.workspace, parent.name),
            )
        )
        await asyncio.to_thread(capture.store_records, self._node.artifacts, run, events)

    async def _write_job_record(self) -> None:
        document = await self._node.store(lambda store: job_document(store, self.job.name))
        await asyncio.to_thread(
            capture.store_job_record,
            self._node.artifacts,
            self.job.workspace,
            self.job.name,
            document,
        )


class ParentScript(RunTask):
    """The process of a parent's script: like a run's, but the parent lives on after it."""

    async def run_script(self, argv: list[str]) -> str:
        """Run it to its end; what went wrong, or ""."""
        try:
            record = await self._run_until_ended(argv, {}, _nothing)
        except Exception as error:
            _log.exception("%s: parent script", self.run.full_name)
            return str(error)
        finally:
            self.finished.set()
        if record is None:
            return "cancelled"
        await asyncio.to_thread(self._capture_files)
        if record.stopped:
            return "cancelled"
        return record.error or (f"exit code {record.exit_code}" if record.exit_code else "")

    async def _finish_unstarted(self, status: RunStatus, error: str) -> None:
        """The parent's end is its job's to tell."""


def _nothing() -> None:
    """Nothing to give back."""
