"""Trouble: each is survived or told in one clear line, and affects no other run."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from support import Xt, wait_until


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)


def test_a_flood_of_output_is_kept_whole(xt: Xt) -> None:
    xt.script("flood.sh", "head -c 200000000 /dev/zero\n")  # 200 MB stand for 10 GB
    xt("run", "--wait", "flood.sh")
    assert (xt.home.artifacts_dir / "ws1/runs/run1/logs/output.txt").stat().st_size == 200_000_000


def test_control_codes_and_bad_utf8_harm_nobody(xt: Xt) -> None:
    data = b"\x1b]0;title\x07\x1b[2J\xff\xfe\x00\x08\x9b31m"
    xt.script("bad.py", f"import os; os.write(1, {data!r}); os.write(2, b'err')")
    xt.submit("--runs", "2", "bad.py")
    assert xt.wait_job("job1") == "completed"
    assert [xt.console(f"run1.{n}") for n in (1, 2)] == [data + b"err"] * 2


def test_bad_text_in_names_and_metrics_is_shown_harmlessly(xt: Xt) -> None:
    xt.script(
        "t.py",
        "from xt_core import Run\n"
        "Run().log_metrics({'a\\x1b[31mb': 1.5, 'naïve \"quoted\"': 2})\n"
        "Run().tag(note='two\\nlines\\x07')\n",
    )
    xt.submit("t.py")
    xt.wait_job("job1")
    for command in (("list", "runs"), ("view", "run", "run1"), ("view", "metrics", "run1")):
        out = xt(*command).stdout
        assert "\x1b" not in out
        assert "\x07" not in out
    assert xt.json("list", "runs")["runs"][0]["metrics"] == {
        "a\x1b[31mb": 1.5,
        'naïve "quoted"': 2,
    }


def test_a_deleted_working_directory_is_survived(xt: Xt) -> None:
    xt.script("t.sh", 'rm -rf "$PWD"; echo gone\n')
    xt.submit("--runs", "2", "t.sh")
    assert xt.wait_job("job1") == "completed"
    assert [xt.console(f"run1.{n}") for n in (1, 2)] == [b"gone\n"] * 2


def test_files_without_permissions_are_stored_and_removed(xt: Xt) -> None:
    xt.script("t.sh", "mkdir -p output/a; echo x > output/a/f; chmod 000 output/a/f; chmod 500 .\n")
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "completed"
    wait_until(lambda: not (xt.home.runs_dir / "ws1" / "run1").exists())


def test_a_fifo_among_the_after_files_is_told_and_the_rest_is_stored(xt: Xt) -> None:
    xt.script(
        "t.sh", "mkdir output; mkfifo output/pipe; ln -s nowhere output/link; echo x > output/f\n"
    )
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "completed"
    assert xt.artifacts("ws1/runs/run1/after") == ["ws1/runs/run1/after/output/f"]


def test_a_run_that_fills_the_disk_fails_alone_and_nothing_of_others_is_lost(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    own = Xt(disk / "home", tmp_path / "code")
    try:
        own.script("fill.sh", 'head -c 100000000 /dev/zero > "$XT_OUTPUT_DIR/big"; echo "rc $?"\n'
                   'rm "$XT_OUTPUT_DIR/big"; exit 4\n')  # fmt: skip
        own.script("calm.sh", "echo calm\n")
        own.submit("fill.sh")
        assert own.wait_job("job1") == "error"
        assert own.run("run1").exit_code == 4
        own("run", "--wait", "calm.sh")
        assert own.console("run2") == b"calm\n"
        assert own.events("run2")[-1] == "capture_after"
    finally:
        own.close()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_delays_the_end_of_a_run_until_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    own = Xt(disk / "home", tmp_path / "code")
    try:
        own.script(
            "t.sh", 'echo ready; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo end\n'
        )
        own.submit("t.sh")
        own.wait_output("run1", "ready")
        (own.home.node_dir / "data" / "go").touch()
        ballast = disk / "ballast"
        fill(ballast)
        wait_until(lambda: not own.processes_of_run("run1"))
        ballast.unlink()
        assert own.wait_job("job1") == "completed"
        assert own.console("run1").startswith(b"ready\n")
    finally:
        own.close()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_damaged_database_is_one_clear_error(xt: Xt) -> None:
    xt.home.create()
    xt.home.stats_file.write_bytes(b"this is no database" * 1000)
    err = xt("list", "runs", code=4).stderr
    assert err.startswith(f"xt: error: the stats database {xt.home.stats_file} is damaged")
    assert len(err.splitlines()) == 2
    assert xt("run", "true", code=4).stderr == err
    assert "could not be started" in xt("status", code=4).stderr
    xt.home.stats_file.unlink()


def test_a_controller_that_cannot_start_says_where_the_reason_is(xt: Xt) -> None:
    xt.home.create()
    xt.home.config_file.write_text("boxes: {local: {max-runs: many}}\n")
    xt.environ["XT_CONFIG_FILE"] = os.devnull
    done = subprocess.run(
        [sys.executable, "-m", "controller"],
        env=xt.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{xt.home.config_file}:1: boxes.local.max-runs must be" in done.stderr


def test_a_second_controller_steps_back(xt: Xt) -> None:
    xt("status")
    done = subprocess.run([sys.executable, "-m", "controller"], env=xt.environ, check=False)
    assert done.returncode == 75
    assert xt.json("status")["nodes"][0]["controller"]["pid"] == xt.controller_pid


def test_the_socket_is_closed_to_other_users(xt: Xt) -> None:
    xt("status")
    assert xt.home.socket.stat().st_mode & 0o777 == 0o600
    assert xt.home.socket.parent.stat().st_mode & 0o777 == 0o700


def test_five_hundred_runs_end_with_exact_counts(xt: Xt) -> None:
    xt("run", "--runs", "500", "--concurrent", "8", "--no-code", "--wait", "true")
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert counts == {"unstarted": 0, "running": 0, "completed": 500, "error": 0, "cancelled": 0}
    assert xt.json("list", "runs", "--last", "1")["total"] == 500
    items = xt.session.store.work_items("job1")
    assert [item.run_index for item in items] == list(range(500))
    assert len({item.run for item in items}) == 500
    assert {str(item.status) for item in items} == {"completed"}


def test_a_reader_that_leaves_early_is_no_error(xt: Xt) -> None:
    xt("run", "--runs", "50", "--concurrent", "4", "--wait", "true")
    command = f"{sys.executable} -m xt_core list runs --all | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env=xt.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""
