"""Columns: which are shown, under which header, in which format."""

import re
from dataclasses import replace

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Job, JobCounts, Run, Value
from xt_core.model.states import RunStatus
from xt_core.query.columns import (
    DEFAULT_JOB_COLUMNS,
    DEFAULT_RUN_COLUMNS,
    expand_columns,
    foremost,
    parse_columns,
)
from xt_core.query.registry import JOB_FIELDS, RUN_FIELDS, JobRow


def run(name: str, hparams: dict[str, Value], metrics: dict[str, Value]) -> Run:
    return Run(
        "ws1", name, "job1", "exper1", "node0", RunStatus.COMPLETED, 0.0,
        started=0.0, ended=62.0, hparams=hparams, metrics=metrics, tags={"a,b": "x"},
    )  # fmt: skip


RUNS = [
    run("run1", {"opt": "adam", "lr": 0.00123}, {"loss": 0.5}),
    run("run2", {"momentum": 0.9, "batch": 64, "lr": 0.1}, {"loss": 0.25, "lr": 0.01}),
]


def shown(text: str, runs: list[Run] = RUNS, drop_absent: bool = False) -> dict[str, list[str]]:
    specs = parse_columns(text, RUN_FIELDS)
    columns = expand_columns(specs, RUN_FIELDS, runs, 100.0, drop_absent=drop_absent)
    return {column.header: [column.text(each, 100.0) for each in runs] for column in columns}


def test_a_column_is_a_name_with_perhaps_a_header_and_a_format() -> None:
    assert shown("run, status=State ,hparams.lr=LR:.2e,duration:.1f,metrics.loss:>6") == {
        "run": ["run1", "run2"],
        "State": ["completed", "completed"],
        "LR": ["1.23e-03", "1.00e-01"],
        "duration": ["62.0", "62.0"],
        "loss": ["   0.5", "  0.25"],
    }


def test_a_state_as_it_is_shown_takes_a_format_as_any_other_does() -> None:
    early, cancelled, lively = (replace(RUNS[0]) for _ in range(3))
    early.stopped_early = True
    cancelled.status, lively.status = RunStatus.RUNNING, RunStatus.RUNNING
    cancelled.cancel_requested = True
    assert shown("status:>12", [RUNS[0], early, cancelled, lively]) == {
        "status": ["   completed", "  early stop", "  cancelling", "     running"]
    }


def test_quotes_protect_commas_in_names_headers_and_formats() -> None:
    assert shown("tags.'a,b'=\"A, B\",run_index=\"#:\":',d',run") == {
        "A, B": ["x", "x"],
        "#:": ["", ""],
        "run": ["run1", "run2"],
    }


def test_a_default_set_has_no_column_for_what_is_the_same_in_all_records() -> None:
    alike = {"epochs": 40, "amp": True}
    runs = [
        run("run1", {**alike, "lr": 0.1, "n": 1, "only": 1}, {"loss": 0.5}),
        run("run2", {**alike, "lr": 0.2, "n": "1"}, {"loss": 0.5}),
    ]

    def headers(text: str, records: list[Run]) -> list[str]:
        specs = parse_columns(text, RUN_FIELDS)
        columns = expand_columns(specs, RUN_FIELDS, records, 0.0, drop_constant=["hparams"])
        return [column.header for column in columns]

    assert headers("hparams.*,metrics.*", runs) == ["lr", "n", "only", "loss"]
    assert headers("hparams.amp,hparams.*", runs) == ["amp", "lr", "n", "only"]
    assert headers("hparams.*", runs[1:]) == ["amp", "epochs", "lr", "n"]


def test_a_wildcard_stands_for_what_was_logged_in_order_of_appearance_then_name() -> None:
    assert list(shown("run,hparams.*")) == ["run", "lr", "opt", "batch", "momentum"]
    assert list(shown("hparams.?r,hparams.*m*")) == ["lr", "momentum"]


def test_members_are_in_the_order_in_which_people_count() -> None:
    longest = "l" + 5000 * "1"
    logged = run("run1", {}, dict.fromkeys(["layer10", "l9", "layer9", "x", longest, "l09b"], 1))
    members = [field.member for field in RUN_FIELDS.members("metrics", [logged])]
    assert members == ["l9", "l09b", longest, "layer9", "layer10", "x"]


def test_a_wildcard_leaves_out_what_another_column_shows() -> None:
    assert list(shown("hparams.*,hparams.lr=LR")) == ["opt", "batch", "momentum", "LR"]


