"""Claims: an item is taken, then its child run is made. The writes, in this order:

1. the item is `started`, `pending`, with a new epoch: from here on nobody else gets it;
2. the parent counts one child more; the number is the child's, and an event's of the parent;
3. the child is inserted; the field `claim` (item and epoch) is unique, so that one claim has one
   run, whoever makes it;
4. the item names the child and is pending no more;
5. as after every change (`changes.finish`): the parent's event, the revision.

After a crash, what is pending of a node is completed from 2 on by `complete_pending`, when the node
asks for its open runs; or the node is lost, and it is put back. Numbers may then have gaps.
"""

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from xt_core.model.encoding import loads
from xt_core.model.names import child_name, job_number
from xt_core.model.records import Event, Run, WorkItem
from xt_core.stats.mongo import changes, items, runs
from xt_core.stats.mongo.documents import (
    event_to_document,
    item_from_document,
    item_key,
    run_from_document,
    run_key,
    run_to_document,
)
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.writes import bulk
from xt_core.stats.rules import child_of
from xt_core.stats.store import GivenUpError


def claim_child(
    c: Collections, parent: Run, node: str, token: str, again: bool
) -> tuple[WorkItem, Run] | None:
    """See `StatsStore.claim_child`; `token` is what another attempt (`again`) finds it by."""
    key = run_key(parent.workspace, parent.name)
    found = c.runs.find_one({"_id": key}, {"status": 1, "cancel_requested": 1})
    if found is None or found["cancel_requested"]:
        return None
    if found["status"] == "lost":
        raise GivenUpError(f"{parent.name} is lost and may start nothing")
    before = _claimed_before(c, parent, node, token) if again else None
    item = before or _claim(c, parent, node, token)
    if item is None:
        return None
    child = _complete(c, item, may_exist=before is not None)
    if child is None:
        raise GivenUpError(f"{parent.name} is lost and may start nothing")
    item |= {"run": child["name"]}
    return item_from_document(item), run_from_document(child)


def _claimed_before(c: Collections, parent: Run, node: str, token: str) -> Document | None:
    return c.items.find_one(
        {"job_num": job_number(parent.job), "status": "started", "node": node, "claim": token}
    )


def _claim(c: Collections, parent: Run, node: str, token: str) -> Document | None:
    claim = {"status": "started", "node": node, "run": None, "claim": token, "pending": True}
    for status in items.CLAIMABLE:
        item = c.items.find_one_and_update(
            items.claimable(job_number(parent.job), node) | {"status": str(status)},
            {"$set": claim | {"parent": run_key(parent.workspace, parent.name)},
             "$inc": {"epoch": 1}},
            sort=[("run_index", 1)],
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        if item is not None:
            return item
    return None


def complete_pending(c: Collections, job: str, node: str) -> None:
    """Complete the claims that a crash of the node left behind."""
    pending = {"job_num": job_number(job), "status": "started", "node": node, "pending": True}
    for item in list(c.items.find(pending)):
        _complete(c, item, may_exist=True)


def _complete(c: Collections, item: Document, *, may_exist: bool) -> Document | None:
    """From a claimed item to its child; None, and the item is put back, for a lost parent."""
    claim = f"{item['_id']}/{item['epoch']}"
    child = c.runs.find_one({"claim": claim}) if may_exist else None
    if child is None:
        parent = c.runs.find_one_and_update(
            {"_id": item["parent"], "status": {"$ne": "lost"}},
            {"$inc": {"children": 1, "last_event": 1}},
            return_document=ReturnDocument.AFTER,
        )
        if parent is None:
            c.items.update_one({"_id": item["_id"], "epoch": item["epoch"]}, items.PUT_BACK)
            return None
        child = _insert_child(c, item, parent, claim)
    if not bulk(c.items, [items.naming(child)]) and not _is_named(c, item, child):
        runs.lose(c, child, "its claim was given up")
        return None
    changes.finish(c, [child])
    return child


def _insert_child(c: Collections, item: Document, parent: Document, claim: str) -> Document:
    name = child_name(parent["name"], parent["children"])
    run = child_of(run_from_document(parent), name, item["run_index"], item["node"])
    run.hparams = loads(item["hparams"]) if item["hparams"] else {}
    events = [Event(n, run.created, e, {}) for n, e in enumerate(("created", "queued"), 1)]
    child = run_to_document(run, claim) | {
        "claim": claim,
        "epoch": item["epoch"],
        "newborn": True,
        "parent_seq": parent["last_event"],
        "outbox": [event_to_document(event) for event in events],
        "last_event": len(events),
    }
    try:
        c.runs.insert_one(child)
    except DuplicateKeyError:  # somebody completed the same claim
        made = c.runs.find_one({"claim": claim})
        assert made is not None
        return made
    return child


def _is_named(c: Collections, item: Document, child: Document) -> bool:
    key = item_key(child["job_num"], child["run_index"])
    found = c.items.find_one({"_id": key, "epoch": item["epoch"], "run": child["name"]})
    return found is not None
