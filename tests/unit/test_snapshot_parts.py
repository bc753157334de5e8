"""Zips in parts: put together they are the very same zips, and a change touches few parts."""

import hashlib
import io
import os
import random
import zipfile
from pathlib import Path

import pytest

from xt_core.submit.snapshot.parts import Cut, Recipe, UncutError, cut, join
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import take_snapshot


def files(count: int, size: int = 3000) -> dict[str, bytes]:
    chance = random.Random(7)
    return {f"lib{n % 9}/file{n:04}.py": chance.randbytes(size) for n in range(count)}


def snapshot(folder: Path, contents: dict[str, bytes]) -> Path:
    """A zip of XT's of these files."""
    number = len(list(folder.iterdir()))
    code = folder / f"code{number}"
    for name, data in contents.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_bytes(data)
    return take_snapshot(SnapshotSpec(code), folder / f"{number}.zip").path


def put_together(recipe: Recipe, *cuts: Cut) -> tuple[bytes, str]:
    def read(digest: str) -> bytes:
        return next(each for each in cuts if digest in each).read(digest)

    file = io.BytesIO()
    digest = join(recipe, read, file)
    return file.getvalue(), digest


@pytest.mark.parametrize(
    "contents",
    [
        {"one.py": b"x = 1"},
        {"empty.py": b"", "deep/er/empty": b""},
        files(500),
        {"large.bin": random.Random(1).randbytes(9_500_000), "small.py": b"1"},
        {"zeros.bin": bytes(70 << 20), "small.py": b"1"},
        {os.fsdecode(b"caf\xe9.py"): b"1", "\N{SNOWMAN}.py": b"2"},
    ],
    ids=["one", "empty", "many", "large", "repetitive", "names"],
)
def test_the_parts_of_a_zip_make_the_same_zip(tmp_path: Path, contents: dict[str, bytes]) -> None:
    path = snapshot(tmp_path, contents)
    recipe = Recipe.from_json(cut(path).to_json())
    source = Cut(path, recipe)
    made, digest = put_together(recipe, source)
    source.close()
    assert made == path.read_bytes()
    assert digest == hashlib.sha256(made).hexdigest()
    assert max(part.length for part in recipe.parts) <= 4 << 20


def test_a_part_is_known_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = snapshot(tmp_path, files(200))
    recipe = cut(path)
    assert len(recipe.parts) > 5
    source = Cut(path, recipe)
    for part in recipe.parts:
        data = source.read(part.digest)
        assert len(data) == part.size
        assert hashlib.sha256(data).hexdigest() == part.digest
    source.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda contents: contents.update({"lib3/file0255.py": b"changed"}),
        lambda contents: contents.update({"lib3/file0255.py": bytes(200_000)}),
        lambda contents: contents.update({"lib3/another.py": b"new"}),
        lambda contents: contents.pop("lib3/file0255.py"),
        lambda contents: contents.update({"a-first.py": b"new"}),
    ],
    ids=["shorter", "longer", "added", "removed", "first"],
)
def test_a_changed_file_changes_the_parts_about_it(tmp_path: Path, change: object) -> None:
    contents = files(1000)
    before = snapshot(tmp_path, contents)
    change(contents)  # type: ignore[operator]
    after = snapshot(tmp_path, contents)
    known, wanted = Cut(before, cut(before)), Cut(after, cut(after))
    new = [part for part in wanted.recipe.parts if part.digest not in known]
    assert 0 < len(new) <= 2
    assert sum(part.size for part in new) < 400_000
    made, _ = put_together(wanted.recipe, known, wanted)
    assert made == after.read_bytes()
    known.close()
    wanted.close()


def write_zip(path: Path, comment: bytes = b"", prefix: bytes = b"", suffix: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"content")
        archive.comment = comment
    path.write_bytes(prefix + path.read_bytes() + suffix)
    return path


@pytest.mark.parametrize(
    "odd", [{"comment": b"hello"}, {"prefix": b"#!/bin/sh\n"}, {"suffix": b"more"}]
)
def test_a_zip_of_another_make_is_not_cut(tmp_path: Path, odd: dict[str, bytes]) -> None:
    with pytest.raises(UncutError):
        cut(write_zip(tmp_path / "odd.zip", **odd))


@pytest.mark.parametrize("data", [b"", b"no zip at all" * 10])
def test_what_is_no_zip_is_not_cut(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.zip").write_bytes(data)
    with pytest.raises(UncutError):
        cut(tmp_path / "odd.zip")


def test_a_part_that_is_none_makes_no_zip(tmp_path: Path) -> None:
    recipe = cut(snapshot(tmp_path, files(3)))
    with pytest.raises(UncutError):
        join(recipe, lambda digest: bytes(recipe.parts[0].size), io.BytesIO())
