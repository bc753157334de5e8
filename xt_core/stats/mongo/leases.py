"""Nodes in MongoDB: their leases, by the server's clock; what becomes of the work of a lost one.

A node is given up run by run (`runs.lose`): each is `lost` first, then its item is put back, which
whoever meets the dirty run completes. So a crash between two of them leaves either open runs,
which the next look gives up, or nothing to do.
"""

from datetime import UTC, datetime, timedelta

from xt_core import clock
from xt_core.model.encoding import dumps, loads
from xt_core.model.names import job_number
from xt_core.model.states import RunStatus
from xt_core.stats.mongo import changes, items, runs
from xt_core.stats.mongo.schema import Collections
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
        for found in c.nodes.find({"_id": {"$gt": ""}}).sort("_id", 1)
    ]


def renew(c: Collections, node: str) -> None:
    """The node lives, says the server's clock."""
    c.nodes.update_one({"_id": node}, {"$currentDate": {"updated": True, "renewed": True}})


def _server_time(c: Collections) -> datetime:
    moment = c.nodes.database.client.admin.command("hello")["localTime"]
    assert isinstance(moment, datetime)
    return moment


def give_up_lost(c: Collections, job: str, lease_seconds: float) -> list[str]:
    """See `StatsStore.give_up_lost`."""
    number = job_number(job)
    changes.settle(c, number)
    nodes = c.runs.distinct("node", {"job_num": number, "status": {"$in": runs.OPEN_STATES}})
    before = _server_time(c) - timedelta(seconds=lease_seconds)
    lapsed = {"_id": {"$in": nodes}, "renewed": {"$lt": before}}
    lost: list[str] = []
    for node in [found["_id"] for found in c.nodes.find(lapsed).sort("_id", 1)]:
        for run in runs.open_runs(c, number, node):
            if runs.lose(c, run, f"{node} was lost"):
                lost.append(run["name"])
        pending = {"job_num": number, "status": "started", "node": node, "pending": True}
        c.items.update_many(pending, items.PUT_BACK)
    return lost


def rejoin(c: Collections, node: str, token: str) -> list[str]:
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
        job = c.jobs.find_one({"_id": parent["job_num"]}, {"cancel_requested": 1})
        if job is None or job["cancel_requested"]:
            continue
        if items.is_claimable(c, parent["job"], node):
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
