"""What a node has made is fetched by the client that keeps the team's artifacts."""

import os
import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from homebound_support import Laptop, ServedNode, fetch
from support import small_disk

from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnavailableError, UsageError

LARGE = random.Random(5).randbytes(5_000_000)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path / "box")
    yield node
    node.close()


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop")


def fetches(node: ServedNode) -> int:
    return node.requests.count("/outbox/fetch")


def drafts(laptop: Laptop) -> list[str]:
    return [path.name for path in laptop.arriving.rglob("*") if path.name != ".lock"]


def test_what_waits_comes_home_and_leaves_the_node(node: ServedNode, laptop: Laptop) -> None:
    made = {"run1/logs/output.txt": b"hello\n", "run1/empty": b"", "run1/large": LARGE}
    made[f"run1/{os.fsdecode(b'caf' + bytes([233]))}"] = b"latin"
    for name, data in made.items():
        node.put(name, data)
    told: list[tuple[int, int]] = []
    brought = fetch(node, laptop, lambda done, total: told.append((done, total)))
    assert laptop.contents() == made
    size = sum(map(len, made.values()))
    assert (brought.artifacts, brought.bytes, brought.refused) == (4, size, {})
    assert told[-1] == (size, size)
    assert [total for _, total in told] == [size] * len(told)
    assert node.waiting() == []
    assert drafts(laptop) == []
    again = fetch(node, laptop)
    assert (again.artifacts, again.bytes) == (0, 0)


def test_programs_stay_executable(node: ServedNode, laptop: Laptop, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    node.outbox.put_file("ws1/runs/run1/run.sh", script)
    node.put("run1/plain", b"")
    fetch(node, laptop)
    modes = {
        name: bool(laptop.artifacts.local_path(f"ws1/runs/run1/{name}").stat().st_mode & 0o111)
        for name in ("run.sh", "plain")
    }
    assert modes == {"run.sh": True, "plain": False}


def test_many_small_ones_take_few_requests(node: ServedNode, laptop: Laptop) -> None:
    for number in range(2500):
        node.put(f"run1/f{number}", b"%d" % number)
    assert fetch(node, laptop).artifacts == 2500
    assert fetches(node) == 3  # 2,000 at most in each, and one to see that there is no more
    assert laptop.contents() == {f"run1/f{number}": b"%d" % number for number in range(2500)}


def test_small_ones_come_before_large_ones(node: ServedNode, laptop: Laptop) -> None:
    node.put("run1/checkpoint", LARGE)
    node.put("run1/b", b"b")
    node.put("run1/a", b"a")
    stored: list[str] = []

    class Noting(DirectoryStore):
        def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
            stored.append(key.rpartition("/")[2])
            super().put_file(key, path, consume=consume)

    laptop.artifacts = Noting(laptop.artifacts.root)
    fetch(node, laptop)
    assert stored == ["b", "a", "checkpoint"]


def test_a_newer_version_that_comes_meanwhile_is_the_one_that_stays(
    node: ServedNode, laptop: Laptop
) -> None:
    node.put("run1/log", b"old")
    versions = iter([b"newer", b"newest"])

    def make_another(request: web.Request) -> None:
        if request.path == "/outbox/arrived" and (data := next(versions, None)) is not None:
            node.put("run1/log", data)

    node.before = make_another
    assert fetch(node, laptop).artifacts == 3
    assert laptop.contents() == {"run1/log": b"newest"}
    assert node.waiting() == []


def test_a_version_that_is_superseded_while_it_is_fetched_is_fetched_whole(
    node: ServedNode, laptop: Laptop
) -> None:
    node.put("run1/model", LARGE)
    newer = LARGE[::-1]
    is_first = True

    def supersede(_done: int, _total: int) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            node.put("run1/model", newer)

    fetch(node, laptop, supersede)
    assert laptop.contents() == {"run1/model": newer}
    assert node.waiting() == []


class _StopError(Exception):
    pass


def stop_at(count: int) -> object:
    def told(done: int, _total: int) -> None:
        if done >= count:
            raise _StopError

    return told


def test_a_large_one_goes_on_where_it_was_cut_off(node: ServedNode, laptop: Laptop) -> None:
    node.put("run1/model", LARGE)
    with pytest.raises(_StopError):
        fetch(node, laptop, stop_at(2_000_000))  # type: ignore[arg-type]
    assert laptop.contents() == {}
    assert node.waiting() == ["ws1/runs/run1/model"]
    assert drafts(laptop)[1:] == ["1"]
    moved: list[int] = []
    fetch(node, laptop, lambda done, total: moved.append(done))
    assert moved[-1] <= len(LARGE) - 2_000_000
    assert laptop.contents() == {"run1/model": LARGE}
    assert drafts(laptop) == []


def test_a_draft_of_what_was_superseded_is_removed(node: ServedNode, laptop: Laptop) -> None:
    node.put("run1/model", LARGE)
    with pytest.raises(_StopError):
        fetch(node, laptop, stop_at(2_000_000))  # type: ignore[arg-type]
    node.put("run1/model", b"small now")
    assert fetch(node, laptop).bytes == 9
    assert laptop.contents() == {"run1/model": b"small now"}
    assert drafts(laptop) == []


def test_an_outbox_that_was_lost_is_another(laptop: Laptop, tmp_path: Path) -> None:
    node = ServedNode(tmp_path / "box")
    node.put("run1/model", LARGE)
    with pytest.raises(_StopError):
        fetch(node, laptop, stop_at(2_000_000))  # type: ignore[arg-type]
    node.close()
    shutil.rmtree(tmp_path / "box")
    node = ServedNode(tmp_path / "box")
    other = LARGE[::-1]
    node.put("run2/model", other)  # with the number that the other one had
    fetch(node, laptop)
    assert laptop.contents() == {"run2/model": other}
    node.close()


def test_the_next_controller_finds_what_waits(laptop: Laptop, tmp_path: Path) -> None:
    node = ServedNode(tmp_path / "box")
    node.put("run1/model", LARGE)
    with pytest.raises(_StopError):
        fetch(node, laptop, stop_at(2_000_000))  # type: ignore[arg-type]
    node.close()
    again = ServedNode(tmp_path / "box")
    moved: list[int] = []
    fetch(again, laptop, lambda done, total: moved.append(done))
    assert moved[-1] <= len(LARGE) - 2_000_000
    assert laptop.contents() == {"run1/model": LARGE}
    again.close()


def test_several_clients_fetch_at_once(node: ServedNode, laptop: Laptop) -> None:
    made = {f"run1/f{number}": b"%d" % number * 3000 for number in range(1500)}
    made |= {f"run1/model{number}": LARGE for number in range(3)}
    for name, data in made.items():
        node.put(name, data)
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(fetch(node, laptop).artifacts))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert laptop.contents() == made
    assert sum(counts) == len(made)
    assert len(counts) == 4
    assert node.waiting() == []


