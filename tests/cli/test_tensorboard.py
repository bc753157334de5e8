"""`xt tensorboard`: event files, read back."""

import fcntl
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from cli_support import Commands
from event_files import events_of, hparams_of, points_of, sessions_of

from xt_core.home import Home
from xt_core.model.records import MetricRecord
from xt_core.model.states import RunStatus
from xt_core.stats.store import JournalBatch, RunChange, StatsStore
from xt_core.tensorboard import runlog
from xt_core.tensorboard.runlog import CURSOR_FILE, EVENT_FILE

RUN1 = {
    "loss": [(1e9 + 11, 0, 1.0), (1e9 + 12, 1, 0.5)],
    "acc": [(1e9 + 12, 1, 0.75)],
}


def log(store: StatsStore, start: int, *records: MetricRecord) -> None:
    """More of run1's journal, from byte `start`."""
    store.add_journal(JournalBatch("ws1", "run1", start, start + 99, list(records)))


def test_every_point_of_a_run_is_written_once(xt: Commands, filled: StatsStore) -> None:
    folder = Path("tensorboard/ws1/run1")
    answer = xt("tensorboard", "run1")
    assert answer.lines == [f"ws1/run1  3 new points  {folder}"]
    assert answer.err == "tensorboard --logdir tensorboard shows them\n"
    events = events_of(folder)
    assert points_of(events) == RUN1
    assert [event.file_version for event in events] == ["brain.Event:2", "", "", "", "", ""]
    before = (folder / EVENT_FILE).read_bytes()
    document = xt("tensorboard", "run1", "--json").json
    assert document == {
        "folder": "tensorboard",
        "runs": [{"run": "ws1/run1", "folder": str(folder), "points": 0}],
    }
    assert (folder / EVENT_FILE).read_bytes() == before


def test_a_second_call_adds_what_is_new(xt: Commands, filled: StatsStore) -> None:
    xt("tensorboard", "run1")
    log(filled, 99, MetricRecord(99, 1e9 + 13, None, {"loss": 0.25, "said": "x"}))
    assert xt("tensorboard", "run1", "--json").json["runs"][0]["points"] == 2
    points = points_of(events_of(Path("tensorboard/ws1/run1")))
    assert points == {
        "loss": [*RUN1["loss"], (1e9 + 13, 2, 0.25)],
        "acc": RUN1["acc"],
        "said/text_summary": [(1e9 + 13, 0, "x")],
    }


def test_many_records_are_written_piece_by_piece(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runlog, "_BATCH", 2)
    more = [MetricRecord(99 + n, 1e9 + 20 + n, 2.0 + n, {"loss": 0.1 * n}) for n in range(5)]
    log(filled, 99, *more)
    xt("tensorboard", "run1")
    events = events_of(Path("tensorboard/ws1/run1"))
    assert [step for _, step, _ in points_of(events)["loss"]] == [0, 1, 2, 3, 4, 5, 6]
    assert len(sessions_of(events)) == 2


def test_children_of_a_search_come_with_their_hyperparameters(
    xt: Commands, filled: StatsStore
) -> None:
    runs = xt("tensorboard", "job2", "--to", "logs", "--json").json["runs"]
    assert [(run["run"], run["points"]) for run in runs] == [
        (f"ws1/run2.{number}", 3) for number in range(1, 13)
    ]
    start, end = sessions_of(events_of(Path("logs/ws1/run2.4")))
    assert hparams_of(start) == {"lr": 0.04, "opt": "sgd"}
    assert (end.status, end.end_time_secs) == (2, 1e9 + 70)
    assert not Path("logs/ws1/run2").exists()


