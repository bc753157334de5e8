"""The SQLite file in trouble: one clear error each."""

import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

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
