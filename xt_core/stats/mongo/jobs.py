"""Jobs in MongoDB.

A job comes to be by one insert, of the job with its first runs inside (`pending_runs`); its items
were written before, where nobody looks for them. An extension likewise is one update, which says
what it adds (`extending`). What follows (the runs, the items, parents that go on) is completed by
whoever reads a job that is `unfinished`; each step is harmless to repeat.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bson import MinKey
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.errors import DuplicateKeyError

from xt_core.errors import UnknownNameError
from xt_core.model.encoding import dumps
from xt_core.model.names import job_number
from xt_core.model.records import Event, Job, JobCounts, Run
from xt_core.model.states import FINAL_RUN_STATES, RunStatus, WorkItemStatus
from xt_core.stats.client_tags import Tags, merged
from xt_core.stats.mongo import changes, items, runs
from xt_core.stats.mongo.documents import (
    event_to_document,
    field_to_bson,
    job_from_document,
    job_to_document,
    run_key,
    run_to_document,
)
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.values import field_name, from_bson
from xt_core.stats.mongo.writes import insert_new
from xt_core.stats.rules import count_run, is_rerun_of, rerun_names
from xt_core.stats.store import new_items

_RECENT_EXTENSIONS = 16
"""How many extensions of a job may come between two attempts at one."""
_UNFINISHED: Document = {"unfinished": True}
_ANY_EXPERIMENT: Document = {"experiment": {"$gte": MinKey()}}
"""Holds for all, and lets the index answer."""


def check_free(c: Collections, job: Job, first_runs: Sequence[Run]) -> None:
    """Raises ValueError if one of the names is taken."""
    taken = [job.name] if c.jobs.find_one({"_id": job_number(job.name)}, {"_id": 1}) else []
    keys = [run_key(run.workspace, run.name) for run in first_runs]
    taken += [found["_id"] for found in c.runs.find({"_id": {"$in": keys}}, {"_id": 1})]
    if taken:
        raise _taken(taken[0])


def _taken(name: str) -> ValueError:
    return ValueError(f"there is a {name} already, and names are UNIQUE")


def commit(c: Collections, job: Job, first_runs: Sequence[Run], token: str) -> None:
    """Make a job visible whose items are stored."""
    document = job_to_document(job) | {"token": token}
    if first_runs:
        goals, origin = job.goals, job.rerun_of
        runs_of_job = [replace(run, goals=goals, rerun_of=origin) for run in first_runs]
        pending = [_first_run(run, token) for run in runs_of_job]
        document |= _UNFINISHED | {"pending_runs": pending}
    try:
        c.jobs.insert_one(document)
    except DuplicateKeyError:
        found = c.jobs.find_one({"_id": document["_id"]})
        if found is None or found["token"] != token:
            raise _taken(job.name) from None
        document = found
    _complete(c, document)


def _first_run(run: Run, token: str) -> Document:
    names = ["created", "queued"] if run.status is RunStatus.QUEUED else ["created"]
    events = [Event(number, run.created, name, {}) for number, name in enumerate(names, 1)]
    outbox = [event_to_document(event) for event in events]
    return run_to_document(run, token) | {"outbox": outbox, "last_event": len(outbox)}


def _complete(c: Collections, job: Document) -> None:
    """Do what is left to do of a job's submission and extensions."""
    if pending := job.get("pending_runs", []):
        insert_new(c.runs, pending)
        changes.finish(c, pending)
    for extension in job.get("extending", []):
        record = job_from_document(job)
        items.add(c, new_items(record, extension["first"], extension["count"]))
        _reopen_parents(c, job["_id"], extension)
    if job.get("unfinished"):
        unfinished = {"_id": job["_id"], "extending": job.get("extending")}
        done = {"unfinished": "", "pending_runs": "", "extending": ""}
        c.jobs.update_one(unfinished, {"$unset": done})


