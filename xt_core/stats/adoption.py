"""A node's own store and what the team's store has given the node or taken from it.

Of a job that several machines share, the node's own store has the items that were claimed here
alone, with their runs as the team's store made them: the same names, epochs and events. So their
later states are delivered without conflict. Each function is harmless to repeat.
"""

import contextlib
from collections.abc import Iterable, Sequence

from xt_core.errors import UnknownNameError
from xt_core.model.names import job_number
from xt_core.model.records import Event, Job, Run, WorkItem
from xt_core.model.states import RunStatus
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import Delivery, RunChange, RunQuery, StatsStore

_ADOPTED_REVISION = 1
"""Any but 0, which would mean that the state does not count."""


def adopt_job(
    store: SqliteStatsStore, job: Job, runs: Sequence[Run], items: Iterable[WorkItem]
) -> None:
    """Bring a job of the team's store into the node's own, or what it was extended by since."""
    known = store.jobs([job.name])
    if not known:
        store.add_job(job, runs, () if job.is_shared_by_machines else items)
    elif known[0].work_items < job.work_items:
        with store.database.transaction() as connection:
            store.extend_job(job.name, job.work_items - known[0].work_items)
            if job.is_shared_by_machines:
                connection.execute(
                    "DELETE FROM work_items WHERE job_num = ? AND run IS NULL",
                    (job_number(job.name),),
                )


def adopt_claim(store: SqliteStatsStore, item: WorkItem, run: Run) -> bool:
    """Take in what was claimed for this node in the team's store; False if it is here already."""
    try:
        store.run(run.workspace, run.name)
        return False
    except UnknownNameError:
        pass
    events = [Event(n, run.created, name, {}) for n, name in enumerate(("created", "queued"), 1)]
    with store.database.transaction():
        store.deliver([Delivery(run, _ADOPTED_REVISION, events, item=item)])
        born = {"child": run.name}
        assert run.parent is not None
        store.change_run(
            RunChange(run.workspace, run.parent, None, "child_created", born, time=run.created)
        )
    return True


def lose_runs(store: SqliteStatsStore, names: Iterable[tuple[str, str]], error: str) -> None:
    """Take note of runs of this node that the team has given up, unless they have ended here."""
    with store.database.transaction():
        for name in names:
            with contextlib.suppress(UnknownNameError):
                if not store.run(*name).status.is_final:
                    data = {"status": RunStatus.LOST, "error": error}
                    fields = {"error": error}
                    store.change_run(RunChange(*name, RunStatus.LOST, "ended", data, fields))


def rejoin_jobs(store: SqliteStatsStore, jobs: Sequence[str], node: str) -> None:
    """The team lets a node's part of jobs go on after it had given it up: so it does here."""
    with store.database.transaction():
        for parent in parents_of(store, jobs, node):
            lost = [(run.workspace, run.name) for run in store.open_runs(parent.job, node)]
            lose_runs(store, lost, f"{node} was lost")
            if store.run(parent.workspace, parent.name).status is RunStatus.LOST:
                store.reopen_parent(parent.workspace, parent.name)


def parents_of(store: StatsStore, jobs: Sequence[str], node: str) -> list[Run]:
    """The parents of jobs on a node."""
    if not jobs:
        return []
    found = store.find_runs(RunQuery(jobs=list(jobs), parents=True))[0]
    return [run for run in found if run.node == node]
