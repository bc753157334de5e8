"""Attach: replay and follow, byte for byte."""

import hashlib
import random
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from support import Xt, wait_until

WILD = """
import os, sys, time
os.write(1, bytes(range(256)) + b"\\xff\\xfe no newline yet \\x1b[31m \\r\\n")
while not os.path.exists(os.environ["XT_DATA_DIR"] + "/go"):
    time.sleep(0.01)
os.write(1, "é and the end without a newline".encode())
"""
WILD_BYTES = bytes(range(256)) + b"\xff\xfe no newline yet \x1b[31m \r\n"
WILD_END = "é and the end without a newline".encode()


def go(xt: Xt) -> None:
    (xt.home.node_dir / "data" / "go").touch()


def finish(process: "subprocess.Popen[bytes]") -> tuple[bytes, int]:
    assert process.stdout is not None
    out = process.stdout.read()  # what `read` has buffered too
    process.communicate(timeout=90)
    return out, process.returncode


def read(process: "subprocess.Popen[bytes]", size: int) -> bytes:
    assert process.stdout is not None
    return process.stdout.read(size)


@pytest.mark.both
def test_a_living_run_is_replayed_and_followed_to_its_end(xt: Xt) -> None:
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    xt.wait_output("run1", "no newline yet")
    listeners = [xt.start("attach", "run1") for _ in range(3)]
    assert [read(listener, len(WILD_BYTES)) for listener in listeners] == [WILD_BYTES] * 3
    go(xt)
    assert [finish(listener) for listener in listeners] == [(WILD_END, 0)] * 3


@pytest.mark.both
def test_an_ended_run_is_replayed(xt: Xt) -> None:
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    xt.wait_status("run1", "running")
    go(xt)
    xt.wait_job("job1")
    assert finish(xt.start("attach", "run1")) == (WILD_BYTES + WILD_END, 0)
    assert finish(xt.start("view", "console", "run1")) == (WILD_BYTES + WILD_END, 0)


@pytest.mark.both
def test_attach_may_begin_at_any_byte_or_line(xt: Xt) -> None:
    xt.script("t.sh", "printf 'one\\ntwo\\nthree\\n'\n")
    xt.submit("t.sh")
    xt.wait_job("job1")
    for start, expected in (
        ("start", b"one\ntwo\nthree\n"),
        ("end", b""),
        ("-1", b"three\n"),
        ("-2", b"two\nthree\n"),
        ("@4", b"two\nthree\n"),
        ("@99", b""),
        (f"@{10**30}", b""),
    ):
        assert finish(xt.start("attach", "run1", "--from", start)) == (expected, 0), start


def test_a_wrong_position_or_name_is_refused(xt: Xt) -> None:
    xt.session.store.jobs()
    assert "--from x is no position" in xt("attach", "run1", "--from", "x", code=2).stderr
    assert "no run named run1" in xt("attach", "run1", code=3).stderr
    assert "may be many runs" in xt("attach", "run1.*", code=2).stderr


def test_ctrl_c_detaches_and_the_run_lives(xt: Xt) -> None:
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    listener = xt.start("attach", "run1")
    assert read(listener, len(WILD_BYTES)) == WILD_BYTES
    listener.send_signal(signal.SIGINT)
    assert finish(listener) == (b"", 130)
    xt.wait_status("run1", "running")
    again = xt.start("attach", "run1", "--from", f"@{len(WILD_BYTES)}")
    go(xt)
    assert finish(again) == (WILD_END, 0)


