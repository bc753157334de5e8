"""Nodes in MongoDB: their leases, by the server's clock; what becomes of the work of a lost one.

A lease of a part of a job (`rules.lease_of`) is a document without a target.

A node is given up run by run (`runs.lose`): each is `lost` first, then its item is put back, which
whoever meets the dirty run completes. So a crash between two of them leaves either open runs,
which the next look gives up, or nothing to do.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from xt_core import clock
from xt_core.model.encoding import dumps, loads
from xt_core.model.names import job_number
from xt_core.model.states import RunStatus
from xt_core.stats.mongo import changes, items, runs
from xt_core.stats.mongo.documents import job_from_document
from xt_core.stats.mongo.schema import Collections
from xt_core.stats.rules import is_shared_at, lease_of
from xt_core.stats.store import NodeRecord, RunChange


def put(c: Collections, node: NodeRecord) -> None:
    """Record what a node says of itself; its lease is as old as the record."""
    age = timedelta(seconds=max(0.0, clock.now() - node.updated))
    fields = {
        "target": node.target,
        "controller": dumps(node.controller),
        "updated": datetime.fromtimestamp(node.updated, UTC),
        "renewed": _server_time(c) - age,
    }
    c.nodes.update_one({"_id": node.name}, {"$set": fields}, upsert=True)


def every(c: Collections) -> list[NodeRecord]:
    """All nodes, by name."""
    return [
        NodeRecord(
            found["_id"], found["target"], loads(found["controller"]), found["updated"].timestamp()
        )
        for found in c.nodes.find({"_id": {"$gt": ""}, "target": {"$exists": True}}).sort("_id", 1)
    ]


def renew(c: Collections, lease: str) -> None:
    """Whose lease it is lives, says the server's clock."""
    now = {"$currentDate": {"updated": True, "renewed": True}}
    c.nodes.update_one({"_id": lease}, now, upsert=_is_of_part(lease))


def _is_of_part(lease: str) -> bool:
    return "/" in lease


def _server_time(c: Collections) -> datetime:
    moment = c.nodes.database.client.admin.command("hello")["localTime"]
    assert isinstance(moment, datetime)
    return moment


def give_up_lost(c: Collections, job: str, lease_seconds: float) -> list[str]:
    """See `StatsStore.give_up_lost`."""
    number = job_number(job)
    changes.settle(c, number)
    nodes = c.runs.distinct("node", {"job_num": number, "status": {"$in": runs.OPEN_STATES}})
    lost: list[str] = []
    for node in _lapsed(c, number, nodes, lease_seconds):
        for run in runs.open_runs(c, number, node):
            if runs.lose(c, run, f"{node} was lost"):
                lost.append(run["name"])
        pending = {"job_num": number, "status": "started", "node": node, "pending": True}
        c.items.update_many(pending, items.PUT_BACK)
    return lost


def _lapsed(c: Collections, job_num: int, nodes: Sequence[str], lease_seconds: float) -> list[str]:
    """Those of a job's nodes whose leases have run out; the lease of a part begins now if there
    was none."""
    job = c.jobs.find_one({"_id": job_num})
    if job is None:
        return []
    record = job_from_document(job)
    of_lease = {lease_of(record, node): node for node in nodes}
    known = {found["_id"] for found in c.nodes.find({"_id": {"$in": list(of_lease)}}, {"_id": 1})}
    for lease in filter(_is_of_part, of_lease.keys() - known):
        renew(c, lease)
    before = _server_time(c) - timedelta(seconds=lease_seconds)
    lapsed = {"_id": {"$in": list(of_lease)}, "renewed": {"$lt": before}}
    return [of_lease[found["_id"]] for found in c.nodes.find(lapsed).sort("_id", 1)]


def rejoin(c: Collections, node: str, place: str | None, token: str) -> list[str]:
    """See `StatsStore.rejoin`."""
    attempted = {"status": str(RunStatus.QUEUED), "recent": token}
    states = {"$or": [{"status": "lost"}, attempted]}
    where = {"node": node, "is_parent": True, "cancel_requested": False, **states}
    back: list[str] = []
    for parent in list(c.runs.find(where)):
        if token in parent["recent"]:  # by an attempt whose answer was lost
            runs.complete_change(c, parent)
            back.append(parent["job"])
            continue
        job = c.jobs.find_one({"_id": parent["job_num"]})
        if job is None or job["cancel_requested"]:
            continue
        record = job_from_document(job)
        if place is not None and not is_shared_at(record, node, place):
            continue
        if items.is_claimable(c, parent["job"], node):
            renew(c, lease_of(record, node))
            runs.reopen(c, parent, "rejoined", {}, token, RunStatus.QUEUED)
            back.append(parent["job"])
    return back


def cancel_part(c: Collections, job: str, node: str, token: str) -> None:
    """See `StatsStore.cancel_part`. The parents are told first: they claim nothing from then on."""
    number = job_number(job)
    for parent in list(runs.open_runs(c, number, node)):
        if parent["is_parent"]:
            change = RunChange(parent["workspace"], parent["name"])
            change.fields = {"cancel_requested": True}
            runs.change(c, change, clock.now(), token)
    found = c.jobs.find_one({"_id": number}, {"cancel_requested": 1})
    is_ending = found is not None and found["cancel_requested"]
    others_live = c.runs.find_one(
        {"job_num": number, "is_parent": True, "node": {"$ne": node}, "cancel_requested": False,
         "status": {"$in": runs.OPEN_STATES}},
        {"_id": 1},
    )  # fmt: skip
    is_all = is_ending or others_live is None
    items.cancel_unstarted(c, job, None if is_all else node)