def test_a_format_holds_for_all_columns_of_a_wildcard_as_far_as_it_fits() -> None:
    assert shown("hparams.*:.1e")["lr"] == ["1.2e-03", "1.0e-01"]
    assert shown("hparams.*:.1f")["opt"] == ["adam", ""]


def test_members_of_the_same_name_are_told_apart_by_their_prefix() -> None:
    assert list(shown("hparams.lr,metrics.*")) == ["hparams.lr", "loss", "metrics.lr"]


def test_absent_columns_stay_unless_they_came_from_a_default_set() -> None:
    assert list(shown("run,notes,exit_code,tags.x")) == ["run", "notes", "exit", "x"]
    assert list(shown("run,notes,exit_code,tags.x", drop_absent=True)) == ["run"]


def test_the_default_columns_show_what_the_runs_have() -> None:
    assert list(shown(DEFAULT_RUN_COLUMNS, drop_absent=True)) == [
        "run", "job", "status", "a,b", "hparams.lr", "opt", "batch", "momentum", "loss",
        "metrics.lr", "duration", "created",
    ]  # fmt: skip


def test_numbers_are_aligned_right_and_mixed_columns_left() -> None:
    runs = [*RUNS, run("run3", {"lr": "auto"}, {})]
    specs = parse_columns("run,run_index,duration,created,hparams.lr,metrics.loss", RUN_FIELDS)
    columns = expand_columns(specs, RUN_FIELDS, runs, 0.0)
    assert [column.alignment for column in columns] == [
        "left", "right", "right", "left", "left", "right",
    ]  # fmt: skip


def test_of_many_columns_those_stay_that_most_records_have() -> None:
    rare: dict[str, Value] = {f"norm{number}": 0.5 for number in range(300)}
    common: dict[str, Value] = {f"m{number}": 0.5 for number in range(4)}
    hparams: dict[str, Value] = {f"h{number:02}": number for number in range(20)}
    runs = [run(f"run{n}", hparams, common) for n in range(18)]
    runs += [run("run18", hparams, {**common, "loss": 1}), run("run19", {}, rare)]

    def kept(columns: str, leading: set[str], most: int = 12) -> tuple[list[str], int]:
        specs = parse_columns(columns, RUN_FIELDS)
        found = expand_columns(specs, RUN_FIELDS, runs, 0.0)
        few, more = foremost(found, runs, 0.0, leading, most)
        return [column.field.member or column.field.name for column in few], more

    metrics = [f"m{number}" for number in range(4)]
    names, more = kept("run,hparams.*,metrics.*,job", set())
    assert names == ["run", *[f"h{n:02}" for n in range(8)], *metrics, "job"]
    assert more == 12 + 301
    names, more = kept("run,metrics.*,hparams.*", {"metrics.loss"}, 7)
    assert set(names) == {"run", "loss", "m0", "m1", "m2", "h00", "h01", "h02"}
    assert kept("run,metrics.*", set()) == (["run", *metrics], 301), "of rare ones none"
    assert kept("run,metrics.*", set(), 400)[1] == 0


def test_job_columns_blank_out_zero_counts() -> None:
    job = Job("job7", "ws1", "exper1", "dynamic", "local", "ann", 5.0, 10, 2)
    row = JobRow(job, JobCounts(completed=7), "run2.4", 0.25)
    columns = expand_columns(parse_columns(DEFAULT_JOB_COLUMNS, JOB_FIELDS), JOB_FIELDS, [row], 0.0)
    cells = {column.header: column.text(row, 0.0) for column in columns}
    assert (cells["job"], cells["completed"], cells["error"], cells["best"]) == (
        "job7", "7", "", "0.25",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "malformed column at ''"),
        ("run,,status", "malformed column at ',status'"),
        ("run,", "malformed column at 'run,'"),
        ("run='Name", 'malformed column at "run=\'Name"'),
        ("run=", "malformed column at 'run='"),
        ("run:", "malformed column at 'run:'"),
        ("loss", "there is no field 'loss'"),
        ("hparams.*=H", "hparams.* is many columns and takes no header"),
        ("run:.2e", "the format '.2e' does not fit the column run"),
        ("run_index:zz", "the format 'zz' does not fit the column run_index"),
        ("run:$do", "the format '$do' does not fit the column run"),
        ("metrics.x:>99999", "the format '>99999' does not fit the column metrics.x"),
    ],
)
def test_a_wrong_column_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_columns(text, RUN_FIELDS)
    assert caught.value.hint
