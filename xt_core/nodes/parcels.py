"""Records as JSON, on their way between a node and the client that keeps its team's store.

Both are of the same version of XT: a controller of another one is replaced, or refuses.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xt_core.model.aggregates import decode
from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Event, Job, MetricRecord, Objective, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.outgoing import Cursor
from xt_core.stats.store import Delivery

Document = dict[str, Any]


@dataclass(frozen=True)
class History:
    """What a job tried, that the search of another one learns from."""

    job: Job
    tried: list[tuple[WorkItem, Run]]


@dataclass(frozen=True)
class Assignment:
    """A submitted job; its work items follow from it."""

    job: Job
    first_runs: list[Run]
    histories: list[History]


def assignment_to_json(assignment: Assignment) -> str:
    """The text that `assignment_from_json` takes."""
    return dumps(asdict(assignment))


def assignment_from_json(text: str) -> Assignment:
    """The inverse of `assignment_to_json`."""
    document: Document = loads(text)
    histories = [
        History(_job(each["job"]), [(_item(item), _run(run)) for item, run in each["tried"]])
        for each in document["histories"]
    ]
    runs = [_run(each) for each in document["first_runs"]]
    return Assignment(_job(document["job"]), runs, histories)


def news_to_json(batch: Sequence[Delivery], cursor: Cursor) -> str:
    """What a node has to tell, and up to where that goes."""
    return dumps({"deliveries": [asdict(each) for each in batch], "cursor": asdict(cursor)})


def news_from_json(text: str | bytes) -> tuple[list[Delivery], Document]:
    """The deliveries, and the cursor as `cursor_from` takes it."""
    document: Document = loads(text if isinstance(text, str) else text.decode())
    return [_delivery(each) for each in document["deliveries"]], document["cursor"]


def cursor_from(document: Document) -> Cursor:
    """The cursor that a client returns."""
    marks = [(int(run), int(event), int(position)) for run, event, position in document["marks"]]
    return Cursor(marks, int(document["revision"]))


def _job(values: Document) -> Job:
    objectives = [Objective(**each) for each in values["objectives"]]
    return Job(**(values | {"objectives": objectives}))


def _run(values: Document) -> Run:
    changed = {"status": RunStatus(values["status"]), "aggregates": decode(values["aggregates"])}
    return Run(**(values | changed))


def _item(values: Document) -> WorkItem:
    return WorkItem(**(values | {"status": WorkItemStatus(values["status"])}))


def _delivery(values: Document) -> Delivery:
    item = values["item"]
    return Delivery(
        **(
            values
            | {
                "run": _run(values["run"]),
                "events": [Event(**each) for each in values["events"]],
                "metrics": [MetricRecord(**each) for each in values["metrics"]],
                "item": None if item is None else _item(item),
            }
        )
    )
