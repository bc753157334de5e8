"""What every artifact store must do. Implementations are the parameters of `store`."""

import filecmp
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from blob_support import open_blob_store

from xt_core.artifacts.directory import DirectoryStore
from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import UnknownNameError, UsageError


@pytest.fixture(params=["directory", "blob"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    if request.param == "directory":
        yield DirectoryStore(tmp_path / "store")
        return
    opened = open_blob_store(request.getfixturevalue("azurite"))
    yield opened
    opened.close()


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


ODD_NAMES = [
    "%",
    "100%.txt",
    "a b#?&+;=@$'\"<>|:*",
    "dot.",
    "folder./dot..",
    "line\nbreak\x7f\x85",
    "not-utf-8-\udcff\udc80",
    "é/漢字/😀",
    "\ufffe\uffff",
]


def test_any_name_comes_back_as_it_was(store: ArtifactStore) -> None:
    for name in ODD_NAMES:
        store.put_bytes(f"ws1/{name}", name.encode("utf-8", "surrogateescape"))
    assert keys(store, "ws1") == sorted(f"ws1/{name}" for name in ODD_NAMES)
    for name in ODD_NAMES:
        assert store.get_bytes(f"ws1/{name}") == name.encode("utf-8", "surrogateescape")
    assert keys(store, "ws1/folder.") == ["ws1/folder./dot.."]
    assert store.delete_prefix("ws1") == len(ODD_NAMES)


def test_a_listing_folds_what_is_deeper_than_asked_for(store: ArtifactStore) -> None:
    for key in ("a", "b/c", "b/d/e", "b/d/f/g", "b-x/c"):
        store.put_bytes(key, b"12345")
    assert keys(store, depth=1) == ["a", "b-x/", "b/"]
    assert keys(store, depth=2) == ["a", "b-x/c", "b/c", "b/d/"]
    assert keys(store, "b", 2) == ["b/c", "b/d/e", "b/d/f/"]
    folder, file = store.list("b/d", 1)
    assert (file.is_folder, file.size, folder.is_folder, folder.size) == (True, 0, False, 5)
    with pytest.raises(UsageError):
        keys(store, depth=0)


def test_everything_can_be_deleted_at_once(store: ArtifactStore) -> None:
    for number in range(300):
        store.put_bytes(f"f{number % 7}/{number}", b"")
    assert store.delete_prefix("") == 300
    assert keys(store) == []


def test_a_program_stays_executable(store: ArtifactStore, tmp_path: Path) -> None:
    for name, mode in (("program", 0o755), ("text", 0o644)):
        (tmp_path / name).write_bytes(b"x")
        (tmp_path / name).chmod(mode)
        store.put_file(name, tmp_path / name)
        store.get_file(name, tmp_path / "got" / name)
    assert os.access(tmp_path / "got" / "program", os.X_OK)
    assert not (tmp_path / "got" / "text").stat().st_mode & 0o111


LARGE = 21 * 1024 * 1024 + 17


def large_file(path: Path, seed: int = 1, size: int = LARGE) -> Path:
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def test_a_large_file_comes_back_byte_for_byte(store: ArtifactStore, tmp_path: Path) -> None:
    source = large_file(tmp_path / "source")
    store.put_bytes("a", b"what was there before")
    store.put_file("a", source)
    assert store.stat("a").size == LARGE
    store.get_file("a", tmp_path / "got")
    assert filecmp.cmp(source, tmp_path / "got", shallow=False)
    assert store.get_bytes("a") == source.read_bytes()
    store.put_bytes("a", b"small again")
    assert store.get_bytes("a") == b"small again"


def test_a_stream_of_a_large_file_can_be_read_anywhere(
    store: ArtifactStore, tmp_path: Path
) -> None:
    data = large_file(tmp_path / "source").read_bytes()
    store.put_file("a", tmp_path / "source", consume=True)
    with store.open("a") as stream:
        assert stream.seek(-1000, os.SEEK_END) == LARGE - 1000
        assert stream.read() == data[-1000:]
        assert stream.read() == b""
        stream.seek(5_000_000)
        assert stream.read(7_000_000) == data[5_000_000:12_000_000]
        stream.seek(10)
        assert stream.tell() == 10
        assert stream.read() == data[10:]


def test_two_writers_of_one_key_leave_one_of_their_files(
    store: ArtifactStore, tmp_path: Path
) -> None:
    files = [large_file(tmp_path / str(seed), seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(lambda path: store.put_file("same", path), files):
            pass
    assert store.get_bytes("same") in [path.read_bytes() for path in files]
    assert keys(store) == ["same"]


def test_a_log_grows_by_what_it_lacks(store: ArtifactStore) -> None:
    assert store.append("log", 5, b"too early") == 0
    assert not store.exists("log")
    assert store.append("log", 0, b"hello ") == 6
    assert store.append("log", 6, b"world") == 11
    assert store.append("log", 0, b"hello ") == 11
    assert store.append("log", 6, b"world, and more") == 21
    assert store.append("log", 30, b"a gap") == 21
    assert store.append("log", 21, b"") == 21
    assert store.get_bytes("log") == b"hello world, and more"
    assert store.stat("log").size == 21
    assert keys(store) == ["log"]


def test_a_log_may_end_as_a_file_stored_whole(store: ArtifactStore, tmp_path: Path) -> None:
    for size in (100, LARGE):
        source = large_file(tmp_path / "source", size=size)
        data = source.read_bytes()
        store.append("log", 0, data[:50])
        store.put_file("log", source)
        assert store.append("log", 50, data[50:70]) == size
        assert store.get_bytes("log") == data
        store.delete("log")
    assert keys(store) == []


def test_writers_of_one_log_lose_and_repeat_nothing(store: ArtifactStore) -> None:
    text = b"".join(b"%05d\n" % number for number in range(400))

    def deliver(seed: int) -> None:
        position, steps = 0, random.Random(seed)
        while position < len(text):
            step = steps.randrange(1, 400)
            position = store.append("log", position, text[position : position + step])

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(deliver, range(4)):
            pass
    assert store.get_bytes("log") == text


def test_many_files_go_and_come_with_progress(store: ArtifactStore, tmp_path: Path) -> None:
    sizes = {f"in/{number}": number * 10 for number in range(40)} | {"in/large": LARGE}
    for key, size in sizes.items():
        (tmp_path / key).parent.mkdir(exist_ok=True)
        large_file(tmp_path / key, size=size)
    told: list[tuple[str, int, bool]] = []
    files = [(key, tmp_path / key) for key in sizes]

    def totals() -> dict[str, tuple[int, int]]:
        found = {
            key: (
                sum(moved for name, moved, _ in told if name == key),
                sum(complete for name, _, complete in told if name == key),
            )
            for key, _, _ in told
        }
        told.clear()
        return found

    whole = {key: (size, 1) for key, size in sizes.items()}
    assert store.put_files(files, lambda *each: told.append(each)) == {}
    assert totals() == whole
    assert keys(store) == sorted(sizes)
    targets = [(key, tmp_path / "out" / key) for key in sizes]
    assert store.get_files(targets, lambda *each: told.append(each)) == {}
    assert totals() == whole
    for key in sizes:
        assert filecmp.cmp(tmp_path / key, tmp_path / "out" / key, shallow=False)


def test_one_bad_file_does_not_keep_others_from_being_stored(
    store: ArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "good").write_bytes(b"x")
    failed = store.put_files(
        [("a", tmp_path / "good"), ("b", tmp_path / "none"), ("../c", tmp_path / "good")]
    )
    assert sorted(failed) == ["../c", "b"]
    assert all(isinstance(error, UsageError) for error in failed.values())
    assert keys(store) == ["a"]
    failed = store.get_files([("a", tmp_path / "got"), ("b", tmp_path / "not got")])
    assert [(key, type(error)) for key, error in failed.items()] == [("b", UnknownNameError)]
    assert (tmp_path / "got").read_bytes() == b"x"
    assert not (tmp_path / "not got").exists()


def test_a_digest_is_hexadecimal(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for digest in ("", "XYZ", "../a", "AB"):
        with pytest.raises(UsageError):
            store.put_shared("a", tmp_path / "file", digest)


def test_a_shared_content_may_be_large_and_is_left_by_one_key_alone(
    store: ArtifactStore, tmp_path: Path
) -> None:
    source = large_file(tmp_path / "source")
    for key in ("one", "two"):
        store.put_shared(key, source, "d1")
    assert [info.size for info in store.list()] == [LARGE, LARGE]
    store.put_bytes("one", b"another")
    assert store.get_bytes("one") == b"another"
    assert store.get_bytes("two") == source.read_bytes()
    with store.open("two") as stream:
        stream.seek(-3, os.SEEK_END)
        assert stream.read() == source.read_bytes()[-3:]
    assert store.delete_prefix("") == 2


def test_a_store_can_be_used_after_it_was_closed(store: ArtifactStore) -> None:
    store.put_bytes("a", b"x")
    store.close()
    store.close()
    assert store.get_bytes("a") == b"x"
