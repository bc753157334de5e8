"""What a job needs is brought to a node that cannot reach its team's artifacts."""

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from homebound_support import NODE, Laptop, ServedNode, nobody, send
from support import small_disk

from controller.inputs import NodeInputs
from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnavailableError, UnknownNameError, UsageError, WorkFailedError
from xt_core.shares.cache import ShareCache
from xt_core.shares.names import content_key, manifest_key
from xt_core.shares.usage import trees_in_use
from xt_core.submit.mrc import MultiRunConfig, mrc_key

CHANCE = random.Random(11)
CODE = {f"lib{n % 9}/file{n}.py": CHANCE.randbytes(3000) for n in range(800)}
DATA = {f"part{n % 5}/{n}.bin": CHANCE.randbytes(2000) for n in range(300)}
LARGE = CHANCE.randbytes(6_000_000)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path / "box")
    yield node
    node.close()


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    laptop.write(laptop.code, CODE)
    laptop.write(laptop.data, DATA)
    return laptop


def cache(node: ServedNode) -> ShareCache:
    return ShareCache(node.home.share_cache_dir)


def files_of_share(node: ServedNode, mrc: MultiRunConfig) -> dict[str, bytes]:
    """The folder that a run would get."""
    tree = cache(node).view(mrc.nodes[NODE].shares["data"], lambda _: {}, Event()).path
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file()
    }


def code_of(node: ServedNode, mrc: MultiRunConfig) -> str:
    """The SHA-256 of the snapshot that the node keeps for a job."""
    key = mrc.nodes[NODE].code
    assert key is not None
    assert node.outbox.has_copy(key)
    return hashlib.sha256(node.outbox.local_path(key).read_bytes()).hexdigest()


def is_kept(node: ServedNode, mrc: MultiRunConfig) -> bool:
    key = mrc_key(mrc.workspace, mrc.job)
    if not node.outbox.has_copy(key):
        return False
    return node.outbox.local_path(key).read_text() == mrc.to_json()


