"""Where a session keeps what is secret, and how."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xt_core import clock
from xt_core.identity.cache import SessionCache
from xt_core.identity.memory import is_in_memory, remove_ended, session_folder, session_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is of Linux")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, as a login session has one."""
    folder = Path(tempfile.mkdtemp(prefix="xt-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cache(memory: Path) -> SessionCache:
    return SessionCache.of({"XDG_RUNTIME_DIR": str(memory)})


def files(memory: Path) -> list[Path]:
    return sorted(path for path in memory.rglob("*") if path.is_file())


def test_the_runtime_folder_is_used_where_it_is_in_memory(memory: Path, tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(memory), "XDG_SESSION_ID": "c7"}
    assert session_folder(environ) == memory / "xt" / session_name(environ)
    assert (memory / "xt").stat().st_mode & 0o777 == 0o700
    assert not is_in_memory(tmp_path), "this test needs a temporary folder on a disk"
    shared = memory / "shared"
    shared.mkdir()
    on_disk = {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_SESSION_ID": "c7"}
    own = shared / f"xt-{os.getuid()}"
    assert session_folder(on_disk, shared) == own / session_name(environ)
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_in_memory_there_is_no_folder(tmp_path: Path) -> None:
    assert session_folder({}, tmp_path) is None
    assert session_folder({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path / "none") is None
    assert list(tmp_path.iterdir()) == []


def test_a_runtime_folder_that_others_may_open_is_not_used(memory: Path) -> None:
    shared = memory / "shared"
    shared.mkdir()
    memory.chmod(0o755)  # as some systems have it
    found = session_folder({"XDG_RUNTIME_DIR": str(memory), "XDG_SESSION_ID": "c7"}, shared)
    assert found is not None
    assert found.parent == shared / f"xt-{os.getuid()}"


@pytest.mark.parametrize("trap", ["link", "open to others", "file"])
def test_a_folder_that_somebody_prepared_is_not_used(memory: Path, trap: str) -> None:
    place = memory / f"xt-{os.getuid()}"
    if trap == "link":
        (memory / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(memory / "elsewhere")
    elif trap == "file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o755)
    assert session_folder({}, memory) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user_is_not_used(memory: Path) -> None:
    place = memory / "xt-0"
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    assert session_folder({}, memory) is None


def test_sessions_have_names_of_their_own_that_are_file_names() -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    names = [session_name({"XDG_SESSION_ID": each}) for each in ("1", "c2", "../..", "1")]
    assert names == [f"{boot}-1", f"{boot}-c2", f"{boot}-_____", f"{boot}-1"]
    assert session_name({}).startswith(boot)


def test_another_session_finds_nothing(memory: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(memory), "XDG_SESSION_ID": "1"}
    SessionCache.of(environ).put("token", {"a": 1})
    assert SessionCache.of(environ).get("token") == {"a": 1}
    assert SessionCache.of(environ | {"XDG_SESSION_ID": "2"}).get("token") is None


def test_what_ended_sessions_left_is_removed(memory: Path, tmp_path: Path) -> None:
    for name in ("boot-1", "boot-2", "boot-3", "older-1"):
        (memory / name).mkdir()
        (memory / name / "secret").touch()
    remove_ended(memory / "boot-1", tmp_path / "not listed")
    assert len(list(memory.iterdir())) == 4
    (tmp_path / "2").touch()
    remove_ended(memory / "boot-1", tmp_path)  # sessions are numbered in another way here
    assert len(list(memory.iterdir())) == 4
    (tmp_path / "1").touch()
    remove_ended(memory / "boot-1", tmp_path)
    assert sorted(path.name for path in memory.iterdir()) == ["boot-1", "boot-2"]


def test_an_entry_is_a_file_of_the_user_alone_whose_name_tells_nothing(
    memory: Path, cache: SessionCache
) -> None:
    before = os.umask(0)
    try:
        cache.put("secret https://lab.vault labmongo", {"value": "s3cret"})
    finally:
        os.umask(before)
    [file] = files(memory)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert "lab" not in file.name
    assert cache.outlives_the_process


def test_an_entry_is_gone_when_its_time_is_over(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    cache.put("a", {"x": 1}, now + 100)
    cache.put("b", {"x": 2})
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ({"x": 1}, {"x": 2}, None)
    monkeypatch.setattr(clock, "now", lambda: now + 100)
    assert (cache.get("a"), cache.get("b")) == (None, {"x": 2})


def test_a_file_that_is_a_link_or_open_to_others_is_not_read(
    memory: Path, cache: SessionCache
) -> None:
    cache.put("a", {"x": 1})
    [file] = files(memory)
    file.chmod(0o644)
    assert cache.get("a") is None
    file.chmod(0o600)
    assert cache.get("a") == {"x": 1}
    moved = file.rename(memory / "moved")
    file.symlink_to(moved)
    assert cache.get("a") is None


def test_a_folder_that_became_open_to_others_is_not_used(memory: Path, cache: SessionCache) -> None:
    cache.put("a", {"x": 1})
    [file] = files(memory)
    file.parent.chmod(0o755)
    assert cache.get("a") is None
    cache.put("b", {"x": 2})
    assert cache.get("b") == {"x": 2}  # in this process, and there alone
    assert files(memory) == [file]


def test_clearing_removes_all_and_may_be_repeated(memory: Path, cache: SessionCache) -> None:
    assert cache.clear() == 0
    cache.put("a", {})
    cache.put("b", {})
    cache.put("b", {"again": True})
    assert cache.clear() == 2
    assert (cache.clear(), files(memory), cache.get("a")) == (0, [], None)
    cache.put("a", {"x": 1})
    assert cache.get("a") == {"x": 1}


def test_without_memory_a_process_keeps_its_own() -> None:
    cache = SessionCache(lambda: None)
    cache.put("a", {"x": 1})
    assert not cache.outlives_the_process
    assert cache.get("a") == {"x": 1}
    assert SessionCache(lambda: None).get("a") is None
    assert (cache.clear(), cache.get("a")) == (1, None)


def test_readers_see_whole_entries_while_others_write(cache: SessionCache, memory: Path) -> None:
    text = {letter: letter * 100_000 for letter in "abcd"}
    cache.put("a", {"text": text["a"]})

    def write(letter: str) -> None:
        for _ in range(50):
            cache.put("a", {"text": text[letter]})

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, letter) for letter in "abcd"]
        while not all(writer.done() for writer in writers):
            entry = cache.get("a")
            assert entry is not None
            assert entry["text"] in text.values()
    assert len(files(memory)) == 1


def test_another_process_of_the_session_finds_an_entry(memory: Path, cache: SessionCache) -> None:
    cache.put("a", {"x": 1})
    program = (
        "import os\nfrom xt_core.identity.cache import SessionCache\n"
        "print(SessionCache.of(os.environ).get('a'))"
    )
    environ = {k: v for k, v in os.environ.items() if k != "XDG_SESSION_ID"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environ | {"XDG_RUNTIME_DIR": str(memory)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{'x': 1}\n"


def test_what_is_kept_once_there_is_room_again_is_what_is_found(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(cache, "_write", no_room)
        cache.put("token", {"token": "old"})
        assert cache.get("token") == {"token": "old"}
    cache.put("token", {"token": "new"})
    assert cache.get("token") == {"token": "new"}
