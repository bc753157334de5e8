"""`xt archive`, `xt unarchive`, and what reports leave out."""

from cli_support import Answer, Commands

from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.stats.store import RunChange, StatsStore


def listed(answer: Answer, what: str = "runs") -> list[str]:
    return [each["name"] for each in answer.json[what]]


def test_reports_leave_out_what_is_archived_until_it_is_asked_for(
    xt: Commands, filled: StatsStore
) -> None:
    everything = listed(xt("list", "runs", "--all", "--json"))
    assert xt("archive", "run1,run2.3", "--json").json == {"changed": ["run1", "run2.3"]}
    assert filled.run("ws1", "run2.3").tags == {"archived": True}
    shown = listed(xt("list", "runs", "--all", "--json"))
    assert shown == [name for name in everything if name not in ("run1", "run2.3")]
    assert "run2.3" not in listed(xt("list", "runs", "job2", "--all", "--json"))
    assert listed(xt("list", "runs", "--archived", "--all", "--json")) == everything
    assert listed(xt("list", "runs", "run2.3", "--json")) == ["run2.3"]
    only = xt("list", "runs", "--filter", "tags.archived=$true", "--all", "--json")
    assert listed(only) == ["run1", "run2.3"]
    assert xt("unarchive", "run1").out == "run1 brought back\n"
    assert xt("unarchive", "run2.*").out == "run2.3 brought back\n"
    assert listed(xt("list", "runs", "--all", "--json")) == everything


def test_a_job_takes_its_runs_along(xt: Commands, filled: StatsStore) -> None:
    for status in (RunStatus.SPAWNING, RunStatus.COMPLETED):
        filled.change_run(RunChange("ws1", "run2", status))
    assert xt("archive", "job2").out == "1 job and 13 runs archived\n"
    assert listed(xt("list", "jobs", "--json"), "jobs") == ["job1"]
    assert listed(xt("list", "runs", "--all", "--json")) == ["run1"]
    assert listed(xt("list", "jobs", "--archived", "--json"), "jobs") == ["job1", "job2"]
    assert listed(xt("list", "jobs", "job2", "--json"), "jobs") == ["job2"]
    assert xt("archive", "job2").out == "0 runs archived\n"
    assert xt("unarchive", "job2").out == "1 job and 13 runs brought back\n"
    assert filled.job("job2").tags == {}


def test_what_lives_is_refused_and_nothing_is_changed(xt: Commands, filled: StatsStore) -> None:
    job = Job("job3", "ws1", "e", "single", "local", "ada", 1e9, 1, 1)
    run = Run("ws1", "run3", "job3", "e", "node0", RunStatus.QUEUED, 1e9)
    filled.add_job(job, [run], [])
    refused = xt("archive", "run1,run3", code=5).err
    assert "what lives cannot be archived: run3 is queued" in refused
    assert filled.run("ws1", "run1").tags == {}
    assert "no run named run9" in xt("archive", "run9", code=3).err
