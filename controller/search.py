"""The dynamic search of one job on this node: its worker process, fed with the job's history.

The worker takes whatever time it takes, and may die: one that died between two questions is
replaced, and nobody sees it. The event loop never waits for it, and a run whose set does not come
in time gets a random one, which is a pure function of its index.
Invariant: one question at a time, and a set is durable before the next question is asked, so that
no two runs of this node are given the same set for want of knowing of each other.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from typing import Any

from controller.claims import Claims
from controller.node import NodeServices
from controller.teamhistory import TeamHistory
from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import SearchStyle
from xt_core.search.spec import SearchSpec
from xt_core.search.trials import Suggestion, trial_of
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange, StatsStore
from xt_core.submit.mrc import MultiRunConfig
from xt_core.submit.plan import Plan

ANSWER_SECONDS = 120.0
_TOLD_AT_ONCE = 500
_LINE_LIMIT = 1 << 26
_log = logging.getLogger(__name__)


class SearchError(Exception):
    """The search gave no set; the text is for the user."""


class DynamicSearch:
    """Chooses the sets of a job's runs, one after another."""

    def __init__(
        self, node: NodeServices, job: Job, mrc: MultiRunConfig, plan: Plan, claims: Claims
    ) -> None:
        assert plan.template is not None
        self._node, self._job, self._mrc, self._plan = node, job, mrc, plan
        self._claims = claims
        self._spec = SearchSpec(
            plan.search_type or "", plan.template.space, tuple(job.objectives), plan.seed
        )
        self._asking = asyncio.Lock()
        self._worker: Process | None = None
        self._revision = 0
        self._elsewhere: TeamHistory | None = None
        self._half_known: set[str] = set()
        """Jobs of whose runs the node's own store has its own alone."""
        if node.team is not None and node.team.stats is not None:
            self._elsewhere = TeamHistory(node.team.stats, self._learnt_from_elsewhere)

    async def give_hparams(self, item: WorkItem, run: Run, cancelled: asyncio.Event) -> Run:
        """Choose a set for a claimed item; the run that has it, durable. `cancelled` is the run's.
        Raises GivenUpError."""
        async with self._asking:
            error = ""
            try:
                worker = await self._running_worker()
                news = await self._news()  # however long the store is away
                asking = self._ask(worker, news, item.run_index)
                suggestion = await asyncio.wait_for(asking, ANSWER_SECONDS)
            except (SearchError, OSError, ValueError, TimeoutError) as failure:
                error = str(failure) or "the search took too long"
                self._end_worker()
                suggestion = Suggestion(self._plan.fallback(item.run_index))
            hparams, notes = suggestion.hparams, suggestion.notes
            await self._claims.tell_set((item, run), hparams, notes, cancelled)
            return await self._node.store(lambda store: _give(store, item, run, suggestion, error))

    def close(self) -> None:
        """No more questions."""
        self._end_worker()

    async def _running_worker(self) -> Process:
        if self._worker is None or self._worker.returncode is not None:  # never started, or killed
            return await self._start()
        return self._worker

    async def _ask(self, worker: Process, news: list[dict[str, Any]], run_index: int) -> Suggestion:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for first in range(0, len(news), _TOLD_AT_ONCE):
            told = {"tell": news[first : first + _TOLD_AT_ONCE]}
            worker.stdin.write((dumps(told) + "\n").encode())
            await worker.stdin.drain()
        worker.stdin.write((dumps({"ask": run_index}) + "\n").encode())
        await worker.stdin.drain()
        line = await worker.stdout.readline()
        if not line:
            raise SearchError("the search process ended without an answer")
        answer = loads(line)
        if "error" in answer:
            raise SearchError(str(answer["error"]))
        return Suggestion(answer["hparams"], answer["notes"])

    async def _start(self) -> Process:
        _log.info("%s: %s search starts", self._job.name, self._spec.algorithm)
        self._revision = 0
        if self._elsewhere is not None:
            self._elsewhere.rewind()
        self._worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "xt_core.search.worker",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=self._node.environ | {"OMP_NUM_THREADS": "1"},
            limit=_LINE_LIMIT,
        )
        assert self._worker.stdin is not None
        self._worker.stdin.write((dumps(self._spec.to_json()) + "\n").encode())
        return self._worker

    async def _news(self) -> list[dict[str, Any]]:
        """What is new in the history: of this job, of those it learns from, of all nodes."""
        pairs = await self._node.writer.read(
            lambda reader: reader.search_history(self._learnt_from(reader), self._revision)
        )
        self._revision = max([self._revision, *(run.revision for _, run in pairs)])
        if self._elsewhere is not None:
            pairs += [pair for pair in await self._elsewhere.news() if not self._is_own(pair[1])]
        trials: list[dict[str, Any]] = []
        for item, run in pairs:
            trial = trial_of(item, run, self._job.objectives)
            if trial is not None:
                trials.append(trial.to_json())
        return trials

    def _learnt_from(self, reader: StatsStore) -> Sequence[str]:
        names = [self._job.name, *self._job.warm_start]
        if self._mrc.learn_from != "experiment":
            return names
        others = reader.jobs(workspace=self._job.workspace)
        names += [
            job.name
            for job in others
            if job.experiment == self._job.experiment and job.style != SearchStyle.SINGLE
        ]
        return list(dict.fromkeys(names))

    def _learnt_from_elsewhere(self, team: StatsStore) -> Sequence[str]:
        """The jobs that this node's own store does not have, or not all of."""
        names = self._learnt_from(team)
        own = self._node.writer.reader.jobs(names)
        self._half_known = {job.name for job in own if job.is_shared_by_machines}
        known = {job.name for job in own} - self._half_known
        return [name for name in names if name not in known]

    def _is_own(self, run: Run) -> bool:
        """Whether the node's own store tells of a run what the team's tells, and sooner."""
        return run.job in self._half_known and run.node == self._node.name

    def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            worker.kill()


def _give(
    store: SqliteStatsStore, item: WorkItem, run: Run, suggestion: Suggestion, error: str
) -> Run:
    if error:
        _log.error("%s: random set, since the search failed: %s", run.full_name, error)
        change = RunChange(run.workspace, run.name, event="search_failed", data={"error": error})
        store.change_run(change)
    return store.set_hparams(run, item, suggestion.hparams, suggestion.notes)
