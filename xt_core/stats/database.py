"""One SQLite database, safe to write from many processes on one machine.

Recipe and figures: SQLite's own busy handler starves writers, so every write transaction is
made under an exclusive `flock` on a side file; `synchronous` is FULL for states and claims and
NORMAL for metric points (a process crash loses neither; a power loss may lose the last points).
"""

import contextlib
import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from xt_core.errors import RefusedError, UnavailableError
from xt_core.query.sql import register

SCHEMA_VERSION = 9
LOCK_TIMEOUT_SECONDS = 60.0

_SCHEMA = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE jobs (
    num INTEGER PRIMARY KEY,
    workspace TEXT NOT NULL, experiment TEXT NOT NULL, style TEXT NOT NULL,
    target TEXT NOT NULL, username TEXT NOT NULL, created REAL NOT NULL,
    work_items INTEGER NOT NULL, concurrent INTEGER NOT NULL, search_type TEXT,
    schedule TEXT NOT NULL, nodes TEXT NOT NULL, primary_metric TEXT NOT NULL,
    maximize INTEGER NOT NULL, description TEXT NOT NULL, command TEXT NOT NULL, seed INTEGER,
    tags TEXT NOT NULL DEFAULT '{}', notes TEXT NOT NULL DEFAULT '',
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    objectives TEXT NOT NULL DEFAULT '[]', space TEXT NOT NULL DEFAULT '{}',
    warm_start TEXT NOT NULL DEFAULT '[]', priority INTEGER NOT NULL DEFAULT 0,
    hosts TEXT NOT NULL DEFAULT '{}', rerun_of TEXT NOT NULL DEFAULT '',
    is_metric_default INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_origin ON jobs (rerun_of) WHERE rerun_of > '';

CREATE TABLE work_items (
    job_num INTEGER NOT NULL, run_index INTEGER NOT NULL, status TEXT NOT NULL,
    node TEXT, run TEXT, epoch INTEGER NOT NULL DEFAULT 0,
    hparams TEXT, notes TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_num, run_index)
) WITHOUT ROWID;
CREATE INDEX work_items_by_status ON work_items (job_num, status, run_index);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    workspace TEXT NOT NULL, name TEXT NOT NULL, num INTEGER NOT NULL, child INTEGER NOT NULL,
    job TEXT NOT NULL, job_num INTEGER NOT NULL, parent TEXT, is_parent INTEGER NOT NULL,
    node TEXT NOT NULL, run_index INTEGER, status TEXT NOT NULL, exit_code INTEGER,
    error TEXT NOT NULL DEFAULT '', restarts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, queued REAL, started REAL, ended REAL,
    experiment TEXT NOT NULL, target TEXT NOT NULL, username TEXT NOT NULL,
    description TEXT NOT NULL, command TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '',
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    hparams TEXT NOT NULL DEFAULT '{}', metrics TEXT NOT NULL DEFAULT '{}',
    tags TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL,
    children INTEGER NOT NULL DEFAULT 0, last_event INTEGER NOT NULL DEFAULT 0,
    journal_end INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0, stopped_early INTEGER NOT NULL DEFAULT 0,
    client_tags TEXT, node_revision INTEGER NOT NULL DEFAULT 0,
    goals TEXT NOT NULL DEFAULT '{}', aggregates TEXT, rerun_of TEXT NOT NULL DEFAULT '',
    UNIQUE (workspace, num, child)
);
CREATE INDEX runs_by_kind ON runs (workspace, is_parent, num, child);
CREATE INDEX runs_by_job ON runs (job_num, is_parent, status);
CREATE INDEX runs_by_revision ON runs (revision);
CREATE INDEX runs_of_job_by_revision ON runs (job_num, revision);
CREATE INDEX runs_open ON runs (node, job_num)
    WHERE status IN ('created', 'queued', 'spawning', 'running');
CREATE INDEX runs_stopped_early ON runs (job_num) WHERE stopped_early = 1;
CREATE INDEX runs_without_aggregates ON runs (id) WHERE aggregates IS NULL;

