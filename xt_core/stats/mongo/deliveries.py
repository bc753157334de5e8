"""Deliveries of nodes to MongoDB, many runs in a few bulk writes.

In this order: metrics, events, the runs' documents, the items, the parents' counters, revisions.
A state is thus never there before the records that it was delivered with. Each write is harmless
to repeat: records by their keys, states by `node_revision`, compared and set. A crash in between
leaves a delivery that the node does not count as delivered; it comes again, and is completed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import InsertOne, UpdateOne

from xt_core.model.names import run_numbers
from xt_core.model.records import Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.client_tags import ClientTags
from xt_core.stats.mongo import changes
from xt_core.stats.mongo.documents import (
    event_to_document,
    field_to_bson,
    item_to_document,
    run_key,
    run_to_document,
    stored_event,
)
from xt_core.stats.mongo.journals import Series, append
from xt_core.stats.mongo.runs import update_of
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.writes import bulk, new_token
from xt_core.stats.rules import LOGGED_RUN_FIELDS, NODE_RUN_FIELDS
from xt_core.stats.store import Delivery

_ENDED_ITEMS = [WorkItemStatus.COMPLETED, WorkItemStatus.CANCELLED]
_LEFT_OUT = {"outbox.data": 0, "hparams": 0, "metrics": 0, "aggregates": 0}


@dataclass
class _Told:
    """One delivery beside what is known of its run."""

    key: str
    delivery: Delivery
    known: Document | None
    series: Series

    @property
    def is_lost(self) -> bool:
        if self.known is None or self.delivery.rejoined:
            return False
        return bool(self.known["status"] == RunStatus.LOST)

    @property
    def is_refused(self) -> bool:
        return self.is_lost and self.delivery.run.status is not RunStatus.LOST

    @property
    def is_newer(self) -> bool:
        return self.known is None or self.delivery.node_revision > self.known["node_revision"]

    @property
    def is_current(self) -> bool:
        """Newer, or the same again: what a crash left undone may be left of it."""
        revision = self.delivery.node_revision
        return self.known is None or revision >= self.known["node_revision"] > 0 or self.is_newer

    @property
    def last_event(self) -> int:
        return max((event.seq for event in self.delivery.events), default=0)

    @property
    def tells_news(self) -> bool:
        known, delivery = self.known, self.delivery
        return known is None or bool(
            self.is_newer
            or self.series.added
            or self.series.fields().get("tail") != known.get("tail")
            or self.last_event > known["last_event"]
            or delivery.journal_end > known["journal_end"]
        )


def deliver(c: Collections, deliveries: Sequence[Delivery]) -> list[str]:
    """See `StatsStore.deliver`."""
    refused: dict[str, None] = {}
    for round_ in _rounds(deliveries):
        while not _deliver_round(c, round_, refused):
            pass  # a run was changed in between: look again
    return list(refused)


def _rounds(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Parts in which no run comes twice."""
    left = list(deliveries)
    while left:
        now: dict[str, Delivery] = {}
        later: list[Delivery] = []
        for delivery in left:
            if now.setdefault(delivery.run.full_name, delivery) is not delivery:
                later.append(delivery)
        yield list(now.values())
        left = later


def _deliver_round(
    c: Collections, deliveries: Sequence[Delivery], refused: dict[str, None]
) -> bool:
    """Whether every run's document was written."""
    told = _beside_known(c, deliveries)
    append(c, [each.series for each in told])
    bulk(c.events, (write for each in told for write in _event_writes(each)))
    token = new_token()
    news = [each for each in told if each.tells_news]
    if bulk(c.runs, [_run_write(each, token) for each in news]) < len(news):
        return False
    bulk(c.items, [_item_write(each.delivery.item) for each in told
                   if each.delivery.item and each.is_current and not each.is_lost])  # fmt: skip
    _count_children(c, told)
    refused |= {each.key: None for each in told if each.is_refused}
    _finish(c, news, told)
    return True


def _finish(c: Collections, news: Sequence[_Told], told: Sequence[_Told]) -> None:
    """What was changed now, and what was left unfinished by a crash, in the order it was told."""
    changed = {each.key for each in news}
    keys = [
        each.key for each in told if each.key in changed or (each.known and each.known.get("dirty"))
    ]
    dirty = {"_id": {"$in": keys}, "dirty": changes.DIRTY}
    found = {run["_id"]: run for run in c.runs.find(dirty, _LEFT_OUT)} if keys else {}
    changes.finish(c, [found[key] for key in keys if key in found])


