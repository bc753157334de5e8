"""`RunQuery` in MongoDB: which runs, how many, in which order.

What the server cannot judge as Python does (regular expressions) is judged here, over a stream of
the fields that it takes; all else is left to the server, which sends only what is asked for.
"""

from xt_core import clock
from xt_core.model.names import job_number
from xt_core.model.records import Run
from xt_core.query.filters import Filter, matches_all
from xt_core.query.mongo import Order, patterns_to_mongo, to_mongo, to_mongo_order
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort, sort_records
from xt_core.stats.mongo.documents import run_from_document, run_key
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.store import RunQuery

_KEYS_AT_ONCE = 10_000


def select_runs(c: Collections, query: RunQuery) -> tuple[list[Run], int]:
    """The runs asked for, and how many there are without `first` and `last`."""
    now = clock.now()
    where, others = condition(query, now)
    spec = parse_sort(query.sort, RUN_FIELDS)
    if others:
        found = _judge(c, where, others, now)
        ordered = sort_records(found, spec, query.reverse, now)
        offset, limit = _window(query, len(ordered))
        keys = [run_key(run.workspace, run.name) for run in ordered[offset : offset + limit]]
        return _read(c, keys), len(ordered)
    total = c.runs.count_documents(where)
    offset, limit = _window(query, total)
    if limit == 0:
        return [], total
    order = to_mongo_order(spec, query.reverse, now)
    return _ordered(c, where, order, offset, limit), total


def _window(query: RunQuery, total: int) -> tuple[int, int]:
    if query.first is not None:
        return 0, query.first
    taken = total if query.last is None else min(query.last, total)
    return total - taken, taken


def _ordered(c: Collections, where: Document, order: Order, offset: int, limit: int) -> list[Run]:
    if not order.computed:
        found = c.runs.find(where).sort(list(order.sort.items())).skip(offset).limit(limit)
        return [run_from_document(run) for run in found.allow_disk_use(True)]
    return _read(c, [run["_id"] for run in c.runs.aggregate(
        order_pipeline(where, order, offset, limit), allowDiskUse=True
    )])  # fmt: skip


def order_pipeline(where: Document, order: Order, offset: int, limit: int) -> list[Document]:
    """The keys in order; only what it is made of is carried along."""
    plain = {field: 1 for field in order.sort if field not in order.computed}
    return [
        {"$match": where},
        {"$project": plain | order.computed},
        {"$sort": order.sort},
        {"$skip": offset},
        {"$limit": limit},
        {"$project": {"_id": 1}},
    ]


def _read(c: Collections, keys: list[str]) -> list[Run]:
    found: dict[str, Document] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        part = {"_id": {"$in": keys[start : start + _KEYS_AT_ONCE]}}
        found |= {run["_id"]: run for run in c.runs.find(part)}
    return [run_from_document(found[key]) for key in keys if key in found]


def _judge(c: Collections, where: Document, others: list[Filter[Run]], now: float) -> list[Run]:
    """Whole runs without their large parts: what filters and orders may look at."""
    left_out = {"outbox": 0, "recent": 0}
    runs = (run_from_document(found) for found in c.runs.find(where, left_out, batch_size=1000))
    return [run for run in runs if matches_all(others, run, now)]


def condition(query: RunQuery, now: float) -> tuple[Document, list[Filter[Run]]]:
    """What the server judges, and the filters left to judge."""
    pushed, others = to_mongo(query.filters, now)
    conditions = [*pushed]
    if query.workspace is not None:
        conditions.append({"workspace": query.workspace})
    if query.parents is not None:
        conditions.append(_kind(query))
    if query.jobs:
        conditions.append({"job_num": {"$in": [job_number(name) for name in query.jobs]}})
    if query.statuses:
        conditions.append({"status": {"$in": [str(status) for status in query.statuses]}})
    if query.patterns:
        conditions.append(patterns_to_mongo(query.patterns))
    return ({"$and": conditions} if conditions else {"num": {"$gte": 0}}), others


def _kind(query: RunQuery) -> Document:
    """Parents only, or the others; who names a parent wants to see it all the same."""
    named = [pattern for pattern in query.patterns if pattern.single]
    if query.parents or not named:
        return {"is_parent": bool(query.parents)}
    return {"$or": [{"is_parent": False}, patterns_to_mongo(named)]}
