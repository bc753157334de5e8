"""A node's return to jobs that several machines share, after it had been given up there."""

import asyncio

from controller.node import NodeServices
from controller.team import SETTLE_SECONDS
from xt_core.home import NodeHome
from xt_core.model.records import Run
from xt_core.model.states import FINAL_RUN_STATES, RunStatus
from xt_core.stats.adoption import lose_runs, parents_of, rejoin_jobs
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange, RunQuery, StatsStore

_UNFINISHED = [RunStatus.LOST, *(each for each in RunStatus if each not in FINAL_RUN_STATES)]


async def rejoin(node: NodeServices, served: set[str]) -> set[str]:
    """Let the node's parts of such jobs go on where there is work for them; those jobs, to be
    served again. Raises the XTError of a team's store that is away.

    The team's store has the last word of which parts were given up, and the node's own is made to
    say the same. A job that is `served` takes note by itself of the runs that it lost.
    """
    link = node.team
    if link is None or link.stats is None or link.replicator is None:
        return set()
    own = [run for run in await node.store(lambda s: _own_parents(s, node.name))
           if run.job not in served]  # fmt: skip
    if own:  # what is still to be told of a part that was lost must not arrive after its return
        await asyncio.to_thread(link.replicator.flush, SETTLE_SECONDS)
    back, lost = await asyncio.to_thread(_ask, link.stats, node.home, own)
    again = back - served

    def take_note(store: SqliteStatsStore) -> None:
        lose_runs(store, [(run.workspace, run.name) for run in lost], f"{node.name} was lost")
        rejoin_jobs(store, sorted(again), node.name)
        for parent in parents_of(store, sorted(back & served), node.name):
            if not parent.status.is_final:
                store.change_run(RunChange(parent.workspace, parent.name, event="rejoined"))

    await node.store(take_note)
    return again


def _own_parents(store: SqliteStatsStore, node: str) -> list[Run]:
    """Parents of this node that have not ended well, of jobs that several machines share."""
    parents = store.find_runs(RunQuery(parents=True, statuses=_UNFINISHED))[0]
    own = [run for run in parents if run.node == node]
    jobs = store.jobs([run.job for run in own]) if own else []
    shared = {job.name for job in jobs if job.is_shared_by_machines}
    return [run for run in own if run.job in shared]


def _ask(team: StatsStore, home: NodeHome, own: list[Run]) -> tuple[set[str], list[Run]]:
    """The jobs to go on with, among them those whose return a crash cut off; and the node's own
    parents that are lost for good."""
    back = set(team.rejoin(home.name, home.place))
    here = {run.job: run.status for run in own}
    found = parents_of(team, list(here), home.name)
    back |= {
        run.job for run in found if here[run.job] is RunStatus.LOST and not run.status.is_final
    }
    return back, [run for run in found if run.status is RunStatus.LOST and run.job not in back]
