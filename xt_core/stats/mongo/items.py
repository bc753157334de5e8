"""Work items in MongoDB.

Invariants: an item that is `started` names the one run that may complete it, or is `pending`: it
was claimed and its run is being made (see `claims`). A run that was given up is named by no item.
Every claim and every putting back makes the epoch one more.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo import UpdateOne

from xt_core.model.encoding import dumps
from xt_core.model.names import job_number
from xt_core.model.records import Event, Value, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.mongo.documents import (
    event_to_document,
    item_from_document,
    item_key,
    item_to_document,
    run_key,
    stored_event,
)
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.writes import bulk, insert_new

CLAIMABLE = (WorkItemStatus.WAITING, WorkItemStatus.UNSTARTED)
"""The states in which an item can be claimed, the first to be claimed first."""
_OPEN = [WorkItemStatus.UNSTARTED, WorkItemStatus.STARTED, WorkItemStatus.WAITING]
_STATUS_AFTER = {
    RunStatus.COMPLETED: WorkItemStatus.COMPLETED,
    RunStatus.ERROR: WorkItemStatus.COMPLETED,
    RunStatus.CANCELLED: WorkItemStatus.CANCELLED,
}
PUT_BACK: Document = {
    "$set": {"status": "waiting", "node": None, "run": None},
    "$unset": {"pending": ""},
    "$inc": {"epoch": 1},
}


def add(c: Collections, items: Iterable[WorkItem]) -> None:
    """New items; those that are there stay as they are."""
    insert_new(c.items, [item_to_document(item) for item in items])


def remove(c: Collections, job: str) -> None:
    """All items of a job that never came to be."""
    c.items.delete_many({"job_num": job_number(job)})


def of_job(c: Collections, job: str) -> list[WorkItem]:
    """A job's items by run_index."""
    found = c.items.find({"job_num": job_number(job)}).sort("run_index", 1)
    return [item_from_document(document) for document in found]


def one(c: Collections, job: str, run_index: int) -> WorkItem | None:
    """One item."""
    document = c.items.find_one({"_id": item_key(job_number(job), run_index)})
    return None if document is None else item_from_document(document)


def is_claimable(c: Collections, job: str, node: str) -> bool:
    """Whether the node could claim an item."""
    condition = claimable(job_number(job), node) | {"status": {"$in": list(CLAIMABLE)}}
    return c.items.find_one(condition, {"_id": 1}) is not None


def claimable(job_num: int, node: str) -> Document:
    """The condition of what a node may claim, but for its state."""
    return {"job_num": job_num, "node": {"$in": [None, node]}}


def count_open(c: Collections, job: str) -> int:
    """How many items have not ended."""
    return c.items.count_documents({"job_num": job_number(job), "status": {"$in": _OPEN}})


def cancel_unstarted(c: Collections, job: str, node: str | None = None) -> int:
    """Cancel what is not claimed, of a node what only that one may claim; how many items."""
    condition: Document = {"job_num": job_number(job), "status": {"$in": list(CLAIMABLE)}}
    if node is not None:
        condition["node"] = node
    return c.items.update_many(condition, {"$set": {"status": "cancelled"}}).modified_count


def set_hparams(
    c: Collections, item: WorkItem, hparams: dict[str, Value], notes: dict[str, Any]
) -> bool:
    """Give an item its set, unless it was handed on to another run meanwhile."""
    return (
        c.items.update_one(
            {"_id": item_key(job_number(item.job), item.run_index), "run": item.run},
            {"$set": {"hparams": dumps(hparams), "notes": dumps(notes)}},
        ).matched_count
        == 1
    )


def follow(c: Collections, runs: Sequence[Document]) -> None:
    """Write what changed runs mean for their items and, if newborn, for their parents' events."""
    insert_new(c.events, [_birth(run) for run in runs if run.get("newborn")])
    writes = (_writes_of(run) for run in runs if run.get("run_index") is not None)
    bulk(c.items, (write for few in writes for write in few))


def _birth(run: Document) -> Document:
    data = {"child": run["name"]}
    event = Event(run["parent_seq"], run["created"], "child_created", data)
    return stored_event(run_key(run["workspace"], run["parent"]), event_to_document(event))


def _writes_of(run: Document) -> list[UpdateOne]:
    key, status = item_key(run["job_num"], run["run_index"]), RunStatus(run["status"])
    writes = [naming(run)] if run.get("newborn") else []
    if status in _STATUS_AFTER:
        after = {"$set": {"status": str(_STATUS_AFTER[status])}}
        writes.append(UpdateOne({"_id": key, "run": run["name"]}, after))
    elif status is RunStatus.LOST:
        started = {"_id": key, "run": run["name"], "status": "started"}
        writes.append(UpdateOne(started, PUT_BACK))
    return writes


def naming(run: Document) -> UpdateOne:
    """The item names the child that came of its claim, unless it was put back meanwhile."""
    key = item_key(run["job_num"], run["run_index"])
    return UpdateOne(
        {"_id": key, "epoch": run["epoch"], "pending": True},
        {"$set": {"run": run["name"]}, "$unset": {"pending": ""}},
    )