def test_what_the_store_refuses_holds_up_nothing_and_stays(
    node: ServedNode, laptop: Laptop
) -> None:
    node.put("run1/a", b"a")
    node.put("run1/a/b", b"b")  # on a disk no file is a folder too
    node.put("run1/c", b"c")
    brought = fetch(node, laptop)
    assert brought.artifacts == 2
    assert list(brought.refused) == ["ws1/runs/run1/a/b"]
    assert isinstance(brought.refused["ws1/runs/run1/a/b"], UsageError)
    assert laptop.contents() == {"run1/a": b"a", "run1/c": b"c"}
    assert node.waiting() == ["ws1/runs/run1/a/b"]
    assert drafts(laptop) == []


@pytest.mark.mounts
def test_a_full_disk_loses_nothing(node: ServedNode, tmp_path: Path) -> None:
    made = {f"run1/f{number}": b"%d" % number * 3000 for number in range(500)}
    made |= {f"run1/model{number}": LARGE for number in range(2)}
    for name, data in made.items():
        node.put(name, data)
    with small_disk(tmp_path / "disk", 40) as disk:
        laptop = Laptop(disk)
        (disk / "other").write_bytes(bytes(33 << 20))
        with pytest.raises(UnavailableError, match="no space left"):
            fetch(node, laptop)
        came = laptop.contents()
        assert set(node.waiting()) >= {f"ws1/runs/{name}" for name in set(made) - set(came)}
        (disk / "other").unlink()
        fetch(node, laptop)
        assert laptop.contents() == made
        assert node.waiting() == []


def test_a_node_that_reaches_its_store_by_itself_says_so(laptop: Laptop, tmp_path: Path) -> None:
    node = ServedNode(tmp_path / "box", DirectoryStore(tmp_path / "team"))
    with pytest.raises(UsageError, match="reaches its team's artifact store by itself"):
        fetch(node, laptop)
    node.close()


def test_nobody_waits_for_a_client(node: ServedNode) -> None:
    node.put("run1/a", b"a")
    assert node.outbox.has_arrived()
    assert node.outbox.flush(100.0)


def test_a_console_is_here_until_it_was_fetched(node: ServedNode, laptop: Laptop) -> None:
    node.put("run1/logs/output.txt", b"hello\n")
    key = "ws1/runs/run1/logs/output.txt"
    assert node.outbox.local_path(key).read_bytes() == b"hello\n"
    assert node.outbox.has(key)
    fetch(node, laptop)
    assert laptop.artifacts.get_bytes(key) == b"hello\n"
    assert not node.outbox.has(key)
