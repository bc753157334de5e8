"""The controller's services, as its API offers them: jobs, status, cancel, restart, output."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller.access import HeldAccess
from controller.assignments import assign
from controller.backoff import may_pass
from controller.endedconsole import ended_console
from controller.gpuwatch import GpuWatch
from controller.intake import Intake
from controller.jobinputs import JobInputs
from controller.jobrecords import fail_job
from controller.jobtask import JobTask
from controller.machine import Machine
from controller.news import News
from controller.node import Bell, NodeServices
from controller.output import OutputFeed
from controller.processes import kill_marked
from controller.rundir import RunDirectory
from controller.sampling import Sampled, Sampler
from controller.status import controller_document, living, run_documents, work_document
from xt_core import clock
from xt_core.errors import UnknownNameError, UsageError, XTError
from xt_core.model.states import RunStatus
from xt_core.nodes.limits import Limits
from xt_core.nodes.parcels import Assignment
from xt_core.reports.documents import run_document
from xt_core.services.stores import StoreAccess
from xt_core.stats.adoption import adopt_job
from xt_core.stats.store import NodeRecord

_RECORDS_AT_ONCE = 5_000
_log = logging.getLogger(__name__)


class ControllerService:
    """Serves the jobs of one node."""

    def __init__(self, node: NodeServices, bell: Bell, access: HeldAccess, limits: Limits) -> None:
        """`access` is how the team's stores are reached."""
        self._node, self.bell, self._access, self._limits = node, bell, access, limits
        self.jobs: dict[str, JobTask] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking_up = asyncio.Lock()
        self._inputs = JobInputs(node)
        self._intake = Intake(node, self._hand_over, lambda: set(self.jobs))
        self.machine = Machine(node.gpus, node.environ)
        self.sampler = Sampler(
            node.sample_seconds,
            self._sampled_runs,
            node.gpus.users(),
            GpuWatch(node.environ, node.sample_seconds),
            node.home.runs_dir,
        )
        self._started = clock.now()
        self._idle_since = time.monotonic()
        self.shutdown_requested = asyncio.Event()

    @property
    def node(self) -> NodeServices:
        """What its parts share."""
        return self._node

    # Jobs -------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Take up every job that an earlier controller left unfinished. Those whose code is not
        on this node wait for the team's services; nothing else does."""
        await asyncio.to_thread(self._remove_ended_runs)
        record = NodeRecord(self._node.name, "local", self.describe(), clock.now())
        await self._node.store(lambda store: store.put_node(record))
        await self._node.store(lambda store: store.rejoin(self._node.name))
        jobs = await self._node.store(lambda store: store.open_jobs(self._node.name))
        for name in [job.name for job in jobs] + sorted(os.listdir(self._node.home.served_dir)):
            try:
                await self._take_up_again(name)
            except XTError as error:
                if may_pass(error):
                    self._intake.later(name)
                else:
                    (self._node.home.served_dir / name).unlink(missing_ok=True)
            except Exception:  # a defect, perhaps of one record: the other jobs go on
                _log.exception("%s is not taken up: internal error", name)
        self._intake.start()
        for work in (self._complete_aggregates(), self.sampler.work()):
            beside = asyncio.create_task(work)
            self._tasks.add(beside)
            beside.add_done_callback(self._tasks.discard)

    async def _complete_aggregates(self) -> None:
        """Work out the aggregates of runs that an older XT recorded, a few at a time."""
        lacking = await self._node.writer.read(lambda store: store.complete_aggregates(0))
        while lacking:
            lacking = await self._node.writer.read(
                lambda store: store.complete_aggregates(_RECORDS_AT_ONCE)
            )
            await self._node.store(lambda _store: None)  # whoever follows commits is told

    async def _take_up_again(self, name: str) -> None:
        job = await self._node.store(lambda store: store.job(name))
        if await asyncio.to_thread(self._inputs.are_kept, job):
            await self.take_up(name)
        else:
            self._intake.later(name)

    def _remove_ended_runs(self) -> None:
        """Remove the folders of runs whose final state an earlier controller still stored, and
        what still runs of those that were given up while there was no controller here."""
        for folder in self._node.home.runs_dir.glob("*/*"):
            with contextlib.suppress(XTError, ValueError, AttributeError):
                run = self._node.writer.reader.run(folder.parent.name, folder.name)
                if run.status is RunStatus.LOST:
                    kill_marked(f"XT_JOURNAL={RunDirectory(folder).journal}")
                if run.status.is_final:
                    RunDirectory(folder).remove()

    async def assign(self, assignment: Assignment) -> None:
        """Know a job from now on that the client has in its store."""
        await self._node.store(lambda store: assign(store, assignment))

    def news(self) -> News:
        """What the client may not have yet. Raises UsageError where the team has a server."""
        team = self._node.team
        if team is None or team.news is None:
            raise UsageError(f"{self._node.name} tells its team by itself", "there is no news")
        return team.news

    async def accept(self, name: str) -> None:
        """Serve a job that a client has submitted or extended just now, as soon as may be: while
        the team's services are away it waits."""
        try:
            await self._hand_over(name)
        except XTError as error:
            if not may_pass(error):
                raise
            _log.warning("%s waits: %s", name, error.message)
            self._intake.later(name)

    async def _hand_over(self, name: str) -> JobTask:
        """Bring a job from the team's store to this node, and serve it."""
        team = self._node.team
        parts = None if team is None else await asyncio.to_thread(team.read_job, name)
        if parts is not None:
            await self._node.store(lambda store: adopt_job(store, *parts))
        return await self.take_up(name)

    async def take_up(self, name: str) -> JobTask:
        """Serve a job; the same task however often it is asked for."""
        job = await self._node.store(lambda store: store.job(name))
        if name not in self.jobs:
            await asyncio.to_thread(self._inputs.keep, job)
        async with self._taking_up:
            job = await self._node.store(lambda store: store.job(name))
            if name in self.jobs:
                task = self.jobs[name]
                task.extend(job)
                return task
            try:
                task = JobTask(self._node, job, await asyncio.to_thread(self._inputs.mrc, job))
            except XTError as error:
                if not may_pass(error):
                    await fail_job(self._node, job, error.message)
                raise
            self.jobs[name] = task
            with contextlib.suppress(OSError):  # no room: then job.json may be lost in a crash
                (self._node.home.served_dir / name).touch()
            serving = asyncio.create_task(self._serve(task))
            self._tasks.add(serving)
            serving.add_done_callback(self._tasks.discard)
            return task

    async def _serve(self, task: JobTask) -> None:
        await task.serve()
        (self._node.home.served_dir / task.job.name).unlink(missing_ok=True)
        self.jobs.pop(task.job.name, None)
        self._idle_since = time.monotonic()
        self.bell.ring()
        job = await self._node.store(lambda store: store.job(task.job.name))
        rejoined = await self._node.store(lambda store: store.rejoin(self._node.name))
        if job.work_items != task.served_items or job.name in rejoined:
            await self._take_up_if_open(job.name)  # extended while it ended, or given up too soon
        async with self._taking_up:
            if job.name not in self.jobs:
                await asyncio.to_thread(self._inputs.release, task.job)
        if job.is_shared_by_machines:
            self._intake.look_again()  # it may have been given up
            if task.given_up_for:
                later = asyncio.get_running_loop().call_later
                later(2 * task.given_up_for, self._intake.look_again)

    # Status -----------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """The controller itself."""
        return controller_document(self._started)

    def status(self) -> dict[str, Any]:
        """The node and its living runs, with the keys of `xt status --json`."""
        node = work_document(self._node, self.jobs, self.describe()) | {
            "machine": self.machine.describe() | {"cpu_percent": self.sampler.cpu_percent()},
            "access": self._access.fingerprint,
            "access_expires": self._access.now.expires,
            "limits": asdict(self._limits),
        }
        return {"nodes": [node], "runs": run_documents(living(self.jobs))}

    def _sampled_runs(self) -> list[Sampled]:
        executions = [task.execution for task in living(self.jobs)]
        return [
            Sampled(execution.pid, tuple(execution.gpus), execution.folder.system)
            for execution in executions
            if execution.pid is not None
        ]

    def samples_file(self, workspace: str, run: str) -> Path | None:
        """Where the samples of a living run are; None for one that does not live here."""
        for job in self.jobs.values():
            if job.job.workspace == workspace and run in job.live.tasks:
                return job.live.tasks[run].execution.folder.system
        return None

    def is_idle(self) -> bool:
        team = self._node.team
        return not self.jobs and self._intake.is_empty() and (team is None or team.has_arrived())

    def idle_seconds(self) -> float:
        """How long nothing has been run here."""
        return time.monotonic() - self._idle_since if self.is_idle() else 0.0

    async def settle(self) -> None:
        """Wait until the team can see what was done here, unless that takes long."""
        if self._node.team is not None:
            await self._node.team.settle()

    def renew_access(self, access: StoreAccess) -> None:
        """Reach the team's stores by a newer access; what waits is tried at once."""
        self._access.renew(access)
        team = self._node.team
        if team is not None and team.outbox is not None:
            team.outbox.try_now()

    # Steering ---------------------------------------------------------------------------

    def feed(self, workspace: str, run: str) -> OutputFeed | None:
        """The console of the living run of that name, if it is here."""
        for job in self.jobs.values():
            if job.job.workspace == workspace and (feed := job.feed(run)) is not None:
                return feed
        return None

    async def stored_feed(self, workspace: str, name: str) -> OutputFeed | None:
        """The console of a run that has ended here, which its team may not see yet; None for one
        that a client has fetched."""
        return await ended_console(self._node, workspace, name)

    async def run(self, workspace: str, name: str) -> dict[str, Any]:
        """A run as this node knows it. Raises UnknownNameError."""
        run = await asyncio.to_thread(self._node.writer.reader.run, workspace, name)
        return run_document(run, clock.now())

    async def cancel_jobs(self, names: Iterable[str], grace: float | None) -> None:
        """Cancel jobs, on all of their nodes what nobody has started; returns when what they have
        here has ended."""
        tasks = [self.jobs.get(name) or await self._take_up_if_open(name) for name in names]
        await asyncio.gather(*(task.cancel(_grace(task, grace)) for task in tasks if task))

    async def cancel_node(self, grace: float | None) -> None:
        """Cancel this node's part of every job that is served here; returns when it has ended."""
        jobs = list(self.jobs.values())
        await asyncio.gather(*(task.cancel_here(_grace(task, grace)) for task in jobs))

    async def _take_up_if_open(self, name: str) -> JobTask | None:
        open_jobs = await self._node.store(lambda store: store.open_jobs(self._node.name))
        return await self.take_up(name) if any(job.name == name for job in open_jobs) else None

    async def cancel_runs(self, runs: Iterable[tuple[str, str]], grace: float | None) -> None:
        """Cancel runs; those that have ended are left as they are."""
        tasks = []
        for workspace, name in runs:
            run = await self._node.store(lambda store, n=name, w=workspace: store.run(w, n))  # type: ignore[misc]
            if not run.status.is_final:
                job = await self.take_up(run.job)
                tasks.append(job.cancel_run(name, _grace(job, grace)))
        await asyncio.gather(*tasks)

    async def restart_job(
        self, name: str, delay: float, runs: Collection[str] | None = None
    ) -> list[str]:
        """Simulate a service restart for a job's living runs, or those of them that are named;
        their names."""
        task = self.jobs.get(name)
        if task is None:
            await self._node.store(lambda store: store.job(name))
            raise UnknownNameError(f"{name} has no running run on {self._node.name}", "xt status")
        return task.live.restart(delay, runs)


def _grace(job: JobTask, grace: float | None) -> float:
    return job.context.grace_seconds if grace is None else grace
