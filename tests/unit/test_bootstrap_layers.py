"""Which packages a controller needs, for which Python, and how they are packed."""

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from xt_core.bootstrap.layers import code_layer, pack, package_layers
from xt_core.bootstrap.needs import BASE, BLOB, MONGO, SEARCH, closure, needs_of
from xt_core.bootstrap.pythons import Python, own_python
from xt_core.bootstrap.wheels import wheel_files
from xt_core.errors import UnavailableError
from xt_core.services.stores import BlobAccess, FolderAccess, MongoAccess, StoreAccess

LINUX = Python(
    "/usr/bin/python3.12", (3, 12, 1), "CPython", "cpython-312-x86_64-linux-gnu", "linux-x86_64",
    ("glibc", "2.17"), "linux", "x86_64",
)  # fmt: skip


def add_package(folder: Path, name: str, *requires: str, tag: str = "py3-none-any") -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"]
    (info / "METADATA").write_text("\n".join(lines + [f"Requires-Dist: {r}" for r in requires]))
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    (folder / f"{name}.py").write_text("x = 1\n")
    files = [f"{name}.py", "../../bin/program", f"__pycache__/{name}.pyc", "start.pth"]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


class Packages:
    """Packages of a folder, as if they were what is installed here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str) -> Distribution | None:
        info = self.folder / f"{canonicalize_name(name).replace('-', '_')}-1.0.dist-info"
        return Distribution.at(info) if info.exists() else None


def test_the_needs_of_a_team_follow_from_its_services() -> None:
    mongo = MongoAccess("mongodb://x", "xt", "setting")
    blob = BlobAccess("s", "setting", "c", connection_string="x")
    assert needs_of(StoreAccess(), searches=False) == [BASE]
    assert needs_of(StoreAccess(), searches=True) == [BASE, SEARCH]
    assert needs_of(StoreAccess(stats=mongo, artifacts=blob), searches=False) == [BASE, MONGO, BLOB]
    assert needs_of(StoreAccess(artifacts=FolderAccess("/x")), searches=False) == [BASE]


def test_requirements_are_followed_by_what_holds_on_the_box(tmp_path: Path) -> None:
    add_package(tmp_path, "one", "two>1", "old; python_version < '3.12'", "extra; extra == 'x'",
                "Four[more]", "windows; sys_platform == 'win32'")  # fmt: skip
    add_package(tmp_path, "two", "one", "missing")
    add_package(tmp_path, "four", "five; extra == 'more'", "six; extra == 'less'")
    add_package(tmp_path, "five")
    found = closure(["one"], LINUX, Packages(tmp_path))
    assert list(found) == ["five", "four", "missing", "one", "two"]
    assert found["missing"] is None
    older = replace(LINUX, version=(3, 11, 4))
    assert "old" in closure(["one"], older, Packages(tmp_path))
    with pytest.raises(UnavailableError, match="nothing is not installed here"):
        closure(["nothing"], LINUX, Packages(tmp_path))


def test_each_package_stands_in_one_layer_and_says_if_its_files_suit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = {"first": ("one",), "second": ("two",)}
    monkeypatch.setattr("xt_core.bootstrap.layers.ROOTS", roots)
    add_package(tmp_path, "one")
    add_package(tmp_path, "two", "one", "good", "young", "wrong", "absent")
    add_package(tmp_path, "good", tag="cp312-cp312-manylinux_2_12_x86_64")
    add_package(tmp_path, "young", tag="cp312-cp312-manylinux_2_28_x86_64")
    add_package(tmp_path, "wrong", tag="cp311-cp311-manylinux_2_12_x86_64")
    first, second = package_layers(["first", "second"], LINUX, Packages(tmp_path))
    assert ([each.name for each in first.packages], first.wanted) == (["one"], [])
    assert [each.name for each in second.packages] == ["good", "two"]
    assert second.wanted == ["absent", "wrong==1.0", "young==1.0"]
    again = package_layers(["first", "second"], replace(LINUX, executable="/x"), Packages(tmp_path))
    assert [layer.digest for layer in again] == [first.digest, second.digest]
    newer = replace(LINUX, libc=("glibc", "2.36"))
    first_there, second_there = package_layers(["first", "second"], newer, Packages(tmp_path))
    assert first_there.digest == first.digest
    assert second_there.digest != second.digest
    assert second_there.wanted == ["absent", "wrong==1.0"]
    (tmp_path / "one-1.0.dist-info" / "RECORD").write_text("one.py,sha256=other,\n")
    changed = package_layers(["first", "second"], LINUX, Packages(tmp_path))
    assert changed[0].digest != first.digest
    assert changed[1].digest == second.digest


def test_an_archive_has_the_modules_and_no_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xt_core.bootstrap.layers.ROOTS", {"first": ("one",)})
    add_package(tmp_path, "one")
    for stray in ("start.pth", "__pycache__/one.pyc"):
        (tmp_path / stray).parent.mkdir(exist_ok=True)
        (tmp_path / stray).touch()
    (layer,) = package_layers(["first"], LINUX, Packages(tmp_path))
    packed = pack(layer, LINUX, tmp_path / "cache", os.environ)
    with tarfile.open(packed.archive) as archive:
        assert archive.getnames() == ["one.py"]
    assert (packed.left, packed.way) == ([], "files of this machine")
    again = pack(layer, LINUX, tmp_path / "cache", os.environ)
    assert (again.archive, again.sha256) == (packed.archive, packed.sha256)


def test_a_wheel_gives_its_modules_from_wherever_they_are(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "a.py",
            "a-1.0.data/platlib/b.so",
            "a-1.0.data/scripts/run",
            "a-1.0.data/data/x",
        ):
            archive.writestr(name, name)
    assert dict(wheel_files(wheel)) == {"a.py": b"a.py", "b.so": b"a-1.0.data/platlib/b.so"}


def test_the_code_is_xt_and_its_controller_alone(tmp_path: Path) -> None:
    layer = code_layer()
    assert layer.digest == code_layer().digest
    packed = pack(layer, own_python(), tmp_path, os.environ)
    with tarfile.open(packed.archive) as archive:
        names = archive.getnames()
    assert {"/".join(name.split("/")[:2]) for name in names} == {
        "lib/xt_core",
        "controller/controller",
    }
    assert "lib/xt_core/bootstrap/onbox.py" in names
    assert not [name for name in names if "__pycache__" in name]


def test_the_controller_imports_no_package_beyond_the_base(tmp_path: Path) -> None:
    """In a process that has the packages of the base, and no others, it can be imported."""
    packed = [pack(code_layer(), own_python(), tmp_path, os.environ)]
    packed += [
        pack(layer, own_python(), tmp_path, os.environ)
        for layer in package_layers([BASE], own_python())
    ]
    for each in packed:
        with tarfile.open(each.archive) as archive:
            archive.extractall(tmp_path / "there", filter="data")
    roots = [tmp_path / "there", tmp_path / "there" / "lib", tmp_path / "there" / "controller"]
    program = (
        "import pkgutil, importlib, controller, sys\n"
        "for found in pkgutil.iter_modules(controller.__path__):\n"
        "    if found.name not in ('__main__', 'zygote'):\n"
        "        importlib.import_module(f'controller.{found.name}')\n"
        "import xt_core.bootstrap.starting, asyncinotify, yaml\n"
        "print(controller.__file__)\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {list(map(str, roots))}\n{program}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.stderr, done.stdout) == (
        "",
        f"{tmp_path}/there/controller/controller/__init__.py\n",
    )


@pytest.mark.parametrize(
    ("python", "tag", "suits"),
    [
        (LINUX, "cp312-cp312-manylinux2014_x86_64", True),
        (LINUX, "cp311-abi3-manylinux_2_17_x86_64", True),
        (LINUX, "py3-none-any", True),
        (LINUX, "cp312-cp312-manylinux_2_18_x86_64", False),
        (LINUX, "cp312-cp312-manylinux_2_17_aarch64", False),
        (LINUX, "cp312-cp312-musllinux_1_2_x86_64", False),
        (LINUX, "cp312-cp312-linux_x86_64", False),
        (replace(LINUX, soabi="cpython-312-x86_64-linux-musl", libc=("", "")),
         "cp312-cp312-musllinux_1_1_x86_64", True),
        (replace(LINUX, system="darwin", platform="macosx-14.0-arm64", machine="arm64"),
         "cp312-cp312-macosx_11_0_arm64", True),
    ],
)  # fmt: skip
def test_which_wheels_suit_a_python(python: Python, tag: str, suits: bool) -> None:
    assert (tag in python.tags(is_here=False)) == suits


def test_what_was_built_here_suits_a_box_like_this_machine() -> None:
    assert "cp312-cp312-linux_x86_64" in LINUX.tags(is_here=True)
