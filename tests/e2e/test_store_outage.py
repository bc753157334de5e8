"""The stats store is out of reach in the middle of a search: it goes on afterwards as if nothing
had been."""

import contextlib
import fcntl
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from altered_controllers import alter_controllers
from support import Xt, small_disk, wait_until

from xt_core.errors import UnknownNameError
from xt_core.model.records import Value
from xt_core.model.states import WorkItemStatus
from xt_core.stats.store import NodeRecord

RUNS = 14
# All log what the search learns from; two of them end when their gates are open.
WORK = """
import json, os, sys, time
index, gates = int(os.environ["XT_RUN_INDEX"]), sys.argv[1]
with open(os.path.join(gates, f"ran{index}"), "a") as file:
    file.write(os.environ["XT_RUN_NAME"] + "\\n")
x = json.loads(os.environ["XT_HPARAMS"])["x"]
with open(os.environ["XT_JOURNAL"], "a") as journal:
    for step in range(3):
        record = {"type": "metrics", "step": step, "values": {"loss": (x - 0.3) ** 2 + step}}
        journal.write(json.dumps(record) + "\\n")
print("done", flush=True)
while index in (3, 12) and not os.path.exists(os.path.join(gates, f"gate{index}")):
    time.sleep(0.02)
"""
IMPATIENT = """
from xt_core.stats import database

database.LOCK_TIMEOUT_SECONDS = 0.3
"""
COMMAND = ("--search-type", "tpe", "--runs", str(RUNS), "--seed", "5", "--primary-metric",
           "loss:min", "work.py")  # fmt: skip
SPACE = "--x=[$uniform(-1, 1)]"

Outage = Callable[[Xt], AbstractContextManager[None]]