CREATE TABLE events (
    run_id INTEGER NOT NULL, seq INTEGER NOT NULL, time REAL NOT NULL, event TEXT NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

CREATE TABLE metrics (
    run_id INTEGER NOT NULL, position INTEGER NOT NULL, time REAL NOT NULL, step REAL,
    data TEXT NOT NULL, PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

CREATE TABLE nodes (
    name TEXT PRIMARY KEY, target TEXT NOT NULL, controller TEXT NOT NULL, updated REAL NOT NULL,
    renewed REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""

_MIGRATIONS = {
    1: """
ALTER TABLE jobs ADD COLUMN objectives TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN space TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN warm_start TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work_items ADD COLUMN hparams TEXT;
ALTER TABLE work_items ADD COLUMN notes TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN stopped_early INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_of_job_by_revision ON runs (job_num, revision);
""",
    2: """
ALTER TABLE runs ADD COLUMN client_tags TEXT;
ALTER TABLE runs ADD COLUMN node_revision INTEGER NOT NULL DEFAULT 0;
""",
    3: """
ALTER TABLE nodes ADD COLUMN renewed REAL NOT NULL DEFAULT 0;
""",
    4: """
ALTER TABLE jobs ADD COLUMN host TEXT NOT NULL DEFAULT '';
""",
    5: """
ALTER TABLE jobs RENAME COLUMN host TO hosts;
""",
    6: """
ALTER TABLE runs ADD COLUMN goals TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN aggregates TEXT;
UPDATE runs SET aggregates = '{}' WHERE metrics = '{}';
CREATE INDEX runs_without_aggregates ON runs (id) WHERE aggregates IS NULL;
CREATE TEMP TABLE job_goals AS
    SELECT num, json_group_object(metric, json(goal)) AS goals FROM (
        SELECT num, primary_metric AS metric, iif(maximize, 'true', 'false') AS goal FROM jobs
        WHERE primary_metric <> ''
        UNION ALL
        SELECT num, json_extract(value, '$[0]'),
            iif(json_extract(value, '$[1]'), 'true', 'false')
        FROM jobs, json_each(objectives)
        WHERE json_extract(value, '$[0]') <> primary_metric
    ) GROUP BY num;
CREATE UNIQUE INDEX temp.job_goals_by_job ON job_goals (num);
UPDATE runs SET goals = coalesce((SELECT goals FROM job_goals WHERE num = job_num), '{}');
DROP TABLE temp.job_goals;
""",
    7: """
ALTER TABLE jobs ADD COLUMN rerun_of TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN rerun_of TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_origin ON jobs (rerun_of) WHERE rerun_of > '';
""",
    8: """
ALTER TABLE jobs ADD COLUMN is_metric_default INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_stopped_early ON runs (job_num) WHERE stopped_early = 1;
""",
}
"""What makes a schema the next one, by the version it starts from."""


class Database:
    """A connection, its schema, and `transaction`. Usable from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._mutex = threading.RLock()
        self._depth = 0
        self._lock_fd = self._open_lock()
        with self._explained():
            self._connection = self._connect()

    def close(self) -> None:
        with self._mutex:
            self._connection.close()
            if self._lock_fd >= 0:
                os.close(self._lock_fd)
                self._lock_fd = -1

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A write transaction, alone on this machine; nested ones join the outermost."""
        with self._mutex, self._explained():
            if self._depth:
                yield self._connection
                return
            with self._file_lock():
                self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._connection.execute("BEGIN IMMEDIATE")
                self._depth += 1
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                finally:
                    self._depth -= 1

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Within a transaction: undo only what is done inside when that raises."""
        self._connection.execute("SAVEPOINT inner_change")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO inner_change")
                self._connection.execute("RELEASE inner_change")
            raise
        self._connection.execute("RELEASE inner_change")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries."""
        with self._mutex, self._explained():
            yield self._connection

    def _open_lock(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise UnavailableError(
                    f"no space left for {self.path}", "free some disk space"
                ) from error
            raise RefusedError(
                f"cannot open {self._lock_path}: {error.strerror}", "check its owner and mode"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=LOCK_TIMEOUT_SECONDS
        )
        register(connection)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            self._bring_schema_up(connection)
        return connection

    def _bring_schema_up(self, connection: sqlite3.Connection) -> None:
        with self._file_lock():
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise UnavailableError(
                    f"{self.path} was written by a newer XT (schema {version})", "upgrade XT"
                )
            if version == SCHEMA_VERSION:
                return
            connection.execute("PRAGMA journal_mode=WAL")
            steps = [_MIGRATIONS[at] for at in range(version, SCHEMA_VERSION)] if version else []
            script = "".join(steps) or _SCHEMA
            connection.executescript(f"BEGIN;{script}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")

    @contextlib.contextmanager
    def _file_lock(self) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        pause = 0.0005
        while True:
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"{self.path} is locked by another process",
                        f"see who holds {self._lock_path} (fuser), then try again",
                    ) from None
                time.sleep(pause)
                pause = min(pause * 2, 0.01)
        try:
            yield
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite and the system say into errors for a user."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _explain_operational(self.path, error) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            raise UnavailableError(
                f"the stats database {self.path} is damaged: {error}",
                "move it away and XT starts a new one; run files stay in the artifact store",
            ) from error


def _explain_operational(path: Path, error: sqlite3.OperationalError) -> Exception:
    text = str(error)
    if "locked" in text or "busy" in text:
        return UnavailableError(f"{path} is locked by another process", "try again")
    if "full" in text:
        return UnavailableError(f"no space left for {path}", "free some disk space")
    if "readonly" in text or "unable to open" in text:
        return RefusedError(f"cannot write to {path}: {text}", "check its owner and mode")
    return UnavailableError(f"the stats database {path} failed: {text}", "check the disk")
