"""A team whose services are the test's own, to be stopped and killed, and what it must know in
the end: all that its node knows, once and in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from altered_controllers import alter_controllers
from pymongo import MongoClient
from servers.azurite import Azurite
from servers.mongod import Mongod
from support import Xt, wait_until

from xt_core.errors import XTError
from xt_core.model.records import MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.query.names import parse_run_list
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunQuery

SERVICES = """
external-services:
  stats: {{type: mongo, mongo-connection-string: "{url}"}}
  files: {{type: storage, provider: azure-blob, connection-string: "{blobs}"}}
xt-services: {{storage: files, mongo: stats}}
"""
_DATABASE = "xt-default"
IMPATIENT = """
from controller import backoff
from xt_core.artifacts.blob_container import BlobAccount
from xt_core.stats.mongo.store import MongoStatsStore
backoff._LONGEST_SECONDS = 1.0
MongoStatsStore.__init__.__kwdefaults__["deadline_seconds"] = 3.0
BlobAccount.__init__.__defaults__ = (*BlobAccount.__init__.__defaults__[:-3], 3.0, 3.0, 32)
"""
"""Controllers that give a service up after 3 seconds instead of 30, for tests of many outages."""


@dataclass
class OwnTeam:
    """Two servers of the test's own, and an XT that uses them."""

    xt: Xt
    mongod: Mongod
    azurite: Azurite

    def node_stats(self) -> SqliteStatsStore:
        """What the node knows."""
        return SqliteStatsStore(self.xt.home.stats_file)

    def pause(self) -> None:
        """Both services hang."""
        self.mongod.pause()
        self.azurite.pause()

    def resume(self) -> None:
        self.mongod.resume()
        self.azurite.resume()

    def wait_node_job(self, job: str) -> str:
        """Wait until a job has ended, as its node knows it; how."""
        stats = self.node_stats()

        def ended() -> str | None:
            status = stats.job_counts([job])[job].status()
            return str(status) if status.is_final else None

        try:
            return str(wait_until(ended, f"{job} to end on its node"))
        finally:
            stats.close()

    def knows(self, run: str) -> Run:
        """A run as its node knows it; a made-up one where there is none yet."""
        stats = self.node_stats()
        try:
            found = stats.find_runs(RunQuery(patterns=parse_run_list([run]), parents=None))[0]
        finally:
            stats.close()
        return found[0] if found else Run("ws1", run, "", "", "", RunStatus.CREATED, 0.0)

    def node_points(self, job: str) -> list[MetricRecord]:
        """What the node has read of what a job's runs logged."""
        stats = self.node_stats()
        try:
            runs = stats.find_runs(RunQuery(jobs=[job]))[0]
            return [point for run in runs for point in stats.metrics(run.workspace, run.name)]
        finally:
            stats.close()

    def stored_points(self) -> int:
        """How many metric records there are in the team's database, as they lie there."""
        client: MongoClient[dict[str, Any]]
        with MongoClient(self.mongod.url) as client:
            buckets: list[dict[str, Any]] = list(client[_DATABASE]["metrics"].find())
        return sum(len(bucket["points"]) for bucket in buckets)

    def blobs_on_disk(self) -> int:
        """Bytes that the blob service has taken, also of what is not whole yet."""
        folder = self.azurite.folder / "__blobstorage__"
        return sum(path.stat().st_size for path in folder.glob("*"))

    def has_on_disk(self, key: str) -> bool:
        """Whether the blob service has written down that it has a key (it does so now and then)."""
        return key in (self.azurite.folder / "__azurite_db_blob__.json").read_text()


@contextmanager
def own_team(folder: Path, home: Path | None = None) -> Iterator[OwnTeam]:
    """Servers and an XT below a folder, whose home may lie elsewhere; all ends with the block."""
    mongod, azurite = Mongod(folder / "mongod"), Azurite(folder / "azurite")
    text = SERVICES.format(url=mongod.url, blobs=azurite.connection_string)
    xt = Xt(home or folder / "home", folder / "code", text)
    alter_controllers(xt, folder / "impatient", IMPATIENT)
    try:
        yield OwnTeam(xt, mongod, azurite)
    finally:
        mongod.resume()
        azurite.resume()
        try:
            xt.close()
        finally:
            mongod.stop()
            azurite.stop()


def assert_team_knows_all(team: OwnTeam, job: str) -> list[Run]:
    """The team's stores hold of a job what its node knows, each record once; its children."""
    xt, own = team.xt, team.node_stats()
    wait_until(lambda: _looks_the_same(team, own, job), f"all of {job} to arrive")
    every = RunQuery(jobs=[job], parents=None)
    runs = own.find_runs(every)[0]
    found = xt.session.store.find_runs(every)[0]
    assert [replace(run, revision=0) for run in found] == [replace(run, revision=0) for run in runs]
    for run in runs:
        name = run.workspace, run.name
        assert xt.session.store.events(*name) == own.events(*name)
        assert xt.session.store.metrics(*name) == own.metrics(*name)
    assert xt.session.store.work_items(job) == own.work_items(job)
    points = sum(len(own.metrics(run.workspace, run.name)) for run in runs)
    assert team.stored_points() == points
    log = xt.home.controller_log.read_text()
    assert "Traceback" not in log
    assert "Request URL" not in log
    own.close()
    xt.settle()
    return [run for run in runs if not run.is_parent]


def _looks_the_same(team: OwnTeam, own: SqliteStatsStore, job: str) -> bool:
    """Whether nothing is on its way to the team's stats store any more."""
    try:
        runs, _ = team.xt.session.store.find_runs(RunQuery(jobs=[job], parents=None))
        items = team.xt.session.store.work_items(job)
    except XTError:
        return False
    known, _ = own.find_runs(RunQuery(jobs=[job], parents=None))
    return [(run.name, run.status, run.ended) for run in runs] == [
        (run.name, run.status, run.ended) for run in known
    ] and items == own.work_items(job)  # which come last
