"""Between the documents of the MongoDB store and the records of the model.

Every field of a record is a field of its document, so that a field which is added to a record is
stored without further ado. A blank text is null. Fields that only the store knows:

runs: `num`, `child`, `job_num`, `parent_num`, `node_length` (what names are ordered by);
`version` (one more with every change of what the document says), `recent` (the last changes, by
their tokens), `dirty` (the change that has no revision yet), `outbox` (the last events),
`last_event`, `children`, `journal_end`, `tail` and `tangled` (of the metrics), `claim` (unique:
which claim of an item it came of), `newborn`, `parent_seq`, `client_tags`, `node_revision`,
`lacks_aggregates` (true where they are not worked out yet).
"""

from dataclasses import fields
from typing import Any

from xt_core.model.aggregates import Aggregate
from xt_core.model.encoding import dumps, loads
from xt_core.model.names import job_number, run_numbers
from xt_core.model.records import Event, Job, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.mongo.schema import Document
from xt_core.stats.mongo.values import (
    field_name,
    from_bson,
    logged_name,
    map_from_bson,
    map_to_bson,
    to_bson,
)

FAMILIES = frozenset({"hparams", "metrics", "tags", "goals"})
"""The fields of a run that hold values by their names; the server looks into them."""
_TEXTS = {kind: {f.name for f in fields(kind) if f.type is str} for kind in (Run, Job)}
_LARGEST_EVENT_BYTES = 4 << 20


def run_key(workspace: str, name: str) -> str:
    """The `_id` of a run."""
    return f"{workspace}/{name}"


def item_key(job_num: int, run_index: int) -> str:
    """The `_id` of a work item."""
    return f"{job_num}/{run_index}"


def record_key(run: str, number: int) -> str:
    """The `_id` of an event or a bucket of metrics of a run: their order is that of numbers."""
    return f"{run}@{number:019d}"


def record_range(run: str, after: int) -> Document:
    """The condition on `_id` of a run's records after a number."""
    return {"$gt": record_key(run, after), "$lt": f"{run}@:"}  # a colon follows the nine


def field_to_bson(name: str, value: Any) -> Any:
    """The value of one field of a run."""
    if name in FAMILIES:
        return map_to_bson(value)
    if name == "aggregates":
        return {field_name(metric): dict(each._asdict()) for metric, each in value.items()}
    if isinstance(value, list | dict):
        return {"json": dumps(value)}
    return None if value == "" else to_bson(value)


def run_to_document(run: Run, token: str) -> Document:
    """A new run; `token` stands for its creation."""
    num, child = run_numbers(run.name)
    document = {f.name: field_to_bson(f.name, getattr(run, f.name)) for f in fields(Run)}
    return document | {
        "_id": run_key(run.workspace, run.name),
        "status": str(run.status),
        "num": num,
        "child": child,
        "job_num": job_number(run.job),
        "parent_num": num if run.parent else None,
        "node_length": len(run.node) or None,
        "revision": 0,
        "version": 1,
        "recent": [token],
        "dirty": token,
        "outbox": [],
        "last_event": 0,
        "children": 0,
        "journal_end": 0,
        "claim": run_key(run.workspace, run.name),
        "node_revision": 0,
    }


def run_from_document(document: Document) -> Run:
    """The inverse of `run_to_document`; what a projection left out has its default."""
    values = _record_values(Run, document)
    values.setdefault("created", 0.0)
    for name in ("workspace", "name", "job", "experiment", "node"):
        values.setdefault(name, "")
    values["status"] = RunStatus(document.get("status", RunStatus.CREATED))
    return Run(**values)


def job_to_document(job: Job) -> Document:
    """A job."""
    document = {f.name: field_to_bson(f.name, getattr(job, f.name)) for f in fields(Job)
                if f.name not in ("objectives", "tags")}  # fmt: skip
    pairs = [[objective.metric, objective.maximize] for objective in job.objectives]
    document |= {"objectives": {"json": dumps(pairs)}, "tags": {"json": dumps(job.tags)}}
    return document | {"_id": job_number(job.name)}


def job_from_document(document: Document) -> Job:
    """The inverse of `job_to_document`."""
    values = _record_values(Job, document)
    values["objectives"] = [Objective(*pair) for pair in values.get("objectives", ())]
    if host := document.get("host"):  # of before each node had its own
        values.setdefault("hosts", dict.fromkeys(values["nodes"], host))
    return Job(**values)


def _record_values(kind: type[Run] | type[Job], document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in document:
            continue
        value = document[field.name]
        if kind is Run and field.name in FAMILIES:
            values[field.name] = map_from_bson(value)
        elif field.name == "aggregates":
            values[field.name] = {logged_name(m): Aggregate(**each) for m, each in value.items()}
        elif value is None and field.name in _TEXTS[kind]:
            values[field.name] = ""
        else:
            values[field.name] = from_bson(value)
    return values


def item_to_document(item: WorkItem) -> Document:
    """A work item."""
    num = job_number(item.job)
    return {
        "_id": item_key(num, item.run_index),
        "job_num": num,
        "run_index": item.run_index,
        "status": str(item.status),
        "node": item.node,
        "run": item.run,
        "epoch": item.epoch,
        "hparams": None if item.hparams is None else dumps(item.hparams),
        "notes": dumps(item.notes),
    }


def item_from_document(document: Document) -> WorkItem:
    """The inverse of `item_to_document`."""
    hparams = document["hparams"]
    return WorkItem(
        f"job{document['job_num']}",
        document["run_index"],
        WorkItemStatus(document["status"]),
        document["node"],
        document["run"],
        document["epoch"],
        None if hparams is None else loads(hparams),
        loads(document["notes"]),
    )


def event_to_document(event: Event) -> Document:
    """An event, as an `outbox` holds it; data beyond 4 MiB become their size."""
    data = dumps(event.data)
    if len(data) > _LARGEST_EVENT_BYTES:
        data = dumps({"too_large": len(data)})
    return {"seq": event.seq, "time": event.time, "event": to_bson(event.event), "data": data}


def stored_event(run: str, event: Document) -> Document:
    """What an `outbox` holds, as a document of its own."""
    return {**event, "_id": record_key(run, event["seq"])}


def event_from_document(document: Document) -> Event:
    """The inverse of `event_to_document`."""
    name, data = from_bson(document["event"]), loads(document["data"])
    return Event(document["seq"], document["time"], name, data)