def test_a_node_gets_all_that_a_job_needs(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    told: list[tuple[int, int]] = []
    sent = send(node, laptop, mrc, lambda done, total: told.append((done, total)))
    assert is_kept(node, mrc)
    assert code_of(node, mrc) == mrc.nodes[NODE].code_digest
    assert files_of_share(node, mrc) == DATA
    assert sent > sum(map(len, [*CODE.values(), *DATA.values()]))
    assert told[-1] == (sent, sent)
    dones = [done for done, _ in told]
    assert dones == sorted(dones)


def test_a_job_without_code_and_data_takes_one_request(node: ServedNode, laptop: Laptop) -> None:
    laptop.code.rename(laptop.folder / "elsewhere")
    laptop.data.rename(laptop.folder / "elsewhere too")
    mrc = laptop.submission()
    assert send(node, laptop, mrc) == 0
    assert is_kept(node, mrc)
    assert node.requests == ["/inputs/offer"]


def test_what_has_not_changed_is_not_sent_again(node: ServedNode, laptop: Laptop) -> None:
    send(node, laptop, laptop.submission())
    node.requests.clear()
    mrc = laptop.submission()
    assert send(node, laptop, mrc) == 0
    assert node.requests == ["/inputs/offer"]
    assert is_kept(node, mrc)
    assert code_of(node, mrc) == mrc.nodes[NODE].code_digest


def test_of_changed_code_only_parts_are_sent(node: ServedNode, laptop: Laptop) -> None:
    send(node, laptop, laptop.submission())
    node.requests.clear()
    laptop.write(laptop.code, {"lib3/file300.py": b"changed", "lib4/new.py": b"new"})
    mrc = laptop.submission()
    assert 0 < send(node, laptop, mrc) < 400_000
    assert code_of(node, mrc) == mrc.nodes[NODE].code_digest
    assert node.requests == [
        *("/inputs/offer", "/inputs/lacking", "/inputs/contents", "/inputs/code"),
        "/inputs/offer",
    ]


def test_quite_other_code_is_sent_whole(node: ServedNode, laptop: Laptop) -> None:
    send(node, laptop, laptop.submission())
    for name in CODE:
        (laptop.code / name).unlink()
    laptop.write(laptop.code, {"other.py": LARGE})
    node.requests.clear()
    mrc = laptop.submission()
    send(node, laptop, mrc)
    assert code_of(node, mrc) == mrc.nodes[NODE].code_digest
    assert "/inputs/code" not in node.requests


def test_of_changed_data_only_new_contents_are_sent(node: ServedNode, laptop: Laptop) -> None:
    send(node, laptop, laptop.submission())
    changed = DATA | {"part0/0.bin": b"changed", "same": DATA["part1/1.bin"], "none": b""}
    laptop.write(laptop.data, changed)
    mrc = laptop.submission()
    manifest = mrc.nodes[NODE].shares["data"].manifest
    size = len(laptop.artifacts.get_bytes(manifest_key("_data/mnist", manifest)))
    heads = 3 * 200  # of two requests
    assert send(node, laptop, mrc) < size + len(b"changed") + heads
    assert files_of_share(node, mrc) == changed


def test_a_share_needs_no_second_copy_on_the_node(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    send(node, laptop, mrc)
    tree = cache(node).view(mrc.nodes[NODE].shares["data"], lambda _: {}, Event()).path
    digest = hashlib.sha256(DATA["part1/1.bin"]).hexdigest()
    assert (tree / "part1/1.bin").samefile(cache(node).content(digest))


def test_two_clients_bring_the_same_at_once(node: ServedNode, laptop: Laptop) -> None:
    laptop.write(laptop.data, {"large": LARGE})
    jobs = [laptop.submission() for _ in range(3)]
    sent: list[int] = []
    threads = [
        threading.Thread(target=lambda mrc=mrc: sent.append(send(node, laptop, mrc)))
        for mrc in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 3
    for mrc in jobs:
        assert is_kept(node, mrc)
        assert code_of(node, mrc) == mrc.nodes[NODE].code_digest
        assert files_of_share(node, mrc) == DATA | {"large": LARGE}


class _StopError(Exception):
    pass


def test_what_was_cut_off_goes_on_where_it_was(node: ServedNode, laptop: Laptop) -> None:
    laptop.write(laptop.code, {"large.bin": LARGE})
    laptop.write(laptop.data, {"large": LARGE[::-1]})
    mrc = laptop.submission()

    def stop(done: int, _total: int) -> None:
        if done > 5_000_000:
            raise _StopError

    with pytest.raises(_StopError):
        send(node, laptop, mrc, stop)
    assert not is_kept(node, mrc)
    path = laptop.artifacts.local_path(str(mrc.nodes[NODE].code))
    sent = send(node, laptop, mrc, nobody)
    assert sent < path.stat().st_size - 3_000_000 + 8_000_000  # and all of the data
    assert code_of(node, mrc) == mrc.nodes[NODE].code_digest
    assert files_of_share(node, mrc) == DATA | {"large": LARGE[::-1]}


def test_a_damaged_content_is_refused_and_named(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    digest = hashlib.sha256(DATA["part1/1.bin"]).hexdigest()
    path = laptop.artifacts.local_path(content_key("_data/mnist", digest))
    path.chmod(0o644)
    path.write_bytes(bytes(2000))
    with pytest.raises(WorkFailedError, match=f"damaged: its SHA-256 is .*, not {digest}"):
        send(node, laptop, mrc)
    assert not is_kept(node, mrc)
    assert not cache(node).content(digest).exists()


def test_a_content_of_another_size_is_told(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    digest = hashlib.sha256(DATA["part1/1.bin"]).hexdigest()
    path = laptop.artifacts.local_path(content_key("_data/mnist", digest))
    path.chmod(0o644)
    path.write_bytes(b"short")
    with pytest.raises(UnavailableError, match=f"{digest} with another size"):
        send(node, laptop, mrc)
    assert not is_kept(node, mrc)


def test_what_is_not_in_the_store_is_told(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    laptop.artifacts.delete(str(mrc.nodes[NODE].code))
    with pytest.raises(UnknownNameError, match=r"no artifact ws1/jobs/job1/before/code\.zip"):
        send(node, laptop, mrc)


@pytest.mark.mounts
def test_a_full_disk_of_the_node_is_told(laptop: Laptop, tmp_path: Path) -> None:
    laptop.write(laptop.data, {"large": LARGE})
    mrc = laptop.submission()
    with small_disk(tmp_path / "disk", 20) as disk:
        node = ServedNode(disk / "box")
        (disk / "other").write_bytes(bytes(13 << 20))
        with pytest.raises(UnavailableError, match="no space left") as caught:
            send(node, laptop, mrc)
        assert caught.value.hint == "free some space there"
        assert not is_kept(node, mrc)
        (disk / "other").unlink()
        send(node, laptop, mrc)
        assert is_kept(node, mrc)
        assert files_of_share(node, mrc) == DATA | {"large": LARGE}
        node.close()


def test_what_was_brought_and_is_gone_is_brought_again(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    send(node, laptop, mrc)
    node.outbox.release("ws1/jobs/job1")
    assert cache(node).prune([], -1.0) > 0
    with pytest.raises(WorkFailedError, match="mnist: it is not on this node") as caught:
        cache(node).make(mrc.nodes[NODE].shares["data"])
    assert caught.value.hint == "submit the job again: that brings it"
    send(node, laptop, mrc)
    assert files_of_share(node, mrc) == DATA
    assert is_kept(node, mrc)


def test_a_part_that_is_gone_is_named(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    send(node, laptop, mrc)
    digest = hashlib.sha256(DATA["part1/1.bin"]).hexdigest()
    cache(node).prune([], -1.0)
    use = mrc.nodes[NODE].shares["data"]
    manifest = laptop.artifacts.local_path(manifest_key(use.root, use.manifest))
    cache(node).content(use.manifest).parent.mkdir(parents=True, exist_ok=True)
    os.link(manifest, cache(node).content(use.manifest))
    with pytest.raises(WorkFailedError, match=r"bin of mnist: it is not on this node"):
        cache(node).make(use)
    assert not cache(node).content(digest).exists()


def test_data_of_jobs_that_wait_are_not_cleared(node: ServedNode, laptop: Laptop) -> None:
    mrc = laptop.submission()
    send(node, laptop, mrc)
    kept = trees_in_use([node.home])
    assert kept == {mrc.nodes[NODE].shares["data"].manifest}
    cache(node).prune(kept, -1.0)
    assert files_of_share(node, mrc) == DATA
    node.outbox.release("ws1/jobs/job1")
    assert trees_in_use([node.home]) == set()


def test_inputs_of_jobs_that_were_never_handed_over_are_forgotten(
    node: ServedNode, laptop: Laptop
) -> None:
    jobs = [laptop.submission() for _ in range(3)]
    for mrc in jobs:
        send(node, laptop, mrc)
    (node.home.served_dir / "job1").mkdir(parents=True)
    for job in ("job1", "job2"):
        os.utime(node.home.copies_dir / "ws1/jobs" / job, (0, 0))
    NodeInputs(node.home, node.outbox).prune()
    assert [is_kept(node, mrc) for mrc in jobs] == [True, False, True]


def test_a_node_that_reaches_its_store_by_itself_says_so(laptop: Laptop, tmp_path: Path) -> None:
    node = ServedNode(tmp_path / "box", DirectoryStore(tmp_path / "team"))
    with pytest.raises(UsageError, match="reaches its team's artifact store by itself"):
        send(node, laptop, laptop.submission())
    node.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/inputs/offer", {}),
        ("/inputs/offer", {"mrc": 1, "code": None, "shares": []}),
        ("/inputs/lacking", {"kind": "share", "contents": [["../../etc/passwd", 1]]}),
        ("/inputs/lacking", {"kind": "other", "contents": []}),
        ("/inputs/lacking", {"kind": "share"}),
        ("/inputs/contents", {"kind": "share"}),
        ("/inputs/code", {"digest": "a" * 64, "recipe": "{}"}),
        ("/inputs/code", {"digest": "../x", "recipe": '{"parts": [], "end": ""}'}),
        ("/outbox/fetch", {}),
        ("/outbox/arrived", {"entries": [1]}),
    ],
)
def test_a_request_that_is_not_understood_is_refused(
    node: ServedNode, path: str, body: object
) -> None:
    with pytest.raises(UsageError):
        node.client().ask(path, body)
