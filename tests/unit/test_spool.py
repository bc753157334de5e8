"""Artifacts that wait on a node's disk."""

import threading
from pathlib import Path

from controller.spool import Entry, Spool
from xt_core.artifacts.directory import DirectoryStore
from xt_core.nodes.outbox import waiting_file


def waiting(spool: Spool) -> dict[str, tuple[int, int]]:
    return {key: (entry.number, entry.size) for key, entry in spool.pending.items()}


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put_bytes("ws1/100%/a-b.txt", b"one")
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh")
    script.chmod(0o755)
    spool.put_file("ws1/run.sh", script)
    again = Spool(tmp_path / "spool")
    assert again.pending == spool.pending
    assert again.pending["ws1/run.sh"] == Entry(2, 9, True)
    assert again.pending["ws1/100%/a-b.txt"] == Entry(1, 3, False)
    assert again.path_of("ws1/100%/a-b.txt", 1).read_bytes() == b"one"
    again.put_bytes("next", b"")
    assert again.pending["next"].number == 3


def test_a_long_key_has_folders(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    key = "/".join(["part" * 20] * 6)
    spool.put_bytes(key, b"one")
    again = Spool(tmp_path / "spool")
    assert waiting(again) == {key: (1, 3)}
    again.remove(key, 1)
    assert waiting(Spool(tmp_path / "spool")) == {}


def test_what_an_earlier_version_left_is_found(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "spool").put_bytes("000000000007/ws1/a.txt", b"one")
    spool = Spool(tmp_path / "spool")
    assert waiting(spool) == {"ws1/a.txt": (7, 3)}
    path = spool.path("ws1/a.txt")
    assert path is not None
    assert path.read_bytes() == b"one"
    spool.put_bytes("ws1/a.txt", b"newer")
    assert waiting(Spool(tmp_path / "spool")) == {"ws1/a.txt": (8, 5)}


def test_commands_find_the_newest_entry_of_a_key(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    assert waiting_file(folder, "ws1/[a].txt") is None
    spool = Spool(folder)
    long = "/".join(["part" * 20] * 6)
    for key in ("ws1/[a].txt", "ws1/[a].txt.old", "ws1/a.txt", long):
        spool.put_bytes(key, key.encode())
    for key in ("ws1/[a].txt", long):
        found = waiting_file(folder, key)
        assert found is not None
        assert found.read_text() == key
    (folder / "000000000009/ws1").mkdir(parents=True)
    (folder / "000000000009/ws1/[a].txt").write_text("newest")
    assert waiting_file(folder, "ws1/[a].txt") == folder / "000000000009/ws1/[a].txt"


def test_of_a_key_the_newest_entry_counts(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put_bytes("a", b"1")
    spool.put_bytes("a", b"22")
    assert waiting(spool) == waiting(Spool(tmp_path / "spool")) == {"a": (2, 2)}
    spool.remove("a", 1)  # it was taken elsewhere before it was superseded
    assert waiting(spool) == {"a": (2, 2)}
    spool.remove("a", 2)
    assert waiting(spool) == {}
    assert spool.path("a") is None
    assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []


def test_many_threads_put_one_key(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    threads = [
        threading.Thread(target=spool.put_bytes, args=("a", str(number).encode()))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(waiting(spool)) == ["a"]
    assert spool.pending["a"].number == 20
    assert waiting(Spool(tmp_path / "spool")) == waiting(spool)
