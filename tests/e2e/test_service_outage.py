"""A team's services hang, crash, refuse or stutter: runs go on, and in the end the team has all
that its nodes know, once and in order."""

import contextlib
import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from outage_support import OwnTeam, assert_team_knows_all, own_team
from servers.azurite import KEY
from servers.link_proxy import LinkProxy
from servers.rough_proxy import RoughProxy
from support import Xt, small_disk, wait_until

from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit
from xt_tui.feed import Feed
from xt_tui.state import Batch

# Logs points by tens; from the second ten on each waits for its gate, if there is a folder of them.
WORK = """
import json, os, sys, time
tens, gates = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
for ten in range(tens):
    while ten and gates and not os.path.exists(os.path.join(gates, str(ten))):
        time.sleep(0.02)
    with open(os.environ["XT_JOURNAL"], "a") as journal:
        for step in range(10 * ten, 10 * ten + 10):
            record = {"type": "metrics", "step": step, "values": {"loss": 1 / (step + 1)}}
            journal.write(json.dumps(record) + "\\n")
    print("ten", ten, flush=True)
    with open(os.path.join(os.environ["XT_OUTPUT_DIR"], "state"), "w") as state:
        state.write(str(ten) * 1000)
os.makedirs("output")
for name in ("a", "b"):
    with open(f"output/{name}", "w") as file:
        file.write(name * 50_000)
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[OwnTeam]:
    with own_team(tmp_path) as own:
        own.xt.script("work.py", WORK)
        yield own


def search(xt: Xt, runs: int, *arguments: str) -> None:
    """job1, four runs at a time."""
    xt.submit("--runs", str(runs), "--concurrent", "4", "work.py", *arguments)


def open_gate(gates: Path, *tens: int) -> None:
    for ten in tens:
        (gates / str(ten)).touch()


def assert_whole(team: OwnTeam, runs: int, tens: int) -> None:
    """The team has each run of job1, completed, with all that it logged, printed and left."""
    children = assert_team_knows_all(team, "job1")
    xt = team.xt
    assert [run.run_index for run in xt.children("job1")] == list(range(runs))
    for run in children:
        assert (run.status, run.restarts, run.exit_code) == ("completed", 0, 0)
        steps = [record.step for record in xt.session.store.metrics("ws1", run.name)]
        assert steps == list(range(10 * tens))
        assert xt.events(run.name) == [
            "created", "queued", "download_before", "started", "ended", "capture_after",
        ]  # fmt: skip
        assert xt.console(run.name) == b"".join(b"ten %d\n" % ten for ten in range(tens))
        prefix = f"ws1/runs/{run.name}"
        assert xt.artifact(f"{prefix}/output/state").decode() == str(tens - 1) * 1000
        assert [xt.artifact(f"{prefix}/after/output/{name}") for name in ("a", "b")] == [
            b"a" * 50_000, b"b" * 50_000,
        ]  # fmt: skip
        lines = xt.artifact(f"{prefix}/logs/metrics.jsonl").splitlines()
        assert [json.loads(line)["step"] for line in lines] == steps


def test_a_search_ends_while_mongodb_hangs_and_arrives_afterwards(team: OwnTeam) -> None:
    search(team.xt, 12, "3")
    team.xt.wait_status("run1.1", "running", "completed")
    team.mongod.pause()
    assert team.wait_node_job("job1") == "completed"
    assert team.xt.session.controllers.status()["nodes"][0]["running"] == 0
    team.mongod.resume()
    assert_whole(team, 12, 3)


@pytest.mark.timeout(240)
def test_mongodb_is_killed_in_mid_write_again_and_again(team: OwnTeam, tmp_path: Path) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 4, "6", str(gates))
    for ten in range(1, 6):
        before = team.stored_points()
        open_gate(gates, ten)
        wait_until(lambda before=before: team.stored_points() > before, "a point to arrive")  # type: ignore[misc]
        team.mongod.kill()
        team.mongod.start()
    assert_whole(team, 4, 6)


@pytest.mark.timeout(240)
def test_a_search_ends_while_the_blob_service_hangs_or_is_down(
    team: OwnTeam, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 4, "3", str(gates))
    for number in range(1, 5):
        team.xt.wait_output(f"run1.{number}", "ten 0")
    wait_until(lambda: team.has_on_disk("job1/before/code.zip"))  # it would forget it
    team.azurite.pause()
    open_gate(gates, 1)
    for number in range(1, 5):
        team.xt.wait_output(f"run1.{number}", "ten 1")
    team.azurite.kill()
    open_gate(gates, 2)
    assert team.wait_node_job("job1") == "completed"
    assert team.xt.wait_job("job1") == "completed"  # the team's stats are told at once
    team.azurite.start()
    assert_whole(team, 4, 3)


@pytest.mark.parametrize("how", ["hangs", "dies"])
def test_the_blob_service_goes_in_the_midst_of_a_large_file(team: OwnTeam, how: str) -> None:
    size = 48 << 20
    team.xt.script("large.py", f"""
import os, random
os.makedirs("output")
with open("output/large", "wb") as file:
    file.write(random.Random(5).randbytes({size}))
