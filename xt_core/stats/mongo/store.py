"""The stats store of a team in MongoDB."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from xt_core import clock
from xt_core.errors import XTError
from xt_core.model.names import job_number
from xt_core.model.records import Event, Job, JobCounts, MetricRecord, Run, Value, WorkItem
from xt_core.stats.mongo import changes, claims, journals, leases, selection
from xt_core.stats.mongo import items as work_items
from xt_core.stats.mongo import jobs as job_documents
from xt_core.stats.mongo import runs as run_documents
from xt_core.stats.mongo.batches import Batches
from xt_core.stats.mongo.deliveries import deliver
from xt_core.stats.mongo.documents import (
    item_from_document,
    item_key,
    run_from_document,
    run_key,
)
from xt_core.stats.mongo.schema import Collections
from xt_core.stats.mongo.server import DEADLINE_SECONDS, Server
from xt_core.stats.mongo.writes import count_up, new_token
from xt_core.stats.rules import check_settable, check_transition
from xt_core.stats.store import (
    Delivery,
    GivenUpError,
    JournalBatch,
    NodeRecord,
    RunChange,
    RunQuery,
)

T = TypeVar("T")
_ITEMS_AT_ONCE = 5_000


class MongoStatsStore:
    """Implements `xt_core.stats.store.StatsStore`.

    Every method raises UnavailableError, RefusedError or ConfigError for what goes wrong with the
    server, after `deadline_seconds` at the latest.
    """

    def __init__(
        self,
        url: str,
        database: str,
        *,
        setting: str,
        deadline_seconds: float = DEADLINE_SECONDS,
        contact_seconds: float | None = None,
    ) -> None:
        """`setting` names where the URL is configured, for errors. Connects on first use, which
        may take `contact_seconds`, where given."""
        self._server = Server(url, database, setting, deadline_seconds, contact_seconds)
        self._follower, self._history = changes.Follower(), changes.Follower()
        self._batches = Batches()

    def close(self) -> None:
        self._server.close()

    def batch(self) -> AbstractContextManager[None]:
        """Annotations of jobs and runs (`update_job`, `change_run`) made within are checked at
        once, and written at the end."""
        return self._batches.batch()

    # Jobs -------------------------------------------------------------------------------

    def next_job_name(self) -> str:
        return f"job{self._server.call(lambda c: count_up(c, 'jobs'))}"

    def next_run_name(self, workspace: str) -> str:
        return f"run{self._server.call(lambda c: count_up(c, f'runs/{workspace}'))}"

    def add_job(self, job: Job, runs: Sequence[Run], items: Iterable[WorkItem]) -> None:
        token = new_token()
        self._server.call(lambda c: job_documents.check_free(c, job, runs))
        try:
            self._add_items(items)
        except XTError:
            raise  # the server is away: nobody looks for items of a job that is not there
        except BaseException:
            self._server.call(lambda c: work_items.remove(c, job.name))
            raise
        self._server.call(lambda c: job_documents.commit(c, job, runs, token))

    def _add_items(self, items: Iterable[WorkItem]) -> None:
        left = iter(items)
        while part := list(itertools.islice(left, _ITEMS_AT_ONCE)):
            self._server.call(lambda c, part=part: work_items.add(c, part))  # type: ignore[misc]

    def job(self, name: str) -> Job:
        job = self._server.call(lambda c: job_documents.one(c, name))
        self._batches.read(name, job.tags)
        return job

    def jobs(self, names: Sequence[str] = (), workspace: str | None = None) -> list[Job]:
        return self._server.call(lambda c: job_documents.some(c, names, workspace))

    def reruns(self, origins: Sequence[str]) -> list[Job]:
        return self._server.call(lambda c: job_documents.reruns(c, origins))

    def job_counts(self, names: Sequence[str]) -> dict[str, JobCounts]:
        return self._server.call(lambda c: job_documents.counts(c, names))

    def best_runs(self, jobs: Sequence[Job]) -> dict[str, tuple[str, float]]:
        return self._server.call(lambda c: job_documents.best(c, jobs))

    def open_jobs(self, node: str) -> list[Job]:
        return self._server.call(lambda c: job_documents.opened_on(c, node))

    def open_runs(self, job: str, node: str) -> list[Run]:
        def read(c: Collections) -> list[Run]:
            claims.complete_pending(c, job, node)
            changes.settle(c, job_number(job))
            return run_documents.to_records(run_documents.open_runs(c, job_number(job), node))

        return self._server.call(read)

    def update_job(self, name: str, **fields: Any) -> None:
        job_documents.check_settable(fields)
        seen = self._batches.seen(name)

        def write() -> None:
            self._server.call(lambda c: job_documents.update(c, name, fields, seen))

        if self._batches.waits(write):
            self.job(name)
        else:
            write()

    # Work items -------------------------------------------------------------------------

    def work_items(self, job: str) -> list[WorkItem]:
        return self._settled(job, lambda c: work_items.of_job(c, job))

    def work_item(self, job: str, run_index: int) -> WorkItem | None:
        return self._server.call(lambda c: work_items.one(c, job, run_index))

    def claim_child(self, parent: Run, node: str) -> tuple[WorkItem, Run] | None:
        token, attempts = new_token(), itertools.count()
        return self._server.call(
            lambda c: claims.claim_child(c, parent, node, token, next(attempts) > 0)
        )

    def has_work(self, job: str, node: str) -> bool:
        return self._server.call(lambda c: work_items.is_claimable(c, job, node))

    def set_hparams(
        self, run: Run, item: WorkItem, hparams: dict[str, Value], notes: dict[str, Any]
    ) -> Run:
        if not self._server.call(lambda c: work_items.set_hparams(c, item, hparams, notes)):
            raise GivenUpError(f"{run.name} was handed on")
        return self.change_run(RunChange(run.workspace, run.name, fields={"hparams": hparams}))

    def search_history(self, jobs: Sequence[str], after: int = 0) -> list[tuple[WorkItem, Run]]:
        where = {"job_num": {"$in": [job_number(name) for name in jobs]}}

        def read(c: Collections) -> list[tuple[WorkItem, Run]]:
            children = [run for run in self._history.changed(c, after, None, where)
                        if run.get("run_index") is not None]  # fmt: skip
            keys = [item_key(run["job_num"], run["run_index"]) for run in children]
            found = {item["_id"]: item for item in c.items.find({"_id": {"$in": keys}})}
            pairs = ((found.get(key), run) for key, run in zip(keys, children, strict=True))
            return [(item_from_document(item), run_from_document(run)) for item, run in pairs
                    if item is not None and item["run"] == run["name"]]  # fmt: skip

        return self._server.call(read)

    def open_items(self, job: str) -> int:
        return self._settled(job, lambda c: work_items.count_open(c, job))

    def renew_lease(self, lease: str) -> None:
        self._server.call(lambda c: leases.renew(c, lease))

    def give_up_lost(self, job: str, lease_seconds: float) -> list[str]:
        return self._server.call(lambda c: leases.give_up_lost(c, job, lease_seconds))

    def rejoin(self, node: str, place: str | None = None) -> list[str]:
        token = new_token()
        return self._server.call(lambda c: leases.rejoin(c, node, place, token))

    def extend_job(self, name: str, count: int) -> Job:
        token = new_token()
        return self._server.call(lambda c: job_documents.extend(c, name, count, token))

    def cancel_unstarted(self, job: str) -> int:
        return self._server.call(lambda c: work_items.cancel_unstarted(c, job))

    def cancel_part(self, job: str, node: str) -> None:
        token = new_token()
        self._server.call(lambda c: leases.cancel_part(c, job, node, token))

    def _settled(self, job: str, read: Callable[[Collections], T]) -> T:
        """What is read of a job's items once all that has ended is written there."""

        def settle_and_read(c: Collections) -> T:
            changes.settle(c, job_number(job))
            return read(c)

        return self._server.call(settle_and_read)

    # Runs -------------------------------------------------------------------------------

    def run(self, workspace: str, name: str) -> Run:
        found = self._server.call(lambda c: run_documents.existing(c, workspace, name))
        run = run_from_document(found)
        self._batches.read(found["_id"], run.tags)
        return run

    def find_runs(self, query: RunQuery) -> tuple[list[Run], int]:
        return self._server.call(lambda c: selection.select_runs(c, query))

    def changed_runs(self, revision: int, limit: int = 10_000) -> list[Run]:
        return self._server.call(
            lambda c: run_documents.to_records(self._follower.changed(c, revision, limit, {}))
        )

    def change_run(self, change: RunChange) -> Run:
        moment, token = clock.now() if change.time is None else change.time, new_token()
        seen = self._batches.seen(run_key(change.workspace, change.run))

        def write() -> Run:
            return run_from_document(
                self._server.call(lambda c: run_documents.change(c, change, moment, token, seen))
            )

        if not self._batches.waits(write):
            return write()
        run = self.run(change.workspace, change.run)
        check_settable(change.fields)
        if change.status is not None:
            check_transition(change.run, run.status, change.status)
        return run

    def add_journal(self, batch: JournalBatch) -> None:
        token = new_token()
        self._server.call(lambda c: journals.add(c, batch, token))

    def journal_end(self, workspace: str, run: str) -> int:
        found = self._server.call(
            lambda c: run_documents.existing(c, workspace, run, "journal_end")
        )
        return int(found["journal_end"])

    def events(self, workspace: str, run: str, after: int = 0) -> list[Event]:
        return self._server.call(lambda c: run_documents.events(c, workspace, run, after))

    def metrics(
        self, workspace: str, run: str, after: int = -1, limit: int | None = None
    ) -> list[MetricRecord]:
        return self._server.call(lambda c: journals.metrics(c, workspace, run, after, limit))

    def complete_aggregates(self, records: int | None = None) -> int:
        return self._server.call(lambda c: journals.complete_aggregates(c, records))

    def deliver(self, deliveries: Sequence[Delivery]) -> list[str]:
        return self._server.call(lambda c: deliver(c, deliveries))

    # The rest ---------------------------------------------------------------------------

    def put_node(self, node: NodeRecord) -> None:
        self._server.call(lambda c: leases.put(c, node))

    def nodes(self) -> list[NodeRecord]:
        return self._server.call(leases.every)

    def workspaces(self) -> list[tuple[str, int]]:
        return self._server.call(job_documents.workspaces)

    def experiments(self, workspace: str | None = None) -> list[tuple[str, int]]:
        return self._server.call(lambda c: job_documents.experiments(c, workspace))
