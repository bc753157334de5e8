"""`xt list`: what is chosen, how it is sorted, cut, shown and exported."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.choices import Choices
from xt_core.home import Home
from xt_core.model.records import Job, MetricRecord, Run, Value
from xt_core.model.states import RunStatus
from xt_core.query.views import ChosenColumn, View, keep_views
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import JournalBatch, StatsStore


def names(answer: object) -> list[str]:
    return [run["name"] for run in answer["runs"]]  # type: ignore[index]


def test_the_last_ten_runs_are_shown_and_the_rest_is_told(xt: Commands, filled: StatsStore) -> None:
    answer = xt("list", "runs")
    assert [line.split()[0] for line in answer.lines[2:]] == [f"run2.{n}" for n in range(3, 13)]
    assert answer.lines[0].split()[:4] == ["run", "job", "status", "lr"]
    assert answer.err == "10 of 13 runs; --all shows all\n"


def test_of_hundreds_of_metrics_a_dozen_are_shown_and_the_rest_is_told(
    xt: Commands, filled: StatsStore, tmp_path: Path
) -> None:
    start = filled.journal_end("ws1", "run2.12")
    values: dict[str, Value] = {f"norm{number}": number for number in range(100)}
    point = MetricRecord(start, 1e9, 0.0, values)
    filled.add_journal(JournalBatch("ws1", "run2.12", start, start + 100, [point]))
    answer = xt("list", "runs", "run2.11,run2.12")
    heads = answer.lines[0].split()
    assert sum(head.startswith("norm") for head in heads) == 8
    assert {"lr", "loss", "acc", "duration", "created"} < set(heads)
    assert answer.err == (
        "92 more metrics and hyperparameters: --columns 'run,hparams.*,metrics.*'\n"
    )
    whole = xt("list", "runs", "run2.11,run2.12", "--columns", "run,hparams.*,metrics.*")
    assert "norm99" in whole.lines[0].split()
    assert whole.err == ""
    file = tmp_path / "runs.csv"
    xt("list", "runs", "run2.11,run2.12", "--export", str(file))
    assert "metrics.norm99" in file.read_text().splitlines()[0]


def test_json_has_the_keys_of_the_contract(xt: Commands, filled: StatsStore) -> None:
    document = xt("list", "runs", "run2.1", "--json").json
    assert document["total"] == 1
    run = document["runs"][0]
    expected = {
        "name": "run2.1", "workspace": "ws1", "job": "job2", "parent": "run2", "node": "node0",
        "run_index": 0, "status": "completed", "exit_code": 0, "restarts": 0,
        "started": "2001-09-09T01:46:50.000Z", "ended": "2001-09-09T01:47:50.000Z",
        "duration": 60.0, "hparams": {"lr": 0.01, "opt": "adam"},
        "metrics": {"loss": 1.2, "acc": 0.4}, "tags": {},
    }  # fmt: skip
    assert {key: run[key] for key in expected} == expected
    assert run["created"].endswith("Z")


def test_aggregates_of_metrics_are_shown_sorted_and_filtered_by(
    xt: Commands, filled: StatsStore
) -> None:
    columns = "run,metrics.loss.best=B,metrics.loss.best_step=S,metrics.*.count,metrics.loss.mean=M"
    args = ("--filter", "metrics.loss.max>2", "--sort", "-metrics.loss.mean")
    answer = xt("list", "runs", "job2", *args, "--columns", columns)
    assert [line.split() for line in answer.lines] == [
        ["run", "B", "S", "acc.count", "loss.count", "M"],
        ["-" * n for n in (6, 3, 1, 9, 10, 4)],
        ["run2.1", "1.2", "1", "1", "2", "1.8"], ["run2.2", "1.1", "1", "1", "2", "1.65"],
    ]  # fmt: skip
    assert answer.err == ""
    run = xt("list", "runs", "run1", "--json").json["runs"][0]
    assert (run["goals"], run["aggregates"]["loss"]) == (
        {"loss": True},
        {"count": 2, "mean": 0.75, "min": 0.5, "min_step": 1, "max": 1.0, "max_step": 0},
    )


def test_a_best_without_a_goal_and_aggregates_to_be_worked_out_are_told(
    xt: Commands, filled: SqliteStatsStore
) -> None:
    answer = xt("list", "runs", "run1,run2.1", "--columns", "run,metrics.acc.best")
    assert [line.split() for line in answer.lines[2:]] == [["run1"], ["run2.1"]]
    assert answer.err == (
        "job1, job2 did not say whether acc is to be minimised or maximised: metrics.acc.min and "
        ".max are known (--primary-metric acc:min says so)\n"
    )
    with filled.database.transaction() as connection:
        connection.execute("UPDATE runs SET aggregates = NULL WHERE is_parent = 0")
    answer = xt("list", "runs", "run2.12", "--columns", "run,metrics.loss.max=M")
    assert answer.err == "working out the aggregates of 13 runs that an older XT recorded\n"
    assert answer.lines[2].split() == ["run2.12", "0.2"]
    assert xt("list", "runs", "run1", "--columns", "run,metrics.loss.max=M").err == ""


def test_filters_are_repeatable_and_sorting_puts_missing_values_last(
    xt: Commands, filled: StatsStore
) -> None:
    args = ("--filter", "metrics.loss<.6", "--filter", "status=completed", "--json")
    answer = xt("list", "runs", *args, "--sort", "metrics.loss")
    assert names(answer.json) == ["run2.11", "run2.10", "run2.9", "run1"]
    answer = xt("list", "runs", "--all", "--sort", "-hparams.lr", "--json")
    assert names(answer.json)[0] == "run2.12"
    assert names(answer.json)[-1] == "run1"


def test_of_an_order_that_was_asked_for_the_first_are_shown(
    xt: Commands, filled: StatsStore
) -> None:
    answer = xt("list", "runs", "--sort", "metrics.loss", "--columns", "run")
    best = [
        "run2.12",
        "run2.11",
        "run2.10",
        "run2.9",
        "run2.8",
        "run1",
        *(f"run2.{n}" for n in (7, 6, 5, 4)),
    ]
    assert sorted(answer.lines[2:]) == sorted(best)
    assert answer.lines[2] == "run2.12"
    told = "the first 10 of 13 runs in this order; --first N shows more, --all all\n"
    assert answer.err == told
    answer = xt("list", "runs", "--reverse", "--columns", "run")
    assert (answer.lines[2], answer.lines[-1], answer.err) == ("run2.12", "run2.3", told)
    assert names(xt("list", "runs", "--sort", "metrics.loss", "--last", "2", "--json").json) == [
        "run2.2", "run2.1",
    ]  # fmt: skip


def test_words_and_tags_without_a_value_find_runs(xt: Commands, filled: StatsStore) -> None:
    xt("set", "tags", "run2.3", "best,stage=Final")
    xt("set", "tags", "run2.4", "best=false")
    xt("set", "notes", "run2.5", "looks FINAL to me")

    def found(*filters: str) -> list[str]:
        options = [part for text in filters for part in ("--filter", text)]
        return names(xt("list", "runs", *options, "--all", "--json").json)

    assert found("final") == ["run2.3", "run2.5"]
    assert found("tags.best") == found("tags.best=True") == ["run2.3"]
    assert found("best", "error") == ["run2.4"]
    assert found("error") == ["run2.4", "run2.8", "run2.12"]
    assert [
        job["name"] for job in xt("list", "jobs", "--filter", "SECOND", "--json").json["jobs"]
    ] == ["job2"]


def test_first_last_and_all_cut(xt: Commands, filled: StatsStore) -> None:
    assert names(xt("list", "runs", "--first", "2", "--json").json) == ["run1", "run2.1"]
    assert names(xt("list", "runs", "--last", "1", "--json").json) == ["run2.12"]
    document = xt("list", "runs", "--all", "--json").json
    assert (len(document["runs"]), document["total"]) == (13, 13)
    assert "exclude each other" in xt("list", "runs", "--all", "--last", "1", code=2).err


def test_run_lists_choose_runs(xt: Commands, filled: StatsStore) -> None:
    assert names(xt("list", "runs", "run1,run2.3-run2.4", "--json").json) == [
        "run1", "run2.3", "run2.4",
    ]  # fmt: skip
    assert len(names(xt("list", "runs", "run2.*", "--all", "--json").json)) == 12
    assert names(xt("list", "runs", "job1", "--json").json) == ["run1"]
    assert names(xt("list", "runs", "run2", "--json").json) == ["run2"]
    assert names(xt("list", "runs", "--parents", "--json").json) == ["run2"]


def test_names_come_from_standard_input(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("run1\nrun2.5\n"))
    assert names(xt("list", "runs", "-", "--json").json) == ["run1", "run2.5"]


def test_columns_headers_and_formats_are_as_asked(xt: Commands, filled: StatsStore) -> None:
    columns = "run,hparams.lr=LR:.2e,status,tags.none"
    answer = xt("list", "runs", "run2.1-run2.2", "--columns", columns)
    assert answer.lines == [
        "run           LR  status     none",
        "------  --------  ---------  ----",
        "run2.1  1.00e-02  completed",
        "run2.2  2.00e-02  completed",
    ]


def test_what_was_logged_needs_no_family_if_the_name_is_clear(
    xt: Commands, filled: StatsStore
) -> None:
    options = ("--first", "2", "--status", "completed")
    whole = ("--sort", "-metrics.loss", "--columns", "run,metrics.loss,metrics.loss.min,hparams.lr")
    bare = ("--sort", "-loss", "--columns", "run,loss,loss.min,lr")
    assert xt("list", "runs", *options, *bare).lines == xt("list", "runs", *options, *whole).lines
    assert names(xt("list", "runs", *options, *bare, "--json").json) == names(
        xt("list", "runs", *options, *whole, "--json").json
    )
    error = xt("list", "runs", "--sort", "los", code=2).err
    assert "did you mean metrics.loss?" in error


def test_names_that_nobody_can_ask_for_harm_no_report(xt: Commands, filled: StatsStore) -> None:
    start = filled.journal_end("ws1", "run2.12")
    values: dict[str, Value] = {"": 1, "a\0b": 2, "\ud800": 3, "fine": 4}
    point = MetricRecord(start, 1e9, 0.0, values)
    batch = JournalBatch("ws1", "run2.12", start, start + 100, [point], {"": 1}, {"": True})
    filled.add_journal(batch)
    job = replace(filled.job("job1"), name="job3", primary_metric="a\0b", nodes=[])
    filled.add_job(job, [], [])
    heads = xt("list", "runs", "run2.12").lines[0].split()
    assert "fine" in heads
    assert xt("list", "runs", "run2.12", "--json").json["total"] == 1
    assert "run2.12" in xt("view", "run", "run2.12").out
    assert xt("list", "jobs", "--json").json["jobs"][-1]["best"] is None


def test_runs_can_be_grouped(xt: Commands, filled: StatsStore) -> None:
    answer = xt("list", "runs", "--all", "--group", "job", "--columns", "run")
    assert answer.lines[0] == "job: job1"
    assert answer.lines[4:7] == ["", "job: job2", "run"]


def test_reports_look_as_they_are_configured(xt: Commands, filled: StatsStore) -> None:
    Path("xt_config.yaml").write_text("""
