"""`xt view`, `xt plot`, tags, notes, config, completion, and the program itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.cli.main import main
from xt_core.cli.table import COMMANDS
from xt_core.home import Home
from xt_core.session import Session
from xt_core.stats.store import StatsStore


def test_a_run_is_shown_whole(xt: Commands, filled: StatsStore, home: Home) -> None:
    Session(home=home).artifacts.put_bytes("ws1/runs/run2.4/logs/output.txt", b"hello\n")
    text = xt("view", "run", "run2.4").out
    for part in ("status       error", "exit_code    1", "lr   0.04", "loss  0.9", "started",
                 "ws1/runs/run2.4/logs/output.txt"):  # fmt: skip
        assert part in text
    document = xt("view", "run", "run2.4", "--json").json
    assert [event["event"] for event in document["events"]] == [
        "created", "queued", "started", "ended",
    ]  # fmt: skip
    assert document["files"] == [{"key": "ws1/runs/run2.4/logs/output.txt", "size": 6}]


def test_a_job_is_shown_with_its_best_runs(xt: Commands, filled: StatsStore) -> None:
    lines = xt("view", "job", "job2").lines
    assert any("9 completed, 0 running, 0 waiting, 3 failed" in line for line in lines)
    assert any("best (least loss): run2.12, 0.1" in line for line in lines)
    assert [line.split()[0] for line in lines[-10:]] == [f"run2.{n}" for n in range(12, 2, -1)]
    assert xt("view", "job", "job2", "--json").json["counts"]["completed"] == 9


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


def test_events_and_logs_are_lines(xt: Commands, filled: StatsStore) -> None:
    lines = xt("view", "events", "run1").lines
    assert [line.split()[1] for line in lines] == ["created", "queued", "started", "ended"]
    logged = [json.loads(line) for line in xt("view", "log", "job1").lines]
    assert [(entry["run"], entry["event"]) for entry in logged][-1] == ("run1", "ended")
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


def test_settings_can_be_created_and_changed(xt: Commands, home: Home) -> None:
    xt("config", "create")
    assert "exists already" in xt("config", "create", code=5).err
    xt("config", "set", "general.workspace", "ws3")
    assert xt("view", "config", "--json").json["config"]["general"]["workspace"] == "ws3"
    xt("config", "set", "hyperparameter-search.concurrent", "4", "--user")
    assert "concurrent: 4" in home.config_file.read_text()
    assert "general.workspce" in xt("config", "set", "general.workspce", "x", code=3).err
    files = xt("config", "--json").json["files"]
    assert [entry["exists"] for entry in files] == [True, True]


def test_tags_and_notes_of_runs_and_jobs(xt: Commands, filled: StatsStore) -> None:
    xt("set", "tags", "run1,run2.1-run2.2", "best,lr=0.5,note=two words")
    assert filled.run("ws1", "run2.2").tags == {"best": True, "lr": 0.5, "note": "two words"}
    assert filled.run("ws1", "run2.3").tags == {}
    xt("clear", "tags", "run1", "best,note")
    assert filled.run("ws1", "run1").tags == {"lr": 0.5}
    xt("clear", "tags", "run2.*", "--all")
    assert filled.run("ws1", "run2.1").tags == {}
    xt("set", "tags", "job2", "baseline")
    assert filled.job("job2").tags == {"baseline": True}
    assert filled.run("ws1", "run2.1").tags == {}
    xt("set", "notes", "run1", "went well")
    assert filled.run("ws1", "run1").notes == "went well"
    assert xt("set", "notes", "job1", "é", "--json").json == {"changed": ["job1"]}
    assert filled.job("job1").notes == "é"
    assert "no run named run9" in xt("set", "tags", "run9", "x", code=3).err
    assert "name the tags to clear" in xt("clear", "tags", "run1", code=2).err


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


def test_curves_are_drawn_in_characters(xt: Commands, filled: StatsStore) -> None:
    args = ("plot", "run2.1,run2.12", "loss", "--width", "60", "--height", "12")
    answer = xt(*args)
    assert len(answer.lines) == 12
    assert "loss" in answer.lines[0]
    assert "run2.1 1.2" in answer.lines[-1]
    assert "run2.12 0.1" in answer.lines[-1]
    assert answer.out.isascii() is False
    assert xt(*args, "--ascii").out.isascii()
    points = xt("plot", "run2.1", "--json").json["runs"]["run2.1"]
    assert points["loss"]["value"] == [2.4, 1.2]
    assert "no metric 'x'" in xt("plot", "run1", "x", code=3).err
    assert "--smoothing 2" in xt("plot", "run1", "--smoothing", "2", code=2).err
    assert "the first 10 of 12 runs" in xt("plot", "run2.*", "loss").err


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


def test_shells_complete_commands_options_and_names(xt: Commands, filled: StatsStore) -> None:
    def words(*typed: str) -> list[str]:
        return xt("completion", "--words", *typed).lines

    assert words("c") == ["cancel", "clear", "config", "completion"]
    assert words("list", "ru") == ["runs"]
    assert words("attach", "run2.1") == ["run2.1", "run2.10", "run2.11", "run2.12"]
    assert words("cancel", "job", "") == ["job1", "job2"]
    assert "--concurrent" in words("run", "--c")
    assert words("bogus", "x") == []
    for shell in ("bash", "zsh", "fish"):
        assert "xt completion --words" in xt("completion", shell).out
