"""`xt set tags`, `xt set notes`, `xt clear tags`."""

import io

import pytest
from cli_support import Commands

from xt_core.cli.names import chosen_runs
from xt_core.stats.store import RunChange, StatsStore


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


def test_a_list_or_pattern_of_jobs_annotates_the_jobs(xt: Commands, filled: StatsStore) -> None:
    xt("set", "tags", "job1-job2", "seen")
    xt("set", "tags", "job*,run1", "also=1")
    assert filled.job("job1").tags == filled.job("job2").tags == {"seen": True, "also": 1}
    assert filled.run("ws1", "run1").tags == {"also": 1}
    assert filled.run("ws1", "run2").tags == filled.run("ws1", "run2.1").tags == {}
    assert "no job named job9" in xt("set", "tags", "job9", "x", code=3).err
    assert "no job named job8-job9" in xt("clear", "tags", "job8-job9", "--all", code=3).err


def test_a_parent_is_annotated_by_its_name_alone(xt: Commands, filled: StatsStore) -> None:
    assert xt("set", "tags", "run2", "mine", "--json").json == {"changed": ["run2"]}
    assert filled.run("ws1", "run2").tags == {"mine": True}
    assert filled.run("ws1", "run2.1").tags == {}


def test_an_unknown_name_changes_nothing(xt: Commands, filled: StatsStore) -> None:
    xt("set", "tags", "run1,run99", "x", code=3)
    xt("set", "tags", "job1,run99", "x", code=3)
    assert filled.run("ws1", "run1").tags == filled.job("job1").tags == {}


def test_names_and_notes_come_from_standard_input(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("line one\nline two\n"))
    xt("set", "notes", "run1", "-")
    assert filled.run("ws1", "run1").notes == "line one\nline two\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("run1\njob1\n"))
    assert xt("set", "tags", "-", "x").out == "tags of job1, run1 set\n"
    assert "cannot both" in xt("set", "notes", "-", "-", code=2).err


def test_several_names_and_tags_need_no_commas(xt: Commands, filled: StatsStore) -> None:
    told = xt("set", "tags", "run1", "run2.1,run2.2", "job1", "best", "note=high").out
    assert told == "tags of job1, run1, run2.1, run2.2 set\n"
    assert filled.run("ws1", "run2.2").tags == {"best": True, "note": "high"}
    xt("clear", "tags", "run1", "run2.1", "note")
    xt("clear", "tags", "run2.2", "job1", "--all")
    tags = [filled.run("ws1", name).tags for name in ("run1", "run2.1", "run2.2")]
    assert tags == [{"best": True}, {"best": True}, {}]
    xt("set", "notes", "run1", "job1", "diverged", "after", "run2")
    assert filled.run("ws1", "run1").notes == filled.job("job1").notes == "diverged after run2"
    xt("set", "notes", "run1", "run2")
    assert filled.run("ws1", "run1").notes == "run2"


def test_a_tag_that_is_written_meanwhile_is_kept(
    xt: Commands, filled: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer's tag, set after the runs were chosen and before they are changed."""

    def choose_then_meet_another(*args: object, **options: object) -> object:
        runs = chosen_runs(*args, **options)  # type: ignore[arg-type]
        filled.change_run(RunChange("ws1", "run1", fields={"tags": {"theirs": 1}}))
        return runs

    monkeypatch.setattr("xt_core.cli.names.chosen_runs", choose_then_meet_another)
    xt("set", "tags", "run1", "ours")
    assert filled.run("ws1", "run1").tags == {"theirs": 1, "ours": True}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("set", "tags", "run1", " , "), "no tag is given"),
        (("set", "tags", "run1", "=1"), "a tag without a name"),
        (("set", "tags", "run1"), "no tag is given"),
        (("set", "notes", "run1"), "no text is given"),
        (("set", "tag", "run1", "x"), "xt set tag: there is no such thing"),
        (("set", "colour", "run1", "x"), "invalid choice: 'colour'"),
        (("clear", "tags", "run1", "x", "--all"), "name the tags to clear, or give --all"),
        (("clear", "notes", "run1"), "invalid choice: 'notes'"),
    ],
)
def test_wrong_usage_is_told(
    xt: Commands, filled: StatsStore, args: tuple[str, ...], message: str
) -> None:
    assert message in xt(*args, code=2).err.splitlines()[0]
