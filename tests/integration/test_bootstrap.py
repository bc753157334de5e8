"""XT brought to a box: a folder of this machine with its own home, PATH and Python."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from box_support import CutBox, LocalBox
from support import wait_until
from wheel_support import make_wheel

import xt_core
from xt_core.bootstrap import needs
from xt_core.bootstrap.installation import Installation, ensure_controller, install
from xt_core.bootstrap.layers import code_layer, pack, package_layers
from xt_core.bootstrap.pythons import find_python, own_python
from xt_core.errors import RefusedError, UnavailableError
from xt_core.home import Home
from xt_core.nodes.client import ControllerClient
from xt_core.services.stores import StoreAccess
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit

OWN = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
PROGRAMS = ("sh", "cat", "mkdir", "sleep", "bash")


def make_box(tmp_path: Path, kind: type[LocalBox] = LocalBox, python: str | None = OWN) -> LocalBox:
    """A box whose PATH has some programs, and a Python by the name of python3."""
    home, programs = tmp_path / "box", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    for name in PROGRAMS:
        found = next(
            Path(folder, name) for folder in ("/bin", "/usr/bin") if Path(folder, name).exists()
        )
        (programs / name).symlink_to(found)
    if python is not None:
        (programs / "python3").symlink_to(python)
    return kind(home, str(programs))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[LocalBox]:
    box = make_box(tmp_path)
    yield box
    box.kill_all()


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archives, packed once for all tests."""
    folder = tmp_path_factory.mktemp("packed")
    for layer in (code_layer(), *package_layers([needs.BASE, needs.MONGO], own_python())):
        pack(layer, own_python(), folder, os.environ)
    return folder


@pytest.fixture
def cache(packed: Path, tmp_path: Path) -> Path:
    """A client's own cache, which has the archives."""
    folder = tmp_path / "cache"
    shutil.copytree(packed, folder, copy_function=os.link)
    return folder


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def client_of(made: Installation) -> ControllerClient:
    return ControllerClient(Home(Path(made.root)).node("node0"), {}, StoreAccess)


def test_a_fresh_box_gets_what_the_controller_needs_and_no_more(box: LocalBox, cache: Path) -> None:
    first = install(box, [needs.BASE], cache, os.environ)
    assert first.ways == {"xt": "files of this machine", "base": "files of this machine"}
    assert entries(box.home) == [".xt"]
    assert entries(box.root) == ["layers", "uploads", "versions", "versions.lock"]
    assert entries(box.root / "versions") == [first.name]
    assert len(entries(box.root / "layers")) == 2
    assert entries(box.root / "uploads") == []
    sent = box.sent
    assert first.sent_bytes > 1_000_000
    again = install(box, [needs.BASE], cache, os.environ)
    assert (again.name, again.ways, again.sent_bytes) == (first.name, {}, 0)
    assert box.sent - sent < 100_000
    more = install(box, [needs.BASE, needs.MONGO], cache, os.environ)
    assert list(more.ways) == ["mongo"]
    assert entries(box.root / "versions") == sorted([first.name, more.name])


