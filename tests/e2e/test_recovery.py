"""`kill -9` of the controller: no run dies, none is lost, none is started twice."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import Xt, wait_until

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


@pytest.mark.parametrize("what", ["submitted", "half"])
def test_a_job_that_nobody_told_the_controller_of_is_run(xt: Xt, what: str) -> None:
    xt.submit("true")
    xt.wait_job("job1")
    xt.kill_controller()
    from xt_core.submit.options import RunRequest
    from xt_core.submit.submission import prepare, submit

    request = RunRequest(command=["echo", "late"])
    client = xt.session.controller
    client.ensure_running()
    if what == "half":
        client.shut_down()
    taken = client.take_up
    client.take_up = lambda job: None  # type: ignore[method-assign]  # the client died before it
    submit(xt.session, prepare(xt.session, request), print)
    client.take_up = taken  # type: ignore[method-assign]
    client.shut_down()
    client.ensure_running()
    assert xt.wait_job("job2") == "completed"
    assert xt.console("run2") == b"late\n"
    assert json.loads(xt.artifact("ws1/runs/run2/logs/run.json"))["status"] == "completed"
