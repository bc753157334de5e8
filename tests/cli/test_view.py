"""`xt view`, and what is alike for all commands."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.cli.main import main
from xt_core.cli.table import COMMANDS
from xt_core.home import FIRST_NODE, Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.session import Session
from xt_core.stats.store import RunChange, StatsStore


def test_a_run_is_shown_whole(xt: Commands, filled: StatsStore, home: Home) -> None:
    Session(home=home).artifacts.put_bytes("ws1/runs/run2.4/logs/output.txt", b"hello\n")
    text = xt("view", "run", "run2.4").out
    for part in ("status       error", "exit_code    1", "lr   0.04", "started",
                 "ws1/runs/run2.4/logs/output.txt"):  # fmt: skip
        assert part in text
    rows = [line.split() for line in text.splitlines()]
    assert ["metric", "last", "min", "max", "points"] in rows
    assert ["loss", "0.9", "0.9", "1.8", "2"] in rows
    document = xt("view", "run", "run2.4", "--json").json
    assert [event["event"] for event in document["events"]] == [
        "created", "queued", "started", "ended",
    ]  # fmt: skip
    assert document["metric_summaries"] == {
        "loss": {"points": 2, "last": 0.9, "min": 0.9, "max": 1.8},
        "acc": {"points": 1, "last": 0.55, "min": 0.55, "max": 0.55},
    }
    assert document["files"] == [{"key": "ws1/runs/run2.4/logs/output.txt", "size": 6}]


def test_a_restarted_run_tells_when_it_was_started_last(xt: Commands, store: StatsStore) -> None:
    job = Job("job1", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
    run = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 1e9, queued=1e9)
    store.add_job(job, [run], [])
    life = (
        (RunStatus.RUNNING, "started", 10),
        (RunStatus.QUEUED, "queued", 20),
        (RunStatus.RUNNING, "restarted", 30),
        (RunStatus.COMPLETED, "ended", 70),
    )
    for status, event, seconds in life:
        fields = {"restarts": 1} if event == "queued" else {}
        change = RunChange("ws1", "run1", status, event, time=1e9 + seconds, fields=fields)
        store.change_run(change)
    lines = xt("view", "run", "run1").lines
    told = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    facts = {words[0]: words[1] for words in told if len(words) == 2}
    assert facts["queued"].endswith("01:46:40")
    assert facts["started"].endswith("01:46:50")
    assert (facts["duration"], facts["restarts"]) == ("1m00s", "1")
    assert facts["last"] == "start   2001-09-09 01:47:10, 40.0s of the duration"


def test_a_fact_of_several_lines_is_shown_as_such(xt: Commands, filled: StatsStore) -> None:
    data = {"error": "one\ntwo"}
    fields = {"error": "setup x: pip failed:\nERROR: no such thing\x1b"}
    filled.change_run(RunChange("ws1", "run2.4", event="setup", data=data, fields=fields))
    lines = xt("view", "run", "run2.4").lines
    first = lines.index("  error        setup x: pip failed:")
    assert lines[first + 1] == "               ERROR: no such thing\\x1b"
    assert [line.split("  ", 2)[2] for line in lines if "setup  " in line] == [
        "setup            error=one …"
    ]


def test_a_job_is_shown_with_its_best_runs(xt: Commands, filled: StatsStore) -> None:
    lines = xt("view", "job", "job2").lines
    assert any("9 completed, 0 running, 0 waiting, 3 failed" in line for line in lines)
    assert any("best (least loss): run2.11, 0.2" in line for line in lines)
    assert [line.split()[0] for line in lines[-10:]] == [f"run2.{n}" for n in range(12, 2, -1)]
    document = xt("view", "job", "job2", "--json").json
    assert document["counts"]["completed"] == 9
    assert [run["name"] for run in document["best_runs"]][:2] == ["run2.12", "run2.11"]
    assert "'run1' is no job name" in xt("view", "job", "run1", code=2).err
    assert "no job named job9" in xt("view", "job", "job9", code=3).err


def test_metrics_are_shown_by_step(xt: Commands, filled: StatsStore) -> None:
    assert xt("view", "metrics", "run1").lines == [
        "step  loss   acc",
        "----  ----  ----",
        "   0     1",
        "   1   0.5  0.75",
    ]
    document = xt("view", "metrics", "run1", "--metrics", "l*", "--json").json
    assert document == {
        "run": "run1",
        "metrics": {
            "loss": {
                "step": [0, 1],
                "time": ["2001-09-09T01:46:51.000Z", "2001-09-09T01:46:52.000Z"],
                "value": [1.0, 0.5],
            }
        },
    }
    assert "no metric 'x' was logged" in xt("view", "metrics", "run1", "--metrics", "x", code=3).err


def test_steps_of_metrics_can_be_chosen(xt: Commands, filled: StatsStore) -> None:
    def steps(*options: str) -> list[int]:
        document = xt("view", "metrics", "run1", "--json", *options).json
        return document["metrics"]["loss"]["step"]  # type: ignore[no-any-return]

    assert steps("--last", "1") == [1]
    assert steps("--last", "0") == []
    assert steps("--steps", "0") == [0]
    assert steps("--steps", "0-1") == [0, 1]
    assert steps("--steps", "1-") == [1]
    lines = xt("view", "metrics", "run1", "--last", "1").lines
    assert lines == ["step  loss   acc", "----  ----  ----", "   1   0.5  0.75"]
    assert "--steps x" in xt("view", "metrics", "run1", "--steps", "x", code=2).err
    assert "runs backwards" in xt("view", "metrics", "run1", "--steps", "2-1", code=2).err


def test_events_and_logs_are_lines(xt: Commands, filled: StatsStore) -> None:
    lines = xt("view", "events", "run1").lines
    assert [line.split()[2] for line in lines] == ["created", "queued", "started", "ended"]
    logged = [json.loads(line) for line in xt("view", "log", "job1").lines]
    assert [(entry["run"], entry["event"]) for entry in logged][-1] == ("run1", "ended")
    assert len(xt("view", "log", "run1", "--last", "2").lines) == 2
    events = xt("view", "events", "run1", "--last", "1", "--json").json["events"]
    assert [event["event"] for event in events] == ["ended"]
    assert "no controller has run here yet" in xt("view", "log", "controller", code=3).err


def test_a_console_is_shown_from_its_end(
    filled: StatsStore, home: Home, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    artifacts = Session(home=home).artifacts
    artifacts.put_bytes("ws1/runs/run1/logs/output.txt", b"one\n\xfftwo\n")
    assert main(["view", "console", "run1"]) == 0
    assert capfdbinary.readouterr().out == b"one\n\xfftwo\n"
    assert main(["view", "console", "run1", "--last", "1"]) == 0
    assert capfdbinary.readouterr().out == b"\xfftwo\n"


def test_what_is_nearly_a_word_of_view_is_told(xt: Commands, filled: StatsStore) -> None:
    console = xt("view", "console", "run9", code=3).err
    assert xt("view", "output", "run9", code=3).err == console
    assert "hint: did you mean xt view metrics?" in xt("view", "metric", "run1", code=2).err
    assert "hint: did you mean xt list runs?" in xt("list", "run", code=2).err
    assert "invalid choice: 'weather'" in xt("view", "weather", code=2).err


def test_settings_are_shown_with_their_origin(
    xt: Commands, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("xt_config.yaml").write_text("general:\n  workspace: ws7\n")
    monkeypatch.setenv("XT_EXPERIMENT", "from-env")
    items = xt("view", "config", "--origin", "--json").json["config"]
    found = {item["setting"]: (item["value"], item["origin"]) for item in items}
    here = Path.cwd() / "xt_config.yaml"
    assert found["general.workspace"] == ("ws7", f"{here}:2")
    assert found["general.experiment"] == ("from-env", "environment XT_EXPERIMENT")
    assert found["general.primary-metric"] == ("test-acc", "default")
    assert xt("view", "config", "--json").json["config"]["general"]["workspace"] == "ws7"
    assert any("ws7" in line for line in xt("view", "config").lines)
    assert xt("view", "config", "general.workspace", "--json").json == {
        "config": {"general.workspace": "ws7"}
    }
    shown = [line.split()[0] for line in xt("view", "config", "logging").lines[2:]]
    assert shown
    assert all(name.startswith("logging.") for name in shown)
    error = xt("view", "config", "general.workspce", code=3).err
    assert error.endswith("hint: did you mean general.workspace?\n")


def test_the_log_of_the_controller_is_shown_from_its_end(xt: Commands, home: Home) -> None:
    node = home.node(FIRST_NODE)
    node.create()
    node.controller_log.write_text("one\ntwo\n")
    assert xt("view", "log", "controller", "--last", "1").out == "two\n"
    assert xt("view", "log", "controller", "--json").json == {"log": ["one", "two"]}
    other = home.node("node1")
    other.create()
    other.controller_log.write_text("three\n")
    assert xt("view", "log", "node0", "--last", "1").out == "two\n"
    assert xt("view", "log", "node1").out == "three\n"
    assert "no controller has run here yet" in xt("view", "log", "node2", code=3).err


def test_the_console_of_a_run_of_this_node_is_its_file(
    filled: StatsStore, home: Home, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = home.node(FIRST_NODE).runs_dir / "ws1" / "run1"
    folder.mkdir(parents=True)
    (folder / "output.txt").write_bytes(b"so far\n\x80")
    assert main(["view", "console", "ws1/run1"]) == 0
    assert capfdbinary.readouterr().out == b"so far\n\x80"


def test_a_run_list_never_reaches_into_other_workspaces(xt: Commands, filled: StatsStore) -> None:
    job = replace(filled.job("job1"), name="job7", workspace="ws2")
    others = [replace(filled.run("ws1", "run1"), workspace="ws2", job="job7", name=name)
              for name in ("run1", "run5")]  # fmt: skip
    filled.add_job(job, others, [])
    xt("set", "tags", "run1,ws2/run5", "mine")
    assert filled.run("ws1", "run1").tags == filled.run("ws2", "run5").tags == {"mine": True}
    assert filled.run("ws2", "run1").tags == {}
    runs = xt("list", "runs", "run1,ws2/run5", "--json").json["runs"]
    assert sorted((run["workspace"], run["name"]) for run in runs) == [
        ("ws1", "run1"),
        ("ws2", "run5"),
    ]


def test_options_stand_only_where_they_mean_something(xt: Commands, filled: StatsStore) -> None:
    assert "unrecognized arguments: --origin" in xt("view", "run", "run1", "--origin", code=2).err
    assert "required: RUN" in xt("view", "run", code=2).err
    assert xt("team", code=2).err == (
        "xt: error: xt team does nothing by itself: xt team check\n"
        "hint: xt team --help tells more\n"
    )
    assert "xt view run|job|metrics|" in xt("view", code=2).err
    assert xt("view", "--json", "run", "run1").json["name"] == "run1"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_examples(
    xt: Commands, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        xt(command, "--help")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: xt {command}")
    assert "examples:\n  " in text
    assert "--json" in text


def test_the_program_tells_its_version_commands_and_near_misses(xt: Commands) -> None:
    assert xt("--version").out == "xt 0.1.0\n"
    text = xt("--help").out
    assert all(f"  {name}" in text for name in COMMANDS)
    assert xt("lisst", code=2).err == (
        "xt: error: there is no command 'lisst'\nhint: did you mean xt list?\n"
    )
    assert "needs a terminal" in xt(code=2).err


def test_options_before_the_command_are_told_to_go_after_it(xt: Commands) -> None:
    alone = xt("--team", "phoenix", code=2).err
    assert alone == (
        "xt: error: the terminal UI needs a terminal\n"
        "hint: xt --help lists the commands; --team goes after the command, as in "
        "xt status --team NAME\n"
    )
    for words in (("--team", "phoenix", "list", "runs"), ("--team=phoenix", "run", "a", "--b")):
        assert xt(*words, code=2).err == (
            "xt: error: --team stands where the command is expected\n"
            "hint: options go after the command, as in xt status --team NAME\n"
        )
    assert "hint: xt --help shows how it is used" in xt("--team", code=2).err
    error = xt("--json", "status", code=2).json["error"]
    assert error["message"] == "--json stands where the command is expected"


def test_an_error_of_the_system_is_one_line(xt: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error", "/some/file")

    monkeypatch.setattr(Session, "store", property(fail))
    assert xt("list", "runs", code=4).err == (
        "xt: error: [Errno 5] Input/output error: '/some/file'\nhint: --stack-trace shows where\n"
    )


def test_errors_are_documents_where_json_is_asked_for(xt: Commands) -> None:
    error = xt("view", "run", "run9", "--json", code=3).json["error"]
    assert error == {
        "kind": "unknown-name",
        "message": "no run named run9 in workspace ws1",
        "hint": "xt list runs --all shows those there are",
    }