def _reopen_parents(c: Collections, job_num: int, extension: Document) -> None:
    """A parent that has ended spawns again; its script, if that succeeded, is not run again."""
    data = {"work_items": extension["count"]}
    for parent in list(c.runs.find({"job_num": job_num, "is_parent": True})):
        again = None
        if RunStatus(parent["status"]) in FINAL_RUN_STATES:
            has_completed = parent["status"] == RunStatus.COMPLETED
            again = RunStatus.SPAWNING if has_completed else RunStatus.QUEUED
        runs.reopen(c, parent, "extended", data, extension["token"], again)


def complete_unfinished(c: Collections) -> None:
    """Complete what crashed submitters left behind."""
    for job in list(c.jobs.find(_UNFINISHED)):
        _complete(c, job)


def extend(c: Collections, name: str, count: int, token: str) -> Job:
    """See `StatsStore.extend_job`."""
    while True:
        job = _document(c, name)
        if token in job.get("extended", ()):
            break
        first = job["work_items"]
        extension = {"first": first, "count": count, "token": token}
        fields = {"work_items": first + count, "cancel_requested": False}
        recent = {"$each": [token], "$slice": -_RECENT_EXTENSIONS}
        changed = c.jobs.update_one(
            {"_id": job["_id"], "work_items": first},
            {"$set": fields | _UNFINISHED, "$push": {"extending": extension, "extended": recent}},
        )
        if changed.matched_count:
            break
    _complete(c, _document(c, name))
    return one(c, name)


def _document(c: Collections, name: str) -> Document:
    found = c.jobs.find_one({"_id": job_number(name)})
    if found is None:
        raise UnknownNameError(f"no job named {name}", "xt list jobs shows those there are")
    return found


def one(c: Collections, name: str) -> Job:
    """One job. Raises UnknownNameError."""
    return _read(c, _document(c, name))


def some(c: Collections, names: Sequence[str], workspace: str | None) -> list[Job]:
    """See `StatsStore.jobs`."""
    where: Document = {"_id": {"$in": [job_number(name) for name in names]}} if names else {}
    if workspace is not None:
        where["workspace"] = workspace
    return [
        _read(c, found) for found in list(c.jobs.find(where or {"_id": {"$gt": 0}}).sort("_id", 1))
    ]


def reruns(c: Collections, origins: Sequence[str]) -> list[Job]:
    """See `StatsStore.reruns`."""
    names = rerun_names(origins)
    if not names:
        return []
    children = [{"rerun_of": {"$gt": f"{name}.", "$lt": f"{name}/"}} for name in names]
    where = {"$or": [{"rerun_of": {"$in": names}}, *children]}
    jobs = [_read(c, found) for found in list(c.jobs.find(where).sort("_id", 1))]
    return [job for job in jobs if is_rerun_of(job, origins)]


def _read(c: Collections, job: Document) -> Job:
    if job.get("unfinished"):
        _complete(c, job)
    return job_from_document(job)


def check_settable(fields: Iterable[str]) -> None:
    """Raises ValueError for a field of a job that nobody may set."""
    if not set(fields) <= {"tags", "notes", "cancel_requested"}:
        raise ValueError(f"a job's {sorted(fields)} cannot be changed")


def update(c: Collections, name: str, fields: Document, seen: Tags | None = None) -> None:
    """See `StatsStore.update_job`. `seen` are the tags that the asker saw, if not those of now."""
    while True:
        job = _document(c, name)
        assignments = {field: field_to_bson(field, value) for field, value in fields.items()}
        if "tags" in fields:
            current = from_bson(job["tags"])
            tags = merged(current, current if seen is None else seen, fields["tags"])
            assignments["tags"] = {"json": dumps(tags)}
        same = {"_id": job["_id"], "tags": job["tags"]}
        if c.jobs.update_one(same, {"$set": assignments}).matched_count:
            return


def opened_on(c: Collections, node: str) -> list[Job]:
    """See `StatsStore.open_jobs`."""
    complete_unfinished(c)
    where = {"node": node, "status": {"$in": runs.OPEN_STATES}}
    numbers = c.runs.distinct("job_num", where)
    return some(c, [f"job{number}" for number in numbers], None) if numbers else []


