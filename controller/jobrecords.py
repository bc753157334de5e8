"""What is written of a job beside its runs: the records of its parent, and its own."""

import asyncio
import logging

from controller import capture
from controller.node import NodeServices
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.reports.documents import job_document
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange

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


async def store_parent_records(node: NodeServices, parent: Run) -> None:
    """Write what the stats store has of a parent into the artifact store."""
    name = parent.workspace, parent.name
    run, events = await node.store(lambda store: (store.run(*name), store.events(*name)))
    await asyncio.to_thread(capture.store_records, node.artifacts, run, events)


async def store_job_record(node: NodeServices, job: Job) -> None:
    """Write job.json."""
    document = await node.store(lambda store: job_document(store, job.name))
    await asyncio.to_thread(
        capture.store_job_record, node.artifacts, job.workspace, job.name, document
    )
