"""What a node's own store takes in of a job that several machines share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.stats.adoption import adopt_claim, adopt_job, lose_runs, rejoin_jobs
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import new_items

Both = tuple[SqliteStatsStore, SqliteStatsStore]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Both]:
    """The team's store, with job1 of gpu1 and gpu2, and gpu1's own, which has adopted it."""
    with (
        closing(SqliteStatsStore(tmp_path / "team.db")) as team,
        closing(SqliteStatsStore(tmp_path / "own.db")) as own,
    ):
        hosts = {"gpu1": "a:/xt", "gpu2": "b:/xt"}
        job = Job("job1", "ws1", "e", "repeat", "lab", "me", 100.0, 3, 1, schedule="dynamic",
                  nodes=list(hosts), hosts=hosts)  # fmt: skip
        parents = [
            Run("ws1", f"run{n}", "job1", "e", f"gpu{n}", RunStatus.QUEUED, 100.0, is_parent=True)
            for n in (1, 2)
        ]
        team.add_job(job, parents, new_items(job, 0, 3))
        adopt_job(own, job, parents, team.work_items("job1"))
        yield team, own


def claim(team: SqliteStatsStore) -> tuple[WorkItem, Run]:
    claimed = team.claim_child(team.run("ws1", "run1"), "gpu1")
    assert claimed is not None
    return claimed


def test_what_nobody_has_claimed_here_is_not_here(stores: Both) -> None:
    team, own = stores
    assert own.work_items("job1") == []
    team.extend_job("job1", 2)
    adopt_job(own, team.job("job1"), [], team.work_items("job1"))
    assert own.job("job1").work_items == 5
    assert own.work_items("job1") == []
    assert own.events("ws1", "run1")[-1].event == "extended"


def test_a_claim_is_adopted_once_and_just_as_it_is(stores: Both) -> None:
    team, own = stores
    claimed = claim(team)
    assert adopt_claim(own, *claimed)
    assert not adopt_claim(own, *claimed)
    assert own.work_items("job1") == [team.work_items("job1")[0]]
    assert own.events("ws1", "run1.1") == team.events("ws1", "run1.1")
    assert own.events("ws1", "run1") == team.events("ws1", "run1")
    assert own.run("ws1", "run1.1").status == "queued"


def test_what_the_team_gave_up_is_lost_here_and_the_parent_goes_on(stores: Both) -> None:
    team, own = stores
    adopt_claim(own, *claim(team))
    rejoin_jobs(own, ["job1"], "gpu1")
    run = own.run("ws1", "run1.1")
    assert (run.status, run.error) == ("lost", "gpu1 was lost")
    assert own.run("ws1", "run1").status == "queued"
    assert own.run("ws1", "run2").status == "queued"
    events = [event.event for event in own.events("ws1", "run1")]
    assert events == ["created", "queued", "child_created", "ended", "rejoined"]


def test_a_run_that_has_ended_is_not_lost_any_more(stores: Both) -> None:
    team, own = stores
    item, run = claim(team)
    run.status = RunStatus.COMPLETED
    item.status = WorkItemStatus.COMPLETED
    adopt_claim(own, item, run)
    lose_runs(own, [("ws1", "run1.1"), ("ws1", "run9.9")], "gpu1 was lost")
    assert own.run("ws1", "run1.1").status == "completed"
