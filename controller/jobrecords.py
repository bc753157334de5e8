"""What is written of a job beside its runs: the records of its parent, and its own."""

import asyncio
import contextlib
import logging

from controller import capture
from controller.node import NodeServices
from controller.team import TeamLink
from xt_core.errors import XTError
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.reports.documents import job_document
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange, StatsStore

_log = logging.getLogger(__name__)


async def fail_job(node: NodeServices, job: Job, error: str) -> None:
    """A job that cannot go on ends as an error, not as one that waits for ever."""
    _log.error("%s cannot go on: %s", job.name, error)

    def fail(store: SqliteStatsStore) -> None:
        store.cancel_unstarted(job.name)
        for run in store.open_runs(job.name, node.name):
            data = {"status": RunStatus.ERROR, "error": error}
            name = run.workspace, run.name
            store.change_run(RunChange(*name, RunStatus.ERROR, "ended", data, {"error": error}))

    await node.store(fail)
    team = None if node.team is None else node.team.stats
    if team is not None and job.is_shared_by_machines:
        with contextlib.suppress(XTError):  # then the others fail alike
            await asyncio.to_thread(team.cancel_unstarted, job.name)


async def store_parent_records(node: NodeServices, parent: Run) -> None:
    """Write what the stats store has of a parent into the artifact store."""
    name = parent.workspace, parent.name
    run, events = await node.store(lambda store: (store.run(*name), store.events(*name)))
    await asyncio.to_thread(capture.store_records, node.artifacts, run, events)


async def store_job_record(node: NodeServices, job: Job) -> None:
    """Write job.json."""
    document = await node.store(lambda store: job_document(store, job.name))
    if node.team is not None and job.is_shared_by_machines:
        document = await _as_team_knows(node.team, job) or document
    await asyncio.to_thread(
        capture.store_job_record, node.artifacts, job.workspace, job.name, document
    )


async def _as_team_knows(team: TeamLink, job: Job) -> dict[str, object] | None:
    """What became of a job on all machines that shared it; None while the team's store is away."""
    await team.settle()
    try:
        return None if team.stats is None else await asyncio.to_thread(_read, team.stats, job.name)
    except XTError:
        return None


def _read(stats: StatsStore, job: str) -> dict[str, object]:
    return dict(job_document(stats, job))
