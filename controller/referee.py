"""Early stopping: judges the runs of a job as their metrics come.

What it knows comes from the stats store, so that a new controller, and every node of the job, can
judge as the last one did.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from controller.node import NodeServices
from controller.teamcurves import TeamCurves
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.search.stopping import StoppingPolicy, Verdict, policy_from_settings
from xt_core.stats.store import RunQuery, StatsStore
from xt_core.submit.mrc import MultiRunConfig

_log = logging.getLogger(__name__)


def referee_of(
    node: NodeServices, job: Job, mrc: MultiRunConfig, stop: Callable[[Verdict], None]
) -> "Referee | None":
    """The referee of a job; None if none of its runs is to be stopped early. `stop` is called with
    each verdict."""
    if not mrc.stopping or not job.objectives:
        return None
    objective = job.objectives[0]
    policy = policy_from_settings(
        mrc.stopping, objective.maximize, job.seed or 0, metric=objective.metric
    )
    return None if policy is None else Referee(node, job, policy, objective.metric, stop)


class Referee:
    """Curves of the first objective, and the policy that judges them."""

    def __init__(
        self,
        node: NodeServices,
        job: Job,
        policy: StoppingPolicy,
        metric: str,
        stop: Callable[[Verdict], None],
    ) -> None:
        self._node, self._job, self._policy, self._metric = node, job, policy, metric
        self._stop = stop
        self._curves = policy.new_curves()
        self._known: dict[str, int] = {}
        """Run -> the journal offset up to which its points are known."""
        self._next_steps: dict[str, float] = {}
        self._ended: set[str] = set()
        self._looking = asyncio.Lock()
        team = None if node.team is None else node.team.stats
        self._others: TeamCurves | None = None
        if team is not None and job.is_shared_by_machines:
            self._others = TeamCurves(team, job, node.name)

    async def look(self, run: Run) -> None:
        """A run of this node has logged: take up what is new, here and elsewhere, and judge it."""
        async with self._looking:
            elsewhere = len(self._job.nodes) > 1 or not self._known
            runs, points = await self._node.writer.read(
                lambda reader: self._read(reader, run, everywhere=elsewhere)
            )
            if self._others is not None:
                for other, records in await self._others.news(self._known, self._ended):
                    self._take(other, records)
            new = 0
            for each in runs:
                added = self._take(each, points[each.name])
                new = added if each.name == run.name else new
            if new and run.name not in self._ended:
                verdict = self._policy.judge(run.name, self._curves, new)
                if verdict is not None:
                    self._end(run.name)
                    self._stop(verdict)

    def ended(self, run: Run) -> None:
        """A run of this node has ended; it stays in the comparison."""
        if run.name in self._known:
            self._end(run.name)

    def _read(
        self, reader: StatsStore, run: Run, *, everywhere: bool
    ) -> tuple[list[Run], dict[str, list[MetricRecord]]]:
        runs = [run]
        if everywhere:
            query = RunQuery(workspace=run.workspace, jobs=[self._job.name])
            found = reader.find_runs(query)[0]
            runs = [r for r in found if r.started is not None and r.name not in self._ended]
        return runs, {
            each.name: reader.metrics(each.workspace, each.name, self._known.get(each.name, -1))
            for each in runs
        }

    def _take(self, run: Run, records: Iterable[MetricRecord]) -> int:
        """How many points of a run are new to its curve."""
        if run.name not in self._known:
            self._curves.start(run.name, run.run_index or 0)
            self._known[run.name] = -1
        points: list[tuple[float, float]] = []
        for record in records:
            self._known[run.name] = record.offset
            value = record.values.get(self._metric)
            if isinstance(value, int | float):
                step = record.step
                if step is None:
                    step = self._next_steps.get(run.name, 0.0)
                self._next_steps[run.name] = step + 1
                points.append((step, float(value)))
        added = self._curves.add(run.name, points)
        if run.status.is_final:
            self._end(run.name)
        return added

    def _end(self, name: str) -> None:
        if name not in self._ended:
            self._ended.add(name)
            self._curves.end(name)
