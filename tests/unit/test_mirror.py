"""Mirroring with the system's real file notifications."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from controller.mirror import Mirror, MirrorRoot
from controller.watch import FileWatcher, PollingWatcher, file_watcher
from xt_core.artifacts.directory import DirectoryStore


@pytest.fixture(params=["native", "polling"])
async def watcher(request: pytest.FixtureRequest) -> AsyncIterator[FileWatcher]:
    chosen = file_watcher() if request.param == "native" else PollingWatcher()
    yield chosen
    chosen.close()


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "artifacts")


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


def has(store: DirectoryStore, key: str, content: bytes) -> Callable[[], bool]:
    return lambda: store.exists(key) and store.get_bytes(key) == content


async def test_files_are_copied_as_they_change(
    tmp_path: Path, store: DirectoryStore, watcher: FileWatcher
) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    mirror = Mirror([MirrorRoot(folder, "*", "ws1/runs/run1/output")], store, watcher)
    mirror.start()
    (folder / "a.txt").write_bytes(b"one")
    await eventually(has(store, "ws1/runs/run1/output/a.txt", b"one"))
    (folder / "a.txt").write_bytes(b"one and two")
    await eventually(has(store, "ws1/runs/run1/output/a.txt", b"one and two"))
    await mirror.finish()


async def test_new_folders_are_watched_too(
    tmp_path: Path, store: DirectoryStore, watcher: FileWatcher
) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    mirror = Mirror([MirrorRoot(folder, "*", "p")], store, watcher)
    mirror.start()
    deep = folder / "x" / "y"
    deep.mkdir(parents=True)
    (deep / "b.bin").write_bytes(b"\xff\x00")
    await eventually(has(store, "p/x/y/b.bin", b"\xff\x00"))
    await mirror.finish()


async def test_a_folder_that_comes_later_is_found(
    tmp_path: Path, store: DirectoryStore, watcher: FileWatcher
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    mirror = Mirror([MirrorRoot(work / "logs", "**", "p/logs")], store, watcher)
    mirror.start()
    (work / "logs").mkdir()
    (work / "logs" / "train.log").write_bytes(b"hello")
    await eventually(has(store, "p/logs/train.log", b"hello"))
    await mirror.finish()


async def test_the_end_copies_what_changed_last_and_nothing_that_does_not_match(
    tmp_path: Path, store: DirectoryStore, watcher: FileWatcher
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    mirror = Mirror([MirrorRoot(folder, "*.log", "p")], store, watcher)
    mirror.start()
    (folder / "a.log").write_bytes(b"last words")
    (folder / "b.txt").write_bytes(b"not meant")
    await mirror.finish()
    assert [(info.key, info.size) for info in store.list("p")] == [("p/a.log", 10)]


async def test_a_folder_that_never_comes_is_no_trouble(
    tmp_path: Path, store: DirectoryStore, watcher: FileWatcher
) -> None:
    mirror = Mirror([MirrorRoot(tmp_path / "no" / "logs", "**", "p")], store, watcher)
    mirror.start()
    await mirror.finish()
    assert list(store.list("")) == []