run-reports: {group: job, status: [error], columns: [run], last: 100}
job-reports: {sort: -best, reverse: true, status: [completed, running], columns: [job], last: 1}
""")
    runs = [run["status"] for run in xt("list", "runs", "--json").json["runs"]]
    assert runs == ["error"] * 3
    assert xt("list", "runs").lines[0] == "job: job2"
    assert xt("list", "runs", "--group", "node").lines[0] == "node: node0"
    assert len(xt("list", "runs", "--status", "completed", "--json").json["runs"]) == 10
    assert xt("list", "jobs").lines[-1].split() == ["job1"]
    jobs = xt("list", "jobs", "--all", "--sort", "name", "--status", "running", "--json").json
    assert [job["name"] for job in jobs["jobs"]] == ["job2"]
    Path("xt_config.yaml").write_text("run-reports: {status: [done]}\n")
    assert "there is no status 'done'" in xt("list", "runs", code=2).err


def test_export_writes_all_rows(xt: Commands, filled: StatsStore, tmp_path: Path) -> None:
    xt("list", "runs", "--export", str(tmp_path / "runs.csv"), "--columns", "run,metrics.loss")
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["run", "metrics.loss"]
    assert rows[1] == ["run1", "0.5"]
    assert len(rows) == 14
    xt("list", "runs", "--export", str(tmp_path / "runs.json"))
    assert json.loads((tmp_path / "runs.json").read_text())["total"] == 13
    assert "must end in" in xt("list", "runs", "--export", "runs.xls", code=2).err


def test_jobs_have_counts_and_their_best_run(xt: Commands, filled: StatsStore) -> None:
    document = xt("list", "jobs", "--json").json
    assert document["total"] == 2
    search = document["jobs"][1]
    expected = {
        "name": "job2", "workspace": "ws1", "experiment": "second", "style": "static",
        "search_type": "grid", "schedule": "static", "nodes": ["node0"], "work_items": 12,
        "counts": {"unstarted": 0, "running": 0, "completed": 9, "error": 3, "cancelled": 0},
        "primary_metric": "loss", "status": "running",
    }  # fmt: skip
    assert {key: search[key] for key in expected} == expected
    assert search["best"] == {"run": "run2.11", "value": pytest.approx(0.2)}
    lines = xt("list", "jobs", "--filter", "best<.4").lines
    assert [line.split()[0] for line in lines[2:]] == ["job2"]
    assert xt("list", "jobs", "--status", "completed", "--json").json["jobs"][0]["name"] == "job1"
    columns = ("--columns", "job,done,progress")
    lines = xt("list", "jobs", *columns, "--sort", "progress", "--filter", "done=1").lines
    assert [line.split() for line in lines[2:]] == [
        ["job2", "100%", "75%"],
        ["job1", "100%", "100%"],
    ]


def test_small_reports(xt: Commands, filled: StatsStore) -> None:
    assert xt("list", "workspaces", "--json").json["workspaces"] == [
        {"name": "ws1", "runs": 13, "current": True}
    ]
    assert xt("list", "experiments", "--json").json["experiments"] == [
        {"name": "first", "runs": 1},
        {"name": "second", "runs": 12},
    ]
    targets = xt("list", "targets", "--json").json["targets"]
    assert [(t["name"], t["service"], t["default"]) for t in targets] == [("local", "local", True)]
    nodes = xt("list", "nodes", "--json").json["nodes"]
    assert [(node["name"], node["state"]) for node in nodes] == [("node0", "stopped")]
    events = xt("list", "events", "run1", "--json").json["events"]
    assert [event["event"] for event in events] == ["created", "queued", "started", "ended"]


def test_an_empty_store_says_so(xt: Commands) -> None:
    answer = xt("list", "runs")
    assert (answer.out, answer.err) == ("", "no runs\n")
    assert xt("list", "runs", "--json").json == {"runs": [], "total": 0}
    assert xt("list", "jobs", "--json").json == {"jobs": [], "total": 0}


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("runs", "--sort", "nope"), 2, "there is no field 'nope'"),
        (("runs", "--filter", "los<1"), 2, "there is no field 'los'"),
        (("runs", "--filter", "metrics.loss<"), 2, "metrics.loss<"),
        (("runs", "--columns", "run,,"), 2, "malformed column"),
        (("runs", "--status", "happy"), 2, "there is no status 'happy'"),
        (("runs", "--job", "job9"), 3, "no job named job9"),
        (("runs", "run99"), 3, "no run named run99"),
        (("runs", "ru*n"), 2, "ru*n"),
        (("bogus",), 2, "bogus"),
        (("jobs", "job9"), 3, "no job named job9"),
    ],
)
def test_what_is_wrong_is_told(
    xt: Commands, filled: StatsStore, args: tuple[str, ...], code: int, message: str
) -> None:
    answer = xt("list", *args, code=code)
    assert message in answer.err.splitlines()[0]
    assert answer.out == ""


def test_a_named_parent_brings_no_others_along(xt: Commands, filled: StatsStore) -> None:
    assert names(xt("list", "runs", "run2,run1", "--json").json) == ["run1", "run2"]
    document = xt("list", "runs", "run1,job2", "--all", "--json").json
    assert (names(document)[0], "run2" in names(document)) == ("run1", False)
    assert document["total"] == 13


def test_a_name_without_a_workspace_is_of_the_current_one(xt: Commands, filled: StatsStore) -> None:
    job = Job("job3", "ws2", "e", "single", "local", "ada", 1e9, 1, 1)
    theirs = [Run("ws2", f"run{n}", "job3", "e", "node0", RunStatus.QUEUED, 1e9) for n in (1, 5)]
    filled.add_job(job, theirs, [])

    def full_names(*args: str) -> list[str]:
        runs = xt("list", "runs", *args, "--json").json["runs"]
        return [f"{run['workspace']}/{run['name']}" for run in runs]

    assert full_names("run1,ws2/run5") == ["ws1/run1", "ws2/run5"]
    assert full_names("run1", "--workspace", "ws2") == ["ws2/run1"]
    assert "no run named run5 in workspace ws1" in xt("list", "runs", "run5", code=3).err


def test_jobs_are_chosen_by_lists(xt: Commands, filled: StatsStore) -> None:
    def jobs(*args: str) -> list[str]:
        return [job["name"] for job in xt("list", "jobs", *args, "--json").json["jobs"]]

    assert jobs("job1-job2") == jobs("job*") == jobs("job2,job1") == ["job1", "job2"]
    assert jobs("--experiment", "second") == ["job2"]
    assert jobs("--sort", "-best", "--first", "1") == ["job1"]
    assert "'run1' is no job name" in xt("list", "jobs", "run1", code=2).err


def test_events_are_the_latest(xt: Commands, filled: StatsStore) -> None:
    document = xt("list", "events", "--json").json
    assert (len(document["events"]), document["total"]) == (25, 66)
    answer = xt("list", "events", "run1", "--last", "2")
    assert [line.split()[1:3] for line in answer.lines[2:]] == [
        ["run1", "started"],
        ["run1", "ended"],
    ]
    assert answer.err == "2 of 4 events; --last shows more\n"


def test_exported_times_are_in_iso_8601(xt: Commands, filled: StatsStore, tmp_path: Path) -> None:
    file = tmp_path / "runs.TSV"
    columns = "run,started,duration,is_parent,description"
    answer = xt("list", "runs", "run1", "--export", str(file), "--columns", columns, "--json")
    assert answer.json == {"exported": str(file), "total": 1}
    assert file.read_text() == (
        "run\tstarted\tduration\tis_parent\tdescription\n"
        "run1\t2001-09-09T01:46:50.000Z\t60.0\tfalse\t\n"
    )


def test_tables_fit_the_terminal_and_are_whole_elsewhere(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert max(len(line) for line in xt("list", "runs").lines) > 60
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = xt("list", "runs").lines
    assert max(len(line) for line in shown) <= 40
    assert shown[2].split()[:3] == ["run2.3", "job2", "completed"]  # no part of a state
    assert max(len(line) for line in xt("list", "events").lines) <= 40


def test_options_come_before_or_after_names(xt: Commands, filled: StatsStore) -> None:
    args = ("run1", "--columns", "run", "run2.1")
    assert xt("list", "runs", *args).lines[2:] == ["run1", "run2.1"]
    assert xt("list", "--json", "runs", "run1").json["total"] == 1
    assert "unrecognized arguments: --filter" in xt("list", "nodes", "--filter", "a", code=2).err


def test_the_program_as_a_process_keeps_data_and_notes_apart(filled: StatsStore) -> None:
    command = [sys.executable, "-m", "xt_core", "list", "runs", "--columns", "run", "--last", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["run", "-------", "run2.12"]
    assert done.stderr == "1 of 13 runs; --all shows all\n"
    done = subprocess.run([*command, "run99"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")


def test_names_that_no_run_has_are_told(xt: Commands, filled: StatsStore) -> None:
    answer = xt("list", "runs", "--filter", "metrics.los<.2")
    assert (answer.out, answer.err) == (
        "",
        "no runs\nno run has logged metrics.los; did you mean metrics.loss?\n",
    )
    every = ("list", "runs", "--all", "--columns", "run", "--filter")
    assert xt(*every, "hparams.loss!=3").err == (
        "no run has hparams.loss; did you mean metrics.loss?\n"
    )
    for known in ("metrics.loss<-9", "tags.never", "metrics.other=$none", "hparams.opt=no"):
        assert "did you mean" not in xt(*every, known).err
    assert xt(*every, "opt=sgd,adam").lines == xt(*every, "hparams.opt=sgd,adam").lines != []
    wrong = xt(*every, "los<.2", code=2)
    assert "there is no field 'los'" in wrong.err
    assert "hint: did you mean metrics.loss? logged names need" in wrong.err


def test_a_view_of_the_terminal_ui_is_shown(xt: Commands, filled: StatsStore, home: Home) -> None:
    columns = (ChosenColumn("run", 9), ChosenColumn("trend"), ChosenColumn("metrics.loss"))
    choices = Choices(home.root)
    keep_views(
        choices, "runs", {"good sgd": View("hparams.opt=sgd", "metrics.loss", True, columns)}
    )
    answer = xt("list", "runs", "--view", "good sgd", "--filter", "metrics.loss<.6")
    assert [line.split() for line in answer.lines] == [
        ["run", "loss"],
        ["-------", "----"],
        ["run2.8", "0.5"],
        ["run2.10", "0.3"],
        ["run2.12", "0.1"],
    ]
    answer = xt("list", "runs", "--view", "good sgd", "--sort", "run", "--columns", "run", "--json")
    assert names(answer.json) == [f"run2.{n}" for n in (2, 4, 6, 8, 10, 12)]
    wrong = xt("list", "runs", "--view", "best", code=3)
    assert "no view of runs is called 'best'" in wrong.err
    assert "views: good sgd" in wrong.err
    keep_views(choices, "runs", {"trends": View(sort="-trend,metrics.loss", columns=columns)})
    answer = xt("list", "runs", "job2", "--view", "trends", "--first", "1")
    assert answer.lines[-1].split() == ["run2.12", "0.1"]
    keep_views(choices, "runs", {"torn": View(filter="status='comp")})
    torn = xt("list", "runs", "--view", "torn", code=2)
    assert "the filter of view 'torn' cannot be read: a quote is not closed" in torn.err
    (home.root / "choices.json").write_text("[]")
    assert "is no JSON object" in xt("list", "jobs", "--view", "best", code=2).err
