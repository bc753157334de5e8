"""What every artifact store must do. Implementations are the parameters of `store`."""

import threading
from pathlib import Path

import pytest

from xt_core.artifacts.directory import DirectoryStore
from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import UnknownNameError, UsageError


@pytest.fixture(params=["directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    assert request.param == "directory"
    return DirectoryStore(tmp_path / "store")


def keys(store: ArtifactStore, prefix: str = "", depth: int | None = None) -> list[str]:
    return [info.key for info in store.list(prefix, depth)]


def test_bytes_come_back_and_are_replaced_whole(store: ArtifactStore) -> None:
    store.put_bytes("ws1/a b/é.txt", b"one")
    assert store.get_bytes("ws1/a b/é.txt") == b"one"
    store.put_bytes("ws1/a b/é.txt", b"")
    assert store.get_bytes("ws1/a b/é.txt") == b""
    assert store.stat("ws1/a b/é.txt").size == 0


def test_files_are_copied_or_given_away(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 1000)
    store.put_file("a", source)
    assert source.exists()
    store.put_file("b", source, consume=True)
    assert not source.exists()
    assert store.get_bytes("a") == store.get_bytes("b") == bytes(range(256)) * 1000


def test_an_artifact_can_be_fetched_into_a_file(store: ArtifactStore, tmp_path: Path) -> None:
    store.put_bytes("a", b"content")
    store.get_file("a", tmp_path / "new" / "folder" / "file")
    assert (tmp_path / "new" / "folder" / "file").read_bytes() == b"content"


def test_a_stream_goes_on_showing_what_it_opened(store: ArtifactStore) -> None:
    store.put_bytes("a", b"before")
    with store.open("a") as stream:
        store.put_bytes("a", b"after!")
        assert stream.read() == b"before"
        stream.seek(3)
        assert stream.read() == b"ore"
    assert store.get_bytes("a") == b"after!"


def test_what_is_not_there_is_told(store: ArtifactStore, tmp_path: Path) -> None:
    store.put_bytes("folder/file", b"x")
    for key in ("nothing", "folder", "folder/file/below"):
        assert not store.exists(key)
        for call in (store.get_bytes, store.open, store.stat, store.delete):
            with pytest.raises(UnknownNameError):
                call(key)
        with pytest.raises(UnknownNameError):
            store.get_file(key, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("key", ["", "/abs", "a//b", "a/../b", "..", ".", "a/./b", "a/", "nul\0"])
def test_malformed_keys_are_refused(store: ArtifactStore, key: str) -> None:
    with pytest.raises(UsageError):
        store.put_bytes(key, b"x")
    with pytest.raises(UsageError):
        store.get_bytes(key)


def test_a_listing_is_sorted_and_a_prefix_means_whole_parts(store: ArtifactStore) -> None:
    for key in ("runs/run30/x", "runs/run3/b", "runs/run3/a/c", "top"):
        store.put_bytes(key, b"x")
    assert keys(store) == ["runs/run3/a/c", "runs/run3/b", "runs/run30/x", "top"]
    assert keys(store, "runs/run3") == ["runs/run3/a/c", "runs/run3/b"]
    assert keys(store, "runs/run3/") == ["runs/run3/a/c", "runs/run3/b"]
    assert keys(store, "nothing") == []
    assert keys(store, "runs", 1) == ["runs/run3/", "runs/run30/"]


def test_artifacts_and_folders_of_them_can_be_deleted(store: ArtifactStore) -> None:
    for key in ("a/x", "a/y/z", "ab/x"):
        store.put_bytes(key, b"x")
    store.delete("a/x")
    assert keys(store) == ["a/y/z", "ab/x"]
    assert store.delete_prefix("a") == 1
    assert store.delete_prefix("a") == 0
    assert keys(store) == ["ab/x"]


def test_shared_contents_are_the_same_for_each_key(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"shared")
    store.put_shared("one/code.zip", source, "d1")
    store.put_shared("two/code.zip", source, "d1")
    assert store.get_bytes("one/code.zip") == store.get_bytes("two/code.zip") == b"shared"
    store.delete("one/code.zip")
    assert store.get_bytes("two/code.zip") == b"shared"
    assert keys(store) == ["two/code.zip"]
    first, second = (store.local_path(key) for key in ("two/code.zip", "two/code.zip"))
    assert first == second


def test_what_is_no_regular_file_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UsageError):
            store.put_file("a", path)
    assert keys(store) == []


def test_many_threads_may_write_at_once(store: ArtifactStore) -> None:
    def write(number: int) -> None:
        for item in range(50):
            store.put_bytes(f"deep/{number}/{item}", f"{number}:{item}".encode())
            store.put_bytes("same", b"x" * 1000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(store, "deep")) == 300
    assert store.get_bytes("deep/5/49") == b"5:49"
    assert store.get_bytes("same") == b"x" * 1000
