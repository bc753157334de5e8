"""The registries of fields."""

import math
import re
import subprocess
import sys

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import RunStatus
from xt_core.query.fields import comparable
from xt_core.query.registry import JOB_FIELDS, RUN_FIELDS, JobRow


def a_run() -> Run:
    return Run(
        "ws1", "run35.2", "job12", "exper1", "node0", RunStatus.RUNNING, 100.0,
        parent="run35", started=110.0, hparams={"lr": 0.1, "a.b": 2}, tags={"seen": None},
        metrics={"loss": math.nan},
    )  # fmt: skip


def test_every_column_of_the_contract_is_a_field_of_a_run() -> None:
    names = (
        "run workspace job parent node run_index status exit_code restarts created queued started "
        "ended duration experiment target username description command notes error is_parent "
        "is_child rerun_of stopped_early"
    )
    assert set(names.split()) == set(RUN_FIELDS.fields)


def test_every_column_of_the_contract_is_a_field_of_a_job() -> None:
    names = (
        "name workspace experiment status style search_type schedule nodes work_items unstarted "
        "running completed error cancelled done progress primary_metric best created username "
        "target description"
    )
    assert set(names.split()) <= set(JOB_FIELDS.fields)


def test_a_field_gets_the_value_of_a_record() -> None:
    run = a_run()
    found = {name: RUN_FIELDS.find(name).get(run, 130.0) for name in RUN_FIELDS.fields}
    assert found["run"] == "run35.2"
    assert found["status"] == "running"
    assert found["duration"] == 20.0
    assert found["is_child"] is True
    assert found["description"] is None
    assert RUN_FIELDS.find("name").name == "run"


def test_a_family_member_is_found_by_prefix_whatever_its_name_holds() -> None:
    run = a_run()
    assert RUN_FIELDS.find("hparams.lr").get(run, 0.0) == 0.1
    assert RUN_FIELDS.find("hparams.a.b").get(run, 0.0) == 2
    assert RUN_FIELDS.find('hparams."a.b"').get(run, 0.0) == 2
    assert RUN_FIELDS.find("metrics.acc").get(run, 0.0) is None


def test_a_member_exists_once_it_was_logged_even_without_a_value() -> None:
    run = a_run()
    exists = {n: RUN_FIELDS.find(n).exists(run, 0.0) for n in ("tags.seen", "tags.x", "ended")}
    assert exists == {"tags.seen": True, "tags.x": False, "ended": False}
    assert RUN_FIELDS.find("metrics.loss").exists(run, 0.0)


def test_job_fields_read_the_job_its_counts_and_its_best_run() -> None:
    job = Job("job7", "ws1", "exper1", "dynamic", "local", "ann", 5.0, 10, 2, tags={"a": 1})
    row = JobRow(job, JobCounts(unstarted=3, completed=7), "run2.4", 0.25)
    get = {name: field.get(row, 0.0) for name, field in JOB_FIELDS.fields.items()}
    assert (get["name"], get["status"], get["nodes"], get["work_items"]) == (
        "job7", "running", 1, 10,
    )  # fmt: skip
    assert (get["unstarted"], get["completed"], get["best"], get["best_run"]) == (
        3, 7, 0.25, "run2.4",
    )  # fmt: skip
    assert JOB_FIELDS.find("tags.a").get(row, 0.0) == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stauts", "did you mean status?"),
        ("metric.loss", "did you mean metrics.loss?"),
        ("lr", "hparams.lr, metrics.lr, tags.lr"),
    ],
)
def test_an_unknown_name_is_never_guessed_but_helped(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"there is no field {name!r}")) as caught:
        RUN_FIELDS.find(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["hparams.", "tags.a\0b", "tags.\udcff"])
def test_a_prefix_needs_a_name_that_can_be_stored(name: str) -> None:
    with pytest.raises(UsageError, match="needs a name after the dot"):
        RUN_FIELDS.find(name)


def test_what_cannot_be_ordered_counts_as_missing() -> None:
    missing = [None, math.nan, math.inf, -math.inf, [1], {"a": 1}]
    assert [comparable(value) for value in missing] == [None] * len(missing)
    assert [comparable(value) for value in ("", 0, 1.5, True)] == ["", 0, 1.5, True]


def test_the_report_language_loads_nothing_heavy() -> None:
    code = (
        "import sys, xt_core.query.sql, xt_core.query.table, xt_core.query.registry\n"
        "print([m for m in ('rich', 'yaml', 'asyncio', 'sqlite3', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
