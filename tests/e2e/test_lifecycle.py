"""The life of a run: order, concurrency, what is logged and what is kept."""

import json
import os
import signal
from pathlib import Path

import pytest
from support import Xt, is_alive, wait_until

RUN_EVENTS = ["created", "queued", "download_before", "started", "ended", "capture_after"]
SPAN = """
import os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(log, b"+")
time.sleep(0.1)
os.write(log, b"-")
"""


def most_at_once(log: Path) -> int:
    live = most = 0
    for mark in log.read_text():
        live += 1 if mark == "+" else -1
        most = max(most, live)
    assert live == 0
    return most


@pytest.mark.both
def test_the_events_of_a_run_come_in_order(xt: Xt) -> None:
    xt.script("t.py", "print('x')")
    xt.submit("t.py")
    xt.wait_job("job1")
    assert xt.events("run1") == RUN_EVENTS
    ended = xt.event_data("run1", "ended")
    assert (ended["status"], ended["exit_code"], ended["signal"]) == ("completed", 0, None)
    assert ended["cpu_seconds"] > 0
    assert ended["peak_memory_bytes"] > 1_000_000
    assert ended["duration"] > 0
    document = xt.json("view", "events", "run1")
    assert [event["seq"] for event in document["events"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.both
def test_a_parent_logs_its_children_and_ends_after_them(xt: Xt) -> None:
    xt.submit("--runs", "3", "--concurrent", "3", "true")
    assert xt.wait_job("job1") == "completed"
    assert xt.events("run1") == ["created", "queued", *["child_created"] * 3, "ended"]
    parent = xt.run("run1")
    assert parent.ended is not None
    assert all((xt.run(f"run1.{n}").ended or 0) <= parent.ended for n in (1, 2, 3))


@pytest.mark.parametrize("concurrent", [1, 3])
def test_no_more_runs_than_asked_for_are_live_at_once(
    xt: Xt, tmp_path: Path, concurrent: int
) -> None:
    xt.script("span.py", SPAN)
    log = tmp_path / "log"
    xt.submit("--runs", "7", "--concurrent", str(concurrent), "span.py", str(log))
    assert xt.wait_job("job1") == "completed"
    assert most_at_once(log) <= concurrent
    assert log.read_text().count("+") == 7


def test_the_node_has_a_limit_over_all_jobs(xt: Xt, tmp_path: Path) -> None:
    xt.configure("boxes:\n  local: {max-runs: 2}\n")
    xt.script("span.py", SPAN)
    log = tmp_path / "log"
    for _ in range(2):
        xt.submit("--runs", "4", "--concurrent", "4", "span.py", str(log))
    assert (xt.wait_job("job1"), xt.wait_job("job2")) == ("completed", "completed")
    assert most_at_once(log) <= 2
    assert log.read_text().count("+") == 8


@pytest.mark.both
def test_the_journal_becomes_metrics_hparams_tags_and_events(xt: Xt) -> None:
    xt.script(
        "t.py",
        "from xt_core import Run\n"
        "run = Run()\n"
        "run.log_hparams({'depth': 3})\n"
        "for step in range(5):\n"
        "    run.log_metrics({'loss': 1 / (step + 1), 'nan': float('nan')}, step=step)\n"
        "run.tag('good', note='x')\n"
        "run.log_event('saved', {'epoch': 4})\n",
    )
    xt.submit("t.py")
    assert xt.wait_job("job1") == "completed"
    series = xt.json("view", "metrics", "run1")["metrics"]
    assert series["loss"]["step"] == [0, 1, 2, 3, 4]
    assert series["loss"]["value"] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert series["nan"]["value"] == [None] * 5
    run = xt.json("list", "runs")["runs"][0]
    assert run["metrics"] == {"loss": 0.2, "nan": None}
    assert run["hparams"] == {"depth": 3}
    assert run["tags"] == {"good": True, "note": "x"}
    assert xt.events("run1") == [*RUN_EVENTS[:4], "saved", *RUN_EVENTS[4:]]
    assert xt.event_data("run1", "saved") == {"epoch": 4}


def test_any_program_may_write_the_journal(xt: Xt) -> None:
    line = '{"type": "metrics", "step": 3, "values": {"loss": 0.2}}'
    xt.script("t.sh", f'echo \'{line}\' >> "$XT_JOURNAL"; echo garbage >> "$XT_JOURNAL"\n')
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "completed"
    assert xt.run("run1").metrics == {"loss": 0.2}
    assert xt.event_data("run1", "journal_error") == {"offset": len(line) + 1}


@pytest.mark.both
def test_metrics_are_seen_while_the_run_lives(xt: Xt) -> None:
    xt.script(
        "t.sh",
        'echo \'{"type": "metrics", "values": {"loss": 0.5}}\' >> "$XT_JOURNAL"\n'
        'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n',
    )
    xt.submit("t.sh")
    wait_until(lambda: xt.session.store.jobs() and xt.run("run1").metrics == {"loss": 0.5})
    assert xt.run("run1").status == "running"
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"


@pytest.mark.both
def test_all_after_files_are_stored_when_a_run_counts_as_completed(xt: Xt) -> None:
    xt.script(
        "t.py",
        "import os\n"
        "os.makedirs('output/deep')\n"
        "for n in range(150):\n"
        "    open(f'output/deep/{n}', 'wb').write(bytes([n]) * 50_000)\n"
        "open('other', 'w').write('not kept')\n",
    )
    xt.submit("t.py")
    xt.wait_status("run1", "completed", "error")
    stored = xt.artifacts("ws1/runs/run1/after")
    assert len(stored) == 150
    assert xt.artifact("ws1/runs/run1/after/output/deep/149") == bytes([149]) * 50_000
    assert xt.event_data("run1", "capture_after")["count"] == 150


@pytest.mark.both
def test_files_are_mirrored_while_the_run_lives(xt: Xt) -> None:
    xt.script(
        "t.sh",
        'mkdir logs; echo early > logs/train.log; echo model > "$XT_OUTPUT_DIR/m.bin"\n'
        'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo late >> logs/train.log\n',
    )
    xt.submit("t.sh")
    prefix = "ws1/runs/run1/output"
    wait_until(lambda: xt.artifacts(prefix) == [f"{prefix}/logs/train.log", f"{prefix}/m.bin"])
    xt.wait_status("run1", "running")
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"
    assert xt.artifact(f"{prefix}/logs/train.log") == b"early\nlate\n"
    assert xt.artifact(f"{prefix}/m.bin") == b"model\n"


@pytest.mark.both
def test_what_is_kept_of_a_run_can_be_read_without_the_stats_store(xt: Xt) -> None:
    xt.script(
        "t.sh", 'echo hello; echo \'{"type": "metrics", "values": {"a": 1}}\' >> "$XT_JOURNAL"\n'
    )
    xt.submit("t.sh")
    xt.wait_job("job1")
    logs = "ws1/runs/run1/logs"
    assert xt.artifacts("ws1/runs/run1") == [
        f"{logs}/{name}" for name in ("events.jsonl", "metrics.jsonl", "output.txt", "run.json")
    ]
    events = [json.loads(line) for line in xt.artifact(f"{logs}/events.jsonl").splitlines()]
    assert [event["event"] for event in events] == RUN_EVENTS
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6]
    record = json.loads(xt.artifact(f"{logs}/run.json"))
    assert (record["name"], record["status"], record["exit_code"]) == ("run1", "completed", 0)
    metrics = [json.loads(line) for line in xt.artifact(f"{logs}/metrics.jsonl").splitlines()]
    assert [point["values"] for point in metrics] == [{"a": 1}]
    assert xt.artifact(f"{logs}/output.txt") == b"hello\n"
    wait_until(lambda: "ws1/jobs/job1/job.json" in xt.artifacts("ws1/jobs/job1"))
    assert json.loads(xt.artifact("ws1/jobs/job1/job.json"))["status"] == "completed"
    assert not (xt.home.runs_dir / "ws1" / "run1").exists()


def test_output_grows_in_the_working_directory(xt: Xt) -> None:
    xt.script("t.sh", "echo one; head -1 output.txt; rm output.txt; echo two\n")
    xt.submit("t.sh")
    xt.wait_job("job1")
    assert xt.console("run1") == b"one\none\ntwo\n"


@pytest.mark.both
@pytest.mark.parametrize(
    ("script", "code", "error"),
    [
        ("exit 3\n", 3, "exit code 3"),
        ("kill -9 $$\n", 137, "killed by signal 9"),
        ("kill -SEGV $$\n", 139, "killed by signal 11"),
        ("exit 255\n", 255, "exit code 255"),
    ],
)
def test_a_failure_keeps_its_exit_status(xt: Xt, script: str, code: int, error: str) -> None:
    xt.script("t.sh", f"ulimit -c 0\n{script}")
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "error"
    run = xt.run("run1")
    assert (run.status, run.exit_code, run.error) == ("error", code, error)
    killed = {137: signal.SIGKILL, 139: signal.SIGSEGV}.get(code)
    assert xt.event_data("run1", "ended")["signal"] == killed


def test_a_run_that_cannot_start_says_why(xt: Xt) -> None:
    xt.script("x", "#!/no/such/interpreter\n")
    xt.submit("./x")
    assert xt.wait_job("job1") == "error"
    run = xt.run("run1")
    assert (run.exit_code, run.error) == (127, "cannot run ./x: not found")


def test_one_failing_run_affects_no_other(xt: Xt) -> None:
    xt.script("t.sh", "exit $XT_RUN_INDEX\n")
    xt.submit("--runs", "4", "--concurrent", "2", "t.sh")
    assert xt.wait_job("job1") == "error"
    assert [xt.run(f"run1.{n}").exit_code for n in range(1, 5)] == [0, 1, 2, 3]
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert counts == {"unstarted": 0, "running": 0, "completed": 1, "error": 3, "cancelled": 0}


@pytest.mark.both
def test_the_best_run_of_a_job_is_known(xt: Xt) -> None:
    line = '{\\"type\\": \\"metrics\\", \\"values\\": {\\"loss\\": $XT_RUN_INDEX}}'
    xt.script("t.sh", f'echo "{line}" >> "$XT_JOURNAL"\n')
    xt.submit("--runs", "3", "--primary-metric", "loss", "--minimize", "t.sh")
    xt.wait_job("job1")
    assert xt.json("list", "jobs")["jobs"][0]["best"] == {"run": "run1.1", "value": 0.0}


@pytest.mark.both
def test_status_shows_what_runs_live(xt: Xt) -> None:
    xt.script("t.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n')
    xt.submit("--runs", "2", "t.sh")
    xt.wait_status("run1.1", "running")
    wait_until(lambda: xt.json("status")["nodes"][0]["running"] == 1)
    document = xt.json("status")
    node = document["nodes"][0]
    assert (node["name"], node["target"], node["concurrent"]) == ("node0", "local", 1)
    assert node["controller"]["pid"] == xt.controller_pid
    assert [run["name"] for run in document["runs"]] == ["run1.1"]
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"
    wait_until(lambda: xt.json("status")["runs"] == [])


def test_a_run_inherits_no_descriptor_no_terminal_and_no_ignored_signal(xt: Xt) -> None:
    xt.script(
        "t.sh",
        "cat; ls /proc/self/fd | tr '\\n' ' '; grep SigIgn /proc/self/status\n"
        "yes | head -1 > /dev/null; echo ${PIPESTATUS[0]}\n"
        "ps -o sid= -p $$ | grep -qw $$ && echo own session\n",
    )
    numbers = (signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]  # as a shell's `&` does
    xt.submit("t.sh")
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert xt.wait_job("job1") == "completed"
    *descriptors, _, ignored, killed, own, _ = xt.console("run1").decode().split()
    assert descriptors == ["0", "1", "2", "3"]
    assert int(ignored, 16) & 0x7FFFFFFF == 0  # beyond are those that the C library keeps
    assert (killed, own) == ("141", "own")


def test_what_a_command_leaves_behind_is_killed_and_its_status_kept(xt: Xt) -> None:
    xt.script(
        "t.sh",
        "(trap '' TERM; echo $BASHPID > \"$XT_DATA_DIR/left\"; while true; do sleep 0.1; done) &\n"
        'until [ -s "$XT_DATA_DIR/left" ]; do sleep 0.02; done; exit 3\n',
    )
    xt.submit("--grace", "0.2", "t.sh")
    assert xt.wait_job("job1") == "error"
    run = xt.run("run1")
    assert (run.status, run.exit_code, run.error) == ("error", 3, "exit code 3")
    assert not is_alive(int((xt.home.node_dir / "data" / "left").read_text()))


def test_status_can_be_followed_over_the_death_of_the_controller(xt: Xt) -> None:
    xt.script("t.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n')
    follower = xt.start("status", "--follow", "--json")
    assert follower.stdout is not None

    def read_until(expected: list[str]) -> None:
        for line in follower.stdout or ():
            if [run["name"] for run in json.loads(line)["runs"]] == expected:
                return

    read_until([])
    xt.submit("t.sh")
    read_until(["run1"])
    xt.kill_controller()
    (xt.home.node_dir / "data" / "go").touch()
    read_until([])
    follower.send_signal(signal.SIGINT)
    follower.communicate()
    assert follower.returncode == 130
    assert xt.wait_job("job1") == "completed"


def test_who_waits_no_longer_is_told_that_the_job_lives_on(xt: Xt) -> None:
    xt.script("t.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n')
    waiting = xt.start("run", "--wait", "t.sh")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"job1: run1 submitted\n"
    waiting.send_signal(signal.SIGINT)
    _, told = waiting.communicate()
    assert waiting.returncode == 130
    assert told.endswith(b"\njob1 lives on: xt cancel job job1 ends it\n")
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "completed"


def test_a_controller_that_is_asked_to_end_leaves_its_runs_alive(xt: Xt) -> None:
    xt.script("t.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo two\n')
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    os.kill(xt.controller_pid, signal.SIGTERM)
    xt.wait_for_controller_end()
    assert not xt.home.socket.exists()
    assert xt.processes_of_run("run1")
    (xt.home.node_dir / "data" / "go").touch()
    assert xt("list", "runs").returncode == 0  # needs no controller, and starts none
    assert not xt.session.controller.is_running()
    xt("status")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"one\ntwo\n"
