"""From a command line to runs: styles, arguments, code, environment, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Xt, wait_until

ECHO = """
import json, os, sys
print(json.dumps([os.fsencode(a).hex() for a in sys.argv[1:]]))
"""


def echoed(xt: Xt, run: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in json.loads(xt.console(run))]


@pytest.mark.both
def test_a_single_run_needs_no_parent(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    document = xt.submit("echo.py", "x")
    assert document == {
        "workspace": "ws1",
        "job": "job1",
        "runs": ["run1"],
        "style": "single",
        "work_items": 1,
        "nodes": ["node0"],
    }
    assert xt.wait_job("job1") == "completed"
    assert echoed(xt, "run1") == [b"x"]


def test_arguments_reach_the_script_byte_for_byte(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    arguments = [
        b"a b", b"'q'", b'"', b"a=b", b"--", b"--json", b"--wait", b"", b"\xff\xfe", b"-x", b"*",
        b"\\", "é学".encode(), b"new\nline", b"--attach",
    ]  # fmt: skip
    xt.submit("echo.py", *arguments)
    assert xt.wait_job("job1") == "completed"
    assert echoed(xt, "run1") == arguments


@pytest.mark.both
def test_a_repeated_command_gives_numbered_children(xt: Xt) -> None:
    xt.script("index.py", "import os; print(os.environ['XT_RUN_INDEX'])")
    document = xt.submit("--runs", "3", "index.py", "--epochs", "40", "--api-key=x")
    assert (document["style"], document["work_items"], document["runs"]) == ("repeat", 3, ["run1"])
    assert xt.wait_job("job1") == "completed"
    assert [xt.console(f"run1.{n}") for n in (1, 2, 3)] == [b"0\n", b"1\n", b"2\n"]
    assert [run.hparams for run in xt.children("job1")] == [{"epochs": 40}] * 3


def test_a_grid_runs_every_combination_once(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    xt.submit("--concurrent", "2", "echo.py", "--lr=[.01,.03]", "--opt", "[adam, sgd]", "end")
    assert xt.wait_job("job1") == "completed"
    seen = sorted(tuple(echoed(xt, f"run1.{n}")) for n in range(1, 5))
    assert seen == sorted(
        (lr, b"--opt", opt, b"end")
        for lr in (b"--lr=0.01", b"--lr=0.03")
        for opt in (b"adam", b"sgd")
    )
    assert xt.run("run1.1").hparams == {"lr": 0.01, "opt": "adam"}


def test_the_same_seed_gives_the_same_random_sets(xt: Xt) -> None:
    xt.script("nothing.py", "")
    for _ in range(2):
        xt.submit("--runs", "4", "--seed", "7", "nothing.py", "--lr=[$loguniform(-9,-2)]")
    assert (xt.wait_job("job1"), xt.wait_job("job2")) == ("completed", "completed")
    first = [xt.run(f"run1.{n}").hparams for n in range(1, 5)]
    assert first == [xt.run(f"run2.{n}").hparams for n in range(1, 5)]
    assert len({str(values) for values in first}) == 4


def test_raw_args_passes_brackets_on(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    assert xt.submit("--raw-args", "echo.py", "--sizes=[1,2]")["style"] == "single"
    xt.wait_job("job1")
    assert echoed(xt, "run1") == [b"--sizes=[1,2]"]


@pytest.mark.both
def test_a_file_of_commands_gives_a_run_a_line(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    (xt.code / "commands.txt").write_text("echo.py one\n# a comment\necho.py 'two words' --lr=1\n")
    document = xt.submit("--multi-commands", "commands.txt")
    assert (document["style"], document["work_items"]) == ("multi", 2)
    xt.wait_job("job1")
    assert [echoed(xt, f"run1.{n}") for n in (1, 2)] == [[b"one"], [b"two words", b"--lr=1"]]
    assert [run.hparams for run in xt.children("job1")] == [{}, {"lr": 1}]


def test_shell_scripts_executables_and_programs_run(xt: Xt) -> None:
    xt.script("s.sh", "echo shell $1\n")
    xt.script("x", f"#!{sys.executable}\nprint('executable')\n")
    xt.submit("s.sh", "one")
    xt.submit("./x")
    xt.submit("echo", "program")
    xt.submit("/bin/echo", "absolute")
    consoles = []
    for number in range(1, 5):
        assert xt.wait_job(f"job{number}") == "completed"
        consoles.append(xt.console(f"run{number}"))
    assert consoles == [b"shell one\n", b"executable\n", b"program\n", b"absolute\n"]


@pytest.mark.both
def test_runs_get_their_own_copy_of_the_code(xt: Xt) -> None:
    xt.script("show.py", "import os; print(sorted(os.listdir())); open('made', 'w')")
    (xt.code / "data.csv").write_text("1")
    (xt.code / "secret.env").write_text("no")
    (xt.code / ".gitignore").write_text("*.env\n")
    xt.submit("--runs", "2", "show.py")
    assert xt.wait_job("job1") == "completed"
    listing = b"['.gitignore', 'data.csv', 'output.txt', 'show.py']\n"
    assert [xt.console(f"run1.{n}") for n in (1, 2)] == [listing, listing]
    assert not (xt.code / "made").exists()


def test_identical_snapshots_are_stored_once(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("nothing.py")
    xt.submit("nothing.py")
    files = [xt.home.artifacts_dir / f"ws1/jobs/job{n}/before/code.zip" for n in (1, 2)]
    assert files[0].samefile(files[1])


def test_a_script_in_a_folder_takes_its_folder_along(xt: Xt) -> None:
    xt.script("sub/train.py", "import helper; print(helper.X)")
    xt.script("sub/helper.py", "X = 42")
    xt.submit("sub/train.py")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"42\n"


def test_without_a_snapshot_the_code_is_run_where_it_lies(xt: Xt) -> None:
    xt.script("where.py", "print(__file__)")
    xt.submit("--no-code", "where.py")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == os.fsencode(xt.code / "where.py") + b"\n"
    assert xt.artifacts("ws1/jobs/job1/before") == []


def test_the_environment_is_that_of_the_contract_and_holds_no_secret(xt: Xt) -> None:
    xt.script("env.py", "import json, os; print(json.dumps(dict(os.environ)))")
    xt.environ |= {"AZURE_CLIENT_SECRET": "s3cret", "XT_FOO": "foo", "KEPT": "yes"}
    xt.submit("--runs", "2", "--env", "MINE=a=b", "--resume-name", "r1", "--seed", "5", "env.py")
    assert xt.wait_job("job1") == "completed"
    env = json.loads(xt.console("run1.2"))
    ours = {name: value for name, value in env.items() if name.startswith("XT_")}
    folder = xt.home.runs_dir / "ws1" / "run1.2"
    assert ours == {
        "XT_CONTROLLER": "1",
        "XT_WORKSPACE_NAME": "ws1",
        "XT_EXPERIMENT_NAME": "exper1",
        "XT_JOB_ID": "job1",
        "XT_HPARAMS": "{}",
        "XT_JOB_SEED": "5",
        "XT_RUN_NAME": "run1.2",
        "XT_RUN_INDEX": "1",
        "XT_NODE_ID": "node0",
        "XT_NODE_INDEX": "0",
        "XT_USERNAME": ours["XT_USERNAME"],
        "XT_TARGET_FILE": "env.py",
        "XT_RESUME_NAME": "r1",
        "XT_RESTARTS": "0",
        "XT_OUTPUT_DIR": str(folder / "output"),
        "XT_DATA_DIR": str(xt.home.node_dir / "data"),
        "XT_MODEL_DIR": str(xt.home.node_dir / "models"),
        "XT_JOURNAL": str(folder / "journal.jsonl"),
    }
    assert (env["MINE"], env["KEPT"]) == ("a=b", "yes")
    assert "AZURE_CLIENT_SECRET" not in env
    assert b"s3cret" not in b"".join(xt.artifact(key) for key in xt.artifacts("ws1/jobs"))


def test_a_setup_activates_the_environment_of_each_run(xt: Xt) -> None:
    (xt.code / "xt_config.yaml").write_text(
        "setups:\n  mine: {activate: 'export ACTIVATED=\"a b\"'}\n"
    )
    xt.script("show.sh", 'echo "$ACTIVATED" "$@"\n')
    xt.submit("--setup", "mine", "show.sh", "x  y")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"a b x  y\n"


def test_a_failing_activation_fails_the_run(xt: Xt) -> None:
    (xt.code / "xt_config.yaml").write_text("setups:\n  bad: {activate: 'exit 9'}\n")
    xt.script("show.sh", "echo never\n")
    xt.submit("--setup", "bad", "show.sh")
    assert xt.wait_job("job1") == "error"
    assert xt.run("run1").exit_code == 9
    assert xt.console("run1") == b""


@pytest.mark.both
def test_a_parent_script_runs_once_before_the_first_child(xt: Xt) -> None:
    xt.script("prep.sh", 'echo prepared; echo prep >> "$XT_DATA_DIR/order"\n')
    xt.script("child.sh", 'echo child >> "$XT_DATA_DIR/order"\n')
    xt.submit("--runs", "2", "--parent-script", "prep.sh", "child.sh")
    assert xt.wait_job("job1") == "completed"
    order = (xt.home.node_dir / "data" / "order").read_text().split()
    assert order == ["prep", "child", "child"]
    assert xt.events("run1") == [
        "created", "queued", "parent_script_started", "download_before", "started",
        "parent_script_completed", "child_created", "child_created", "ended",
    ]  # fmt: skip
    assert xt.console("run1") == b"prepared\n"


@pytest.mark.both
def test_a_failing_parent_script_fails_the_job_visibly(xt: Xt) -> None:
    xt.script("prep.sh", "echo 'ValueError: no data'; exit 3\n")
    xt.submit("--runs", "2", "--parent-script", "prep.sh", "true")
    assert xt.wait_job("job1") == "error"
    parent = xt.run("run1")
    assert (parent.status, parent.error) == ("error", "parent script: exit code 3")
    assert xt.json("view", "job", "job1")["parents"] == [
        {
            "name": "run1",
            "node": "node0",
            "status": "error",
            "exit_code": 3,
            "error": "parent script: exit code 3",
            "signal": None,
            "first_error": "ValueError: no data",
        }
    ]
    listed = xt("list", "runs", "--filter", "job=job1")
    assert listed.stderr == (
        "no runs\nrun1 error on node0: parent script: exit code 3: xt view job job1\n"
    )
    counts = xt.json("list", "jobs")["jobs"][0]["counts"]
    assert counts == {"unstarted": 0, "running": 0, "completed": 0, "error": 0, "cancelled": 2}


def test_gpus_are_shared_among_concurrent_runs(xt: Xt, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "nvidia-smi"  # a stand-in: machines of ours have no GPU
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nprintf '0\\n1\\n2\\n3\\n'\n")
    fake.chmod(0o755)
    xt.environ["PATH"] = f"{fake.parent}{os.pathsep}{xt.environ['PATH']}"
    xt.environ.pop("CUDA_VISIBLE_DEVICES", None)
    # Each waits for the other, so that both hold their GPUs at the same time.
    xt.script(
        "gpu.sh",
        'echo "$CUDA_VISIBLE_DEVICES"; touch "$XT_DATA_DIR/$XT_RUN_INDEX"\n'
        'until [ -e "$XT_DATA_DIR/0" ] && [ -e "$XT_DATA_DIR/1" ]; do sleep 0.02; done\n',
    )
    xt.submit("--runs", "2", "--concurrent", "2", "gpu.sh")
    assert xt.wait_job("job1") == "completed"
    shares = [xt.console(f"run1.{n}").decode().strip().split(",") for n in (1, 2)]
    assert [len(share) for share in shares] == [2, 2]
    assert sorted(shares[0] + shares[1]) == ["0", "1", "2", "3"]


def test_without_gpus_nothing_is_said_of_them(xt: Xt) -> None:
    xt.environ.pop("CUDA_VISIBLE_DEVICES", None)
    xt.script("gpu.sh", 'echo "${CUDA_VISIBLE_DEVICES-unset}"\n')
    xt.submit("gpu.sh")
    xt.wait_job("job1")
    assert xt.console("run1") == b"unset\n"


@pytest.mark.both
def test_wait_tells_by_its_exit_code_whether_the_work_was_done(xt: Xt) -> None:
    xt("run", "--wait", "true", code=0)
    xt("run", "--wait", "false", code=1)
    document = json.loads(xt("run", "--wait", "--json", "false", code=1).stdout)
    assert document["result"]["counts"]["error"] == 1


@pytest.mark.both
def test_attach_at_submission_shows_the_output_of_every_run(xt: Xt) -> None:
    xt.script("hello.sh", 'echo "hello $XT_RUN_INDEX"\n')
    assert xt("run", "--attach", "hello.sh").stdout == "hello 0\n"
    assert xt("run", "--attach", "--runs", "2", "hello.sh").stdout == "hello 0\nhello 1\n"


def test_a_dry_run_shows_and_stores_nothing(xt: Xt) -> None:
    xt.script("t.py", "")
    out = xt("run", "--dry-run", "t.py", "--lr=[.1,.2]").stdout
    assert out.startswith("static grid: 2 runs, seed ")
    assert "t.py --lr=0.1" in out
    document = json.loads(xt("run", "--dry-run", "--json", "t.py", "--lr=[.1,.2]").stdout)
    assert [item["hparams"] for item in document["items"]] == [{"lr": 0.1}, {"lr": 0.2}]
    assert not xt.session.controller.is_running()
    assert xt.session.store.jobs() == []


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("nope.py",), 2, "xt: error: there is no script or program nope.py"),
        (("folder",), 2, "xt: error: folder is a folder, not a script"),
        (("plain.txt",), 2, "is not executable"),
        (("t.py", "--lr=[]"), 2, "xt: error: "),
        (("--target", "moon", "t.py"), 3, "xt: error: there is no compute target 'moon'"),
        (("--setup", "moon", "t.py"), 3, "xt: error: there is no setup 'moon'"),
        (("--runs", "0", "t.py"), 2, "xt: error: --runs is 0"),
        (("--runs", "x", "t.py"), 2, "xt: error: argument --runs: invalid int value: 'x'"),
        (("--env", "x", "t.py"), 2, "xt: error: --env x is not NAME=VALUE"),
        (("--search-type", "grid", "t.py"), 2, "with nothing to search"),
        (("--bogus", "t.py"), 2, "--bogus"),
        ((), 2, "xt: error: there is no script to run"),
        (("--multi-commands", "no.txt"), 2, "xt: error: cannot read"),
        (("--parent-script", "t.py", "t.py"), 2, "xt: error: --parent-script with a single run"),
        (("--workspace", "a/b", "t.py"), 2, "xt: error: "),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_submits_nothing(
    xt: Xt, args: tuple[str, ...], code: int, message: str
) -> None:
    xt.script("t.py", "")
    (xt.code / "folder").mkdir()
    (xt.code / "plain.txt").write_text("hello")
    err = xt("run", *args, code=code).stderr
    assert message in err.splitlines()[0]
    assert len(err.splitlines()) <= 2
    assert xt.session.store.jobs() == []


def test_a_near_miss_of_a_script_is_suggested(xt: Xt) -> None:
    xt.script("train.py", "")
    assert "hint: did you mean train.py?" in xt("run", "trian.py", code=2).stderr


def test_an_unreadable_configuration_names_file_line_and_nearest_key(xt: Xt) -> None:
    xt.script("t.py", "")
    path = xt.code / "xt_config.yaml"
    path.write_text("hyperparameter-search:\n  concurent: 2\n")
    err = xt("run", "t.py", code=2).stderr
    assert f"{path}:2: unknown property 'concurent' in hyperparameter-search" in err
    assert "did you mean 'concurrent'?" in err
    error = json.loads(xt("run", "--json", "t.py", code=2).stdout)["error"]
    assert error["kind"] == "config"


@pytest.mark.both
def test_many_clients_submit_at_once(xt: Xt) -> None:
    xt.script("t.py", "print('x')")
    clients = [xt.start("run", "--json", "t.py") for _ in range(8)]
    documents = []
    for client in clients:
        out, err = client.communicate()
        assert client.returncode == 0, err
        documents.append(json.loads(out))
    assert sorted(d["job"] for d in documents) == [f"job{n}" for n in range(1, 9)]
    assert sorted(d["runs"][0] for d in documents) == [f"run{n}" for n in range(1, 9)]
    assert {xt.wait_job(f"job{n}") for n in range(1, 9)} == {"completed"}


def test_a_home_with_spaces_and_unicode_and_great_length_works(tmp_path: Path) -> None:
    own = Xt(tmp_path / "a home é" / ("x" * 120), tmp_path / "my code")
    try:
        own.script("t.py", "print('fine')")
        own("run", "--wait", "t.py")
        assert own.console("run1") == b"fine\n"
        wait_until(lambda: own.json("status")["runs"] == [], "the run to end")
    finally:
        own.close()


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = os.environ | {"XT_HOME": str(tmp_path / "file" / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "xt_core", "list", "runs"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert done.stderr.startswith("xt: error: cannot create ")
    assert "hint: set XT_HOME to a folder you may write to" in done.stderr


def test_two_dashes_end_the_options_of_xt(xt: Xt) -> None:
    xt.script("--odd.sh", 'echo "$@"\n')
    xt.submit("--", "--odd.sh", "--", "x")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"-- x\n"


def test_links_in_the_code_are_kept_or_told(xt: Xt, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "big.csv").write_text("far away\n")
    (xt.code / "data.csv").write_text("near\n")
    (xt.code / "near").symlink_to("data.csv")
    (xt.code / "far").symlink_to(tmp_path / "outside" / "big.csv")
    (xt.code / "folder").symlink_to(tmp_path / "outside")
    (xt.code / "dangling").symlink_to("nowhere")
    xt.script("t.sh", "cat near far; readlink near; ls\n")
    err = xt("run", "--wait", "t.sh").stderr
    assert f"folder outside, {tmp_path}/outside" in err
    assert "dangling" in err
    assert xt.console("run1").decode().split() == [
        "near", "far", "away", "data.csv", "data.csv", "far", "near", "output.txt", "t.sh",
    ]  # fmt: skip


def test_the_jobs_own_variables_win_over_those_of_the_node(xt: Xt) -> None:
    xt.environ["SHARED"] = "node"
    xt.script("t.sh", 'printf "%s|" "$SHARED" "$EMPTY" "$ODD"\n')
    xt.submit("--env", "SHARED=mine", "--env", "EMPTY=", "--env", "ODD=a b=é\n'\"", "t.sh")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == "mine||a b=é\n'\"|".encode()


def test_xt_may_live_within_the_folder_of_the_code(tmp_path: Path) -> None:
    own = Xt(tmp_path / "code" / "xt home", tmp_path / "code")
    try:
        own.script("t.sh", "ls\n")
        for _ in range(2):
            own("run", "--wait", "t.sh")
        assert own.console("run2") == b"output.txt\nt.sh\n"
    finally:
        own.close()
