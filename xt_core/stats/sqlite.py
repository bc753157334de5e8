"""The embedded stats store: one SQLite file, shared by all processes of this machine."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.model.encoding import dumps, loads
from xt_core.model.names import child_name, job_number, run_numbers
from xt_core.model.records import Event, Job, JobCounts, MetricRecord, Run, Value, WorkItem
from xt_core.model.states import RunStatus
from xt_core.stats import aggregate_rows, job_rows, journals, leases, parents, work_items
from xt_core.stats.client_tags import ClientTags
from xt_core.stats.database import Database
from xt_core.stats.deliveries import deliver
from xt_core.stats.rows import (
    NEXT_REVISION,
    RUN_COLUMNS,
    insert_run,
    run_from_row,
    runs_from_rows,
)
from xt_core.stats.rules import (
    check_given_up,
    check_settable,
    check_transition,
    child_of,
    is_shared_at,
    lease_of,
    status_fields,
    unknown_run,
)
from xt_core.stats.selection import select_runs
from xt_core.stats.store import (
    Delivery,
    GivenUpError,
    JournalBatch,
    NodeRecord,
    RunChange,
    RunQuery,
    new_items,
)

_ENCODED_COLUMNS = frozenset({"hparams", "tags"})


class SqliteStatsStore:
    """Implements `xt_core.stats.store.StatsStore`."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        with self.database.transaction():
            yield

    # Jobs -------------------------------------------------------------------------------

    def next_job_name(self) -> str:
        return f"job{self._count_up('jobs')}"

    def next_run_name(self, workspace: str) -> str:
        return f"run{self._count_up('runs/' + workspace)}"

    def _count_up(self, counter: str) -> int:
        with self.database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO counters VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (counter,),
            ).fetchone()
        return int(row[0])

    def add_job(self, job: Job, runs: Sequence[Run], items: Iterable[WorkItem]) -> None:
        with self.database.transaction() as connection:
            job_rows.insert(connection, job)
            work_items.add_items(connection, items)
            for run in runs:
                # For their children, and for who reads the run.
                run.goals, run.rerun_of = job.goals, job.rerun_of
                self._insert_queued(connection, run)

    def _insert_queued(self, connection: sqlite3.Connection, run: Run) -> None:
        row_id = insert_run(connection, run)
        journals.add_event(connection, row_id, run.created, "created", {})
        if run.status is RunStatus.QUEUED:
            journals.add_event(connection, row_id, run.created, "queued", {})

    def job(self, name: str) -> Job:
        with self.database.reading() as connection:
            return job_rows.one(connection, name)

    def jobs(self, names: Sequence[str] = (), workspace: str | None = None) -> list[Job]:
        with self.database.reading() as connection:
            return job_rows.select(connection, names, workspace)

    def reruns(self, origins: Sequence[str]) -> list[Job]:
        with self.database.reading() as connection:
            return job_rows.reruns(connection, origins)

    def job_counts(self, names: Sequence[str]) -> dict[str, JobCounts]:
        with self.database.reading() as connection:
            return job_rows.counts(connection, names)

    def best_runs(self, jobs: Sequence[Job]) -> dict[str, tuple[str, float]]:
        with self.database.reading() as connection:
            found = {job.name: job_rows.best_run(connection, job) for job in jobs}
        return {name: best for name, best in found.items() if best is not None}

    def open_jobs(self, node: str) -> list[Job]:
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT job_num FROM runs WHERE node = ? "
                "AND status IN ('created', 'queued', 'spawning', 'running')",
                (node,),
            ).fetchall()
        return self.jobs([f"job{num}" for (num,) in rows]) if rows else []

    def open_runs(self, job: str, node: str) -> list[Run]:
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {RUN_COLUMNS} FROM runs WHERE node = ? AND job_num = ? "
                "AND status IN ('created', 'queued', 'spawning', 'running') ORDER BY num, child",
                (node, job_number(job)),
            ).fetchall()
        return runs_from_rows(rows)

    def update_job(self, name: str, **fields: Any) -> None:
        with self.database.transaction() as connection:
            job_rows.update(connection, name, fields)

    # Work items -------------------------------------------------------------------------

    def work_items(self, job: str) -> list[WorkItem]:
        with self.database.reading() as connection:
            return work_items.items_of(connection, job)

    def work_item(self, job: str, run_index: int) -> WorkItem | None:
        with self.database.reading() as connection:
            return work_items.item_of(connection, job, run_index)

    def claim_child(self, parent: Run, node: str) -> tuple[WorkItem, Run] | None:
        with self.database.transaction() as connection:
            parent_id, status, is_ending, children = connection.execute(
                "SELECT id, status, cancel_requested, children FROM runs "
                "WHERE workspace = ? AND num = ? AND child = 0",
                (parent.workspace, run_numbers(parent.name)[0]),
            ).fetchone()
            item = None if is_ending else work_items.claim(connection, parent.job, node)
            if item is None:
                return None
            if status == RunStatus.LOST:
                raise GivenUpError(f"{parent.name} is lost and may start nothing")
            number = children + 1
            connection.execute("UPDATE runs SET children = ? WHERE id = ?", (number, parent_id))
            child = child_of(parent, child_name(parent.name, number), item.run_index, node)
            child.hparams = item.hparams or {}
            item.run = child.name
            connection.execute(
                "UPDATE work_items SET run = ? WHERE job_num = ? AND run_index = ?",
                (child.name, job_number(item.job), item.run_index),
            )
            self._insert_queued(connection, child)
            journals.add_event(
                connection, parent_id, child.created, "child_created", {"child": child.name}
            )
        return item, child

    def set_hparams(
        self, run: Run, item: WorkItem, hparams: dict[str, Value], notes: dict[str, Any]
    ) -> Run:
        with self.database.transaction() as connection:
            if not work_items.set_hparams(connection, item, hparams, notes):
                raise GivenUpError(f"{run.name} was handed on")
            fields = {"hparams": hparams}
            return self.change_run(RunChange(run.workspace, run.name, fields=fields))

    def search_history(self, jobs: Sequence[str], after: int = 0) -> list[tuple[WorkItem, Run]]:
        with self.database.reading() as connection:
            return work_items.history(connection, jobs, after)

    def has_work(self, job: str, node: str) -> bool:
        with self.database.reading() as connection:
            return work_items.is_claimable(connection, job, node)

    def open_items(self, job: str) -> int:
        with self.database.reading() as connection:
            return work_items.count_open(connection, job)

    def renew_lease(self, lease: str) -> None:
        with self.database.transaction(durable=False) as connection:
            leases.renew(connection, lease)

    def give_up_lost(self, job: str, lease_seconds: float) -> list[str]:
        with self.database.transaction() as connection:
            nodes = leases.lapsed(connection, self.job(job), lease_seconds)
            lost = [run for node in nodes for run in self.open_runs(job, node)]
            work_items.put_back(connection, job, nodes)
            for run in lost:
                error = f"{run.node} was lost"
                data = {"status": RunStatus.LOST, "error": error}
                fields = {"error": error}
                self.change_run(
                    RunChange(run.workspace, run.name, RunStatus.LOST, "ended", data, fields)
                )
        return [run.name for run in lost]

    def rejoin(self, node: str, place: str | None = None) -> list[str]:
        with self.database.transaction() as connection:
            lost = parents.lost(connection, node)
            back = [row for row in lost if work_items.is_claimable(connection, row[1], node)]
            if place is not None:
                back = [row for row in back if is_shared_at(self.job(row[1]), node, place)]
            for row_id, name in back:
                parents.rejoin(connection, row_id)
                leases.renew(connection, lease_of(self.job(name), node))
        return [job for _, job in back]

    def reopen_parent(self, workspace: str, name: str) -> None:
        """Let a parent that was lost spawn again, because its team's store does so."""
        with self.database.transaction() as connection:
            parents.rejoin(connection, journals.row_id(connection, workspace, name))

    def extend_job(self, name: str, count: int) -> Job:
        with self.database.transaction() as connection:
            job = self.job(name)
            first = job.work_items
            connection.execute(
                "UPDATE jobs SET work_items = work_items + ?, cancel_requested = 0 WHERE num = ?",
                (count, job_number(name)),
            )
            work_items.add_items(connection, new_items(job, first, count))
            parents.extend(connection, name, count)
        return self.job(name)

    def cancel_unstarted(self, job: str) -> int:
        with self.database.transaction() as connection:
            return work_items.cancel_unstarted(connection, job)

    def cancel_part(self, job: str, node: str) -> None:
        with self.database.transaction() as connection:
            for run in self.open_runs(job, node):
                if run.is_parent:
                    fields = {"cancel_requested": True}
                    self.change_run(RunChange(run.workspace, run.name, fields=fields))
            if self.job(job).cancel_requested or not parents.lives_elsewhere(connection, job, node):
                self.cancel_unstarted(job)
            else:
                work_items.cancel_unstarted(connection, job, node)

    # Runs -------------------------------------------------------------------------------

    def run(self, workspace: str, name: str) -> Run:
        with self.database.reading() as connection:
            return self._run(connection, workspace, name)

    def _run(self, connection: sqlite3.Connection, workspace: str, name: str) -> Run:
        row = connection.execute(
            f"SELECT {RUN_COLUMNS} FROM runs WHERE workspace = ? AND num = ? AND child = ?",
            (workspace, *run_numbers(name)),
        ).fetchone()
        if row is None:
            raise unknown_run(workspace, name)
        return run_from_row(row)

    def find_runs(self, query: RunQuery) -> tuple[list[Run], int]:
        with self.database.reading() as connection:
            return select_runs(connection, query)

    def changed_runs(self, revision: int, limit: int = 10_000) -> list[Run]:
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {RUN_COLUMNS} FROM runs WHERE revision > ? ORDER BY revision LIMIT ?",
                (revision, limit),
            ).fetchall()
        return runs_from_rows(rows)

    def change_run(self, change: RunChange) -> Run:
        moment = clock.now() if change.time is None else change.time
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT id, status, job_num, run_index, started, ended, tags, client_tags "
                "FROM runs "
                "WHERE workspace = ? AND num = ? AND child = ?",
                (change.workspace, *run_numbers(change.run)),
            ).fetchone()
            if row is None:
                raise unknown_run(change.workspace, change.run)
            row_id, before, job_num, run_index, started, ended, tags, client_tags = row
            check_given_up(change, RunStatus(before))
            fields = _encoded_fields(change.fields)
            if "tags" in change.fields:
                clients = ClientTags.from_json(client_tags)
                changed = clients.changed(loads(tags), change.fields["tags"])
                fields["client_tags"] = changed.to_json()
            if change.status is not None:
                check_transition(change.run, RunStatus(before), change.status)
                fields = status_fields(change.status, before, moment, started, ended) | fields
            if change.event is not None:
                journals.add_event(connection, row_id, moment, change.event, change.data)
            assignments = "".join(f"{column} = ?, " for column in fields)
            connection.execute(
                f"UPDATE runs SET {assignments} revision = {NEXT_REVISION} WHERE id = ?",
                [*fields.values(), row_id],
            )
            if change.status is not None:
                work_items.follow_run(connection, job_num, run_index, change.run, change.status)
            return self._run(connection, change.workspace, change.run)

    def add_journal(self, batch: JournalBatch) -> None:
        durable = bool(batch.events or batch.tags or batch.hparams)
        with self.database.transaction(durable=durable) as connection:
            journals.add(connection, batch)

    def journal_end(self, workspace: str, run: str) -> int:
        with self.database.reading() as connection:
            return journals.end(connection, workspace, run)

    def events(self, workspace: str, run: str, after: int = 0) -> list[Event]:
        with self.database.reading() as connection:
            row_id = journals.row_id(connection, workspace, run)
            return journals.events(connection, row_id, after)

    def metrics(
        self, workspace: str, run: str, after: int = -1, limit: int | None = None
    ) -> list[MetricRecord]:
        with self.database.reading() as connection:
            row_id = journals.row_id(connection, workspace, run)
            return journals.metrics(connection, row_id, after, limit)

    def complete_aggregates(self, records: int | None = None) -> int:
        return aggregate_rows.complete(self.database, records)

    def deliver(self, deliveries: Sequence[Delivery]) -> list[str]:
        with self.database.transaction() as connection:
            told = (deliver(connection, delivery) for delivery in deliveries)
            return list(dict.fromkeys(name for name in told if name is not None))

    # The rest ---------------------------------------------------------------------------

    def put_node(self, node: NodeRecord) -> None:
        with self.database.transaction() as connection:
            leases.put(connection, node)

    def nodes(self) -> list[NodeRecord]:
        with self.database.reading() as connection:
            return leases.every(connection)

    def workspaces(self) -> list[tuple[str, int]]:
        with self.database.reading() as connection:
            return connection.execute(
                "SELECT workspace, SUM(1 - is_parent) FROM runs GROUP BY workspace ORDER BY 1"
            ).fetchall()

    def experiments(self, workspace: str | None = None) -> list[tuple[str, int]]:
        with self.database.reading() as connection:
            return connection.execute(
                "SELECT experiment, SUM(1 - is_parent) FROM runs "
                "WHERE ?1 IS NULL OR workspace = ?1 GROUP BY experiment ORDER BY 1",
                (workspace,),
            ).fetchall()


def _encoded_fields(fields: dict[str, Any]) -> dict[str, Any]:
    check_settable(fields)
    return {
        name: dumps(value) if name in _ENCODED_COLUMNS else value for name, value in fields.items()
    }
