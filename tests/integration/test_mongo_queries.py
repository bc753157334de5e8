"""Selecting and ordering in MongoDB gives what selecting and ordering in Python gives."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pymongo.collection import Collection
from query_support import AGGREGATE_KINDS, MEMBERS, NOW, RUN_LISTS, generated_filters, make_runs
from servers.mongod import Mongod

from xt_core.model.names import run_numbers
from xt_core.model.records import Run
from xt_core.query.filters import matches_all, parse_filter
from xt_core.query.mongo import patterns_to_mongo, to_mongo, to_mongo_order
from xt_core.query.names import parse_run_list
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort, sort_records
from xt_core.stats.mongo.documents import run_from_document, run_to_document
from xt_core.stats.mongo.selection import order_pipeline

Runs = Collection[dict[str, Any]]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    made = make_runs(150, random.Random(20260131))
    random.Random(12).shuffle(made)
    return made


@pytest.fixture(scope="module")
def collection(mongod: Mongod, runs: list[Run]) -> Iterator[Runs]:
    with mongod.client() as client:
        found: Runs = client["test-queries"]["runs"]
        found.insert_many([run_to_document(run, "t") for run in runs])
        yield found
        client.drop_database("test-queries")


def selected(collection: Runs, filters: Sequence[str]) -> set[str]:
    """As the store does it: what the server cannot judge is judged here."""
    conditions, others = to_mongo([parse_filter(text, RUN_FIELDS) for text in filters], NOW)
    where = {"$and": conditions} if conditions else {}
    if not others:
        return {found["name"] for found in collection.find(where, {"name": 1})}
    runs = [run_from_document(found) for found in collection.find(where)]
    return {run.name for run in runs if matches_all(others, run, NOW)}


def test_runs_come_back_as_they_were(collection: Runs, runs: list[Run]) -> None:
    for run in runs:
        found = collection.find_one({"name": run.name})
        assert found is not None
        assert repr(run_from_document(found)) == repr(run)  # NaN equals nothing, but looks alike


def test_every_generated_filter_selects_the_same_runs(collection: Runs, runs: list[Run]) -> None:
    texts = generated_filters(random.Random(20260131))
    sizes = set()
    for text in texts:
        parsed = parse_filter(text, RUN_FIELDS)
        expected = {run.name for run in runs if parsed.matches(run, NOW)}
        assert selected(collection, [text]) == expected, text
        sizes.add(len(expected))
    assert len(texts) > 1000
    assert {0, 150} < sizes


def test_two_filters_have_to_hold_together(collection: Runs, runs: list[Run]) -> None:
    rng = random.Random(3)
    texts = generated_filters(rng)
    for _ in range(150):
        pair = rng.sample(texts, 2)
        both = [parse_filter(text, RUN_FIELDS) for text in pair]
        expected = {run.name for run in runs if matches_all(both, run, NOW)}
        assert selected(collection, pair) == expected, pair


@pytest.mark.parametrize(
    "text", [*RUN_LISTS, ",".join(f"run{number}" for number in range(1, 5001))]
)
def test_every_run_list_selects_the_same_runs(collection: Runs, runs: list[Run], text: str) -> None:
    patterns = parse_run_list([text])
    expected = sorted(run.name for run in runs if any(each.matches(run) for each in patterns))
    assert expected
    found = collection.find(patterns_to_mongo(patterns), {"name": 1})
    assert sorted(document["name"] for document in found) == expected


@pytest.mark.parametrize("reverse", [False, True])
def test_every_order_is_the_same(collection: Runs, runs: list[Run], reverse: bool) -> None:
    members = [f"{family}.{m}" for family in ("hparams", "metrics", "tags") for m in MEMBERS]
    members += [f"metrics.{m}.{kind}" for m in ("x", "größe") for kind in AGGREGATE_KINDS]
    members += [f'metrics."x".{kind}' for kind in AGGREGATE_KINDS]
    texts = [*RUN_FIELDS.fields, *members, "status,-duration", "-node,metrics.lr,-run", ""]
    for text in [*texts, *(f"-{text}" for text in texts if text[:1].isalpha())]:
        spec = parse_sort(text, RUN_FIELDS)
        expected = [run.full_name for run in sort_records(runs, spec, reverse, NOW)]
        pipeline = order_pipeline({}, to_mongo_order(spec, reverse, NOW))
        assert [found["_id"] for found in collection.aggregate(pipeline)] == expected, text


def test_the_order_by_name_is_that_of_numbers(collection: Runs, runs: list[Run]) -> None:
    order = to_mongo_order(parse_sort("run", RUN_FIELDS), False, NOW)
    assert order.computed == {}
    found = collection.find().sort(list(order.sort.items()))
    numbers = [run_numbers(document["name"]) for document in found]
    assert numbers == sorted(run_numbers(run.name) for run in runs)