def counts(c: Collections, names: Sequence[str]) -> dict[str, JobCounts]:
    """See `StatsStore.job_counts`."""
    found = {name: JobCounts() for name in names}
    of_jobs = {"job_num": {"$in": [job_number(name) for name in names]}}
    kinds = {"job": "$job_num", "is_parent": "$is_parent", "status": "$status"}
    for row in _counted(c.runs, of_jobs, kinds):
        key = row["_id"]
        status = RunStatus(key["status"])
        count_run(found[f"job{key['job']}"], key["is_parent"], status, row["count"])
    stopped = {"is_parent": False, "status": "completed", "stopped_early": True}
    for row in _counted(c.runs, of_jobs | stopped, {"job": "$job_num"}):
        found[f"job{row['_id']['job']}"].stopped_early = row["count"]
    kinds = {"job": "$job_num", "status": "$status"}
    for row in _counted(c.items, of_jobs | {"run": None, "pending": None}, kinds):
        job = found[f"job{row['_id']['job']}"]
        if row["_id"]["status"] == WorkItemStatus.CANCELLED:
            job.cancelled += row["count"]
        else:
            job.unstarted += row["count"]
    for row in _counted(
        c.items, of_jobs | {"status": "started", "pending": True}, {"job": "$job_num"}
    ):
        found[f"job{row['_id']['job']}"].queued += row["count"]  # its run is being made
    return found


def _counted(
    collection: Collection[Document], where: Document, key: Document
) -> CommandCursor[Document]:
    return collection.aggregate([{"$match": where}, {"$group": {"_id": key, "count": {"$sum": 1}}}])


def best(c: Collections, jobs: Sequence[Job]) -> dict[str, tuple[str, float]]:
    """See `StatsStore.best_runs`: one query for all jobs with the same primary metric."""
    alike: dict[tuple[str, bool], list[int]] = {}
    for job in jobs:
        alike.setdefault((job.primary_metric, job.maximize), []).append(job_number(job.name))
    found: dict[str, tuple[str, float]] = {}
    for (metric, maximize), numbers in alike.items():
        value = f"metrics.{field_name(metric)}"
        where = {"job_num": {"$in": numbers}, "is_parent": False, "status": "completed",
                 value: {"$type": "number", "$gte": -sys.float_info.max,
                         "$lte": sys.float_info.max}}  # fmt: skip
        rows = c.runs.aggregate(
            [
                {"$match": where},
                {"$project": {"job_num": 1, "name": 1, "num": 1, "child": 1, "value": f"${value}"}},
                {"$sort": {"value": -1 if maximize else 1, "num": 1, "child": 1}},
                {"$group": {"_id": "$job_num", "name": {"$first": "$name"},
                            "value": {"$first": "$value"}}},
            ],
            allowDiskUse=True,
        )  # fmt: skip
        found |= {f"job{row['_id']}": (row["name"], float(row["value"])) for row in rows}
    return found


def workspaces(c: Collections) -> list[tuple[str, int]]:
    """See `StatsStore.workspaces`."""
    return _runs_by(c, "workspace", {"workspace": {"$gt": ""}})


def experiments(c: Collections, workspace: str | None) -> list[tuple[str, int]]:
    """See `StatsStore.experiments`."""
    where: Document = {} if workspace is None else {"workspace": workspace}
    return _runs_by(c, "experiment", where | _ANY_EXPERIMENT)


def _runs_by(c: Collections, field: str, where: Document) -> list[tuple[str, int]]:
    is_run = {"$cond": ["$is_parent", 0, 1]}
    rows = c.runs.aggregate(
        [{"$match": where}, {"$group": {"_id": f"${field}", "count": {"$sum": is_run}}}]
    )
    return sorted((from_bson(row["_id"]) or "", row["count"]) for row in rows)
