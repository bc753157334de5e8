"""The controller's services, as its API offers them: jobs, status, cancel, restart, output."""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xt_core
from controller import capture
from controller.access import HeldAccess
from controller.assignments import assign
from controller.backoff import may_pass
from controller.gpuwatch import GpuWatch
from controller.homebound import HomeboundOutbox
from controller.intake import Intake
from controller.jobrecords import fail_job
from controller.jobtask import JobTask
from controller.machine import Machine
from controller.news import News
from controller.node import Bell, NodeServices
from controller.output import OutputFeed
from controller.processes import kill_marked
from controller.rundir import RunDirectory
from controller.sampling import Sampled, Sampler
from xt_core import clock
from xt_core.bootstrap.place import installation, layers
from xt_core.errors import UnknownNameError, UsageError, XTError
from xt_core.model.records import Job
from xt_core.model.states import RunStatus
from xt_core.nodes.limits import Limits
from xt_core.nodes.parcels import Assignment
from xt_core.reports.documents import run_document
from xt_core.services.stores import StoreAccess
from xt_core.stats.adoption import adopt_job
from xt_core.stats.store import NodeRecord
from xt_core.submit.mrc import MultiRunConfig, mrc_key

_LEAST_FREE_BYTES = 1 << 16
"""With less a disk is full: small files may still fit, or not."""
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
        if await asyncio.to_thread(self._has_inputs, job):
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
            await asyncio.to_thread(self._keep_inputs, job)
        async with self._taking_up:
            job = await self._node.store(lambda store: store.job(name))
            if name in self.jobs:
                task = self.jobs[name]
                task.extend(job)
                return task
            try:
                task = JobTask(self._node, job, await asyncio.to_thread(self._read_mrc, job))
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

    def _read_mrc(self, job: Job) -> MultiRunConfig:
        path = self._node.artifacts.local_path(mrc_key(job.workspace, job.name))
        assert path is not None
        return MultiRunConfig.from_json(path.read_bytes())

    # What the job needs is on this node before its work begins, so that it can go on, and a later
    # controller take it up, while the team's services are away.

    def _keep_inputs(self, job: Job) -> None:
        team = self._node.team
        if team is not None:
            team.keep(mrc_key(job.workspace, job.name))
            with contextlib.suppress(UnknownNameError):  # it is read again, and missed there
                team.keep(*self._code_of(job))

    def _has_inputs(self, job: Job) -> bool:
        team = self._node.team
        if team is None:
            return True
        return team.has_kept(mrc_key(job.workspace, job.name)) and team.has_kept(
            *self._code_of(job)
        )

    def _code_of(self, job: Job) -> list[str]:
        code = self._read_mrc(job).nodes[self._node.name].code
        return [] if code is None else [code]

    def _release_copies(self, job: Job) -> None:
        """What was fetched for the job is not needed any more; an extension fetches it again."""
        team = self._node.team
        if team is not None and team.outbox is not None:
            with contextlib.suppress(XTError):
                team.outbox.release(f"{job.workspace}/jobs/{job.name}")

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
                await asyncio.to_thread(self._release_copies, task.job)
        if job.is_shared_by_machines:
            self._intake.look_again()  # it may have been given up
            if task.given_up_for:
                later = asyncio.get_running_loop().call_later
                later(2 * task.given_up_for, self._intake.look_again)

    # Status -----------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """The controller itself."""
        return {
            "pid": os.getpid(),
            "version": xt_core.__version__,
            "installation": installation(),
            "layers": layers(),
            "started": clock.iso(self._started),
            "uptime": round(clock.now() - self._started, 3),
        }

    def status(self) -> dict[str, Any]:
        """The node and its living runs, with the keys of `xt status --json`."""
        now = clock.now()
        tasks = [task for job in self.jobs.values() for task in job.live.tasks.values()]
        running = [task for task in tasks if task.execution.pid is not None]
        limits = [job.places.limit or 0 for job in self.jobs.values()]
        node = {
            "name": self._node.name,
            "target": "local",
            "state": "running",
            "controller": self.describe(),
            "jobs": sorted(self.jobs),
            "running": len(running),
            "queued": len(tasks) - len(running),
            "concurrent": self._node.slots.limit or sum(limits),
            "gpus": len(self._node.gpus),
            "gpu_split": self._node.gpu_split,
            "trouble": self._trouble(),
            "machine": self.machine.describe() | {"cpu_percent": self.sampler.cpu_percent()},
            "access": self._access.fingerprint,
            "access_expires": self._access.now.expires,
            "limits": asdict(self._limits),
        }
        runs = [
            run_document(task.run, now)
            | {
                "pid": task.execution.pid,
                "gpus": task.execution.gpus,
                "listeners": task.feed.listeners,
                "cancelling": _cancelling_document(task.cancelling),
            }
            for task in tasks
        ]
        return {"nodes": [node], "runs": runs}

    def _trouble(self) -> str:
        """Why the node can keep nothing more, not even that runs have ended; "" while it can.
        Where a run's supervisor meets a full disk, no write of the controller's own need fail."""
        root = self._node.home.root
        with contextlib.suppress(OSError):
            if shutil.disk_usage(root).free < _LEAST_FREE_BYTES:
                return f"disk full: {root}"
        return self._node.writer.trouble

    def _sampled_runs(self) -> list[Sampled]:
        executions = [
            task.execution for job in self.jobs.values() for task in job.live.tasks.values()
        ]
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
        try:
            run = await asyncio.to_thread(self._node.writer.reader.run, workspace, name)
        except UnknownNameError:
            return None
        if run.ended is None or run.node != self._node.name:
            return None
        artifacts, folder = self._node.artifacts, self._node.home.runs_dir / workspace / name
        console = RunDirectory(folder).console
        if (
            isinstance(artifacts, HomeboundOutbox)
            and not console.exists()
            and not await asyncio.to_thread(artifacts.has, capture.console_key(run))
        ):
            return None  # the client that keeps the artifacts has it
        feed = OutputFeed(
            console,
            lambda: capture.open_console(artifacts, run),
            self._node.watcher,
        )
        feed.begin()
        feed.end()
        return feed

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


def _cancelling_document(times: tuple[float, float] | None) -> dict[str, str] | None:
    if times is None:
        return None
    since, kill_at = times
    return {"since": clock.iso(since), "kill_at": clock.iso(kill_at)}
