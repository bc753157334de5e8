"""Writes that several modules make: numbers that nobody else gets, inserts that may come twice."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from xt_core.stats.mongo.errors import DUPLICATE_KEY
from xt_core.stats.mongo.schema import Collections, Document

REVISIONS = "revisions"
"""The counter of changes of runs."""


def new_token() -> str:
    """What one change is known by."""
    return uuid4().hex


def count_up(c: Collections, counter: str, count: int = 1) -> int:
    """The last of so many new numbers. An attempt whose answer was lost leaves a gap."""
    found = c.counters.find_one_and_update(
        {"_id": counter},
        {"$inc": {"value": count}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    assert found is not None
    return int(found["value"])


def counted(c: Collections, counter: str) -> int:
    """The last number that was given out; 0 before the first."""
    found = c.counters.find_one({"_id": counter})
    return int(found["value"]) if found else 0


def insert_new(collection: Collection[Document], documents: Sequence[Document]) -> int:
    """Insert those whose keys are not there; how many those were."""
    if not documents:
        return 0
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return len(documents) - len(only_duplicates(error))
    return len(documents)


def bulk(collection: Collection[Document], writes: Iterable[Any]) -> int:
    """Make independent writes, inserts of keys that are there left out; how many matched or were
    inserted."""
    writes = list(writes)
    if not writes:
        return 0
    try:
        result = collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        only_duplicates(error)
        details = error.details
        return int(details["nMatched"] + details["nInserted"] + details["nUpserted"])
    return result.matched_count + result.inserted_count + result.upserted_count


def only_duplicates(error: BulkWriteError) -> list[Any]:
    """What failed, if it was for keys that are there already; else raises the error again."""
    details: dict[str, Any] = dict(error.details)
    failed: list[Any] = details["writeErrors"]
    if details["writeConcernErrors"] or any(f["code"] != DUPLICATE_KEY for f in failed):
        raise error
    return failed