""")  # fmt: skip
    link = LinkProxy("127.0.0.1", team.azurite.port)  # or all may arrive before it is looked at
    text = team.xt.home.config_file.read_text()
    linked = text.replace(f"127.0.0.1:{team.azurite.port}/", f"127.0.0.1:{link.port}/")
    team.xt.home.config_file.write_text(linked)
    team.xt.submit("true")
    assert team.xt.wait_job("job1") == "completed"
    team.xt.settle()
    wait_until(lambda: team.has_on_disk("ws1/jobs/job1/job.json"), "the container to be on disk")
    before = team.blobs_on_disk()
    link.silence_after(16 << 20)
    team.xt.submit("large.py")
    wait_until(lambda: link.is_silent, "a part of the file to arrive")
    if how == "hangs":
        team.azurite.pause()
    else:
        team.azurite.kill()
    part = team.blobs_on_disk() - before
    assert 0 < part < size
    link.resume()
    assert team.wait_node_job("job2") == "completed"
    team.azurite.resume() if how == "hangs" else team.azurite.start()
    content = team.xt.artifact("ws1/runs/run2/after/output/large")
    assert content == random.Random(5).randbytes(size)
    link.close()


@pytest.mark.timeout(300)
def test_a_search_over_a_network_that_cuts_and_delays(tmp_path: Path) -> None:
    with own_team(tmp_path) as team:
        stats = RoughProxy(team.mongod.port, 1, delay=0.02, cut_after=30_000)
        files = RoughProxy(team.azurite.port, 2, delay=0.01, cut_after=200_000)
        text = team.xt.home.config_file.read_text()
        rough = text.replace(
            team.mongod.url, f"mongodb://127.0.0.1:{stats.port}/?directConnection=true"
        ).replace(f"127.0.0.1:{team.azurite.port}/", f"127.0.0.1:{files.port}/")
        team.xt.home.config_file.write_text(rough)
        team.xt.script("work.py", WORK)
        search(team.xt, 30, "3")
        assert team.wait_node_job("job1") == "completed"
        team.xt.home.config_file.write_text(text)  # the test looks past the proxies
        assert_whole(team, 30, 3)
        assert stats.cuts > 5
        assert files.cuts > 5
        stats.close()
        files.close()


@pytest.mark.timeout(240)
def test_a_node_that_died_delivers_the_rest_wherever_it_is_started_again(
    team: OwnTeam, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 6, "2", str(gates))
    for number in range(1, 5):
        team.xt.wait_output(f"run1.{number}", "ten 0")
    team.pause()
    open_gate(gates, 1)
    wait_until(lambda: team.knows("run1.6").status == "completed", "the last run to begin")
    team.xt.kill_controller()
    with moved_elsewhere(team, tmp_path):
        team.xt("status", "job1")
        assert_whole(team, 6, 2)
        team.xt.session.check_is_reached(["job1"])  # raises nothing: it may be steered


@contextlib.contextmanager
def moved_elsewhere(team: OwnTeam, folder: Path) -> Iterator[None]:
    """The home, where nothing runs any more, is at another place, and the services are there."""
    config = team.xt.home.config_file.read_text()
    team.xt.home.config_file.unlink()
    moved = folder / "elsewhere" / "home"
    moved.parent.mkdir()
    team.xt.home.root.rename(moved)
    team.resume()
    here, team.xt = team.xt, Xt(moved, team.xt.code, config)
    try:
        yield
    finally:
        team.xt.close()
        team.xt = here


def test_a_node_that_died_with_its_runs_does_the_rest_elsewhere(
    team: OwnTeam, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 6, "2", str(gates))
    for number in range(1, 5):
        team.xt.wait_output(f"run1.{number}", "ten 0")
    wait_until(lambda: len(team.node_points("job1")) == 40, "what they logged to be read")
    team.pause()
    team.xt.kill_controller()
    for pid in team.xt.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not team.xt.processes(), "the node to be dead")
    open_gate(gates, 1)
    with moved_elsewhere(team, tmp_path):
        team.xt("status")
        assert team.wait_node_job("job1") == "error"
        children = assert_team_knows_all(team, "job1")
        assert [run.status for run in children] == ["error"] * 4 + ["completed"] * 2
        for run in children:
            tens = 1 if run.status == "error" else 2
            assert team.xt.console(run.name) == b"ten 0\nten 1\n"[: 6 * tens]
            assert len(team.xt.session.store.metrics("ws1", run.name)) == 10 * tens


def test_a_controller_takes_up_its_job_again_while_the_services_are_away(
    team: OwnTeam, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 6, "2", str(gates))
    for number in range(1, 5):
        team.xt.wait_output(f"run1.{number}", "ten 0")
    team.pause()
    team.xt.kill_controller()
    team.xt.session.controller.ensure_running()
    open_gate(gates, 1)
    assert team.wait_node_job("job1") == "completed"
    team.resume()
    assert_whole(team, 6, 2)


@pytest.mark.parametrize("when", ["away", "never told"])
def test_a_job_that_was_stored_is_done_once_the_services_answer(
    team: OwnTeam, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    controller = team.xt.session.controller

    def lose(_job: str) -> None:
        if when == "away":
            team.pause()
            tell("job1")
        else:  # what was to be told could not be
            team.xt.kill_controller()

    tell = controller.take_up
    monkeypatch.setattr(controller, "take_up", lose)
    request = RunRequest(command=["work.py", "1"], runs=2)
    submit(team.xt.session, prepare(team.xt.session, request), print)
    if when == "away":
        team.resume()
    else:
        team.xt("status")
    assert team.xt.wait_job("job1") == "completed"
    assert_whole(team, 2, 1)


@pytest.mark.timeout(240)
def test_commands_tell_in_one_line_that_a_service_is_away(tmp_path: Path) -> None:
    with own_team(tmp_path) as team:
        xt = team.xt
        xt.script("work.py", WORK)
        gates = tmp_path / "gates"
        gates.mkdir()
        search(xt, 2, "3", str(gates))
        xt.wait_output("run1.2", "ten 0")
        xt.script("single.sh", f"echo ten 0; until [ -e {gates}/1 ]; do sleep 0.02; done\n")
        xt.submit("single.sh")
        xt.wait_output("run2", "ten 0")
        team.mongod.kill()
        team.azurite.pause()
        open_gate(gates, 1)
        assert team.wait_node_job("job2") == "completed"  # its console waits on the node
        batches: list[Batch] = []
        feed = Feed(xt.session, lambda _feed, batch: batches.append(batch))
        feed.start()
        commands = [
            xt.start(*command)
            for command in (("run", "work.py", "1"), ("list", "runs"), ("view", "run", "run7"))
        ]
        live = [
            xt.start("status"),
            *(xt.start("view", "console", name) for name in ("run1.1", "run2")),
        ]
        for command in commands:
            out, err = command.communicate(timeout=80)
            assert (command.returncode, out) == (4, b"")
            lines = err.decode().splitlines()
            assert [line.partition(": ")[0] for line in lines] == ["xt", "hint"], lines
        for command, text in zip(live, (b"run1.2 ", b"ten 0\n", b"ten 0\n"), strict=True):
            out, err = command.communicate(timeout=80)
            assert (command.returncode, text in out) == (0, True), err
        wait_until(lambda: batches, "the feed to tell")
        assert batches[0].error.startswith("MongoDB at ")
        feed.stop()
        team.mongod.start()
        team.azurite.resume()
        open_gate(gates, 2)
        assert team.wait_node_job("job1") == "completed"
        assert xt.wait_job("job1") == "completed"


@pytest.mark.timeout(240)
def test_what_a_service_refused_goes_on_with_a_corrected_access(
    team: OwnTeam, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    search(team.xt, 2, "2", str(gates))
    for number in (1, 2):
        team.xt.wait_output(f"run1.{number}", "ten 0")
    right = team.xt.home.config_file.read_text()
    wrong = right.replace("mongodb://", "mongodb://ann:guess@").replace(KEY, "A" * 86 + "==")
    team.xt.home.config_file.write_text(wrong)
    err = team.xt("status", code=5).stderr  # which hands the access over to a new controller
    assert "refused the sign-in" in err
    assert "guess" not in err
    open_gate(gates, 1)
    assert team.wait_node_job("job1") == "completed"
    for text in ("refused the sign-in; stats wait on this node", "artifacts wait on this node"):
        wait_until(lambda text=text: text in team.xt.home.controller_log.read_text(), text)  # type: ignore[misc]
    team.xt.home.config_file.write_text(right)
    team.xt("status")
    assert_whole(team, 2, 2)


FILLING = """
import json, os, sys, time
with open(os.environ["XT_JOURNAL"], "a") as journal:
    for step in range(10):
        journal.write(json.dumps({"type": "metrics", "step": step, "values": {"a": step}}) + "\\n")
