"""Contents that a client sends to a node."""

import hashlib
import random
from pathlib import Path

import pytest
from support import small_disk

from controller.receiving import Receiver, Room
from xt_core.errors import UnavailableError, UsageError, WorkFailedError
from xt_core.nodes.contents import Content

LARGE = random.Random(3).randbytes(3_000_000)


def room_in(folder: Path) -> Room:
    return Room(lambda digest: folder / "whole" / digest[:2] / digest, folder / "drafts")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return room_in(tmp_path)


def content(data: bytes, offset: int = 0) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), offset)


def receive(room: Room, contents: list[Content], data: bytes, step: int = 1 << 20) -> None:
    receiver = Receiver(room, contents)
    try:
        for begin in range(0, len(data), step):
            receiver.feed(data[begin : begin + step])
    finally:
        receiver.close()


def stored(room: Room, data: bytes) -> bytes | None:
    path = room.place(content(data).digest)
    return path.read_bytes() if path.exists() else None


def received(room: Room, data: bytes) -> int | None:
    return room.received(content(data).digest, len(data))


@pytest.mark.parametrize("step", [1, 1 << 16, 1 << 23])
def test_contents_of_any_size_come_one_after_the_other(room: Room, step: int) -> None:
    texts = [b"one", b"", b"three", b""]
    texts[2:2] = [LARGE] * (step > 1)
    receive(room, [content(text) for text in texts], b"".join(texts), step)
    assert [stored(room, text) for text in texts] == texts
    assert all(received(room, text) is None for text in texts)
    assert list(room.drafts.iterdir()) == []


def test_a_large_content_goes_on_where_it_was_cut_off(room: Room) -> None:
    receive(room, [content(LARGE)], LARGE[:1_234_567])
    assert stored(room, LARGE) is None
    assert received(room, LARGE) == 1_234_567
    receive(room, [content(LARGE, 1_000_000)], LARGE[1_000_000:2_000_000])  # some of it again
    assert received(room, LARGE) == 2_000_000
    receive(room, [content(LARGE, 2_000_000), content(b"one")], LARGE[2_000_000:] + b"one")
    assert stored(room, LARGE) == LARGE
    assert stored(room, b"one") == b"one"


def test_one_that_was_cut_off_at_its_end_is_completed(room: Room) -> None:
    receive(room, [content(LARGE)], LARGE[:-1])
    (room.drafts / content(LARGE).digest).write_bytes(LARGE)
    assert received(room, LARGE) == len(LARGE)
    receive(room, [content(LARGE, len(LARGE))], b"")
    assert stored(room, LARGE) == LARGE


def test_what_lies_before_its_offset_must_be_here(room: Room) -> None:
    receive(room, [content(LARGE, 1000), content(b"one")], LARGE[1000:] + b"one")
    assert stored(room, LARGE) is None
    assert received(room, LARGE) == 0
    assert stored(room, b"one") == b"one"


@pytest.mark.parametrize("data", [b"content", LARGE])
def test_what_has_not_its_digest_is_thrown_away(room: Room, data: bytes) -> None:
    with pytest.raises(WorkFailedError, match=f"not {content(data).digest}"):
        receive(room, [content(data)], data[:-1] + bytes([data[-1] ^ 1]))
    assert stored(room, data) is None
    assert received(room, data) == 0
    assert list(room.drafts.iterdir()) == []


def test_a_draft_that_is_damaged_is_thrown_away(room: Room) -> None:
    receive(room, [content(LARGE)], LARGE[:1000])
    (room.drafts / content(LARGE).digest).write_bytes(bytes(1000))
    with pytest.raises(WorkFailedError):
        receive(room, [content(LARGE, 1000)], LARGE[1000:])
    assert received(room, LARGE) == 0


def test_of_two_who_send_a_content_one_writes_it(room: Room) -> None:
    one = Receiver(room, [content(LARGE)])
    one.feed(LARGE[:2_000_000])
    receive(room, [content(LARGE), content(b"other")], LARGE + b"other")
    assert stored(room, LARGE) is None
    assert stored(room, b"other") == b"other"
    one.feed(LARGE[2_000_000:])
    one.close()
    assert stored(room, LARGE) == LARGE
    receive(room, [content(LARGE), content(b"next")], LARGE + b"next")
    assert stored(room, b"next") == b"next"


def test_more_than_was_announced_is_refused(room: Room) -> None:
    with pytest.raises(UsageError, match="announced"):
        receive(room, [content(b"one")], b"one more")
    assert stored(room, b"one") == b"one"


@pytest.mark.parametrize(
    "value", [["ab", 1, 0], ["a" * 64, -1, 0], ["a" * 64, 1, 2], ["../" * 20 + "aaaa", 1, 0], [1]]
)
def test_what_is_no_content_is_refused(value: list[object]) -> None:
    with pytest.raises(UsageError, match="no content"):
        Content.parse(value)


@pytest.mark.mounts
def test_a_full_disk_is_told_and_what_came_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        room = room_in(disk)
        (disk / "other").write_bytes(bytes(2 << 20))
        with pytest.raises(UnavailableError, match="no space left") as caught:
            receive(room, [content(LARGE)], LARGE, 1 << 18)
        assert caught.value.hint == "free some space there"
        came = received(room, LARGE)
        assert came is not None
        assert came > 1_000_000
        (disk / "other").unlink()
        receive(room, [content(LARGE, came)], LARGE[came:])
        assert stored(room, LARGE) == LARGE