def test_the_template_names_the_folders(xt: Commands, filled: StatsStore) -> None:
    Path("xt_config.yaml").write_text("tensorboard: {template: '{job}/{hparams.lr}'}\n")
    xt("tensorboard", "run2.1,run2.2")
    found = sorted(str(path.parent) for path in Path("tensorboard").rglob(EVENT_FILE))
    assert found == ["tensorboard/job2/0.01", "tensorboard/job2/0.02"]
    xt("tensorboard", "run2.1", "--template", "{experiment}/{run}")
    assert Path("tensorboard/second/run2.1", EVENT_FILE).exists()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{user}/{run}",
            "--template must be a path below the log folder, with the fields {workspace},",
        ),
        (
            "../{run}",
            "--template must be a path below the log folder, with the fields {workspace}, ",
        ),
        ("{hparams.x}", "ws1/run2.1 has no hyperparameter 'x', which tensorboard.template names"),
        ("{job}", "ws1/run2.1 and ws1/run2.2 would both be written to tensorboard/job2"),
    ],
)
def test_a_template_that_does_not_do_is_one_line_and_writes_nothing(
    xt: Commands, filled: StatsStore, template: str, message: str
) -> None:
    error = xt("tensorboard", "run2.1,run2.2", "--template", template, code=2).err
    assert message in error
    assert len(error.splitlines()) == 2
    assert list(Path().rglob(EVENT_FILE)) == []


def test_a_field_in_a_file_that_is_none_is_told_with_its_line(
    xt: Commands, filled: StatsStore
) -> None:
    Path("xt_config.yaml").write_text("tensorboard:\n  template: '{user}/{run}'\n")
    error = xt("tensorboard", "run1", code=2).err
    assert "xt_config.yaml:2: tensorboard.template must be a path below the log folder" in error
    assert "not '{user}/{run}'" in error


def test_no_hyperparameter_leads_out_of_the_folder(xt: Commands, filled: StatsStore) -> None:
    change = RunChange("ws1", "run1", fields={"hparams": {"name": "../../x"}})
    filled.change_run(change)
    error = xt("tensorboard", "run1", "--template", "{hparams.name}", code=2).err
    assert "its log folder would be '../../x', which leaves the log folder" in error


def test_a_folder_of_another_run_is_refused(xt: Commands, filled: StatsStore) -> None:
    xt("tensorboard", "run2.1", "--template", "{job}")
    error = xt("tensorboard", "run2.2", "--template", "{job}", code=2).err
    assert "tensorboard/job2 holds local/ws1/run2.1, not local/ws1/run2.2" in error


def test_what_a_crash_cut_off_is_taken_away(xt: Commands, filled: StatsStore) -> None:
    xt("tensorboard", "run1")
    folder = Path("tensorboard/ws1/run1")
    with (folder / EVENT_FILE).open("ab") as file:
        file.write(b"half a record")
    log(filled, 99, MetricRecord(99, 1e9 + 13, 2.0, {"loss": 0.25}))
    xt("tensorboard", "run1")
    assert points_of(events_of(folder))["loss"] == [*RUN1["loss"], (1e9 + 13, 2, 0.25)]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_an_interrupt_leaves_whole_events_and_the_next_call_goes_on(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    xt("tensorboard", "run1")
    folder = Path("tensorboard/ws1/run1")
    log(filled, 99, MetricRecord(99, 1e9 + 13, 2.0, {"loss": 0.25}))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, where, interrupted)
        answer = xt("tensorboard", "run1", code=130)
    assert answer.lines == [f"ws1/run1  0 new points  {folder}"]
    assert points_of(events_of(folder)) == RUN1
    xt("tensorboard", "run1")
    assert len(points_of(events_of(folder))["loss"]) == 3


def test_event_files_that_were_removed_or_cut_are_written_anew(
    xt: Commands, filled: StatsStore
) -> None:
    xt("tensorboard", "run1")
    path = Path("tensorboard/ws1/run1", EVENT_FILE)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    xt("tensorboard", "run1")
    assert path.read_bytes() == whole
    path.unlink()
    xt("tensorboard", "run1")
    assert path.read_bytes() == whole