def test_a_controller_starts_there_is_replaced_and_its_runs_live_on(
    box: LocalBox, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ensure(*wanted: str) -> Installation:
        return ensure_controller(
            box, wanted, cache, os.environ, node="node0", team="local", access=StoreAccess()
        ).installation

    first = ensure(needs.BASE)
    client = client_of(first)
    before = client.status()["nodes"][0]["controller"]
    assert (before["version"], before["installation"]) == (xt_core.__version__, first.name)
    commands: list[str] = []
    box.before = lambda command, _: commands.append(command)
    assert ensure(needs.BASE).name == first.name
    assert len(commands) == 1
    assert client.status()["nodes"][0]["controller"]["pid"] == before["pid"]

    # The box's own Python has no xt_core: the run gets it from what was installed.
    (tmp_path / "code").mkdir()
    gate = tmp_path / "gate"
    (tmp_path / "code" / "t.py").write_text(
        "import os, sys, time\nfrom xt_core import Run\nprint('began', flush=True)\n"
        f"while not os.path.exists({str(gate)!r}):\n    time.sleep(0.02)\n"
        "Run().log_metrics({'a': 1})\nprint(os.environ['PYTHONPATH'])\n"
    )
    monkeypatch.setattr("xt_core.nodes.client.installation", lambda: first.name)
    session = Session(
        home=Home(box.root),
        cwd=tmp_path / "code",
        environ={"PATH": box.path, "HOME": str(box.home)},
    )
    request = RunRequest(command=["python3", "t.py"])
    submit(session, prepare(session, request), lambda _: None)
    console = box.root / "node/runs/ws1/run1/output.txt"
    wait_until(lambda: console.exists() and console.read_bytes() == b"began\n", "the run")

    second = ensure(needs.BASE, needs.MONGO)
    after = client.status()["nodes"][0]["controller"]
    assert after["installation"] == second.name != first.name
    assert after["pid"] != before["pid"]
    gate.touch()
    wait_until(lambda: session.store.run("ws1", "run1").status == "completed", "the run's end")
    assert session.store.run("ws1", "run1").metrics == {"a": 1}
    text = session.artifacts.get_bytes("ws1/runs/run1/logs/output.txt").decode()
    library = text.splitlines()[1]
    assert entries(Path(library)) == ["xt_core"]

    monkeypatch.setattr("xt_core.__version__", "0.0.9")
    with pytest.raises(RefusedError, match=r"is of XT .*, and this is 0\.0\.9"):
        client.ensure_running()
    monkeypatch.undo()
    session.close()
    client.shut_down()


def test_an_installation_that_was_removed_is_made_again(box: LocalBox, cache: Path) -> None:
    def ensure() -> Installation:
        return ensure_controller(
            box, [needs.BASE], cache, os.environ, node="node1", team="local", access=StoreAccess()
        ).installation

    first = ensure()
    box.kill_all()
    wait_until(lambda: not box.processes(), "all to end")
    subprocess.run(["rm", "-rf", str(box.root)], check=True)
    assert ensure() == Installation(
        box, first.name, first.root, first.python, first.ways, first.sent_bytes
    )


def test_what_is_remembered_of_a_box_is_not_taken_for_another_of_its_name(
    tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = make_box(tmp_path / "a"), make_box(tmp_path / "b")
    try:
        for box in (one, other):
            made = ensure_controller(
                box, [needs.BASE], cache, os.environ,
                node="node0", team="local", access=StoreAccess(),
            ).installation  # fmt: skip
            assert made.root == str(box.root)
            assert list(made.ways) == ["xt", "base"]
    finally:
        one.kill_all()
        other.kill_all()


def test_an_upload_that_was_cut_off_goes_on_where_it_was(tmp_path: Path, cache: Path) -> None:
    cut = make_box(tmp_path, CutBox)
    with pytest.raises(UnavailableError, match="gpu1: the connection was lost"):
        install(cut, [needs.BASE], cache, os.environ)
    (upload,) = (cut.root / "uploads").iterdir()
    there = upload.stat().st_size
    assert there > 100_000
    resumed = install(LocalBox(cut.home, cut.path), [needs.BASE], cache, os.environ)
    (archive,) = cache.glob(f"{upload.name[:32]}.tar.gz")
    assert resumed.sent_bytes == archive.stat().st_size - there
    assert entries(cut.root / "uploads") == []


def test_a_half_upload_that_is_not_ours_is_sent_again(box: LocalBox, cache: Path) -> None:
    seen: list[str] = []

    def spoil(command: str, _: bytes) -> None:
        if '"operation": "survey"' in command and not seen:
            seen.append(command)
            uploads = box.root / "uploads"
            uploads.mkdir(parents=True)
            name = command.split('.tar.gz"')[0].rpartition('"')[2]
            (uploads / f"{name}.tar.gz").write_bytes(b"nonsense")

    box.before = spoil
    made = install(box, [], cache, os.environ)
    assert list(made.ways) == ["xt"]
    assert entries(box.root / "uploads") == []
    done = box.run(f"{made.program} -c 'import controller, xt_core; print(xt_core.__file__)'")
    assert done.stdout.startswith(str(box.root / "layers").encode())


def test_two_clients_at_once_make_one_installation(box: LocalBox, tmp_path: Path) -> None:
    made: list[Installation] = []
    both = threading.Barrier(2)

    def client(name: str) -> None:
        both.wait()
        made.append(install(box, [], tmp_path / name, os.environ))

    threads = [threading.Thread(target=client, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.name for each in made}) == 1
    assert entries(box.root / "versions") == [made[0].name]
    assert len(entries(box.root / "layers")) == 1
    assert entries(box.root / "uploads") == []


def fake_python(tmp_path: Path, version: str) -> str:
    """A program that tells the facts of another Python."""
    facts = {
        "executable": f"/usr/bin/python{version[:3]}",
        "version": [int(number) for number in version.split(".")],
        "implementation": "CPython",
        "soabi": "x",
        "platform": "linux-x86_64",
        "libc": ["glibc", "2.36"],
        "system": "linux",
        "machine": "x86_64",
    }
    program = tmp_path / "fake"
    program.write_text(f"#!/bin/sh\necho 'xt:{json.dumps(facts)}'\n")
    program.chmod(0o755)
    return str(program)


def test_a_box_without_a_fit_python_is_told_of_in_one_line(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a").mkdir()
    box = make_box(tmp_path / "a", python=None)
    message = r"^gpu1: it has no Python, and XT needs Python 3\.11 or later$"
    with pytest.raises(UnavailableError, match=message):
        install(box, [], cache, os.environ)
    (tmp_path / "b").mkdir()
    box = make_box(tmp_path / "b", python=fake_python(tmp_path, "3.9.2"))
    message = (
        r"its newest Python is CPython 3\.9\.2 on linux-x86_64 \(/usr/bin/python3\.9\), and XT"
    )
    with pytest.raises(UnavailableError, match=message):
        install(box, [], cache, os.environ)
    assert entries(box.home) == []


def test_a_python_like_this_one_goes_before_a_newer_one(tmp_path: Path) -> None:
    box = make_box(tmp_path, python=fake_python(tmp_path, "3.99.0"))
    newer, _ = find_python(box)
    assert newer.version == (3, 99, 0)
    own = tmp_path / "programs" / f"python3.{sys.version_info[1]}"
    own.symlink_to(OWN)
    python, root = find_python(box)
    assert (python.executable, root) == (OWN, str(box.root))


def test_a_folder_that_cannot_be_made_is_named(box: LocalBox, cache: Path) -> None:
    (box.home / "file").touch()
    box.variables["XT_HOME"] = str(box.home / "file" / "xt")
    with pytest.raises(
        UnavailableError, match=r"^gpu1: cannot install XT in .*/file/xt: Not a dir"
    ):
        install(box, [], cache, os.environ)


# Packages whose files do not suit the box ---------------------------------------------


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A need of one package, whose files here are for another Python; where a wheel is of it."""
    info = tmp_path / "here" / "onepack-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onepack\nVersion: 1.0\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: cp27-cp27m-linux_x86_64\n")
    (info / "RECORD").write_text("")
    monkeypatch.setitem(needs.ROOTS, "extra", ("onepack",))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    make_wheel(tmp_path / "wheels", "onepack", "2.0")
    return make_wheel(tmp_path / "wheels", "onepack").parent


def find(tmp_path: Path) -> needs.Find:
    package = Distribution.at(tmp_path / "here" / "onepack-1.0.dist-info")
    return lambda name: package if name == "onepack" else None


def version_there(box: LocalBox, made: Installation) -> bytes:
    return box.run(f"{made.program} -c 'import onepack; onepack.main()'").stdout


def test_wheels_for_the_box_are_fetched_here(
    box: LocalBox, foreign: Path, tmp_path: Path, cache: Path
) -> None:
    environ = os.environ | {"PIP_FIND_LINKS": str(foreign)}
    own_cache = tmp_path / "packed"
    made = install(box, ["extra"], own_cache, environ, find=find(tmp_path))
    assert made.ways["extra"] == "1 wheels for the box, fetched here"
    assert version_there(box, made) == b"1.0\n"


has_pip = subprocess.run([OWN, "-m", "pip", "--version"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_pip, reason="the Python of the box has no pip")
def test_else_the_box_fetches_them_and_else_it_is_said_why_not(
    box: LocalBox, foreign: Path, tmp_path: Path
) -> None:
    box.variables |= {"PIP_NO_INDEX": "1"}
    with pytest.raises(
        UnavailableError,
        match=r"^gpu1: pip there could not install onepack==1\.0: .*; and here: No matching dist",
    ):
        install(box, ["extra"], tmp_path / "packed", os.environ, find=find(tmp_path))
    assert not [name for name in entries(box.root / "layers") if "draft" in name]
    box.variables |= {"PIP_FIND_LINKS": str(foreign)}
    made = install(box, ["extra"], tmp_path / "packed", os.environ, find=find(tmp_path))
    assert made.ways == {"extra": "1 packages from an index, by the box"}
    assert version_there(box, made) == b"1.0\n"
