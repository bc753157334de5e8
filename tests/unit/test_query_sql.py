"""Selecting and ordering in SQLite gives what selecting and ordering in Python gives."""

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pytest
from query_support import AGGREGATE_KINDS, MEMBERS, NOW, RUN_LISTS, generated_filters, make_runs

from xt_core.model.encoding import dumps
from xt_core.model.names import job_number, run_numbers
from xt_core.model.records import Run
from xt_core.query.filters import matches_all, parse_filter
from xt_core.query.names import RunPattern, parse_run_list
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.sorting import parse_sort, sort_records
from xt_core.query.sql import regexp, register, to_sql, to_sql_order

COLUMNS = (
    "workspace TEXT, name TEXT, num INT, child INT, job TEXT, job_num INT, parent TEXT, "
    "is_parent INT, node TEXT, run_index INT, status TEXT, exit_code INT, error TEXT, "
    "restarts INT, created REAL, queued REAL, started REAL, ended REAL, experiment TEXT, "
    "target TEXT, username TEXT, description TEXT, command TEXT, notes TEXT, "
    "cancel_requested INT, hparams TEXT, metrics TEXT, tags TEXT, goals TEXT, "
    "aggregates TEXT, rerun_of TEXT, stopped_early INT, revision INT"
)


def encode(values: Mapping[str, object], ascii_only: bool) -> str:
    """As the stats store writes it, and as another writer of valid JSON may."""
    text = dumps(values)
    return text if ascii_only else json.dumps(json.loads(text), ensure_ascii=False)


def table_of(runs: Sequence[Run]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    register(connection)
    connection.execute(f"CREATE TABLE runs ({COLUMNS})")
    names = [column.split()[0] for column in COLUMNS.split(", ")]
    marks = ", ".join(f":{name}" for name in names)
    for index, run in enumerate(runs):
        row = asdict(run)
        row["num"], row["child"] = run_numbers(run.name)
        row["job_num"], row["status"] = job_number(run.job), str(run.status)
        for family in ("hparams", "metrics", "tags", "goals", "aggregates"):
            row[family] = encode(row[family], ascii_only=index % 2 == 0)
        connection.execute(f"INSERT INTO runs VALUES ({marks})", row)
    return connection


def found(
    connection: sqlite3.Connection, filters: Sequence[str], patterns: Sequence[RunPattern] = ()
) -> list[str]:
    parsed = [parse_filter(text, RUN_FIELDS) for text in filters]
    where, params = to_sql(parsed, patterns, NOW)
    order = to_sql_order(parse_sort("run", RUN_FIELDS), False, NOW)
    rows = connection.execute(f"SELECT name FROM runs WHERE {where} ORDER BY {order}", params)
    return [name for (name,) in rows]


def test_every_generated_filter_selects_the_same_runs_in_sqlite_and_in_python() -> None:
    rng = random.Random(20260131)
    runs = make_runs(150, rng)
    connection = table_of(runs)
    texts = generated_filters(rng)
    sizes = set()
    for text in texts:
        parsed = parse_filter(text, RUN_FIELDS)
        expected = [run.name for run in runs if parsed.matches(run, NOW)]
        assert found(connection, [text]) == expected, text
        sizes.add(len(expected))
    assert len(texts) > 1000
    assert {0, 150} < sizes
    for _ in range(300):
        pair = rng.sample(texts, 2)
        both = [parse_filter(text, RUN_FIELDS) for text in pair]
        assert found(connection, pair) == [r.name for r in runs if matches_all(both, r, NOW)], pair


@pytest.mark.parametrize("text", RUN_LISTS)
def test_every_run_list_selects_the_same_runs_in_sqlite_and_in_python(text: str) -> None:
    runs = make_runs(150, random.Random(7))
    patterns = parse_run_list([text])
    expected = [run.name for run in runs if any(each.matches(run) for each in patterns)]
    assert expected
    assert found(table_of(runs), [], patterns) == expected


def test_filters_and_run_lists_have_to_hold_together() -> None:
    runs = make_runs(150, random.Random(8))
    patterns = parse_run_list(["run1-run99"])
    expected = [r.name for r in runs if run_numbers(r.name)[0] < 100 and not run_numbers(r.name)[1]]
    expected = [name for name in expected if runs[run_numbers(name)[0] - 1].restarts]
    assert found(table_of(runs), ["restarts>0"], patterns) == expected


@pytest.mark.parametrize("item", ["run{0}", "run{0}.*", "job{0}"])
def test_a_run_list_may_be_thousands_of_items_long(item: str) -> None:
    runs = make_runs(20, random.Random(9))
    patterns = parse_run_list([",".join(item.format(number) for number in range(1, 5001))])
    expected = [run.name for run in runs if any(each.matches(run) for each in patterns)]
    assert found(table_of(runs), [], patterns) == expected


@pytest.mark.parametrize("reverse", [False, True])
def test_every_order_is_the_same_in_sqlite_and_in_python(reverse: bool) -> None:
    runs = make_runs(150, random.Random(11))
    random.Random(12).shuffle(runs)
    connection = table_of(runs)
    members = [f"{family}.{m}" for family in ("hparams", "metrics", "tags") for m in MEMBERS]
    members += [f"metrics.{m}.{kind}" for m in ("x", "größe") for kind in AGGREGATE_KINDS]
    members += [f'metrics."x".{kind}' for kind in AGGREGATE_KINDS]
    texts = [*RUN_FIELDS.fields, *members, "status,-duration", "-node,metrics.lr,-run", ""]
    for text in [*texts, *(f"-{text}" for text in texts if text[:1].isalpha())]:
        spec = parse_sort(text, RUN_FIELDS)
        expected = [run.name for run in sort_records(runs, spec, reverse, NOW)]
        order = to_sql_order(spec, reverse, NOW)
        rows = connection.execute(f"SELECT name FROM runs ORDER BY {order}").fetchall()
        assert [name for (name,) in rows] == expected, text


def test_no_filters_and_no_patterns_select_everything() -> None:
    assert to_sql([], [], NOW) == ("1", [])


def test_name_order_in_a_workspace_needs_no_sorting_where_an_index_gives_it() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE runs ({COLUMNS}, UNIQUE (workspace, num, child))")
    for reverse in (False, True):
        order = to_sql_order(parse_sort("run", RUN_FIELDS), reverse, NOW)
        query = f"SELECT name FROM runs WHERE workspace = 'ws1' ORDER BY {order}"
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert len(plan) == 1
        assert "USING INDEX" in plan[0][3]


def test_a_regular_expression_is_never_found_in_what_is_not_text() -> None:
    assert regexp("a.c", "xabcx")
    assert not regexp(".*", None)
    assert not regexp("6", 64)
