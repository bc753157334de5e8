"""Trouble: each is survived or told in one clear line, and affects no other run."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Xt, small_disk, wait_until


@contextlib.contextmanager
def an_xt(home: Path, folder: Path) -> Iterator[Xt]:
    own = Xt(home, folder / "code")
    try:
        yield own
    finally:
        own.close()


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)


def test_a_flood_of_output_is_kept_whole(xt: Xt) -> None:
    xt.script("flood.sh", "head -c 200000000 /dev/zero\n")  # 200 MB stand for 10 GB
    xt("run", "--wait", "flood.sh")
    assert (xt.home.artifacts_dir / "ws1/runs/run1/logs/output.txt").stat().st_size == 200_000_000


@pytest.mark.both
def test_control_codes_and_bad_utf8_harm_nobody(xt: Xt) -> None:
    data = b"\x1b]0;title\x07\x1b[2J\xff\xfe\x00\x08\x9b31m"
    xt.script("bad.py", f"import os; os.write(1, {data!r}); os.write(2, b'err')")
    xt.submit("--runs", "2", "bad.py")
    assert xt.wait_job("job1") == "completed"
    assert [xt.console(f"run1.{n}") for n in (1, 2)] == [data + b"err"] * 2


@pytest.mark.both
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


@pytest.mark.both
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


@pytest.mark.mounts
def test_a_run_that_fills_the_disk_fails_alone_and_nothing_of_others_is_lost(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", 24) as disk, an_xt(disk / "home", tmp_path) as own:
        own.script("fill.sh", 'head -c 100000000 /dev/zero > "$XT_OUTPUT_DIR/big"; echo "rc $?"\n'
                   'rm "$XT_OUTPUT_DIR/big"; exit 4\n')  # fmt: skip
        own.script("calm.sh", "echo calm\n")
        own.submit("fill.sh")
        assert own.wait_job("job1") == "error"
        assert own.run("run1").exit_code == 4
        own("run", "--wait", "calm.sh")
        assert own.console("run2") == b"calm\n"
        assert own.events("run2")[-1] == "capture_after"


@pytest.mark.both
@pytest.mark.mounts
def test_a_full_disk_delays_the_end_of_a_run_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk, an_xt(disk / "home", tmp_path) as own:
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


@pytest.mark.mounts
def test_submitting_to_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk, an_xt(disk / "home", tmp_path) as own:
        own("run", "--wait", "true")
        fill(disk / "ballast")
        err = own("run", "true", code=4).stderr
        assert err.startswith("xt: error: ")
        assert len(err.splitlines()) <= 2
        (disk / "ballast").unlink()
        own("run", "--wait", "true")


@pytest.mark.mounts
def test_a_full_temporary_folder_is_one_clear_error(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk, an_xt(tmp_path / "home", tmp_path) as own:
        (own.code / "data.bin").write_bytes(os.urandom(3_000_000))
        own.script("t.py", "")
        own.environ["TMPDIR"] = str(disk)
        err = own("run", "t.py", code=4).stderr
        assert err.startswith(f"xt: error: cannot write the code snapshot {disk}/")
        assert err.endswith("no space left on the disk\nhint: free some space there\n")
        assert own.session.store.jobs() == []


@pytest.mark.mounts
def test_a_home_on_a_read_only_disk_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk, an_xt(disk / "home", tmp_path) as own:
        own.home.create()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for command in (("list", "runs"), ("run", "true"), ("status",)):
            assert own(*command, code=5).stderr.splitlines() == [
                f"xt: error: cannot write to {own.home.root}",
                "hint: set XT_HOME to a folder you may write to",
            ]


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
    command = [sys.executable, "-m", "controller", "--team", xt.home.team]
    done = subprocess.run(command, env=xt.environ, check=False)
    assert done.returncode == 75
    assert xt.json("status")["nodes"][0]["controller"]["pid"] == xt.controller_pid


def test_the_socket_is_closed_to_other_users(xt: Xt) -> None:
    xt("status")
    assert xt.home.socket.stat().st_mode & 0o777 == 0o600
    assert xt.home.socket.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.both
def test_a_thousand_runs_end_with_exact_counts(xt: Xt) -> None:
    xt("run", "--runs", "1000", "--concurrent", "8", "--no-code", "--wait", "true")
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert counts == {"unstarted": 0, "running": 0, "completed": 1000, "error": 0, "cancelled": 0}
    assert xt.json("list", "runs", "--last", "1")["total"] == 1000
    items = xt.session.store.work_items("job1")
    assert [item.run_index for item in items] == list(range(1000))
    assert len({item.run for item in items}) == 1000
    assert {str(item.status) for item in items} == {"completed"}
    wait_until(lambda: len(os.listdir(f"/proc/{xt.controller_pid}/fd")) < 40, "files to be closed")
    wait_until(lambda: len(xt.processes()) == 2, "only the controller and its zygote to be left")
    wait_until(lambda: list((xt.home.runs_dir / "ws1").iterdir()) == [], "the folders to go")


def test_a_reader_that_leaves_early_is_no_error(xt: Xt) -> None:
    xt("run", "--runs", "50", "--concurrent", "4", "--wait", "true")
    command = f"{sys.executable} -m xt_core list runs --all | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env=xt.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_a_run_may_delete_its_journal(xt: Xt) -> None:
    xt.script("t.sh", 'rm "$XT_JOURNAL"; echo gone\n')
    xt.submit("t.sh")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"gone\n"


def test_a_run_that_deletes_its_whole_folder_ends_as_an_error_and_alone(xt: Xt) -> None:
    line = '{"type": "metrics", "values": {"a": 1}}'
    xt.script(
        "t.sh",
        f"echo '{line}' >> \"$XT_JOURNAL\"\n"
        'until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done\n'
        'rm -rf "$(dirname "$XT_JOURNAL")"\n',
    )
    xt.submit("t.sh")
    wait_until(lambda: xt.session.store.jobs() and xt.run("run1").metrics == {"a": 1})
    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_job("job1") == "error"
    assert "supervisor" in xt.run("run1").error
    xt("run", "--wait", "true")


@pytest.mark.both
def test_a_journal_in_trouble_loses_only_its_bad_lines(xt: Xt) -> None:
    xt.script(
        "t.py",
        "import os\n"
        "journal = os.open(os.environ['XT_JOURNAL'], os.O_WRONLY | os.O_APPEND)\n"
        'good = b\'{"type": "metrics", "step": %d, "values": {"a": 1}}\\n\'\n'
        'os.write(journal, good % 0 + b\'garbage\\n\\xff\\xfe\\n[]\\n{"type": "metrics"}\\n\')\n'
        'os.write(journal, b\'{"type": "no such", "values": {}}\\n\\n\' + good % 1)\n'
        "for _ in range(20): os.write(journal, b'x' * 1_000_000)\n"
        'os.write(journal, b\'\\n\' + good % 2 + b\'{"type": "metrics", "val\')\n',
    )
    xt.submit("t.py")
    assert xt.wait_job("job1") == "completed"
    assert [record.step for record in xt.session.store.metrics("ws1", "run1")] == [0, 1, 2]
    assert xt.events("run1").count("journal_error") == 1


def zygote(xt: Xt) -> int:
    """The process that forks the controller's supervisors (which look alike)."""
    children = Path(f"/proc/{xt.controller_pid}/task/{xt.controller_pid}/children")

    def found() -> int:
        commands = {
            int(pid): Path(f"/proc/{pid}/cmdline").read_bytes()
            for pid in children.read_text().split()
        }
        return next((pid for pid, command in commands.items() if b"zygote.py" in command), 0)

    return int(wait_until(found, "a zygote"))