def test_a_queued_run_is_waited_for(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {max-runs: 1}\n")
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    xt.wait_status("run1", "running")
    xt.submit("echo", "second")
    listener = xt.start("attach", "run2")
    go(xt)
    assert finish(listener) == (b"second\n", 0)


def test_a_run_cancelled_before_its_start_has_no_output(xt: Xt) -> None:
    xt.configure("boxes:\n  local: {max-runs: 1}\n")
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    xt.wait_status("run1", "running")
    xt.submit("echo", "second")
    listener = xt.start("attach", "run2")
    xt("cancel", "run", "run2")
    assert finish(listener) == (b"", 0)
    assert finish(xt.start("attach", "run2")) == (b"", 0)
    go(xt)


def test_a_listener_that_does_not_read_delays_nobody(xt: Xt) -> None:
    xt.script("flood.sh", "head -c 30000000 /dev/zero\n")
    xt.script("wait.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n. ./flood.sh\n')
    xt.submit("wait.sh")
    xt.wait_status("run1", "running")
    lazy = xt.start("attach", "run1")
    eager = xt.start("attach", "run1")
    go(xt)
    assert finish(eager) == (bytes(30_000_000), 0)
    assert xt.wait_job("job1") == "completed"
    assert finish(lazy) == (bytes(30_000_000), 0)


@pytest.mark.both
def test_nothing_is_lost_or_doubled_over_kills_of_the_controller(xt: Xt, tmp_path: Path) -> None:
    xt.script(
        "count.py",
        "import os, time\n"
        "for number in range(300):\n"
        "    print(number, flush=True)\n"
        "    time.sleep(0.01)\n"
        "    gate = os.path.join(os.environ['XT_DATA_DIR'], str(number))\n"
        "    while number in (5, 100, 200) and not os.path.exists(gate):\n"
        "        time.sleep(0.01)\n",
    )
    xt.submit("count.py")
    listener = xt.start("attach", "run1")
    for number in (5, 100, 200):
        xt.wait_output("run1", f"{number}\n")
        xt.kill_controller()
        (xt.home.node_dir / "data" / str(number)).touch()
    out, code = finish(listener)
    assert code == 0
    assert out == b"".join(b"%d\n" % number for number in range(300))
    assert xt.wait_job("job1") == "completed"


@pytest.mark.both
def test_a_large_output_arrives_whole(xt: Xt) -> None:
    xt.script(
        "big.py", "import os\nfor n in range(200): os.write(1, bytes([n]) * 100_000 + b'\\n')\n"
    )
    xt.submit("big.py")
    listener = xt.start("attach", "run1")
    out, _ = finish(listener)
    expected = b"".join(bytes([n]) * 100_000 + b"\n" for n in range(200))
    assert hashlib.sha256(out).digest() == hashlib.sha256(expected).digest()
    wait_until(lambda: xt.run("run1").status == "completed")


def test_attach_to_a_living_run_may_begin_at_its_end(xt: Xt) -> None:
    xt.script("wild.py", WILD)
    xt.submit("wild.py")
    xt.wait_output("run1", "no newline yet")
    listener = xt.start("attach", "run1", "--from", "end")
    xt.wait_listeners(1)
    go(xt)
    assert finish(listener) == (WILD_END, 0)


@pytest.mark.both
def test_the_output_of_a_parent_ends_with_its_job(xt: Xt) -> None:
    xt.script("t.sh", 'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n')
    xt.submit("--runs", "2", "t.sh")
    xt.wait_status("run1.1", "running")
    listener = xt.start("attach", "run1")
    threading.Timer(0.1, go, [xt]).start()
    with xt.session.controller.output("ws1", "run1", "start") as stream:
        assert list(stream.chunks()) == []
    assert finish(listener) == (b"", 0)
    assert xt.wait_job("job1") == "completed"


def test_the_bytes_of_a_parent_script_can_be_followed(xt: Xt) -> None:
    xt.script(
        "prep.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo two\n'
    )
    xt.submit("--runs", "2", "--parent-script", "prep.sh", "true")
    xt.wait_output("run1", "one")
    assert xt.json("list", "jobs")["jobs"][0]["status"] == "running"
    listener = xt.start("attach", "run1")
    assert read(listener, 4) == b"one\n"
    go(xt)
    assert finish(listener) == (b"two\n", 0)


def test_random_bytes_arrive_exactly_over_kills_in_mid_stream(xt: Xt) -> None:
    data = random.Random(7).randbytes(16_000_000)
    xt.script(
        "t.py",
        "import os, random, time\n"
        "data = random.Random(7).randbytes(16_000_000)\n"
        "for part in range(4):\n"
        "    while part and not os.path.exists(f\"{os.environ['XT_DATA_DIR']}/{part}\"):\n"
        "        time.sleep(0.01)\n"
        "    rest = data[part * 4_000_000 : (part + 1) * 4_000_000]\n"
        "    while rest: rest = rest[os.write(1, rest) :]\n",
    )
    xt.submit("t.py")
    whole, middle = xt.start("attach", "run1"), xt.start("attach", "run1", "--from", "@5000001")
    out = b""
    for part in range(1, 4):
        out += read(whole, 4_000_000 * part - len(out) - 1_000_000)
        xt.kill_controller()  # a megabyte is on its way
        (xt.home.node_dir / "data" / str(part)).touch()
    rest, code = finish(whole)
    assert code == 0
    out += rest
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()
    assert finish(middle) == (data[5_000_001:], 0)
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == data


@pytest.mark.both
def test_a_listener_far_behind_reads_on_from_the_store(xt: Xt) -> None:
    xt.script(
        "t.py",
        "import os, time\n"
        "while not os.path.exists(os.environ['XT_DATA_DIR'] + '/go'): time.sleep(0.01)\n"
        "for n in range(200): os.write(1, bytes([n]) * 100_000)\n",
    )
    xt.submit("t.py")
    xt.wait_status("run1", "running")
    listener = xt.start("attach", "run1")
    xt.wait_listeners(1)
    go(xt)
    assert xt.wait_job("job1") == "completed"
    xt.kill_controller()
    assert finish(listener) == (b"".join(bytes([n]) * 100_000 for n in range(200)), 0)


@pytest.mark.both
def test_ctrl_c_on_a_submission_that_attached_leaves_the_run_alone(xt: Xt) -> None:
    xt.script("wild.py", WILD)
    client = xt.start("run", "--attach", "wild.py")
    assert read(client, len(WILD_BYTES)) == WILD_BYTES
    client.send_signal(signal.SIGINT)
    assert finish(client)[1] == 130
    xt.wait_status("run1", "running")
    go(xt)
    assert xt.wait_job("job1") == "completed"
