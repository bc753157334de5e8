"""Jobs that several machines share: each with an XT home of its own, and one team's MongoDB."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from altered_controllers import die_once_after, wait_for_death
from shared_job_support import Machines, be_the_machine, machines
from support import wait_until

LEASE = 3.0


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path, "gpu1", "gpu2") as own:
        yield own


def test_each_item_is_done_once_by_whoever_is_free(team: Machines) -> None:
    job = team.submit(6)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    busy, _ = team.begun()[0].split()
    team.open_gates(*(index for index in range(6) if str(index) != busy))
    wait_until(lambda: len(team.begun()) == 6, "the other machine to do the others")
    team.open_gates("all")
    done = team.assert_done_once(job.name, 6)
    nodes = [done[index].node for index in range(6)]
    assert sorted(team.begun()) == [f"{index} {node}" for index, node in enumerate(nodes)]
    assert sorted(map(nodes.count, team.of)) == [1, 5]
    for node, parent in (("gpu1", "run1"), ("gpu2", "run2")):
        assert team.any.run(parent).status == "completed"
        born = [run.name for run in team.runs(node)]
        events = team.any.session.store.events("ws1", parent)
        assert [e.data["child"] for e in events if e.event == "child_created"] == born
        names = [event.event for event in events]
        assert names == ["created", "queued", *["child_created"] * len(born), "ended"]


def test_a_dead_machines_items_are_done_by_the_other_with_the_same_sets(team: Machines) -> None:
    job = team.submit(4, "--x=[$uniform(0, 1)]", search_type="tpe", lease_seconds=LEASE)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    lost = team.runs("gpu2")[0]
    assert lost.hparams
    team.crash("gpu2")
    wait_until(lambda: team.any.run(lost.name).status == "lost", "the run to be given up")
    team.open_gates("all")
    done = team.assert_done_once(job.name, 4)
    assert lost.run_index is not None
    heir = done[lost.run_index]
    assert (heir.node, heir.hparams) == ("gpu1", lost.hparams)
    assert team.any.run(lost.name).error == "gpu2 was lost"
    team.start("gpu2")
    own = team.of["gpu2"].session.node_stats
    wait_until(lambda: own.run("ws1", lost.name).status == "lost", "gpu2 to take note")
    assert len(team.begun()) == 5
    assert team.any.run(lost.name).status == "lost"


def test_a_machine_that_comes_back_ends_what_was_given_up_and_takes_new_work(
    team: Machines,
) -> None:
    job = team.submit(6, lease_seconds=LEASE)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    lost, busy = team.runs("gpu2")[0], team.runs("gpu1")[0]
    team.of["gpu2"].kill_controller("gpu2")  # the run lives on
    wait_until(lambda: team.any.run(lost.name).status == "lost", "the run to be given up")
    assert team.of["gpu2"].processes_of_run(lost.name, "gpu2")
    team.start("gpu2")
    wait_until(lambda: not team.of["gpu2"].processes_of_run(lost.name, "gpu2"), "its end")
    wait_until(lambda: len(team.runs("gpu2")) >= 2, "gpu2 to have new work")
    team.open_gates("all")
    done = team.assert_done_once(job.name, 6)
    assert busy.run_index is not None
    assert done[busy.run_index].name == busy.name
    assert {run.node for run in done.values()} == {"gpu1", "gpu2"}
    assert team.any.run("run2").status == "completed"
    assert "rejoined" in team.any.events("run2")


def test_while_the_store_is_away_runs_go_on_and_nobody_is_given_up(team: Machines) -> None:
    job = team.submit(6, lease_seconds=LEASE)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    first = {run.name for run in team.runs()}
    team.mongod.stop()
    logs = [xt.home.node(node).controller_log for node, xt in team.of.items()]
    wait_until(lambda: all("new work of job1 waits" in log.read_text() for log in logs), "notice")
    team.open_gates(*(line.split()[0] for line in team.begun()))
    for node, xt in team.of.items():
        own = xt.session.node_stats
        wait_until(
            lambda own=own: all(  # type: ignore[misc]
                own.run("ws1", name).status == "completed"
                for name in first & {run.name for run in own.changed_runs(0)}
            ),
            f"the run of {node} to end",
        )
    assert len(team.begun()) == 2
    team.mongod.start()
    team.open_gates("all")
    done = team.assert_done_once(job.name, 6)
    assert len(team.runs()) == len(team.begun()) == 6
    assert first <= {run.name for run in done.values()}
    assert "is lost" not in "".join(log.read_text() for log in logs)
    assert [log.read_text().count("new work of job1 waits") for log in logs] == [1, 1]


def test_cancelling_the_job_cancels_what_nobody_has_started(team: Machines) -> None:
    team.submit(6)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    for node, xt in team.of.items():
        xt.session.controllers.of(node).cancel(jobs=["job1"], grace=1)
    assert team.any.wait_job("job1") == "cancelled"
    assert [str(run.status) for run in team.runs()] == ["cancelled"] * 2
    states = [str(item.status) for item in team.any.session.store.work_items("job1")]
    assert states == ["cancelled"] * 6
    assert len(team.begun()) == 2


def test_cancelling_one_machine_leaves_the_work_to_the_other(team: Machines) -> None:
    team.submit(5)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    stopped = team.runs("gpu2")[0]
    team.of["gpu2"].session.controllers.of("gpu2").cancel(everything=True, grace=1)
    team.open_gates("all")
    assert team.any.wait_job("job1") == "cancelled"
    states = {run.run_index: (run.node, str(run.status)) for run in team.runs()}
    assert states == {
        index: ("gpu2", "cancelled") if index == stopped.run_index else ("gpu1", "completed")
        for index in range(5)
    }


def test_what_a_job_is_extended_by_is_shared_too(team: Machines) -> None:
    team.submit(2)
    wait_until(lambda: len(team.begun()) == 2, "a run on each machine")
    team.open_gates(0, 1)
    team.assert_done_once("job1", 2)
    team.any.session.store.extend_job("job1", 4)
    for node in team.of:
        team.tell(node, "job1")
    wait_until(lambda: len(team.begun()) == 4, "a run on each machine again")
    assert {line.split()[1] for line in team.begun()[2:]} == {"gpu1", "gpu2"}
    team.open_gates("all")
    team.assert_done_once("job1", 6)
    assert len(team.begun()) == 6


def test_a_search_over_machines_gives_each_item_the_set_that_its_run_has(team: Machines) -> None:
    team.open_gates("all")
    job = team.submit(8, "--x=[1,2,3,4,5,6,7,8,9,10,11,12]", search_type="dgd")
    done = team.assert_done_once(job.name, 8)
    items = team.any.session.store.work_items(job.name)
    assert [item.hparams for item in items] == [done[index].hparams for index in range(8)]
    assert all(item.hparams for item in items)
    for run in done.values():
        assert "search_failed" not in team.any.events(run.name)


def test_a_claim_that_a_crash_cut_off_is_taken_up_and_done_once(
    team: Machines, tmp_path: Path
) -> None:
    gpu2 = team.of["gpu2"]
    die_once_after(gpu2, tmp_path / "dying", "gpu2",
                   "xt_core.stats.mongo.store:MongoStatsStore.claim_child")  # fmt: skip
    gpu2.configure("")
    be_the_machine(gpu2)
    job = team.submit(4)
    wait_for_death(tmp_path / "dying")
    left = wait_until(lambda: team.runs("gpu2"), "the claim")[0]
    team.start("gpu2")
    wait_until(lambda: any(line.endswith("gpu2") for line in team.begun()), "it to begin there")
    team.open_gates("all")
    done = team.assert_done_once(job.name, 4)
    assert len(team.begun()) == len(team.runs()) == 4
    assert left.run_index is not None
    assert done[left.run_index].name == left.name


def test_of_three_machines_one_does_what_two_leave(tmp_path: Path) -> None:
    with machines(tmp_path, "gpu1", "gpu2", "gpu3") as team:
        job = team.submit(7, lease_seconds=LEASE)
        wait_until(lambda: len(team.begun()) == 3, "a run on each machine")
        lost = [team.runs(node)[0] for node in ("gpu2", "gpu3")]
        for node in ("gpu2", "gpu3"):
            team.crash(node)
        for run in lost:
            team.any.wait_status(run.name, "lost")
        team.open_gates("all")
        done = team.assert_done_once(job.name, 7)
        assert {run.node for run in done.values()} == {"gpu1"}
        assert sorted(line.split()[1] for line in team.begun()) == ["gpu1"] * 7 + ["gpu2", "gpu3"]
