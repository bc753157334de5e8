"""The zips that a node has of earlier snapshots."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from xt_core.errors import UnavailableError
from xt_core.submit.snapshot.format import digest_of
from xt_core.submit.snapshot.parts import Cut, Recipe, cut
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import take_snapshot
from xt_core.submit.snapshot.zips import SnapshotZips

DAY = 86_400


class Place:
    """A client that takes snapshots, and a node that gets them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zips = SnapshotZips(folder / "node")
        self.code = folder / "code"
        self.code.mkdir()
        for number in range(300):
            (self.code / f"{number}.py").write_text(f"x = {number}\n" * 50)

    def snapshot(self) -> tuple[str, Path]:
        taken = take_snapshot(SnapshotSpec(self.code), self.folder / "code.zip")
        path = self.folder / taken.digest
        taken.path.rename(path)
        return taken.digest, path

    def bring(self) -> str:
        """A snapshot, sent whole."""
        digest, path = self.snapshot()
        self.zips.zip(digest).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self.zips.zip(digest))
        return digest

    def bring_parts(self, path: Path, recipe: Recipe, digests: list[str]) -> None:
        self.zips.parts.mkdir(parents=True, exist_ok=True)
        source = Cut(path, recipe)
        for digest in digests:
            self.zips.part(digest).write_bytes(source.read(digest))
        source.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def digests(recipe: Recipe) -> list[str]:
    return [part.digest for part in recipe.parts]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_a_zip_is_put_together_of_parts_old_and_new(place: Place) -> None:
    assert place.zips.is_empty()
    old = place.bring()
    assert not place.zips.is_empty()
    (place.code / "77.py").write_text("changed")
    new, path = place.snapshot()
    recipe = cut(path)
    lacking = place.zips.lacking(digests(recipe))
    assert len(lacking) == 1
    place.bring_parts(path, recipe, lacking)
    place.zips.put_together(new, recipe)
    assert digest_of(place.zips.zip(new)) == new
    assert files(place.folder / "node" / "zips") == sorted([old, new])
    assert files(place.zips.parts) == []
    assert place.zips.lacking(digests(recipe)) == []


def test_without_a_part_there_is_no_zip(place: Place) -> None:
    digest, path = place.snapshot()
    recipe = cut(path)
    place.bring_parts(path, recipe, digests(recipe)[1:])
    with pytest.raises(UnavailableError, match="a part is missing") as caught:
        place.zips.put_together(digest, recipe)
    assert caught.value.hint == "submit the job again"
    assert place.zips.is_empty()
    assert len(files(place.zips.parts)) == len(set(digests(recipe))) - 1
    place.bring_parts(path, recipe, digests(recipe)[:1])
    place.zips.put_together(digest, recipe)
    assert digest_of(place.zips.zip(digest)) == digest


def test_a_zip_with_another_digest_is_not_kept(place: Place) -> None:
    _, path = place.snapshot()
    recipe = cut(path)
    place.bring_parts(path, recipe, digests(recipe))
    with pytest.raises(UnavailableError, match="it has the SHA-256"):
        place.zips.put_together("0" * 64, recipe)
    assert place.zips.is_empty()
    assert files(place.folder / "node") == [".lock", "parts"]


def test_recipes_that_were_lost_are_found_out_again(place: Place) -> None:
    digest = place.bring()
    parts = digests(cut(place.zips.zip(digest)))
    recipes = place.folder / "node" / "recipes"
    assert place.zips.lacking([*parts, "0" * 64]) == ["0" * 64]
    assert files(recipes) == [digest]
    (recipes / digest).write_text("{")
    assert place.zips.lacking(parts) == []
    assert Recipe.from_json((recipes / digest).read_text()) == cut(place.zips.zip(digest))


def test_a_zip_of_another_make_has_no_parts(place: Place) -> None:
    place.zips.zip("a" * 64).parent.mkdir(parents=True)
    place.zips.zip("a" * 64).write_bytes(b"no zip")
    assert place.zips.lacking(["0" * 64]) == ["0" * 64]


def test_what_is_used_has_another_name_too(place: Place) -> None:
    digest = place.bring()
    os.utime(place.zips.zip(digest), (0, 0))
    assert place.zips.use(digest, place.folder / "link")
    assert digest_of(place.folder / "link") == digest
    assert not place.zips.use("0" * 64, place.folder / "other")
    assert place.zips.prune(seconds=DAY) == 0  # it was used just now
    size = (place.folder / "link").stat().st_size
    assert place.zips.prune(0, 0) == size
    assert digest_of(place.folder / "link") == digest


def test_the_zips_that_were_used_last_are_kept(place: Place) -> None:
    made = []
    for number in range(4):
        (place.code / "0.py").write_text(f"{number}")
        made.append(place.bring())
        age = (4 - number) * DAY
        now = place.zips.zip(made[-1]).stat().st_mtime
        os.utime(place.zips.zip(made[-1]), (now - age, now - age))
    place.zips.lacking(["0" * 64])
    place.zips.parts.mkdir()
    place.zips.part("b" * 64).write_bytes(b"")
    os.utime(place.zips.part("b" * 64), (0, 0))
    place.zips.prune(3, 100 * DAY)
    assert files(place.folder / "node" / "zips") == sorted(made[1:])
    assert files(place.folder / "node" / "recipes") == sorted(made[1:])
    assert files(place.zips.parts) == []
    place.zips.prune(3, 1.5 * DAY)
    assert files(place.folder / "node" / "zips") == made[3:]


def test_where_nothing_was_brought_nothing_is_pruned(place: Place) -> None:
    assert place.zips.prune(0, 0) == 0
    assert not (place.folder / "node").exists()


def test_nothing_is_pruned_while_something_is_being_made(tmp_path: Path) -> None:
    zips, abandoned = SnapshotZips(tmp_path), tmp_path / ".xt-0"
    with zips.draft() as draft, (tmp_path / ".lock").open() as lock:
        draft.write_bytes(b"half")
        abandoned.touch()
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as `prune` does, but for the wait
    assert not draft.exists()
    zips.prune()
    assert not abandoned.exists()