def test_a_killed_zygote_starts_again_and_no_run_starts_twice(xt: Xt, tmp_path: Path) -> None:
    log = tmp_path / "log"
    # Every tenth run begins a part, which waits until the zygote was killed: so it has work left.
    wait = f'until [ -e "{tmp_path}/part$((XT_RUN_INDEX / 10))" ]; do sleep 0.02; done'
    xt.script("t.sh", f'echo "$XT_RUN_INDEX" >> "{log}"; {wait}\n')
    xt.submit("--runs", "40", "--concurrent", "4", "t.sh")
    for part in range(4):
        wait_until(lambda part=part: log.exists() and len(log.read_text().split()) > 10 * part)  # type: ignore[misc]
        os.kill(zygote(xt), signal.SIGKILL)
        (tmp_path / f"part{part}").touch()
    assert xt.wait_job("job1") == "completed"
    assert sorted(map(int, log.read_text().split())) == list(range(40))


def test_a_locked_database_delays_and_loses_nothing(xt: Xt) -> None:
    xt.script("t.sh", 'echo one; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; exit 3\n')
    xt.submit("t.sh")
    xt.wait_output("run1", "one")
    with Path(f"{xt.home.stats_file}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (xt.home.node_dir / "data" / "go").touch()
        wait_until((xt.home.runs_dir / "ws1/run1/control/exit.json").exists)
        assert xt.json("list", "runs", "--all")["runs"][0]["status"] == "running"  # who reads, can
        assert [run["name"] for run in xt.json("status")["runs"]] == ["run1"]
    assert xt.wait_job("job1") == "error"
    assert xt.run("run1").exit_code == 3
    assert xt.events("run1")[-2:] == ["ended", "capture_after"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"general: [unclosed\n", ":2"),
        (b"general:\n\tworkspace: ws1\n", ":2"),
        (b"\xff\xfe\x00", ""),
        (b"- a list\n", ""),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_clear_error(
    xt: Xt, content: bytes, where: str
) -> None:
    (xt.code / "xt_config.yaml").write_bytes(content)
    err = xt("run", "true", code=2).stderr
    assert err.startswith(f"xt: error: {xt.code}/xt_config.yaml{where}")
    assert len(err.splitlines()) <= 2
    assert xt.session.store.jobs() == []


ODD = """
import json, os
journal = open(os.environ["XT_JOURNAL"], "a")
def log(**record): journal.write(json.dumps(record) + "\\n")
log(type="metrics", values={"big": 2**70, "$a.b": 1, "": 2, "x\\0y": 3, "s": "\\ud800"}, step=2**80)
log(type="metrics", values={"nan": float("nan")}, time=1e300)
log(type="hparams", values={"$h.i": "\\ud800"})
log(type="tags", values={"t": 2**80})
log(type="event", event="\\ud800", data={"a": 2**90, "$b": {"c\\0": 1}})
journal.write('{"type": "metrics", "values": {"lost": 1' + "0" * 400 + "}}\\n")
"""


@pytest.mark.both
def test_odd_names_and_values_are_kept_and_harm_no_run(xt: Xt) -> None:
    xt.script("t.py", ODD)
    xt.submit("t.py")
    assert xt.wait_job("job1") == "completed"
    metrics = xt.json("view", "metrics", "run1")["metrics"]
    values = {name: series["value"] for name, series in metrics.items()}
    assert values == {
        "big": [float(2**70)], "$a.b": [1], "": [2], "x\0y": [3], "s": ["\ud800"], "nan": [None],
    }  # fmt: skip
    assert metrics["big"]["step"] == [2**80]
    run = xt.run("run1")
    assert (run.hparams, run.tags) == ({"$h.i": "\ud800"}, {"t": float(2**80)})
    assert xt.event_data("run1", "\\ud800") == {"a": 2**90, "$b": {"c\0": 1}}
    assert xt.events("run1").count("journal_error") == 1
    assert "ended" in xt("view", "run", "run1").stdout
    assert [job["name"] for job in xt.json("list", "jobs")["jobs"]] == ["job1"]
    assert [run["name"] for run in xt.json("list", "runs")["runs"]] == ["run1"]
    assert "run1" in xt("list", "runs").stdout
