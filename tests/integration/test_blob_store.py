"""The blob store beside its contract: what it sends, what it leaves, the memory it takes."""

import filecmp
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient
from blob_support import new_container, open_blob_store, sdk_container
from servers.azurite import Azurite

from xt_core.artifacts import blob_download, blob_shared, blob_upload
from xt_core.errors import UnavailableError

MEBIBYTE = 1024 * 1024


class Place:
    """A store, and the SDK's own view of its container."""

    def __init__(self, azurite: Azurite, container: str) -> None:
        self.azurite, self.name = azurite, container
        self.store = open_blob_store(azurite, container, most_appends=5)
        self.container: ContainerClient = sdk_container(azurite, container)
        self.container.create_container()

    def blobs(self, prefix: str = "") -> list[str]:
        return [blob.name for blob in self.container.list_blobs(name_starts_with=prefix)]


@pytest.fixture
def place(azurite: Azurite) -> Iterator[Place]:
    made = Place(azurite, new_container())
    yield made
    made.store.close()
    made.container.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the blocks that are sent, in no certain order."""
    names: list[str] = []
    stage_block = BlobClient.stage_block

    def stage(self: BlobClient, block_id: str, *args: Any, **kwargs: Any) -> Any:
        names.append(block_id)
        return stage_block(self, block_id, *args, **kwargs)

    monkeypatch.setattr(BlobClient, "stage_block", stage)
    return names


def numbers(names: list[str]) -> list[int]:
    return sorted(int(name.partition("-")[0]) for name in names)


def large_file(path: Path, size: int) -> Path:
    path.write_bytes(random.Random(1).randbytes(size))
    return path


# Uploads -------------------------------------------------------------------------------------


DYING_UPLOAD = """
import os, sys
from pathlib import Path
from azure.storage.blob import BlobClient
from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount

stage_block, calls = BlobClient.stage_block, iter(range(1000))

def stage(self, block_id, *args, **kwargs):
    if int(block_id[:6]) >= 3:
        os.kill(os.getpid(), 9)
    return stage_block(self, block_id, *args, **kwargs)

BlobClient.stage_block = stage
store = BlobStore(BlobAccount("labblobs", "s", sys.argv[1]), sys.argv[2], pieces_at_once=1)
store.put_file("model.pt", Path(sys.argv[3]))
"""


def test_an_upload_goes_on_where_a_killed_process_left_it(
    place: Place, tmp_path: Path, sent: list[str]
) -> None:
    path = large_file(tmp_path / "model.pt", 45 * MEBIBYTE)
    program = [sys.executable, "-c", DYING_UPLOAD]
    done = subprocess.run(
        [*program, place.azurite.connection_string, place.name, str(path)], check=False
    )
    assert done.returncode == -9
    assert not place.store.exists("model.pt")
    assert place.blobs() == []
    place.store.put_file("model.pt", path)
    assert numbers(sent) == [3, 4, 5]
    place.store.get_file("model.pt", tmp_path / "got")
    assert filecmp.cmp(path, tmp_path / "got", shallow=False)


def test_what_a_file_had_before_is_not_sent_again(
    place: Place, tmp_path: Path, sent: list[str]
) -> None:
    path = large_file(tmp_path / "log", 20 * MEBIBYTE)
    place.store.put_file("log", path)
    assert numbers(sent) == [0, 1, 2]
    sent.clear()
    place.store.put_file("log", path)
    assert sent == []
    with path.open("ab") as file:
        file.write(b"x" * 5 * MEBIBYTE)
    place.store.put_file("log", path)
    assert numbers(sent) == [2, 3]
    sent.clear()
    with path.open("r+b") as file:
        file.write(b"changed at the start")
    place.store.put_file("log", path)
    assert numbers(sent) == [0]
    assert place.store.get_bytes("log") == path.read_bytes()


def overtake(place: Place, commit: Any) -> None:
    """Another writer's commit, which discards the blocks that it does not name."""
    blob = place.container.get_blob_client("a")
    block = f"000000-{'0' * 32}"
    blob.stage_block(block, b"another writer")
    commit(blob, [BlobBlock(block)])


