"""The runs of a job that are live on this node: from their place in the queue to their end."""

import asyncio
import logging
from collections.abc import Collection, Coroutine

from controller.claims import Claims
from controller.node import NodeServices
from controller.places import NO_PLACE, Place, Places, place_unless
from controller.referee import referee_of
from controller.runtask import RunTask
from controller.sets import Sets
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.search.stopping import Verdict
from xt_core.stats.store import GivenUpError
from xt_core.submit.mrc import MultiRunConfig

_log = logging.getLogger(__name__)


class LiveRuns:
    """Lets runs live side by side, each with its place and its hyperparameters."""

    def __init__(
        self,
        node: NodeServices,
        job: Job,
        mrc: MultiRunConfig,
        places: Places,
        claims: Claims,
        sets: Sets,
        cancelled: asyncio.Event,
    ) -> None:
        """`cancelled` is set once the job's part on this node is to end."""
        self._node, self._mrc, self._context = node, mrc, mrc.nodes[node.name]
        self._places, self._claims, self._sets = places, claims, sets
        self._cancelled = cancelled
        self._referee = referee_of(node, job, mrc, self._stop_early)
        self.tasks: dict[str, RunTask] = {}
        """Runs that are not yet in a final state, by name; the parent is here only while its
        script runs."""
        self._living: set[asyncio.Task[None]] = set()
        self._judging: set[asyncio.Task[None]] = set()

    def add(self, run: Run) -> RunTask:
        """A run's task, from now on among those that are live."""
        task = RunTask(self._node, self._mrc, self._context, run, self._claims.joined)
        if self._referee is not None:
            task.on_metrics = self._judge
        self.tasks[run.name] = task
        if run.cancel_requested or self._cancelled.is_set():
            task.cancel(self._context.grace_seconds)
        return task

    def begin(
        self, task: RunTask, claimed: WorkItem | None = None, place: Place | None = None
    ) -> None:
        """Let a run live; one that was claimed just now has a place."""
        run = task.run
        if place is None and run.status is RunStatus.RUNNING:
            place = self._places.occupy()
        # Queued here and now: what was left open goes before what is claimed next.
        waiting = self._places.queue() if place is None else None
        _keep(self._living, self._live(task, claimed, place, waiting))

    async def wait(self, interruption: asyncio.Event | None = None) -> None:
        """Wait until all that began have ended, or until the interruption."""
        event = asyncio.Event() if interruption is None else interruption
        interrupted = asyncio.create_task(event.wait())
        while self._living and not event.is_set():
            waits = {*self._living, interrupted}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        interrupted.cancel()

    def restart(self, delay: float, runs: Collection[str] | None = None) -> list[str]:
        """The service restart: stop each living process (those of `runs`, if any are named), wait,
        and start it again."""
        chosen = [
            task
            for name, task in self.tasks.items()
            if task.was_started and task.run.ended is None and (runs is None or name in runs)
        ]
        for task in chosen:
            task.restart(delay, self._context.grace_seconds)
        return [task.run.name for task in chosen]

    def end_handed_on(self, kept: set[str]) -> None:
        """End here what another node does now."""
        for task in [task for task in self.tasks.values() if task.run.name not in kept]:
            if not task.finished.is_set() and task.run.ended is None:
                task.give_up()

    async def _live(
        self,
        task: RunTask,
        claimed: WorkItem | None,
        place: Place | None,
        waiting: "asyncio.Task[Place] | None",
    ) -> None:
        if waiting is not None:
            place = await place_unless(task.cancelled, waiting)
        place = place or NO_PLACE
        try:
            hparams = await self._sets.give(task, claimed)
            argv = self._sets.argv(task.run.run_index or 0, hparams)
            # The next set of a search is chosen when all that this run logged is known.
            early = NO_PLACE if self._sets.is_searched else place
            await task.live(argv, hparams, early.give_back)
        except GivenUpError as error:
            _log.warning("%s: %s", task.run.full_name, error)
            task.finished.set()
        except Exception as error:
            _log.exception("%s: internal error before it could start", task.run.full_name)
            await task.fail(f"internal error: {type(error).__name__}: {error}; see controller.log")
        finally:
            place.give_back()
            if self._referee is not None:
                self._referee.ended(task.run)
            self.tasks.pop(task.run.name, None)

    # Early stopping ---------------------------------------------------------------------

    def _judge(self, task: RunTask) -> None:
        assert self._referee is not None
        _keep(self._judging, self._referee.look(task.run))

    def _stop_early(self, verdict: Verdict) -> None:
        task = self.tasks.get(verdict.run)
        if task is not None:
            data: dict[str, object] = {"step": verdict.step, "reason": verdict.reason}
            _keep(self._judging, task.stop_early(data, self._context.grace_seconds))


def _keep(tasks: "set[asyncio.Task[None]]", work: Coroutine[None, None, None]) -> None:
    """Do work beside all else; the event loop itself would forget it."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