def test_a_damaged_cursor_is_one_line(xt: Commands, filled: StatsStore) -> None:
    xt("tensorboard", "run1")
    path = Path("tensorboard/ws1/run1", CURSOR_FILE)
    for text in ("{", "[]", json.dumps({"run": "x", "foo": 1})):
        path.write_text(text)
        error = xt("tensorboard", "run1", code=2).err
        assert error.startswith(f"xt: error: {path} is damaged: ")
        assert error.endswith("hint: remove tensorboard/ws1/run1: it is written anew\n")


def test_two_calls_do_not_write_to_one_folder_at_once(xt: Commands, filled: StatsStore) -> None:
    Path("tensorboard").mkdir()
    holder = os.open("tensorboard", os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    error = xt("tensorboard", "run1", code=5).err
    os.close(holder)
    assert "another xt tensorboard writes to tensorboard" in error
    xt("tensorboard", "run1")


def test_a_folder_that_cannot_be_made_is_one_line(xt: Commands, filled: StatsStore) -> None:
    Path("file").write_text("")
    error = xt("tensorboard", "run1", "--to", "file/logs", code=2).err
    assert "cannot make the folder file/logs: Not a directory" in error
    assert "no run named run99" in xt("tensorboard", "run99", code=3).err
    assert xt("tensorboard", code=2).err.startswith("xt: error: the following arguments are")


def test_following_runs_that_have_ended_ends_at_once(xt: Commands, filled: StatsStore) -> None:
    answer = xt("tensorboard", "run1", "--follow")
    assert answer.lines == ["ws1/run1  3 new points  tensorboard/ws1/run1"]


def test_a_run_that_has_not_started_is_left_out(xt: Commands, filled: StatsStore) -> None:
    answer = xt("tensorboard", "run2,run1", "--template", "{hparams.lr}{run}", code=2)
    assert "ws1/run1 has no hyperparameter 'lr'" in answer.err
    answer = xt("tensorboard", "run2,run2.1", "--template", "{hparams.lr}")
    assert answer.lines == ["ws1/run2.1  3 new points  tensorboard/0.01"]
    assert answer.err.splitlines()[0] == "not started, so with nothing to write: 1"


def test_a_living_run_has_no_end_yet(xt: Commands, filled: StatsStore) -> None:
    folder = Path("tensorboard/ws1/run2")
    filled.change_run(RunChange("ws1", "run2", RunStatus.RUNNING, "started", time=1e9 + 5))
    xt("tensorboard", "run2")
    assert not folder.exists()
    filled.change_run(RunChange("ws1", "run2", RunStatus.CANCELLED, "ended", time=1e9 + 70))
    xt("tensorboard", "run2")
    start, end = sessions_of(events_of(folder))
    assert (start.start_time_secs, end.status, end.end_time_secs) == (1e9 + 5, 0, 1e9 + 70)


def test_without_the_package_it_says_how_to_install_it(
    xt: Commands, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setattr("xt_core.cli.tensorboard.find_spec", lambda name: None)
    assert xt("tensorboard", "run1", code=2).err == (
        "xt: error: writing event files takes the package tensorboardX, which is not installed\n"
        "hint: install the extra: pip install 'xt[tensorboard]'\n"
    )
    assert importlib.util.find_spec("xt_core.tensorboard") is not None


def test_serving_starts_tensorboard_on_the_folder(
    xt: Commands, filled: StatsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert xt("tensorboard", "run1", "--serve", code=2).err == (
        "xt: error: --serve takes TensorBoard, which is not installed\n"
        "hint: pip install tensorboard\n"
    )
    assert not Path("tensorboard").exists()
    program = tmp_path / "tensorboard"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n[ "$2" = logs ]\n')
    program.chmod(0o755)
    xt("tensorboard", "run1", "--to", "logs", "--serve")
    assert (tmp_path / "called").read_text() == "--logdir logs\n"
    assert Path("logs/ws1/run1", EVENT_FILE).exists()
    error = xt("tensorboard", "run1", "--serve", code=1).err
    assert "TensorBoard ended with exit code 1" in error
