"""`kill -9` of the controller: no run dies, none is lost, none is started twice."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import Xt, wait_until

import xt_core
from xt_core.errors import UnavailableError
from xt_core.nodes import client as client_module
from xt_core.nodes import requests as requests_module
from xt_core.stats.database import Database

WORK = """
import json, os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(log, (os.environ["XT_RUN_INDEX"] + "\\n").encode())
journal = os.open(os.environ["XT_JOURNAL"], os.O_WRONLY | os.O_APPEND)
for step in range(10):
    line = json.dumps({"type": "metrics", "step": step, "values": {"step": step}}) + "\\n"
    os.write(journal, line.encode())
    print("step", step, flush=True)
    time.sleep(0.01)
os.makedirs("output", exist_ok=True)
open("output/result", "w").write("done")
sys.exit(int(os.environ["XT_RUN_INDEX"]) % 3)
"""
CONSOLE = "".join(f"step {step}\n" for step in range(10)).encode()


@pytest.mark.both
def test_living_runs_are_adopted_and_keep_everything(xt: Xt) -> None:
    xt.script(
        "t.sh",
        'echo one; echo \'{"type": "metrics", "values": {"a": 1}}\' >> "$XT_JOURNAL"\n'
        'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n'
        'echo two; echo \'{"type": "metrics", "values": {"a": 2}}\' >> "$XT_JOURNAL"; exit 5\n',
    )
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    xt.kill_controller()
    assert len(xt.processes_of_run("run1")) >= 1
    xt.session.controller.ensure_running()
    wait_until(lambda: xt.json("status")["nodes"][0]["running"] == 1)
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "error"
    assert (xt.run("run1").exit_code, xt.run("run1").restarts) == (5, 0)
    assert xt.console("run1") == b"one\ntwo\n"
    assert xt.json("view", "metrics", "run1")["metrics"]["a"]["value"] == [1, 2]
    assert xt.events("run1").count("started") == 1


@pytest.mark.both
def test_runs_that_ended_meanwhile_get_their_true_exit_status(xt: Xt) -> None:
    xt.script("t.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo bye; exit 7\n')
    xt.submit("t.sh")
    xt.wait_status("run1", "running")
    wait_until(lambda: xt.processes_of_run("run1"))
    xt.kill_controller()
    (xt.home.node_dir / "data" / "go").touch()
    wait_until(lambda: not xt.processes_of_run("run1"))
    wait_until(lambda: (xt.home.runs_dir / "ws1/run1/control/exit.json").exists())
    assert xt.json("status")["nodes"][0]["state"] == "running"  # any command brings it back
    assert xt.wait_job("job1") == "error"
    assert xt.run("run1").exit_code == 7
    assert xt.console("run1") == b"bye\n"


@pytest.mark.both
def test_kills_at_many_moments_lose_nothing_and_start_nothing_twice(xt: Xt, tmp_path: Path) -> None:
    xt.script("work.py", WORK)
    log = tmp_path / "log"
    runs = 24
    xt.submit("--runs", str(runs), "--concurrent", "3", "work.py", str(log))
    for kills in range(10):
        wait_until(
            lambda kills=kills: log.exists() and len(log.read_text().split()) > 2 * kills  # type: ignore[misc]
        )
        threading.Event().wait(0.013 * (kills % 4))  # another moment in a run's life each time
        xt.kill_controller()
        xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "error"
    assert sorted(map(int, log.read_text().split())) == list(range(runs))
    for index in range(runs):
        run = xt.run(f"run1.{index + 1}")
        assert (run.run_index, run.exit_code, run.restarts) == (index, index % 3, 0)
        assert xt.console(run.name) == CONSOLE
        steps = xt.session.store.metrics("ws1", run.name)
        assert [record.step for record in steps] == list(range(10))
        assert xt.artifact(f"ws1/runs/{run.name}/after/output/result") == b"done"
        assert xt.events(run.name) == [
            "created", "queued", "download_before", "started", "ended", "capture_after",
        ]  # fmt: skip
    wait_until(lambda: "ws1/jobs/job1/job.json" in xt.artifacts("ws1/jobs/job1"))
    xt.kill_controller()
    xt.session.controller.ensure_running()  # it removes what its predecessors had no time for
    assert list((xt.home.runs_dir / "ws1").iterdir()) == []
    assert "Traceback" not in xt.home.controller_log.read_text()


def test_a_stale_socket_and_lock_file_are_no_obstacle(xt: Xt) -> None:
    xt.home.create()
    xt.home.controller_lock.write_text("999999\n")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(xt.home.socket))
    stale.close()
    xt("run", "--wait", "true")
    assert xt.controller_pid != 999999


def test_a_controller_of_another_version_is_replaced_and_its_runs_live_on(xt: Xt) -> None:
    xt.script("t.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo two\n')
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    old = xt.controller_pid
    program = (
        "import xt_core; xt_core.__version__ = '99.0'\n"
        "from xt_core.session import Session\n"
        "session = Session()\n"
        "try: session.controller.ensure_running()\n"
        "finally: print(session.controller.status()['nodes'][0]['controller']['pid'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=xt.environ, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) != old
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"one\ntwo\n"


def test_gpus_of_adopted_runs_stay_theirs(xt: Xt) -> None:
    xt.environ["CUDA_VISIBLE_DEVICES"] = "0,1"
    xt.script(
        "gpu.sh",
        'echo "$CUDA_VISIBLE_DEVICES"; touch "$XT_DATA_DIR/$XT_RUN_INDEX"\n'
        '[ "$XT_RUN_INDEX" = 1 ] && exit; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n',
    )
    xt.submit("--runs", "3", "--concurrent", "2", "gpu.sh")
    xt.wait_output("run1.1", "0")
    xt.wait_output("run1.3", "1")
    xt.kill_controller()
    xt.session.controller.ensure_running()
    wait_until(lambda: len(xt.json("status")["runs"]) == 2)
    runs = xt.json("status")["runs"]
    assert sorted((run["name"], run["gpus"]) for run in runs) == [
        ("run1.1", ["0"]),
        ("run1.3", ["1"]),
    ]
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"


def test_a_job_whose_mrc_is_gone_fails_and_does_not_wait_for_ever(xt: Xt) -> None:
    xt.submit("sleep", "600")
    xt.wait_status("run1", "running")
    wait_until(lambda: xt.processes_of_run("run1"))
    xt.kill_controller()
    for pid in xt.processes_of_run("run1"):
        os.kill(pid, signal.SIGKILL)
    xt.session.artifacts.delete("ws1/jobs/job1/mrc.json")
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "error"
    assert "mrc.json" in xt.run("run1").error


@pytest.mark.both
@pytest.mark.parametrize("what", ["submitted", "half"])
def test_a_job_that_nobody_told_the_controller_of_is_run(xt: Xt, what: str) -> None:
    xt.submit("true")
    xt.wait_job("job1")
    xt.kill_controller()
    from xt_core.submit.options import RunRequest
    from xt_core.submit.preparation import prepare
    from xt_core.submit.submission import submit

    request = RunRequest(command=["echo", "late"])
    client = xt.session.controller
    client.ensure_running()
    if what == "half":
        client.shut_down()
    taken = client.take_up
    client.take_up = lambda *_: None  # type: ignore[method-assign]  # it died here
    submit(xt.session, prepare(xt.session, request), print)
    client.take_up = taken  # type: ignore[method-assign]
    client.shut_down()
    client.ensure_running()
    assert xt.wait_job("job2") == "completed"
    assert xt.console("run2") == b"late\n"
    assert json.loads(xt.artifact("ws1/runs/run2/logs/run.json"))["status"] == "completed"


@pytest.mark.both
def test_a_kill_while_files_are_stored_ends_in_all_of_them(xt: Xt) -> None:
    xt.script(
        "t.py",
        "import os\n"
        "os.makedirs('output')\n"
        "for n in range(600): open(f'output/{n:03}', 'wb').write(bytes([n % 256]) * 20_000)\n"
        "print('done')\n",
    )
    xt.submit("t.py")
    after = "ws1/runs/run1/after"
    pid = xt.controller_pid  # to ask it whether it is there takes as long as to store much of it
    waiting = f"*/*{after.replace('/', '%2F')}*"  # as the outbox names it
    wait_until(
        lambda: (
            any(xt.home.artifacts_dir.glob(f"**/{after}")) or any(xt.home.outbox_dir.glob(waiting))
        ),
        "a first file",
    )
    os.kill(pid, signal.SIGKILL)
    xt.wait_for_controller_end()
    assert xt.run("run1").status == "running"
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "completed"
    stored = xt.artifacts("ws1/runs/run1/after")
    assert stored == [f"ws1/runs/run1/after/output/{n:03}" for n in range(600)]
    assert {len(xt.artifact(key)) for key in stored} == {20_000}
    assert xt.events("run1") == [
        "created", "queued", "download_before", "started", "ended", "capture_after",
    ]  # fmt: skip
    assert xt.console("run1") == b"done\n"


@pytest.mark.both
def test_the_records_of_a_job_are_written_though_its_end_was_not_survived(xt: Xt) -> None:
    keys = []
    for number in range(1, 6):
        xt.submit(*(("--runs", "2") if number % 2 else ()), "true")
        xt.wait_job(f"job{number}")
        xt.kill_controller()  # its last words may be missing
        xt.session.controller.ensure_running()
        keys += [f"ws1/jobs/job{number}/job.json", f"ws1/runs/run{number}/logs/run.json"]
    wait_until(lambda: all(xt.session.artifacts.exists(key) for key in keys), "all records")
    assert [json.loads(xt.artifact(key))["status"] for key in keys] == ["completed"] * 10
    wait_until(lambda: list(xt.home.served_dir.iterdir()) == [])


@pytest.mark.both
def test_a_parent_script_runs_once_whenever_the_controller_dies(xt: Xt, tmp_path: Path) -> None:
    xt.script("prep.sh", f'echo "$XT_JOB_ID" >> "{tmp_path}/log"; sleep 0.05; echo prepared\n')
    log = tmp_path / "log"
    for number in range(1, 7):
        xt.submit("--runs", "2", "--parent-script", "prep.sh", "true")
        wait_until(lambda number=number: log.exists() and log.read_text().count("job") == number)  # type: ignore[misc]
        threading.Event().wait(0.02 * number)
        xt.kill_controller()
        xt.session.controller.ensure_running()
        assert xt.wait_job(f"job{number}") == "completed"
        assert xt.events(f"run{number}") == [
            "created", "queued", "parent_script_started", "download_before", "started",
            "parent_script_completed", "child_created", "child_created", "ended",
        ]  # fmt: skip
        assert xt.console(f"run{number}") == b"prepared\n"
    assert log.read_text().split() == [f"job{number}" for number in range(1, 7)]


def test_clients_of_a_new_version_replace_the_controller_together(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo two\n')
    older = tmp_path / "older"
    older.mkdir()
    (older / "sitecustomize.py").write_text("import xt_core; xt_core.__version__ = '0.0.1'\n")
    now = xt.environ.get("PYTHONPATH", "")
    xt.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(older), now)))
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    old = xt.controller_pid
    xt.environ["PYTHONPATH"] = now
    clients = [xt.start("status", "--json") for _ in range(4)]
    answers = [client.communicate() for client in clients]
    assert [client.returncode for client in clients] == [0] * 4, answers
    controllers = [json.loads(out)["nodes"][0]["controller"] for out, _ in answers]
    assert {each["version"] for each in controllers} == {xt_core.__version__}
    assert {each["pid"] for each in controllers} == {xt.controller_pid}
    assert xt.controller_pid != old
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"one\ntwo\n"
    xt.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(older), now)))
    refused = xt("status", code=5).stderr
    assert refused == (
        f"xt: error: the controller of node0 is of XT {xt_core.__version__}, and this is 0.0.1\n"
        f"hint: upgrade XT here to {xt_core.__version__}\n"
    )


def test_a_client_waits_for_a_controller_that_is_on_its_way_out(xt: Xt) -> None:
    xt.home.create()
    with xt.home.controller_lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = xt.start("status", "--json")
        wait_until(lambda: len(xt.processes()) > 1, "an attempt to start a controller")
        fcntl.flock(lock, fcntl.LOCK_UN)
    out, err = client.communicate()
    assert client.returncode == 0, err
    assert json.loads(out)["nodes"][0]["controller"]["pid"] == xt.controller_pid


def test_a_controller_that_hangs_is_told(xt: Xt, monkeypatch: pytest.MonkeyPatch) -> None:
    xt("status")
    monkeypatch.setattr(requests_module, "STATUS_SECONDS", 0.3)
    monkeypatch.setattr(client_module, "HANDOVER_SECONDS", 0.1)
    asleep = xt.pause_controller()
    try:
        with pytest.raises(UnavailableError, match="is running but does not answer") as caught:
            xt.session.controller.ensure_running()
    finally:
        os.kill(asleep, signal.SIGCONT)
    assert str(xt.home.controller_lock) in caught.value.hint


def test_a_submission_outlives_the_controller_it_began_with(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xt_core.submit.options import RunRequest
    from xt_core.submit.preparation import prepare
    from xt_core.submit.submission import submit

    tell = xt.session.controller.take_up
    killed: list[int] = []

    def kill_first(job: str) -> None:
        if not killed:
            killed.append(xt.controller_pid)
            xt.kill_controller()
        tell(job)

    monkeypatch.setattr(xt.session.controller, "take_up", kill_first)
    submission = submit(xt.session, prepare(xt.session, RunRequest(command=["true"])), print)
    assert submission.job == "job1"
    assert xt.wait_job("job1") == "completed"
    assert xt.controller_pid != killed[0]


@pytest.mark.both
def test_whoever_waits_for_a_job_that_cannot_go_on_is_told_its_end(xt: Xt) -> None:
    client = xt.start("run", "--wait", "sleep", "600")
    xt.wait_status("run1", "running")
    wait_until(lambda: xt.processes_of_run("run1"))
    xt.session.artifacts.delete("ws1/jobs/job1/mrc.json")
    for pid in [xt.controller_pid, *xt.processes_of_run("run1")]:
        os.kill(pid, signal.SIGKILL)
    _, err = client.communicate()
    assert client.returncode == 1, err
    assert "job1 ended as error" in err.decode()


def test_a_run_whose_folder_went_while_nobody_looked_is_not_started_again(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("t.sh", f'echo started >> "{tmp_path}/log"; sleep 600\n')
    xt.submit("t.sh")
    wait_until((tmp_path / "log").exists)
    xt.kill_controller()
    shutil.rmtree(xt.home.runs_dir / "ws1" / "run1")
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "error"
    assert (tmp_path / "log").read_text() == "started\n"
    wait_until(lambda: xt.processes_of_run("run1") == [])


def test_a_clock_that_jumps_back_gives_no_negative_duration(xt: Xt) -> None:
    xt.script("t.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n')
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    xt.kill_controller()
    with Database(xt.home.stats_file).transaction() as connection:  # it "started" in an hour
        connection.execute("UPDATE runs SET started = started + 3600, queued = queued + 3600")
        connection.execute("UPDATE events SET time = time + 3600")
    (xt.home.node_dir / "data" / "go").touch()
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "completed"
    assert xt.event_data("run1", "ended")["duration"] == 0.0
    assert xt.json("list", "runs")["runs"][0]["duration"] == 0.0
    assert xt.events("run1")[-2:] == ["ended", "capture_after"]


def test_a_job_cancelled_before_its_parent_script_began_ends_once(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xt_core.submit.options import RunRequest
    from xt_core.submit.preparation import prepare
    from xt_core.submit.submission import submit

    xt.script("prep.sh", f"touch {xt.code}/made\n")
    monkeypatch.setattr(xt.session.controller, "take_up", lambda job: None)
    request = RunRequest(command=["true"], runs=2, parent_script="prep.sh")
    submit(xt.session, prepare(xt.session, request), print)
    xt.session.store.update_job("job1", cancel_requested=True)
    xt.session.controller.shut_down()
    xt.session.controller.ensure_running()
    assert xt.wait_job("job1") == "cancelled"
    assert xt.events("run1") == [
        "created", "queued", "parent_script_started", "parent_script_completed",
        "cancelled", "ended",
    ]  # fmt: skip
    assert not (xt.code / "made").exists()
