"""Single runs in MongoDB: their changes by compare-and-set, their events.

An event is written in the same update as the change that it tells of, into the run's `outbox`,
with its number: none is lost, none has the number of another. When the outbox is full, its events
become documents of their own, and only then leave it; a reader merges the two by number.
"""

from collections.abc import Sequence
from typing import Any

from pymongo import ReturnDocument

from xt_core import clock
from xt_core.model.names import run_numbers
from xt_core.model.records import Event, Run
from xt_core.model.states import FINAL_RUN_STATES, RunStatus
from xt_core.stats.client_tags import ClientTags, Tags, merged
from xt_core.stats.mongo import changes
from xt_core.stats.mongo.documents import (
    event_from_document,
    event_to_document,
    field_to_bson,
    record_range,
    run_from_document,
    run_key,
    stored_event,
)
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.values import map_from_bson, map_to_bson
from xt_core.stats.mongo.writes import insert_new, new_token
from xt_core.stats.rules import (
    check_given_up,
    check_settable,
    check_transition,
    status_fields,
    unknown_run,
)
from xt_core.stats.store import RunChange

OPEN_STATES = [str(status) for status in RunStatus if status not in FINAL_RUN_STATES]
_RECENT_CHANGES = 16
"""How many changes of a run may come between two attempts at one."""
_MOST_EVENTS, _LARGEST_OUTBOX = 16, 64 << 10


def existing(c: Collections, workspace: str, name: str, *fields: str) -> Document:
    """A run's document, or some of its fields. Raises UnknownNameError."""
    run_numbers(name)
    projection = dict.fromkeys(fields, 1) or None
    found = c.runs.find_one({"_id": run_key(workspace, name)}, projection)
    if found is None:
        raise unknown_run(workspace, name)
    return found


def open_runs(c: Collections, job_num: int, node: str) -> list[Document]:
    """The job's runs on the node that are not in a final state."""
    where = {"node": node, "status": {"$in": OPEN_STATES}, "job_num": job_num}
    return sorted(c.runs.find(where), key=lambda run: (run["num"], run["child"]))


def change(
    c: Collections, asked: RunChange, moment: float, token: str, seen: Tags | None = None
) -> Document:
    """Make a change once, however often it is attempted; the run as it is then. `seen` are the
    tags that the asker saw, if not those of now."""
    check_settable(asked.fields)
    while True:
        run = existing(c, asked.workspace, asked.run)
        if token in run["recent"]:
            break
        update = _update(run, asked, moment, token, seen)
        changed = _compare_and_set(c, run, update, numbered=asked.event is not None)
        if changed is not None:
            run = changed
            break
    complete_change(c, run)
    return run


def _compare_and_set(
    c: Collections, run: Document, update: Document, *, numbered: bool
) -> Document | None:
    guard = {"_id": run["_id"], "version": run["version"]}
    if numbered:  # children take numbers of their parent's events without a new version
        guard["last_event"] = run["last_event"]
    return c.runs.find_one_and_update(guard, update, return_document=ReturnDocument.AFTER)


def complete_change(c: Collections, run: Document) -> None:
    """What follows a change that was made, unless it is done."""
    if run.get("dirty"):
        changes.finish(c, [run])
    _empty_outbox(c, run)


def _update(
    run: Document, asked: RunChange, moment: float, token: str, seen: Tags | None
) -> Document:
    fields: dict[str, Any] = {}
    check_given_up(asked, RunStatus(run["status"]))
    if asked.status is not None:
        before = RunStatus(run["status"])
        check_transition(asked.run, before, asked.status)
        times = run["started"], run["ended"]
        fields = status_fields(asked.status, before, moment, *times)
    fields |= asked.fields
    assignments = {name: field_to_bson(name, value) for name, value in fields.items()}
    if "tags" in fields:
        current = map_from_bson(run["tags"])
        before_tags = current if seen is None else seen
        clients = ClientTags.from_json(run.get("client_tags"))
        assignments |= {
            "tags": map_to_bson(merged(current, before_tags, fields["tags"])),
            "client_tags": clients.changed(before_tags, fields["tags"]).to_json(),
        }
    events = []
    if asked.event is not None:
        events = [Event(run["last_event"] + 1, moment, asked.event, asked.data)]
    return update_of(assignments, events, token)


def update_of(assignments: Document, events: Sequence[Event], token: str) -> Document:
    """The update of a run's document that is the change `token`."""
    recent = {"$each": [token], "$slice": -_RECENT_CHANGES}
    outbox = {"$each": [event_to_document(event) for event in events]}
    return {
        "$set": assignments | {"dirty": token},
        "$inc": {"version": 1, "last_event": len(events)},
        "$push": {"recent": recent, "outbox": outbox} if events else {"recent": recent},
    }


def reopen(c: Collections, run: Document, event: str, data: Document, token: str,
           status: RunStatus | None) -> None:  # fmt: skip
    """Let a parent that has ended go on in a state (None: it has not ended), told by an event."""
    while token not in run["recent"]:
        told = [Event(run["last_event"] + 1, clock.now(), event, data)]
        fields: Document = {}
        if status is not None:
            fields = {"status": str(status), "ended": None, "error": None,
                      "cancel_requested": False}  # fmt: skip
        changed = _compare_and_set(c, run, update_of(fields, told, token), numbered=True)
        if changed is not None:
            run = changed
            break
        run = existing(c, run["workspace"], run["name"])
    complete_change(c, run)


def lose(c: Collections, run: Document, error: str) -> bool:
    """Give a run up, unless it has ended; whether it was. Its item is put back (`items.follow`)."""
    token = new_token()
    while run["status"] in OPEN_STATES:
        moment = clock.now()
        ended = moment if run["ended"] is None else run["ended"]
        told = Event(
            run["last_event"] + 1, moment, "ended", {"status": RunStatus.LOST, "error": error}
        )
        fields = {"status": "lost", "ended": ended, "error": error}
        update = update_of(fields, [told], token)
        changed = _compare_and_set(c, run, update, numbered=True)
        if changed is not None:
            complete_change(c, changed)
            return True
        run = existing(c, run["workspace"], run["name"])
    return False


def _empty_outbox(c: Collections, run: Document) -> None:
    outbox = run["outbox"]
    size = sum(len(event["data"]) for event in outbox)
    if len(outbox) <= _MOST_EVENTS and size <= _LARGEST_OUTBOX:
        return
    insert_new(c.events, [stored_event(run["_id"], event) for event in outbox])
    sent = {"seq": {"$lte": outbox[-1]["seq"]}}
    c.runs.update_one({"_id": run["_id"]}, {"$pull": {"outbox": sent}})


def events(c: Collections, workspace: str, name: str, after: int) -> list[Event]:
    """Events after a number. The outbox first: what leaves it is stored already."""
    run = existing(c, workspace, name, "outbox")
    numbered = {event["seq"]: event for event in run["outbox"] if event["seq"] > after}
    for event in c.events.find({"_id": record_range(run["_id"], after)}):
        numbered[event["seq"]] = event
    return [event_from_document(numbered[seq]) for seq in sorted(numbered)]


def to_records(documents: Sequence[Document]) -> list[Run]:
    """The runs of documents."""
    return [run_from_document(document) for document in documents]
