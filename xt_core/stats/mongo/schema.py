"""The collections, their indexes, and the version of it all.

Every query is served by one of these indexes or by that of `_id`. A migration may be made by
several clients at once, and again after a crash: each step must be harmless to repeat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database

from xt_core.errors import UnavailableError
from xt_core.stats.mongo.errors import Place

Document = dict[str, Any]
SCHEMA_VERSION = 3


@dataclass(frozen=True)
class Collections:
    """Where everything is."""

    jobs: Collection[Document]
    items: Collection[Document]
    runs: Collection[Document]
    events: Collection[Document]
    """Events that are in their run's `outbox` no more."""
    metrics: Collection[Document]
    nodes: Collection[Document]
    counters: Collection[Document]

    @classmethod
    def of(cls, database: Database[Document]) -> "Collections":
        names = ("jobs", "items", "runs", "events", "metrics", "nodes", "counters")
        return cls(*(database[name] for name in names))


def _index(*fields: str, unique: bool = False) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], unique=unique)


INDEXES = {
    "jobs": [_index("workspace"), _index("unfinished"), _index("rerun_of")],
    "items": [_index("job_num", "status", "node", "run_index"), _index("job_num", "run_index")],
    "runs": [
        _index("workspace", "is_parent", "num", "child"),
        _index("num", "child", "workspace"),
        _index("job_num", "is_parent", "status"),
        _index("node", "status", "job_num"),
        _index("revision"),
        _index("job_num", "revision"),
        _index("dirty", "job_num"),
        _index("experiment", "workspace", "is_parent"),
        _index("claim", unique=True),
        _index("lacks_aggregates", "num", "child"),
    ],
    "metrics": [_index("run", "last")],
}


def _add_goals_and_aggregates(database: Database[Document]) -> None:
    """Runs know the goals of their jobs; their aggregates are worked out later, run by run."""
    from xt_core.stats.mongo.documents import field_to_bson, job_from_document

    runs = database["runs"]
    lacking: Document = {"aggregates": {"$exists": False}}
    runs.update_many(lacking | {"metrics": {}}, {"$set": {"aggregates": {}}})
    runs.update_many(lacking, {"$set": {"aggregates": {}, "lacks_aggregates": True}})
    for document in database["jobs"].find({}):
        goals = field_to_bson("goals", job_from_document(document).goals)
        where = {"job_num": document["_id"], "goals": {"$exists": False}}
        runs.update_many(where, {"$set": {"goals": goals}})


MIGRATIONS: dict[int, Callable[[Database[Document]], None]] = {1: _add_goals_and_aggregates}
"""What makes a schema the next one, by the version it starts from; indexes come by themselves."""


def bring_up(database: Database[Document], place: Place) -> None:
    """Make the schema the one of this version. Raises UnavailableError for a newer one."""
    versions = database["schema"]
    found = versions.find_one({"_id": "schema"})
    version = int(found["version"]) if found else 0
    if version > SCHEMA_VERSION:
        raise UnavailableError(
            f"{place} was written by a newer XT (schema {version} of {place.database})",
            "upgrade XT",
        )
    if version == SCHEMA_VERSION:
        return
    for start in range(version, SCHEMA_VERSION):
        if start in MIGRATIONS:
            MIGRATIONS[start](database)
    for name, indexes in INDEXES.items():
        database[name].create_indexes(indexes)
    versions.update_one({"_id": "schema"}, {"$max": {"version": SCHEMA_VERSION}}, upsert=True)