@contextlib.contextmanager
def locked_by_another_xt(xt: Xt) -> Iterator[None]:
    """The lock under which every XT writes is held by a process that does not let go."""
    with Path(f"{xt.home.stats_file}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def locked_by_another_program(xt: Xt) -> Iterator[None]:
    """A program that knows nothing of XT's lock is in the middle of a transaction."""
    connection = sqlite3.connect(xt.home.stats_file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextlib.contextmanager
def failing_disk(xt: Xt) -> Iterator[None]:
    """The controller cannot write beyond the first 16 KiB of any file, as the database has."""
    no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    limit = (16 << 10, resource.RLIM_INFINITY)
    resource.prlimit(xt.controller_pid, resource.RLIMIT_FSIZE, limit)
    yield
    resource.prlimit(xt.controller_pid, resource.RLIMIT_FSIZE, no_limit)


@pytest.mark.parametrize("outage", [locked_by_another_xt, locked_by_another_program, failing_disk])
def test_a_search_goes_on_with_the_same_sets_when_the_store_is_back(
    xt: Xt, tmp_path: Path, outage: Outage
) -> None:
    alter_controllers(xt, tmp_path / "altered", IMPATIENT)
    xt.script("work.py", WORK)
    undisturbed = tmp_path / "undisturbed"
    disturbed = tmp_path / "disturbed"
    for folder in (undisturbed, disturbed):
        folder.mkdir()
    for index in (3, 12):
        (undisturbed / f"gate{index}").touch()
    xt.submit(*COMMAND, str(undisturbed), SPACE)
    assert xt.wait_job("job1") == "completed"
    xt.submit(*COMMAND, str(disturbed), SPACE)
    for number, index in enumerate((3, 12), start=1):  # 3: a random set, 12: one that was learnt
        name = f"run2.{index + 1}"
        wait_until((disturbed / f"ran{index}").exists, f"{name} to run")
        xt.wait_status(name, "running")
        with outage(xt):
            (disturbed / f"gate{index}").touch()
            wait_until((xt.home.runs_dir / "ws1" / name / "control/exit.json").exists)
            wait_until(lambda n=number: warnings(xt) == n, "the controller to tell")  # type: ignore[misc]
            assert xt.run(name).status == "running"
    assert xt.wait_job("job2") == "completed"
    assert_whole(xt, "job2", disturbed)
    assert sets(xt, "job2") == sets(xt, "job1")


def trouble(xt: Xt) -> str:
    """What the node says that it is in."""
    return str(xt.json("status")["nodes"][0]["trouble"])


def warnings(xt: Xt) -> int:
    return xt.home.controller_log.read_text().count("trying again until it works")


def sets(xt: Xt, job: str) -> list[dict[str, Value] | None]:
    return [item.hparams for item in xt.session.store.work_items(job)]


def assert_whole(xt: Xt, job: str, folder: Path) -> None:
    """Every index ran once, completed, and all that it logged and printed is there."""
    runs = xt.children(job)
    assert [run.run_index for run in runs] == list(range(RUNS))
    items = xt.session.store.work_items(job)
    assert [(item.status, item.run) for item in items] == [
        (WorkItemStatus.COMPLETED, run.name) for run in runs
    ]
    for run in runs:
        assert (folder / f"ran{run.run_index}").read_text() == f"{run.name}\n"
        assert (run.status, run.restarts, run.exit_code) == ("completed", 0, 0)
        assert xt.console(run.name) == b"done\n"
        assert [point.step for point in xt.session.store.metrics("ws1", run.name)] == [0, 1, 2]
        told = [event for event in xt.events(run.name) if event != "waiting_for_room"]
        assert told == [
            "created", "queued", "download_before", "started", "ended", "capture_after",
        ]  # fmt: skip
    assert "Traceback" not in xt.home.controller_log.read_text()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Xt]:
    """An XT on a disk of its own, of 24 MiB."""
    with small_disk(tmp_path / "disk", 24) as disk:
        own = Xt(disk / "home", tmp_path / "code")
        try:
            yield own
        finally:
            own.close()


@contextlib.contextmanager
def full_disk(xt: Xt) -> Iterator[None]:
    """There is no room for another file, though there is in the database."""
    connection = sqlite3.connect(xt.home.stats_file, isolation_level=None)
    with xt.session.store.batch():
        for number in range(2000):
            xt.session.store.put_node(NodeRecord(f"node{number + 1000}", "none", {}, 0.0))
    assert connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
    connection.close()
    ballast = xt.home.root.parent / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    yield
    ballast.unlink()


@pytest.mark.mounts
@pytest.mark.parametrize("search_type", ["tpe", "random"])
def test_on_a_full_disk_a_search_waits_for_room(
    small: Xt, tmp_path: Path, search_type: str
) -> None:
    small.script("work.py", WORK)
    folder = tmp_path / "ran"
    folder.mkdir()
    small.submit("--search-type", search_type, *COMMAND[2:], str(folder), SPACE)
    for index in (3, 12):
        name, following = f"run1.{index + 1}", f"run1.{index + 2}"
        wait_until((folder / f"ran{index}").exists, f"{name} to run")
        small.wait_status(name, "running")
        with full_disk(small):
            assert trouble(small) == f"disk full: {small.home.root}"
            assert f"✘ node0: {trouble(small)}" in small("status").stdout
            (folder / f"gate{index}").touch()
            if search_type == "random":  # whose next set is known before all of this run is
                wait_until(lambda r=following: "waiting_for_room" in events(small, r), "a wait")  # type: ignore[misc]
                assert small.run(following).status == "queued"
                error = small.event_data(following, "waiting_for_room")["error"]
                assert error.endswith("no space left on the disk")
            else:
                wait_until(lambda r=name: not small.processes_of_run(r), f"{name} to end")  # type: ignore[misc]
    assert small.wait_job("job1") == "completed"
    assert trouble(small) == ""
    assert_whole(small, "job1", folder)


@pytest.mark.mounts
def test_a_run_that_waits_for_room_can_be_cancelled(small: Xt, tmp_path: Path) -> None:
    small.script("work.py", WORK)
    folder = tmp_path / "ran"
    folder.mkdir()
    (folder / "gate12").touch()
    small.submit("--search-type", "random", *COMMAND[2:], str(folder), SPACE)
    wait_until((folder / "ran3").exists, "run1.4 to run")
    small.wait_status("run1.4", "running")
    with full_disk(small):
        (folder / "gate3").touch()
        wait_until(lambda: "waiting_for_room" in events(small, "run1.5"), "a wait")
        client = small.start("cancel", "run", "run1.5")
        wait_until(lambda: small.run("run1.5").cancel_requested, "the request")
    assert client.wait() == 0
    assert small.wait_job("job1") == "completed"
    assert not (folder / "ran4").exists()
    assert {run.run_index for run in small.children("job1") if run.status == "completed"} == {
        index for index in range(RUNS) if index != 4
    }


def events(xt: Xt, run: str) -> list[str]:
    """Of a run that may not be there yet."""
    with contextlib.suppress(UnknownNameError):
        return xt.events(run)
    return []
