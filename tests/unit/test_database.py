"""The SQLite file in trouble: one clear error each."""

import contextlib
import fcntl
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support import small_disk

from xt_core.errors import RefusedError, UnavailableError
from xt_core.stats import database
from xt_core.stats.database import Database


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "stats.db"
    path.write_bytes(b"x" * 10_000)
    with pytest.raises(UnavailableError, match=f"the stats database {path} is damaged") as caught:
        Database(path)
    assert "move it away" in caught.value.hint


def test_a_newer_schema_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "stats.db"
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(UnavailableError, match="written by a newer XT") as caught:
        Database(path)
    assert caught.value.hint == "upgrade XT"


def test_a_lock_that_is_never_let_go_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.05)
    opened = Database(tmp_path / "stats.db")
    holder = os.open(tmp_path / "stats.db.lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with (
        pytest.raises(UnavailableError, match="is locked by another process"),
        opened.transaction(),
    ):
        pass
    os.close(holder)
    with opened.transaction() as connection:
        connection.execute("INSERT INTO counters VALUES ('x', 1)")
    opened.close()


def test_a_file_one_may_not_open_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stats.db").mkdir()
    with pytest.raises(RefusedError, match="cannot write to"):
        Database(tmp_path / "stats.db")


@pytest.mark.mounts
def test_a_read_only_disk_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        Database(disk / "stats.db").close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(RefusedError, match=r"cannot open .*stats.db.lock: Read-only file"):
            Database(disk / "stats.db")


@pytest.mark.mounts
def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path) -> None:
    def count_up(opened: Database, number: int) -> None:
        with opened.transaction() as connection:
            connection.execute("INSERT INTO counters VALUES (?, 1)", (f"{number}" + "x" * 5000,))

    with small_disk(tmp_path / "disk", 2) as disk:
        opened, committed = Database(disk / "stats.db"), itertools.count()

        def fill() -> None:
            while True:
                count_up(opened, next(committed))

        with pytest.raises(UnavailableError, match="no space left for") as caught:
            fill()
        done = next(committed) - 1
        assert caught.value.hint == "free some disk space"
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        count_up(opened, done)  # the same one again
        with opened.reading() as connection:
            assert connection.execute("SELECT COUNT(*) FROM counters").fetchone() == (done + 1,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        opened.close()


@pytest.mark.mounts
def test_a_new_store_on_a_full_disk_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        with (disk / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        with pytest.raises(UnavailableError, match="no space left for"):
            Database(disk / "stats.db")


KILLED = """
import os, signal, sys
from pathlib import Path
from xt_core.stats.database import Database
opened = Database(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    with opened.transaction() as connection:
        connection.execute("INSERT INTO counters VALUES (?, 1)", (str(number),))
with opened.transaction() as connection:
    connection.execute("INSERT INTO counters VALUES ('never', 1)")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_what_it_committed_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "stats.db"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), "20"], check=False)
    assert done.returncode == -signal.SIGKILL
    opened = Database(path)
    with opened.transaction() as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM counters")}
    assert names == {str(number) for number in range(20)}
    opened.close()


def test_an_error_undoes_the_whole_transaction(tmp_path: Path) -> None:
    opened = Database(tmp_path / "stats.db")

    def fail() -> None:
        with opened.transaction() as connection:
            connection.execute("INSERT INTO counters VALUES ('x', 1)")
            with opened.transaction() as inner:
                inner.execute("INSERT INTO counters VALUES ('y', 1)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with opened.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM counters").fetchone() == (0,)
    opened.close()


def test_a_savepoint_undoes_only_what_is_inside(tmp_path: Path) -> None:
    opened = Database(tmp_path / "stats.db")

    def fail() -> None:
        with opened.savepoint(), opened.reading() as connection:
            connection.execute("INSERT INTO counters VALUES ('inner', 1)")
            raise KeyError

    with opened.transaction() as connection:
        connection.execute("INSERT INTO counters VALUES ('outer', 1)")
        with pytest.raises(KeyError):
            fail()
    with opened.reading() as connection:
        assert connection.execute("SELECT name FROM counters").fetchall() == [("outer",)]
    opened.close()
