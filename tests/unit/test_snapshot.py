"""Code snapshots: what goes in, that they are repeatable, and that they come out again."""

import os
import zipfile
from pathlib import Path

import pytest

from xt_core.errors import RefusedError, UsageError, XTError
from xt_core.submit.snapshot.cache import SnapshotCache
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import Snapshot, take_snapshot
from xt_core.submit.snapshot.unpacking import unpack_snapshot


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def take(code: Path, target: Path, **more: object) -> Snapshot:
    spec = SnapshotSpec(script_dir=code, base=code, **more)  # type: ignore[arg-type]
    return take_snapshot(spec, target)


def unpacked(snapshot: Snapshot, target: Path) -> dict[str, str]:
    """Relative path -> text, of a snapshot unpacked."""
    target.mkdir()
    unpack_snapshot(snapshot.path, target)
    return {
        os.fspath(path.relative_to(target)): path.read_text()
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }


def test_a_folder_comes_back_as_it_was(code: Path, tmp_path: Path) -> None:
    write(code, train_dot_py="print()", sub__helper_dot_py="X = 1", empty="")
    (code / "train.py").chmod(0o755)
    snapshot = take(code, tmp_path / "code.zip")
    files = unpacked(snapshot, tmp_path / "out")
    assert files == {"train.py": "print()", "sub/helper.py": "X = 1", "empty": ""}
    assert os.access(tmp_path / "out" / "train.py", os.X_OK)
    assert not os.access(tmp_path / "out" / "empty", os.X_OK)
    assert (snapshot.files, snapshot.warnings) == (3, [])


def test_the_same_code_gives_the_same_bytes(code: Path, tmp_path: Path) -> None:
    write(code, a="1", b__c="2")
    first = take(code, tmp_path / "one.zip")
    os.utime(code / "a", (1, 1))
    second = take(code, tmp_path / "two.zip")
    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()
    (code / "a").write_text("other")
    assert take(code, tmp_path / "three.zip").digest != first.digest


def test_gitignore_is_respected_with_its_negations(code: Path, tmp_path: Path) -> None:
    write(
        code, _dot_gitignore="*.log\n/build\n!keep.log\n", a_dot_log="x", keep_dot_log="x",
        build__x="x", sub__build__y="x", sub___dot_gitignore="secret\n", sub__secret="x",
    )  # fmt: skip
    files = unpacked(take(code, tmp_path / "code.zip"), tmp_path / "out")
    assert sorted(files) == [".gitignore", "keep.log", "sub/.gitignore", "sub/build/y"]


def test_omitted_names_and_patterns_are_left_out(code: Path, tmp_path: Path) -> None:
    write(code, a_dot_py="x", a_dot_pyc="x", _dot_git__config="x", sub__node__x="x")
    snapshot = take(code, tmp_path / "code.zip", omit=[".git", "*.pyc", "sub/node"])
    assert sorted(unpacked(snapshot, tmp_path / "out")) == ["a.py"]


def test_code_dirs_name_what_to_take_and_where_to_put_it(code: Path, tmp_path: Path) -> None:
    write(code, train_dot_py="t", src__a_dot_py="a", src__deep__b_dot_py="b", other="o")
    for dirs, expected in (
        (["src"], ["src/a.py", "src/deep/b.py"]),
        (["src/**"], ["a.py", "deep/b.py"]),
        (["src/*.py", "train.py"], ["a.py", "train.py"]),
        (["src::lib"], ["lib/a.py", "lib/deep/b.py"]),
    ):
        snapshot = take(code, tmp_path / "code.zip", code_dirs=dirs)
        target = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        assert sorted(unpacked(snapshot, target)) == expected, dirs
    with pytest.raises(UsageError, match="nothing-here"):
        take(code, tmp_path / "code.zip", code_dirs=["nothing-here"])