def test_progress_counts_no_byte_twice_though_another_writer_takes_the_blocks_away(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 20 * MEBIBYTE
    path = large_file(tmp_path / "a", size)
    commit, calls = BlobClient.commit_block_list, iter(range(1000))

    def commit_late(self: BlobClient, *args: Any, **kwargs: Any) -> Any:
        if next(calls) == 0:
            overtake(place, commit)
        return commit(self, *args, **kwargs)

    monkeypatch.setattr(BlobClient, "commit_block_list", commit_late)
    told: list[int] = []
    failed = place.store.put_files([("a", path)], lambda _, moved, __: told.append(moved))
    assert failed == {}
    assert sum(told) == size
    assert next(calls) == 2
    assert place.store.get_bytes("a") == path.read_bytes()


def test_a_writer_who_is_always_late_is_told(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large_file(tmp_path / "a", 9 * MEBIBYTE)
    commit = BlobClient.commit_block_list

    def commit_late(self: BlobClient, *args: Any, **kwargs: Any) -> Any:
        overtake(place, commit)
        return commit(self, *args, **kwargs)

    monkeypatch.setattr(BlobClient, "commit_block_list", commit_late)
    with pytest.raises(UnavailableError, match="others keep replacing a"):
        place.store.put_file("a", path)
    assert place.store.get_bytes("a") == b"another writer"


# Downloads -----------------------------------------------------------------------------------


def test_a_download_never_mixes_two_versions(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = b"o" * 20 * MEBIBYTE, b"n" * 21 * MEBIBYTE
    place.container.upload_blob("a", old)
    piece, calls = blob_download.Version.piece, iter(range(1000))

    def piece_late(self: blob_download.Version, offset: int, length: int) -> bytes:
        if next(calls) == 1:
            place.container.upload_blob("a", new, overwrite=True)
        return piece(self, offset, length)

    monkeypatch.setattr(blob_download.Version, "piece", piece_late)
    place.store.get_file("a", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == new
    assert os.listdir(tmp_path) == ["got"]


def test_a_stream_whose_version_is_gone_ends_with_an_error(place: Place) -> None:
    place.container.upload_blob("a", b"o" * 20 * MEBIBYTE)
    with place.store.open("a") as stream:
        place.container.upload_blob("a", b"n" * 20 * MEBIBYTE, overwrite=True)
        with pytest.raises(UnavailableError, match="a was replaced or deleted while it was read"):
            stream.read()
    with place.store.open("a") as stream:
        place.store.delete("a")
        with pytest.raises(UnavailableError, match="a was replaced or deleted while it was read"):
            stream.read()


def test_a_stream_of_a_log_shows_what_it_opened_while_the_log_grows(place: Place) -> None:
    text = random.Random(1).randbytes(9 * MEBIBYTE)
    assert place.store.append("log", 0, text) == len(text)
    with place.store.open("log") as stream:
        place.store.append("log", len(text), b"more")
        assert stream.read() == text


# Shared contents -----------------------------------------------------------------------------


def test_equal_contents_are_sent_and_kept_once(
    place: Place, tmp_path: Path, sent: list[str]
) -> None:
    path = large_file(tmp_path / "code.zip", 9 * MEBIBYTE)
    for job in range(3):
        place.store.put_shared(f"jobs/{job}", path, "ab12")
    assert numbers(sent) == [0, 1]
    sizes = {blob.name: blob.size for blob in place.container.list_blobs()}
    assert sizes == {".shared/ab12": path.stat().st_size, "jobs/0": 0, "jobs/1": 0, "jobs/2": 0}


def test_contents_that_no_key_uses_are_swept_in_a_day(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large_file(tmp_path / "code.zip", 1000)
    for job in range(3):
        place.store.put_shared(f"jobs/{job}", path, "ab12")
    place.container.upload_blob(".tmp/left", b"by a writer that died")
    place.store.delete_prefix("")
    assert place.blobs() == [".shared/ab12", ".tmp/left"]
    place.store.put_shared("jobs/3", path, "ab12")
    place.store.put_shared("jobs/4", path, "ab12")
    monkeypatch.setattr(blob_shared, "_UNUSED", timedelta(days=-1))
    place.store.delete("jobs/3")
    assert place.blobs() == [".shared/ab12", "jobs/4"]
    assert place.store.get_bytes("jobs/4") == path.read_bytes()
    place.store.delete("jobs/4")
    assert place.blobs() == []


def test_a_sweep_leaves_no_key_without_its_contents(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should it come between the bytes and the reference to them, though a day lies between."""
    path = large_file(tmp_path / "code.zip", 1000)
    place.store.put_shared("before", path, "ab12")
    place.store.delete("before")
    monkeypatch.setattr(blob_shared, "_UNUSED", timedelta(days=-1))
    put_data, calls = blob_upload.put_data, iter(range(1000))

    def put_late(*args: Any) -> None:
        if next(calls) == 0:
            place.store.sweep()
            assert place.blobs() == []
        put_data(*args)

    monkeypatch.setattr("xt_core.artifacts.blob_shared.put_data", put_late)
    place.store.put_shared("after", path, "ab12")
    assert next(calls) == 2
    assert place.store.get_bytes("after") == path.read_bytes()


# Logs ----------------------------------------------------------------------------------------


def test_a_log_of_many_appends_is_written_again_with_fewer(place: Place) -> None:
    text = b"".join(b"line %d\n" % number for number in range(53))
    for start in range(0, len(text), 10):
        assert place.store.append("log", start, text[start : start + 10]) == min(
            start + 10, len(text)
        )
        properties = place.container.get_blob_client("log").get_blob_properties()
        assert (properties.append_blob_committed_block_count or 0) in range(1, 6)
    assert place.store.get_bytes("log") == text
    assert place.blobs() == ["log"]


def test_an_append_whose_answer_was_lost_is_not_done_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.store.append("log", 0, b"one ")
    append_block, calls = BlobClient.append_block, iter(range(1000))

    def append_twice(self: BlobClient, *args: Any, **kwargs: Any) -> Any:
        if next(calls) == 0:
            append_block(self, *args, **kwargs)  # as the SDK does after a time-out
        return append_block(self, *args, **kwargs)

    monkeypatch.setattr(BlobClient, "append_block", append_twice)
    assert place.store.append("log", 4, b"two ") == 8
    assert place.store.get_bytes("log") == b"one two "


# The whole -----------------------------------------------------------------------------------


def test_blobs_that_others_named_are_left_alone(place: Place) -> None:
    for name in ("50% of it", "dot.", "a//b", "mine/50% of it"):
        place.container.upload_blob(name, b"x")
    place.store.put_bytes("mine/b", b"x")
    assert [info.key for info in place.store.list()] == ["mine/b"]
    assert place.store.delete_prefix("") == 1
    assert place.blobs() == ["50% of it", "a//b", "dot.", "mine/50% of it"]


MEMORY = """
import resource, sys
from pathlib import Path
from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

store = BlobStore(BlobAccount("labblobs", "s", sys.argv[1]), sys.argv[2])
source, target = Path(sys.argv[3]), Path(sys.argv[3] + ".got")
store.put_bytes("small", b"x")
before = peak()
store.put_file("large", source)
store.get_file("large", target)
print(peak() - before)
store.close()
"""


def test_a_large_file_takes_little_memory(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        for number in range(300):
            file.write(bytes([number % 256]) * MEBIBYTE)
    program = [sys.executable, "-c", MEMORY, place.azurite.connection_string, place.name, str(path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 100, f"{done.stdout} MB more for a file of 300 MB"
    assert filecmp.cmp(path, tmp_path / "large.got", shallow=False)
