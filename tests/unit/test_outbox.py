"""A node's artifacts on their way to a store that refuses some of them."""

from collections import Counter
from pathlib import Path

import pytest
from support import PATIENCE_SECONDS

from controller import backoff
from controller.outbox import Outbox
from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnavailableError, UsageError
from xt_core.nodes.outbox import entry_name


class Refusing(DirectoryStore):
    """A directory that refuses a key some times before it takes it."""

    def __init__(self, root: Path, key: str, times: int, error: type[Exception]) -> None:
        super().__init__(root)
        self._key, self._times, self._error = key, times, error
        self.tries: Counter[str] = Counter()

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        self.tries[key] += 1
        if key == self._key and self.tries[key] <= self._times:
            raise self._error("it is refused")
        super().put_file(key, path, consume=consume)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "_FIRST_SECONDS", 0.001)


def outbox(folder: Path, team: DirectoryStore) -> Outbox:
    return Outbox(folder / "outbox", folder / "copies", team)


@pytest.mark.parametrize(
    ("error", "times"), [(UnavailableError, 8), (UsageError, 4), (RuntimeError, 4), (OSError, 4)]
)
def test_what_a_store_takes_in_the_end_arrives(
    tmp_path: Path, error: type[Exception], times: int
) -> None:
    team = Refusing(tmp_path / "team", "a/b", times, error)
    box = outbox(tmp_path, team)
    box.start()
    box.put_bytes("a/b", b"content")
    assert box.flush(PATIENCE_SECONDS)
    box.close()
    assert team.get_bytes("a/b") == b"content"
    assert team.tries["a/b"] == times + 1


def test_what_is_refused_for_ever_stays_and_holds_up_nothing(tmp_path: Path) -> None:
    team = Refusing(tmp_path / "team", "a/b", 1_000, UsageError)
    box = outbox(tmp_path, team)
    box.start()
    box.put_bytes("a/b", b"content")
    box.put_bytes("a/c", b"other")
    assert box.flush(PATIENCE_SECONDS)
    box.close()
    assert [info.key for info in team.list()] == ["a/c"]
    assert team.tries == {"a/b": 5, "a/c": 1}
    again = outbox(tmp_path, DirectoryStore(tmp_path / "team"))
    again.start()
    assert again.flush(PATIENCE_SECONDS)
    again.close()
    assert [info.key for info in team.list()] == ["a/b", "a/c"]


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_a_defect_ends_none_of_those_who_bring(tmp_path: Path, error: type[Exception]) -> None:
    """There are fewer threads than entries that fail: were they to end, nothing would arrive."""
    team = Refusing(tmp_path / "team", "a/b", 1_000, error)
    box = outbox(tmp_path, team)
    keys = [f"a/{number}" for number in range(20)]
    box.put_bytes("a/b", b"content")
    for key in keys:
        box.put_bytes(key, b"other")
    box.start()
    assert box.flush(PATIENCE_SECONDS)
    box.close()
    assert sorted(info.key for info in team.list()) == sorted(keys)
    assert team.tries["a/b"] == 5


def test_what_was_given_up_never_takes_the_place_of_what_came_after_it(tmp_path: Path) -> None:
    team = Refusing(tmp_path / "team", "a/b", 5, UsageError)
    box = outbox(tmp_path, team)
    box.start()
    box.put_bytes("a/b", b"old")
    assert box.flush(PATIENCE_SECONDS)
    box.put_bytes("a/b", b"new")
    assert box.flush(PATIENCE_SECONDS)
    box.close()
    again = outbox(tmp_path, team)
    again.start()
    assert again.flush(PATIENCE_SECONDS)
    again.close()
    assert team.get_bytes("a/b") == b"new"
    assert list(DirectoryStore(tmp_path / "outbox").list()) == []


def test_an_entry_that_is_gone_from_the_disk_is_waited_for_by_nobody(tmp_path: Path) -> None:
    team = DirectoryStore(tmp_path / "team")
    box = outbox(tmp_path, team)
    box.put_bytes("a/b", b"content")
    box.put_bytes("a/c", b"other")
    DirectoryStore(tmp_path / "outbox").delete(entry_name(1, "a/b"))
    box.start()
    assert box.flush(PATIENCE_SECONDS)
    assert box.has_arrived()
    box.close()
    assert [info.key for info in team.list()] == ["a/c"]
