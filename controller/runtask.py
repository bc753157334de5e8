"""One run of this node, from queued to its final state."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from controller import capture, runrecords
from controller.environments import Environment
from controller.environmenttools import SetupError
from controller.execution import (
    CANCEL,
    RESTART,
    STOP_EARLY,
    Execution,
    ExitRecord,
    NoRoomError,
    StartError,
)
from controller.gpus import used_by_other_teams
from controller.mirror import Mirror, MirrorRoot
from controller.node import NodeServices
from controller.output import OutputFeed
from controller.shipping import JournalShipping
from xt_core import clock
from xt_core.model.records import Event, Run, Value
from xt_core.model.states import RunStatus
from xt_core.stats.store import GivenUpError, RunChange
from xt_core.submit.mrc import MultiRunConfig, NodeContext

_LOOK_FOR_ROOM_SECONDS = 0.5
_log = logging.getLogger(__name__)


class RunTask:
    """Carries a run through its states. `run` is the run as last stored."""

    def __init__(
        self,
        node: NodeServices,
        mrc: MultiRunConfig,
        context: NodeContext,
        run: Run,
        known_as_own: asyncio.Event | None = None,
    ) -> None:
        """Before `known_as_own` is set nothing is started; what lives is watched at once."""
        self._node, self._context, self._known_as_own = node, context, known_as_own
        self._concurrent, self._option_prefix = mrc.concurrent, mrc.option_prefix
        self.run = run
        self.execution = Execution(node, mrc, context, run)
        self.feed = OutputFeed(
            self.execution.folder.console,
            lambda: capture.open_console(node.artifacts, self.run),
            node.watcher,
        )
        self.finished = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.cancelling: tuple[float, float] | None = None
        """Since when it is being cancelled, and when it is killed, in seconds since 1970."""
        self.was_started = run.status is RunStatus.RUNNING
        self._may_start_again = asyncio.Event()
        self._may_start_again.set()
        self._is_waiting_to_start_again = False
        self._restart_timer: asyncio.TimerHandle | None = None
        self.on_metrics: Callable[[RunTask], None] | None = None
        """Called when metrics of the run came into the store."""

    # Steering ---------------------------------------------------------------------------

    def cancel(self, grace: float) -> None:
        """Stop the run for good. `finished` is set once it is in a final state."""
        now = clock.now()
        since, kill_at = self.cancelling or (now, now + grace)
        self.cancelling = since, min(kill_at, now + grace)
        self.cancelled.set()
        self.execution.stop(CANCEL, grace)

    def restart(self, delay: float, grace: float) -> None:
        """Stop the process; it is started again `delay` seconds from now."""
        if self._restart_timer is not None:
            self._restart_timer.cancel()
        self._may_start_again.clear()
        loop = asyncio.get_running_loop()
        self._restart_timer = loop.call_later(delay, self._may_start_again.set)
        if not self._is_waiting_to_start_again:
            self.execution.stop(RESTART, grace)

    async def stop_early(self, data: dict[str, object], grace: float) -> None:
        """End the run, which has done enough: it completes with what it has logged."""
        run = self.run
        change = RunChange(run.workspace, run.name, event="stopping_early", data=data)
        with contextlib.suppress(GivenUpError):  # its end is near all the same
            await self._node.store(lambda store: store.change_run(change))
        if not self.cancelled.is_set():
            self.execution.stop(STOP_EARLY, grace)

    def give_up(self) -> None:
        """The run was handed on to another node: what is left of it here ends at once."""
        self.cancelled.set()
        self.execution.stop(CANCEL, 0)

    # The whole life ---------------------------------------------------------------------

    async def live(
        self,
        argv: list[str],
        hparams: dict[str, Value],
        release_slot: Callable[[], None],
    ) -> None:
        """Run to the final state; `release_slot` is called, perhaps again, when the process has
        ended."""
        try:
            record = await self._run_until_ended(argv, hparams, release_slot)
            if record is not None:
                await self._until_known_as_own()
                await self._wrap_up(record)
        except StartError as error:
            release_slot()
            status = RunStatus.CANCELLED if self.cancelled.is_set() else RunStatus.ERROR
            await self._finish_unstarted(status, str(error))
        except GivenUpError as error:
            _log.warning("%s: %s", self.run.full_name, error)
            self.give_up()
            await self._wait_for_end()
            await asyncio.to_thread(self.execution.folder.remove)
        except Exception:
            _log.exception("%s: internal error", self.run.full_name)
            self.execution.stop(CANCEL, 0)
            release_slot()
            await self._finish_unstarted(RunStatus.ERROR, "internal error, see controller.log")
        finally:
            release_slot()
            self.feed.end()
            self.finished.set()

    async def fail(self, error: str) -> None:
        """End the run as an error instead of letting it live; its process too, if it has one."""
        if self.was_started and self.execution.find():
            self.execution.stop(CANCEL, 0)
            await self.execution.run()
        await self._finish_unstarted(RunStatus.ERROR, error)
        self.feed.end()
        self.finished.set()

    async def _wait_for_end(self) -> None:
        if self.was_started:
            await self.execution.run()

    async def _run_until_ended(
        self, argv: list[str], hparams: dict[str, Value], release_slot: Callable[[], None]
    ) -> ExitRecord | None:
        """The end of its last process; None if it was cancelled before there was one."""
        found = self.was_started and self.execution.find()
        if self.was_started and not found:  # its folder is gone: it must not be started twice
            return self.execution.lost()
        while True:
            if self.cancelled.is_set() and not found:
                await self._finish_unstarted(RunStatus.CANCELLED, "")
                return None
            record = await self._run_once(argv, hparams, release_slot, found=found)
            found = False
            if self._is_to_be_restarted(record):
                await self._requeue(None)
            elif self._is_to_be_retried(record):
                await self._requeue(record)
            else:
                return record

    def _is_to_be_restarted(self, record: ExitRecord) -> bool:
        return record.stopped == RESTART and not self.cancelled.is_set()

    def _is_to_be_retried(self, record: ExitRecord) -> bool:
        context = self._context
        if record.stopped is not None or record.exit_code == 0 or self.cancelled.is_set():
            return False
        is_chosen = not context.retry_exit_codes or record.exit_code in context.retry_exit_codes
        return is_chosen and self.run.retries < context.retries

    async def _run_once(
        self,
        argv: list[str],
        hparams: dict[str, Value],
        release_slot: Callable[[], None],
        *,
        found: bool,
    ) -> ExitRecord:
        if not found:
            await self._until_known_as_own()
        gpus = await self._gpus(found)
        self.execution.gpus = gpus
        try:
            if not found:
                await self._prepare(argv, hparams)
                await self._announce_start(argv, hparams)
            self.was_started = True
            shipping = JournalShipping(
                self._node, self.run, self.execution.folder, self._metrics_came
            )
            mirror = Mirror(self._mirror_roots(), self._node.artifacts, self._node.watcher)
            await shipping.start(await self._journal_end(found))
            mirror.start()
            self.feed.begin()
            with self._console_shown():
                record = await self.execution.run()
        finally:
            self._node.gpus.give_back(gpus)
        if not (self._is_to_be_restarted(record) or self._is_to_be_retried(record)):
            release_slot()  # the next run need not wait for what is still to be stored
        await shipping.finish()
        await mirror.finish()
        return record

    async def _until_known_as_own(self) -> None:
        """Before a process is started, or its end counts: the run may have been given up while
        this machine was gone, which the store then tells."""
        if self._known_as_own is not None:
            await _any_of(self._known_as_own, self.cancelled)

    async def _gpus(self, found: bool) -> list[str]:
        pool = self._node.gpus
        if found:
            return pool.hold(self.execution.gpus)
        if not len(pool):
            return []
        elsewhere = await asyncio.to_thread(used_by_other_teams, self._node.home)
        return pool.take(self._concurrent, elsewhere)

    async def _prepare(self, argv: list[str], hparams: dict[str, Value]) -> None:
        """Prepare the process. While the disk is full the run waits, rather than all of a job's
        runs failing one after another, until there is room or it is cancelled."""
        is_told, environment = False, await self._environment()
        while True:
            try:
                return await self.execution.prepare(argv, self.run, hparams, environment)
            except NoRoomError as error:
                if self.cancelled.is_set():
                    raise
                if not is_told:
                    is_told = True
                    await self._tell_of_wait(str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.cancelled.wait(), _LOOK_FOR_ROOM_SECONDS)

    async def _environment(self) -> Environment | None:
        """The environment of its setup. The job had it built: again only if it was removed."""
        spec, environments = self._context.environment, self._node.environments
        if spec is None:
            return None
        try:
            found = await environments.ready(spec, self._context.shell_env, self.cancelled)
        except SetupError as error:
            raise StartError(f"setup {spec.setup}: {error}") from error
        if found is None:
            raise StartError("")  # cancelled
        return found

    async def _tell_of_wait(self, error: str) -> None:
        _log.warning("%s: %s; trying again until it works", self.run.full_name, error)
        name, data = (self.run.workspace, self.run.name), {"error": error}
        change = RunChange(*name, event="waiting_for_room", data=data)
        await self._node.store(lambda store: store.change_run(change))

    def _metrics_came(self) -> None:
        if self.on_metrics is not None:
            self.on_metrics(self)

    async def _journal_end(self, found: bool) -> int:
        if not found and self.run.restarts == 0:
            return 0
        name = self.run.workspace, self.run.name
        return await self._node.store(lambda store: store.journal_end(*name))

    async def _announce_start(self, argv: list[str], hparams: dict[str, Value]) -> None:
        gpus, downloads = self.execution.gpus, self.execution.downloads()
        brought = downloads if self._context.code is not None or downloads else None
        self.run = await self._node.store(
            lambda store: runrecords.announce_start(
                store, self.run, argv, self._option_prefix, hparams, gpus, brought
            )
        )

    async def _requeue(self, failed: ExitRecord | None) -> None:
        """Back to the queue until another start may be: a retry if the process failed."""
        self.run = await self._node.store(lambda store: runrecords.requeue(store, self.run, failed))
        self.execution.forget_stop()
        self._is_waiting_to_start_again = True
        await _any_of(self._may_start_again, self.cancelled)
        self._is_waiting_to_start_again = False

    def _console_shown(self) -> AbstractContextManager[None]:
        """Within it, members of the team who cannot reach this node can read along."""
        team = self._node.team
        if team is None or team.consoles is None:
            return contextlib.nullcontext()
        return team.consoles.showing(capture.console_key(self.run), self.execution.folder.console)

    def _mirror_roots(self) -> list[MirrorRoot]:
        prefix = f"{capture.run_prefix(self.run)}/output"
        roots = [MirrorRoot(self.execution.folder.output, "*", prefix)]
        for pattern in self._context.mirror_files:
            fixed = capture.fixed_folder(pattern)
            folder = self.execution.working_dir / fixed
            relative = pattern.removeprefix(fixed + "/")
            below = prefix if fixed == "." else f"{prefix}/{fixed}"
            roots.append(MirrorRoot(folder, relative, below))
        return roots

    # The end ----------------------------------------------------------------------------

    async def _wrap_up(self, record: ExitRecord) -> None:
        """Log the end, store what is kept, and only then enter the final state."""
        size = self.execution.folder.console_bytes()
        self.run, events = await self._node.store(
            lambda store: runrecords.announce_end(store, self.run, record, size)
        )
        began = clock.now()
        count, failed = await asyncio.to_thread(self._capture_files)
        self.feed.end()
        data: dict[str, object] = {"count": count, "elapsed": round(clock.now() - began, 3)}
        if failed:
            data["failed"] = failed
        status, _ = record.outcome()
        await self._enter_final_state(status, events, "capture_after", data)

    def _capture_files(self) -> tuple[int, list[str]]:
        count, failed = capture.capture_after_files(
            self._node.artifacts,
            self.run,
            self.execution.working_dir,
            self._context.after_dirs,
            self._context.after_omit,
        )
        capture.store_console(self._node.artifacts, self.run, self.execution.folder)
        return count, failed

    async def _finish_unstarted(self, status: RunStatus, error: str) -> None:
        """The end of a run that has no (more) process to wait for."""
        self.run, events = await self._node.store(
            lambda store: runrecords.announce_end_unstarted(store, self.run, status, error)
        )
        if self.execution.folder.exists():
            await asyncio.to_thread(self._capture_files)
        await self._enter_final_state(status, events, None, {})

    async def _enter_final_state(
        self, status: RunStatus, events: list[Event], event: str | None, data: dict[str, object]
    ) -> None:
        """Write the run's records into the artifact store, then commit the state they show."""
        moment = clock.now()
        if event is not None:
            events.append(Event(len(events) + 1, moment, event, data))
        run = replace(self.run, status=status)
        await asyncio.to_thread(self._store_records, run, events)
        change = RunChange(run.workspace, run.name, status, event, data, time=moment)
        self.run = await self._node.store(lambda store: store.change_run(change))
        await asyncio.to_thread(self.execution.folder.remove)

    def _store_records(self, run: Run, events: list[Event]) -> None:
        capture.store_records(self._node.artifacts, run, events)
        capture.store_samples(self._node.artifacts, run, self.execution.folder)
        if run.metrics:
            draft = self.execution.folder.root / "metrics.jsonl"
            draft.parent.mkdir(parents=True, exist_ok=True)  # should the run have deleted it
            capture.store_metrics(self._node.artifacts, self._node.writer.reader, run, draft)


async def _any_of(*events: asyncio.Event) -> None:
    """Return once one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
