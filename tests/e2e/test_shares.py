"""Data and models of runs: uploaded once, on a node once, shared by jobs."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from altered_controllers import die_once_after, wait_for_death
from support import Xt, wait_until

FILES = {"train/a.csv": "1,2\n", "train/b.csv": "3,4\n", "labels.txt": "yes\nno\n"}
SHOW = """
cd "$XT_DATA_DIR"
for name in $(find . -type f | sort); do echo "$name $(tr '\\n' '|' < $name)"; done
"""
SHOWN = b"./labels.txt yes|no|\n./train/a.csv 1,2|\n./train/b.csv 3,4|\n"


def make_data(xt: Xt, name: str = "mnist") -> Path:
    folder = xt.code.parent / name
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def run(xt: Xt, *options: str, script: str = SHOW, status: str = "completed") -> str:
    """Submit a script and wait for its end; the name of the run."""
    name = str(xt.submit(*options, xt.script("show.sh", script))["runs"][0])
    xt.wait_status(name, status)
    return name


def told(xt: Xt, name: str, kind: str = "data") -> dict[str, Any]:
    """What the event `download_before` tells."""
    return dict(xt.event_data(name, "download_before")[kind])


def contents(xt: Xt) -> int:
    return len(xt.artifacts("_data/mnist/_contents"))


@pytest.fixture(params=["download", "mount"])
def action(request: pytest.FixtureRequest, xt: Xt) -> str:
    """How data come to runs; to be mounted, they must be in a folder that nodes see."""
    if request.param == "mount":
        text = xt.home.config_file.read_text() if xt.home.config_file.exists() else ""
        shared = xt.code.parent / "shared"
        shared.mkdir()
        folder = f'files: {{type: storage, provider: directory, path: "{shared}"}}'
        xt.configure(re.sub(r"files: \{type.*\}", folder, text), instead=True)
    return str(request.param)


@pytest.mark.both
def test_a_folder_is_uploaded_once_and_shared_by_jobs(xt: Xt, action: str) -> None:
    data = make_data(xt)
    options = ("--data-local", str(data), "--data-upload", "--data-action", action)
    script = xt.script("show.sh", SHOW)
    first = xt("run", "--wait", *options, script)
    assert "data share mnist: uploading 3 of 3 files, 15 bytes\n" in first.stderr
    assert xt.console("run1") == SHOWN
    second = xt("run", "--wait", *options, script)
    assert "data share mnist: nothing to upload (3 files, 15 bytes)\n" in second.stderr
    assert xt.console("run2") == SHOWN
    assert contents(xt) == 3
    assert xt.events("run2")[:4] == ["created", "queued", "download_before", "started"]
    one, two = told(xt, "run1"), told(xt, "run2")
    assert (one["action"], one["share"], one["files"], one["bytes"]) == (action, "mnist", 3, 15)
    assert one["fetched_files"] == (3 if action == "download" else 0)
    assert (two["manifest"], two["fetched_files"]) == (one["manifest"], 0)


@pytest.mark.both
def test_one_changed_file_uploads_and_downloads_one(xt: Xt) -> None:
    data = make_data(xt)
    options = ("--data-local", str(data), "--data-upload", "--data-action", "download")
    run(xt, *options)
    (data / "labels.txt").write_text("maybe\n")
    name = run(xt, *options)
    assert xt.console(name) == SHOWN.replace(b"yes|no|", b"maybe|")
    assert contents(xt) == 4
    assert (told(xt, name)["fetched_files"], told(xt, name)["fetched_bytes"]) == (1, 6)


@pytest.mark.both
def test_another_job_uses_a_share_by_its_name(xt: Xt) -> None:
    run(xt, "--data-local", str(make_data(xt)), "--data-upload", "--data-action", "none")
    assert xt.console(run(xt, "--data-share-path", "mnist")) == SHOWN
    error = xt("run", "--data-share-path", "mnits", "show.sh", code=3).stderr
    assert error == (
        "xt: error: there is no data share 'mnits' in the team's storage\n"
        "hint: did you mean mnist?\n"
    )


@pytest.mark.both
def test_shares_are_listed(xt: Xt) -> None:
    assert xt.json("list", "shares") == {"shares": [], "total": 0}
    data = make_data(xt)
    for kind, name in (("data", "vision/mnist"), ("data", "vision/mnist/small"), ("model", "m")):
        options = (f"--{kind}-local", str(data), f"--{kind}-upload", f"--{kind}-share-path", name)
        run(xt, *options, f"--{kind}-action", "none")
    shares = xt.json("list", "shares")["shares"]
    assert [(share["kind"], share["name"]) for share in shares] == [
        ("data", "vision/mnist"), ("data", "vision/mnist/small"), ("model", "m"),
    ]  # fmt: skip
    assert [(share["files"], share["bytes"]) for share in shares] == [(3, 15)] * 3
    assert xt("list", "shares").stdout.split()[:5] == [
        "kind", "name", "files", "bytes", "uploaded",
    ]  # fmt: skip
    told = xt("run", "--data-share-path", "vision/mnits", "show.sh", code=3).stderr
    assert "hint: did you mean vision/mnist?\n" in told


@pytest.mark.both
def test_a_parent_script_and_all_children_see_the_same(xt: Xt) -> None:
    parent = xt.script("parent.sh", f"{SHOW}\necho $XT_DATA_DIR > $XT_OUTPUT_DIR/where")
    options = ("--data-local", str(make_data(xt)), "--data-upload", "--data-action", "download")
    child = xt.script("child.sh", f"echo $XT_DATA_DIR\n{SHOW}")
    job = xt.submit("--runs", "3", "--parent-script", parent, *options, child)["job"]
    assert xt.wait_job(job) == "completed"
    where = xt.artifact("ws1/runs/run1/output/where")
    assert [xt.console(run.name) for run in xt.children(job)] == [where + SHOWN] * 3


def test_models_have_shares_of_their_own(xt: Xt) -> None:
    model = make_data(xt, "resnet")
    options = ("--model-local", str(model), "--model-upload", "--model-action", "download")
    name = run(xt, *options, script=SHOW.replace("DATA", "MODEL"))
    assert xt.console(name) == SHOWN
    assert told(xt, name, "model")["share"] == "resnet"
    assert xt("run", "--data-share-path", "resnet", "show.sh", code=3).stderr


def test_a_folder_without_a_share_is_used_where_it_is(xt: Xt) -> None:
    data = make_data(xt)
    script = 'echo "$XT_DATA_DIR"; echo new > "$XT_DATA_DIR/new"'
    name = run(xt, "--data-local", "../mnist", script=script)
    assert xt.console(name) == f"{data}\n".encode()
    assert (data / "new").read_text() == "new\n"
    assert xt.artifacts("_data") == []


def test_data_within_the_code_is_not_taken_as_code(xt: Xt) -> None:
    for name in ("data/a.csv", "src/data/b.py", "[x]/c.csv"):
        (xt.code / name).parent.mkdir(parents=True, exist_ok=True)
        (xt.code / name).write_text("x")
    script = 'find . -name "*.csv" -o -name "*.py" | sort; ls $XT_DATA_DIR $XT_MODEL_DIR'
    upload = ("--model-upload", "--model-share-path", "m")
    name = run(xt, "--data-local", "data", "--model-local", "[x]", *upload, script=script)
    assert xt.console(name) == (
        f"./src/data/b.py\n{xt.code}/data:\na.csv\n\n".encode()
        + os.fsencode(xt.home.share_cache_dir / "trees")
        + b"/%s:\nc.csv\n" % os.listdir(xt.home.share_cache_dir / "trees")[0].encode()
    )
    assert (xt.code / "data/a.csv").exists()
    again = run(xt, script=script)
    assert xt.console(again).startswith(b"./[x]/c.csv\n./data/a.csv\n./src/data/b.py\n")


@pytest.mark.both
def test_a_job_keeps_its_version_over_a_restart(xt: Xt) -> None:
    data = make_data(xt)
    gate = xt.code.parent / "gate"
    script = f"{SHOW}\necho shown\nwhile [ ! -e {gate} ]; do sleep 0.02; done"
    options = ("--data-local", str(data), "--data-upload")
    name = xt.submit(*options, xt.script("show.sh", script))["runs"][0]
    xt.wait_output(name, "shown")
    (data / "labels.txt").write_text("maybe\n")
    run(xt, *options)
    xt("restart", "controller", "job1")
    xt.wait_output(name, "shown\n./labels.txt")
    gate.touch()
    xt.wait_status(name, "completed")
    assert xt.console(name) == (SHOWN + b"shown\n") * 2


def test_what_a_run_writes_concerns_no_other(xt: Xt, action: str) -> None:
    options = ("--data-local", str(make_data(xt)), "--data-upload", "--data-action", action)
    writing = 'echo mine >> "$XT_DATA_DIR/labels.txt"; rm "$XT_DATA_DIR/train/a.csv"\n' + SHOW
    job = xt.submit("--runs", "2", *options, "--data-writable", xt.script("w.sh", writing))["job"]
    assert xt.wait_job(job) == "completed"
    for child in xt.children(job):
        assert xt.console(child.name) == b"./labels.txt yes|no|mine|\n./train/b.csv 3,4|\n"
    assert xt.console(run(xt, *options)) == SHOWN
    assert xt.console(run(xt, *options, script='stat -c %a "$XT_DATA_DIR" "$XT_DATA_DIR"/*')) == (
        b"555\n444\n555\n"
    )


@pytest.mark.both
def test_a_controller_killed_in_mid_download_carries_on(xt: Xt, tmp_path: Path) -> None:
    folder = xt.code.parent / "mnist"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number:03}").write_text(f"contents {number}\n")
    kept = "xt_core.shares.cache:ShareCache._keep"
    die_once_after(xt, tmp_path / "altered", "node0", kept)
    script = xt.script("sum.sh", 'cat "$XT_DATA_DIR"/*')
    options = ("--data-local", str(folder), "--data-upload", "--data-action", "download")
    client = xt.start("run", "--json", *options, script)
    wait_for_death(tmp_path / "altered")
    client.wait()
    xt.wait_for_controller_end()
    assert not list((xt.home.share_cache_dir / "trees").iterdir())
    xt("status")
    xt.session.controllers.ensure_running(["node0"])
    xt.wait_status("run1", "completed")
    assert xt.console("run1") == b"".join(f"contents {n}\n".encode() for n in range(100))
    assert told(xt, "run1")["fetched_files"] == 99
    assert xt.run("run1").restarts == 0


@pytest.mark.both
def test_damaged_contents_fail_the_run_and_say_so(xt: Xt) -> None:
    options = ("--data-local", str(make_data(xt)), "--data-upload")
    run(xt, *options, "--data-action", "none")
    key = xt.artifacts("_data/mnist/_contents")[0]
    size = xt.session.artifacts.stat(key).size
    xt.session.artifacts.put_bytes(key, b"x" * size)
    name = run(xt, "--data-share-path", "mnist", "--data-action", "download", status="error")
    assert f"is damaged: {key} has not the SHA-256 of its name" in xt.run(name).error


@pytest.mark.both
def test_a_run_is_cancelled_while_its_data_is_on_its_way(xt: Xt, tmp_path: Path) -> None:
    from altered_controllers import alter_controllers

    gate = tmp_path / "gate"
    alter_controllers(
        xt,
        tmp_path / "altered",
        f"""
        import os, time
        from xt_core.shares.cache import ShareCache
        view = ShareCache.view
        def slow(self, *args):
            open({str(tmp_path / "asked")!r}, "w").close()
            while not os.path.exists({str(gate)!r}):
                time.sleep(0.02)
            return view(self, *args)
        ShareCache.view = slow
        """,
    )
    script = xt.script("show.sh", SHOW)
    xt.submit("--data-local", str(make_data(xt)), "--data-upload", script)
    wait_until((tmp_path / "asked").exists, "the download to begin")
    xt("cancel", "run", "run1")
    assert xt.run("run1").status == "cancelled"
    assert "started" not in xt.events("run1")
    gate.touch()


def test_what_living_runs_use_is_not_cleared(xt: Xt) -> None:
    gate = xt.code.parent / "gate"
    data = make_data(xt)
    options = ("--data-local", str(data), "--data-upload", "--data-action", "download")
    run(xt, *options)
    (data / "labels.txt").write_text("maybe\n")
    script = f"echo begun; while [ ! -e {gate} ]; do sleep 0.02; done\n{SHOW}"
    xt.submit(*options, xt.script("show.sh", script))
    xt.wait_output("run2", "begun")
    trees = sorted((xt.home.share_cache_dir / "trees").iterdir())
    for tree in trees:
        os.utime(tree, (0, 0))
    xt("clear", "cache")
    left = [tree for tree in trees if tree.exists()]
    assert [tree.name for tree in left] == [told(xt, "run2")["manifest"]]
    gate.touch()
    xt.wait_status("run2", "completed")
    assert xt.console("run2") == b"begun\n" + SHOWN.replace(b"yes|no|", b"maybe|")
    assert xt("clear", "cache").stdout.endswith(" bytes freed\n")
    assert not list((xt.home.share_cache_dir / "trees").iterdir())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--data-local", "none"], "the data folder {code}/none is not there"),
        (["--data-local", "f.sh"], "the data folder {code}/f.sh is not a folder"),
        (["--model-upload"], "model-upload without a folder to upload"),
        (["--data-action", "download"], "data-action is download, and there is no share"),
        (["--data-share-path", "../x"], "--data-share-path must be a name such as mnist or"),
        (["--data-local", "a b", "--data-upload"], "'a b' is no name of a share"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_stored(
    xt: Xt, options: list[str], error: str
) -> None:
    xt.script("f.sh", "true")
    (xt.code / "a b").mkdir()
    told = xt("run", *options, "f.sh", code=2).stderr
    assert told.startswith(f"xt: error: {error.format(code=xt.code)}")
    assert xt.json("list", "jobs")["total"] == 0


def test_a_dry_run_shows_the_version_and_uploads_nothing(xt: Xt) -> None:
    data, script = make_data(xt), xt.script("show.sh", SHOW)
    mrc = xt.submit("--dry-run", "--data-local", str(data), "--data-upload", script)["mrc"]
    share = mrc["nodes"]["node0"]["shares"]["data"]
    assert (share["share"], share["action"], share["manifest"]) == ("mnist", "mount", "")
    assert xt.artifacts("_data") == []
    run(xt, "--data-local", str(data), "--data-upload")
    mrc = xt.submit("--dry-run", "--data-share-path", "mnist", script)["mrc"]
    share = mrc["nodes"]["node0"]["shares"]["data"]
    assert (share["files"], share["manifest"]) == (3, told(xt, "run1")["manifest"])


@pytest.mark.services
@pytest.mark.mounts
def test_a_run_waits_for_room_for_its_data(xt: Xt) -> None:
    from support import small_disk

    data = make_data(xt)
    (data / "large").write_bytes(os.urandom(3 << 20))
    xt.home.team_root.mkdir(parents=True)
    with small_disk(xt.home.share_cache_dir, 4) as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(2 << 20))
        script = xt.script("size.sh", 'stat -c %s "$XT_DATA_DIR/large"')
        options = ("--data-local", str(data), "--data-upload", "--data-action", "download")
        xt.submit(*options, script)
        wait_until(lambda: "waiting_for_room" in xt.events("run1"), "the disk to be full")
        assert "no space left on the disk" in xt.event_data("run1", "waiting_for_room")["error"]
        filler.unlink()
        xt.wait_status("run1", "completed")
        assert xt.console("run1") == f"{3 << 20}\n".encode()
