"""The check of stats that this machine keeps: SQLite writes there and reads what it wrote."""

import contextlib
import secrets
import sqlite3
from pathlib import Path

from xt_core.errors import UnavailableError, WorkFailedError
from xt_core.home import Home
from xt_core.services.stores import StoreAccess
from xt_core.teams.checks.check import Check, Step

EMBEDDED = "embedded"
SETTING = "XT_HOME"


def embedded_check(home: Home) -> Check:
    """The check; it writes to a database of its own, beside the team's."""
    scratch = home.stats_file.with_name(f"check-{secrets.token_hex(8)}.db")
    steps = [
        Step("open the stats", lambda: _open(home)),
        Step("write a row, read it back and delete it", lambda: _round_trip(scratch)),
    ]
    return Check("stats", EMBEDDED, SETTING, steps, lambda: _remove(scratch))


def _open(home: Home) -> str:
    home.create()
    store = StoreAccess().open_stats(home)
    try:
        return f"{sum(count for _, count in store.workspaces())} runs"
    finally:
        store.close()


def _round_trip(scratch: Path) -> str:
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as database:
            database.executescript("PRAGMA synchronous=FULL; CREATE TABLE t (n INTEGER)")
            with database:
                database.execute("INSERT INTO t VALUES (7)")
            found = database.execute("SELECT n FROM t").fetchall()
    except sqlite3.Error as error:
        raise UnavailableError(
            f"cannot write {scratch}: {error}", "check the disk and its permissions"
        ) from error
    if found != [(7,)]:
        raise WorkFailedError("what was read is not what was written", "check the disk")
    _remove(scratch)
    return ""


def _remove(scratch: Path) -> None:
    for suffix in ("", "-journal"):
        scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
