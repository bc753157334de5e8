"""Shares as folders of a node: downloaded once, verified, read-only."""

import asyncio
import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from controller.shares import NodeShares
from xt_core import clock
from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnavailableError, UsageError, WorkFailedError, XTError
from xt_core.shares.cache import AbandonedError, ShareCache, View, copy_writable
from xt_core.shares.manifest import Manifest, digest_of
from xt_core.shares.names import content_key, manifest_key
from xt_core.shares.upload import upload_folder
from xt_core.shares.use import DOWNLOAD, MOUNT, ShareUse

ROOT = "_data/mnist"
FILES = {"a.txt": "one", "same.txt": "one", "deep/er/b.txt": "three", "run.sh": "true"}


class Node:
    """A team's store with one share, and the cache of a node."""

    def __init__(self, root: Path) -> None:
        self.store = DirectoryStore(root / "store")
        self.cache_root, self._root = root / "cache", root
        self.cache = ShareCache(self.cache_root)
        self.asked: list[str] = []
        self.away = 0
        """So many requests fail before the store answers."""
        self.use = self.upload(FILES)

    def upload(self, files: dict[str, str]) -> ShareUse:
        folder = self._root / "folder"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "run.sh").chmod(0o755)
        (folder / "none").mkdir(exist_ok=True)
        hashes = self._root / "hashes.json"
        version = upload_folder(self.store, ROOT, folder, [], hashes, lambda _: None).version
        return ShareUse(DOWNLOAD, share="mnist", root=ROOT, manifest=version.manifest)

    def get_files(self, files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        if self.away:
            self.away -= 1
            raise UnavailableError("the store is away")
        wanted = list(files)
        self.asked += [key for key, _ in wanted]
        return self.store.get_files(wanted)

    def view(self, use: ShareUse | None = None) -> View:
        return self.cache.view(use or self.use, self.get_files, Event())

    def mounted(self) -> ShareUse:
        return replace(self.use, action=MOUNT, store_folder=str(self.store.root / ROOT))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def texts(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def modes(folder: Path) -> dict[str, int]:
    found = {str(p.relative_to(folder)): stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*")}
    return found | {".": stat.S_IMODE(folder.stat().st_mode)}


def content_of(text: str) -> str:
    return content_key(ROOT, digest_of(text.encode()))


@pytest.mark.parametrize("action", [DOWNLOAD, MOUNT])
def test_a_view_has_the_exact_files_and_is_read_only(node: Node, action: str) -> None:
    view = node.view(node.use if action == DOWNLOAD else node.mounted())
    assert texts(view.path) == FILES
    assert modes(view.path) == {
        ".": 0o555, "none": 0o555, "deep": 0o555, "deep/er": 0o555,
        "a.txt": 0o444, "same.txt": 0o444, "deep/er/b.txt": 0o444, "run.sh": 0o555,
    }  # fmt: skip


def test_a_version_is_downloaded_once(node: Node) -> None:
    first = node.view()
    assert (first.fetched_contents, first.fetched_bytes) == (3, 12)
    node.asked.clear()
    assert node.view() == View(first.path)
    assert node.asked == []


def test_another_version_fetches_only_what_is_new(node: Node) -> None:
    old = node.view()
    node.asked.clear()
    new = node.view(node.upload({"a.txt": "two"}))
    assert node.asked[1:] == [content_of("two")]
    assert texts(new.path) == FILES | {"a.txt": "two"}
    assert texts(old.path) == FILES  # what a job has pinned does not change
    shared = (old.path / "deep/er/b.txt", new.path / "deep/er/b.txt")
    assert os.path.samefile(*shared)


def test_a_mounted_version_downloads_no_contents(node: Node) -> None:
    view = node.view(node.mounted())
    assert node.asked == [manifest_key(ROOT, node.use.manifest)]
    source = node.store.local_path(content_of("three"))
    assert os.path.samefile(view.path / "deep/er/b.txt", source)


def test_a_mount_whose_contents_are_gone_is_told(node: Node) -> None:
    node.store.delete(content_of("three"))
    with pytest.raises(WorkFailedError, match=r"deep/er/b\.txt of mnist cannot be used in place"):
        node.view(node.mounted())


def test_damaged_contents_are_told_and_not_kept(node: Node) -> None:
    key = content_of("three")
    node.store.put_bytes(key, b"eerht")
    with pytest.raises(WorkFailedError) as caught:
        node.view()
    assert caught.value.message == (
        f"deep/er/b.txt of mnist is damaged: {key} has not the SHA-256 of its name"
    )
    assert not list((node.cache_root / "trees").iterdir())
    node.store.put_bytes(key, b"three")
    assert texts(node.view().path) == FILES


def test_missing_contents_are_told(node: Node) -> None:
    key = content_of("three")
    node.store.delete(key)
    with pytest.raises(WorkFailedError, match=r"deep/er/b\.txt of mnist cannot be downloaded"):
        node.view()


def test_a_manifest_that_leads_outside_is_refused(node: Node) -> None:
    data = Manifest(folders=["a/../../b"]).to_bytes()
    node.store.put_bytes(manifest_key(ROOT, digest_of(data)), data)
    with pytest.raises(UnavailableError, match="leads outside"):
        node.view(replace(node.use, manifest=digest_of(data)))


def test_a_download_that_broke_off_is_carried_on(node: Node) -> None:
    many = {f"f{number:03}": f"contents {number}" for number in range(100)}
    use = node.upload(many)

    def breaks_off(files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        if len(node.asked) > 60:  # the manifest, and the first batch
            raise UnavailableError("cut off")
        return node.get_files(files)

    with pytest.raises(UnavailableError, match="cut off"):
        node.cache.view(use, breaks_off, Event())
    before = len(node.asked) - 1
    node.asked.clear()
    view = ShareCache(node.cache_root).view(use, node.get_files, Event())
    assert (before, len(node.asked) - 1) == (64, 103 - 64)
    assert texts(view.path) == FILES | many


def test_what_a_power_failure_has_cut_short_is_fetched_again(node: Node) -> None:
    node.view()
    content = node.cache_root / "contents" / digest_of(b"three")[:2] / digest_of(b"three")
    content.unlink()
    content.write_bytes(b"")
    view = node.view(node.upload({"c": "four"}))
    assert texts(view.path) == FILES | {"c": "four"}


def test_a_copy_to_write_to_is_apart(node: Node, tmp_path: Path) -> None:
    view, own = node.view(), tmp_path / "own"
    copy_writable(view.path, own)
    assert modes(own) == {
        ".": 0o755, "none": 0o755, "deep": 0o755, "deep/er": 0o755,
        "a.txt": 0o644, "same.txt": 0o644, "deep/er/b.txt": 0o644, "run.sh": 0o755,
    }  # fmt: skip
    (own / "a.txt").write_text("mine")
    (own / "deep/er/b.txt").unlink()
    assert texts(view.path) == FILES
    copy_writable(view.path, own)
    assert texts(own) == FILES


def test_nobody_waits_so_the_download_ends(node: Node) -> None:
    given_up = Event()
    given_up.set()
    with pytest.raises(AbandonedError):
        node.cache.view(node.use, node.get_files, given_up)
    assert node.asked == [manifest_key(ROOT, node.use.manifest)]


def age(view: View) -> None:
    """As if nobody had asked for a view for two hours."""
    os.utime(view.path, (0, clock.now() - 7200))


def test_what_nobody_uses_can_be_removed(node: Node) -> None:
    old, used = node.view(), node.view(node.upload({"b": "second"}))
    lately = node.view(node.upload({"c": "third"}))
    for view in (old, used):
        age(view)
    kept = {used.path.name}
    # The others have all that the old one had; of a program each tree has a copy of its own.
    assert node.cache.prune(kept, 3600) == len("true")
    assert not old.path.exists()
    assert texts(used.path) == FILES | {"b": "second"}
    age(lately)
    assert node.cache.prune(kept, 3600) == len("third")
    age(used)
    assert node.cache.prune((), 3600) == len("one" + "three" + "second")
    assert [path for path in node.cache_root.rglob("*") if path.is_file()] == [
        node.cache_root / ".lock"
    ]
    assert texts(node.view().path) == FILES


def test_nothing_is_removed_while_something_comes(node: Node) -> None:
    old = node.view()
    age(old)
    freed: list[int] = []

    def get_files(files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        freed.append(ShareCache(node.cache_root).prune((), 3600))
        return node.get_files(files)

    view = node.cache.view(node.upload({"b": "second"}), get_files, Event())
    assert freed == [0, 0]
    assert old.path.is_dir()
    assert texts(view.path) == FILES | {"b": "second"}


def test_an_empty_cache_has_nothing_to_remove(tmp_path: Path) -> None:
    assert ShareCache(tmp_path / "none").prune((), 0) == 0
    assert not (tmp_path / "none").exists()


# On a node ---------------------------------------------------------------------------------


class Fetching:
    """The artifacts of a node of which only downloads matter."""

    def __init__(self, node: Node) -> None:
        self.get_files = node.get_files

    def put_bytes(self, key: str, data: bytes) -> None:
        raise NotImplementedError

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        raise NotImplementedError

    def local_path(self, key: str) -> Path | None:
        raise NotImplementedError


def test_runs_that_want_the_same_wait_for_one_download(node: Node) -> None:
    async def views() -> list[View | None]:
        shares = NodeShares(node.cache, Fetching(node))
        return await asyncio.gather(*(shares.view(node.use, asyncio.Event()) for _ in range(5)))

    found = asyncio.run(views())
    assert len({view and view.path for view in found}) == 1
    assert len(node.asked) == 4


def test_a_store_that_is_away_for_a_moment_fails_no_run(node: Node) -> None:
    node.away = 2

    async def view() -> View | None:
        return await NodeShares(node.cache, Fetching(node)).view(node.use, asyncio.Event())

    found = asyncio.run(view())
    assert found is not None
    assert texts(found.path) == FILES
    assert node.away == 0


def test_a_store_that_stays_away_is_told(node: Node) -> None:
    node.away = 1000

    async def view() -> None:
        shares = NodeShares(node.cache, Fetching(node), patience=0.0)
        await shares.view(node.use, asyncio.Event())

    with pytest.raises(UnavailableError, match="the store is away"):
        asyncio.run(view())
    assert node.away == 999


def test_a_run_that_is_cancelled_waits_no_longer(node: Node) -> None:
    release = Event()

    async def view() -> tuple[View | None, View | None]:
        artifacts = Fetching(node)

        def slow(files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
            release.wait()
            return node.get_files(files)

        artifacts.get_files = slow
        shares, cancelled = NodeShares(node.cache, artifacts), asyncio.Event()
        cancelled.set()
        none = await shares.view(node.use, cancelled)
        release.set()
        return none, await shares.view(node.use, asyncio.Event())

    none, later = asyncio.run(view())
    assert none is None
    assert later is not None
    assert texts(later.path) == FILES


def test_a_folder_used_in_place_must_be_there(node: Node, tmp_path: Path) -> None:
    async def view(folder: Path) -> View | None:
        shares = NodeShares(node.cache, Fetching(node))
        return await shares.view(ShareUse(MOUNT, folder=str(folder)), asyncio.Event())

    assert asyncio.run(view(tmp_path)) == View(tmp_path)
    with pytest.raises(UsageError, match=f"the folder {tmp_path}/gone is not there"):
        asyncio.run(view(tmp_path / "gone"))
