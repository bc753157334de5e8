"""Jobs that a client hands over whole, since it keeps the team's stats store itself."""

from xt_core.model.states import RunStatus, SearchStyle
from xt_core.nodes.parcels import Assignment, History
from xt_core.stats.adoption import adopt_job
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import Delivery, new_items


def assign(store: SqliteStatsStore, assignment: Assignment) -> None:
    """Bring a job into the node's own store, or what it was extended by since."""
    job = assignment.job
    is_single = job.style == SearchStyle.SINGLE
    items = [] if is_single else list(new_items(job, 0, job.work_items))
    for history in assignment.histories:
        _learn(store, history)
    adopt_job(store, job, assignment.first_runs, items)


def _learn(store: SqliteStatsStore, history: History) -> None:
    """Have what a job elsewhere tried in the node's own store. What was tried here is there."""
    tried = [(item, run) for item, run in history.tried if run.status.is_final]
    if not store.jobs([history.job.name]):
        store.add_job(history.job, [], [item for item, _ in tried])
    elsewhere = [(item, run) for item, run in tried if run.status is not RunStatus.LOST]
    store.deliver([Delivery(run, max(1, run.revision), item=item) for item, run in elsewhere])