def test_symbolic_links_are_kept_followed_or_left_out(code: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("from outside")
    write(code, a="1")
    (code / "inside").symlink_to("a")
    (code / "file").symlink_to(outside / "file")
    (code / "folder").symlink_to(outside)
    (code / "broken").symlink_to("nowhere")
    (code / "loop").symlink_to(".")
    snapshot = take(code, tmp_path / "code.zip")
    files = unpacked(snapshot, tmp_path / "out")
    assert files["file"] == "from outside"
    assert files["inside"] == "1"
    assert (tmp_path / "out" / "inside").is_symlink()
    assert not (tmp_path / "out" / "file").is_symlink()
    assert sorted(w.split()[0].rpartition("/")[2] for w in snapshot.warnings) == [
        "broken",
        "folder",
    ]


def test_a_link_that_leads_to_itself_is_left_out(code: Path, tmp_path: Path) -> None:
    write(code, a="1")
    for name in (".gitignore", "itself"):
        (code / name).symlink_to(name)
    snapshot = take(code, tmp_path / "code.zip")
    assert unpacked(snapshot, tmp_path / "out") == {"a": "1"}
    assert snapshot.warnings == [
        f"{code / name} is left out: it is a broken link" for name in (".gitignore", "itself")
    ]


def test_large_files_are_left_out_with_a_warning(code: Path, tmp_path: Path) -> None:
    write(code, small="x")
    (code / "model.bin").write_bytes(b"x" * 2000)
    snapshot = take(code, tmp_path / "code.zip", max_file_bytes=1000)
    assert sorted(unpacked(snapshot, tmp_path / "out")) == ["small"]
    assert len(snapshot.warnings) == 1
    assert "model.bin" in snapshot.warnings[0]
    assert "code.max-file-mb" in snapshot.warnings[0]


def test_too_much_code_is_refused_and_the_biggest_folder_named(code: Path, tmp_path: Path) -> None:
    for number in range(20):
        write(code, **{f"data__{number}": "x" * 100})
    with pytest.raises(UsageError) as caught:
        take(code, tmp_path / "code.zip", max_total_bytes=1000)
    assert "data" in caught.value.message + caught.value.hint
    assert "code.code-omit" in caught.value.hint
    with pytest.raises(UsageError):
        take(code, tmp_path / "code.zip", max_files=10)
    assert not (tmp_path / "code.zip").exists()


def test_names_that_are_not_utf8_survive(code: Path, tmp_path: Path) -> None:
    name = b"caf\xe9.txt"
    (Path(os.fsdecode(os.fsencode(code) + b"/" + name))).write_text("x")
    snapshot = take(code, tmp_path / "code.zip")
    (tmp_path / "out").mkdir()
    unpack_snapshot(snapshot.path, tmp_path / "out")
    assert os.listdir(os.fsencode(tmp_path / "out")) == [name]


def test_pipes_and_sockets_are_left_out(code: Path, tmp_path: Path) -> None:
    os.mkfifo(code / "pipe")
    write(code, a="1")
    snapshot = take(code, tmp_path / "code.zip")
    assert sorted(unpacked(snapshot, tmp_path / "out")) == ["a"]
    assert len(snapshot.warnings) == 1


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_an_entry_that_would_escape_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(name, "x")
    (tmp_path / "out").mkdir()
    with pytest.raises(RefusedError):
        unpack_snapshot(tmp_path / "evil.zip", tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_a_damaged_zip_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK no zip")
    (tmp_path / "out").mkdir()
    with pytest.raises(XTError):
        unpack_snapshot(tmp_path / "bad.zip", tmp_path / "out")


def test_a_cache_gives_each_run_a_copy_of_its_own(code: Path, tmp_path: Path) -> None:
    write(code, a="1", sub__b="2")
    (code / "link").symlink_to("a")
    snapshot = take(code, tmp_path / "code.zip")
    cache = SnapshotCache(tmp_path / "cache")
    for number in range(2):
        target = tmp_path / f"run{number}"
        target.mkdir()
        cache.materialize(snapshot.path, snapshot.digest, target)
        (target / "a").write_text("changed by the run")
        assert (target / "sub" / "b").read_text() == "2"
        assert (target / "link").is_symlink()
    snapshot.path.unlink()  # once unpacked, the zip is not needed
    (tmp_path / "run2").mkdir()
    cache.materialize(snapshot.path, snapshot.digest, tmp_path / "run2")
    assert (tmp_path / "run2" / "a").read_text() == "1"


def test_pruning_a_cache_removes_the_least_recently_used(code: Path, tmp_path: Path) -> None:
    cache = SnapshotCache(tmp_path / "cache")
    digests = []
    for number in range(3):
        (code / "a").write_text(str(number) * 100)
        snapshot = take(code, tmp_path / "code.zip")
        cache.materialize(snapshot.path, snapshot.digest, tmp_path / f"run{number}")
        os.utime(cache.root / snapshot.digest, (number, number))
        digests.append(snapshot.digest)
    (cache.root / ".xt-dead").mkdir()  # of a process that died while it unpacked
    assert cache.prune(200) == 100
    assert sorted(os.listdir(cache.root)) == sorted([".lock", *digests[1:]])
    assert (cache.prune(200), cache.prune(0)) == (0, 200)
    assert os.listdir(cache.root) == [".lock"]
    assert (tmp_path / "run0" / "a").read_text() == "0" * 100