os.makedirs("output")
with open("output/large", "wb") as file:
    file.write(b"x" * (2 << 20))
print("done", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
"""


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """There is no room for anything more."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.mounts
@pytest.mark.timeout(240)
def test_on_a_full_disk_nothing_half_written_is_delivered(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with small_disk(tmp_path / "disk", 32) as disk, own_team(tmp_path, disk / "home") as team:
        xt = team.xt
        xt.script("filling.py", FILLING)
        xt.submit("--runs", "3", "--concurrent", "3", "filling.py", str(gate))
        team.pause()
        for number in (1, 2, 3):
            xt.wait_output(f"run1.{number}", "done")
        with full(disk):
            gate.touch()
            wait_until(lambda: not any(xt.processes_of_run(f"run1.{n}") for n in (1, 2, 3)))
            team.resume()
            assert [run.status for run in xt.children("job1") if run.status == "completed"] == []
            names = {info.key.rpartition("/")[2] for info in xt.session.artifacts.list("ws1/runs")}
            assert names <= {"output.txt"}  # what living runs have printed
        assert xt.wait_job("job1") == "completed"
        for run in assert_team_knows_all(team, "job1"):
            assert run.metrics == {"a": 9}
            assert xt.console(run.name) == b"done\n"
            assert xt.artifact(f"ws1/runs/{run.name}/after/output/large") == b"x" * (2 << 20)