def _beside_known(c: Collections, deliveries: Sequence[Delivery]) -> list[_Told]:
    keys = [delivery.run.full_name for delivery in deliveries]
    known = {run["_id"]: run for run in c.runs.find({"_id": {"$in": keys}}, _LEFT_OUT)}
    told = []
    for key, delivery in zip(keys, deliveries, strict=True):
        records = sorted(delivery.metrics, key=lambda record: record.offset)
        series = Series.of(key, known.get(key), records)
        told.append(_Told(key, delivery, known.get(key), series))
    return told


def _event_writes(told: _Told) -> Iterator[InsertOne[Document] | UpdateOne]:
    """An event takes the place of one that the store told itself, unless the run was given up."""
    last, taken = 0, set[int]()
    if told.known is not None:
        last = told.known["last_event"]
        taken = {event["seq"] for event in told.known["outbox"]} if told.is_lost else set()
    for event in told.delivery.events:
        document = stored_event(told.key, event_to_document(event))
        if event.seq > last or told.is_lost:
            if event.seq not in taken:
                yield InsertOne(document)
        else:
            yield UpdateOne({"_id": document.pop("_id")}, {"$set": document}, upsert=True)


def _run_write(told: _Told, token: str) -> InsertOne[Document] | UpdateOne:
    delivery, known = told.delivery, told.known
    assignments = told.series.fields()
    if known is None:
        document = run_to_document(delivery.run, token) | assignments
        document |= {
            "last_event": told.last_event,
            "journal_end": delivery.journal_end,
            "node_revision": delivery.node_revision,
        }
        return InsertOne(document)
    if told.is_newer:
        assignments |= _state(delivery.run, known, logged_only=told.is_lost)
        assignments["node_revision"] = delivery.node_revision
    update = update_of(assignments, [], token)
    del update["$inc"]["last_event"]
    update["$max"] = {"last_event": told.last_event, "journal_end": delivery.journal_end}
    return UpdateOne({"_id": told.key, "version": known["version"]}, update)


def _state(run: Run, known: Document, *, logged_only: bool) -> dict[str, Any]:
    """What a node says of a run; of a lost one, what the run logged."""
    names = LOGGED_RUN_FIELDS if logged_only else NODE_RUN_FIELDS
    state = {name: field_to_bson(name, getattr(run, name)) for name in names}
    tags = ClientTags.from_json(known.get("client_tags")).over(run.tags)
    if run.aggregates or not run.metrics:
        state["lacks_aggregates"] = False
    else:  # the node has not worked them out yet: what is known here stays
        del state["aggregates"]
    return state | {"tags": field_to_bson("tags", tags)}


def _item_write(item: WorkItem) -> UpdateOne:
    """Of a newer epoch, or of the same claim; else there is a key already, which is no error."""
    document = item_to_document(item)
    same: list[Document] = [{"epoch": item.epoch, "run": run} for run in (item.run, None)]
    if item.status is WorkItemStatus.STARTED:  # told by a request that a hanging server did late
        same = [each | {"status": {"$nin": _ENDED_ITEMS}} for each in same]
    key = {"_id": document.pop("_id"), "$or": [{"epoch": {"$lt": item.epoch}}, *same]}
    return UpdateOne(key, {"$set": document, "$unset": {"pending": ""}}, upsert=True)


def _count_children(c: Collections, told: Sequence[_Told]) -> None:
    """A parent counts the children that are there, whichever came first."""
    counts: dict[str, int] = {}
    for each in told:
        run = each.delivery.run
        if run.parent and each.known is None:
            key = run_key(run.workspace, run.parent)
            counts[key] = max(counts.get(key, 0), run_numbers(run.name)[1])
        elif run.is_parent and each.known is None:
            where = {
                "workspace": run.workspace,
                "is_parent": False,
                "num": run_numbers(run.name)[0],
            }
            last = c.runs.find_one(where, {"child": 1}, sort=[("child", -1)])
            counts[each.key] = max(counts.get(each.key, 0), last["child"] if last else 0)
    bulk(c.runs, [UpdateOne({"_id": key}, {"$max": {"children": count}})
                  for key, count in counts.items()])  # fmt: skip
