"""The check of stats in MongoDB: from the connection to a write that a majority has."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pymongo
from pymongo import common
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError, InvalidOperation, PyMongoError

from xt_core import clock
from xt_core.errors import UnavailableError, WorkFailedError
from xt_core.services.stores import MongoAccess
from xt_core.services.team import Service
from xt_core.stats.mongo.errors import Place, explain
from xt_core.stats.mongo.server import Client, connect
from xt_core.teams.checks.check import Check, Step, compare_clocks

_URL = "mongo-connection-string"


def mongo_check(service: Service, access: Callable[[], MongoAccess], seconds: float) -> Check:
    """The check; `access` may raise ConfigError, and a call takes `seconds` at the most."""
    probe = _Probe(access, seconds)
    steps = [
        Step("read its settings", probe.open),
        Step("connect", probe.connect),
        Step("sign in", probe.sign_in),
        Step("ask its version", probe.version, is_apart=True),
        Step("compare clocks", probe.clocks, is_apart=True),
        Step("write a document, acknowledged by a majority", probe.write),
        Step("read it back", probe.read),
        Step("make an index", probe.index),
        Step("delete it", probe.delete),
    ]
    return Check("stats", service.name, service.setting(_URL), steps, probe.close)


class _Probe:
    """One client, and one collection that is the check's own."""

    def __init__(self, access: Callable[[], MongoAccess], seconds: float) -> None:
        self._access, self._seconds = access, seconds
        self._client: Client | None = None
        self._document = {"_id": secrets.token_hex(8), "n": 1}
        self._is_written = False

    def open(self) -> str:
        self._reached = self._access()
        self._place = Place.of(self._reached.url, self._reached.database, self._reached.setting)
        with self._reporting():
            self._client = connect(self._reached.url)
        return f"{self._place.servers}, database {self._place.database}"

    def connect(self) -> str:
        """Find the server that takes writes, before anybody signs in."""
        tls = "with TLS" if _is_tls(self._reached.url) else "without TLS"
        with self._reporting():
            try:
                host, port = self._opened.address or ("?", 0)
            except InvalidOperation:
                return f"several routers, {tls}"  # which all take writes
        return f"{host}:{port}, {tls}"

    def sign_in(self) -> str:
        self._hello()
        user = _user(self._reached.url)
        return f"as {user}" if user else "without a user"

    def version(self) -> str:
        with self._reporting():
            version = self._opened.server_info()["version"]
        return f"MongoDB {version}; {common.MIN_SUPPORTED_SERVER_VERSION} or later will do"

    def clocks(self) -> str:
        before = clock.now()
        told = self._hello()["localTime"].timestamp()
        return compare_clocks(told, before, clock.now(), precision=0.001)

    def write(self) -> str:
        self._is_written = True  # or may be, whatever the answer
        with self._reporting():
            done = self._collection.insert_one(self._document)
        if not done.acknowledged:
            raise WorkFailedError("the write was not acknowledged", "take w=0 out of the URL")
        return f"collection {self._collection.name}"

    def read(self) -> str:
        with self._reporting():
            found = self._collection.find_one({"_id": self._document["_id"]})
        if found != self._document:
            raise WorkFailedError("what was read is not what was written", "see the server's log")
        return ""

    def index(self) -> str:
        with self._reporting():
            self._collection.create_index([("n", pymongo.ASCENDING)], unique=True)
        return ""

    def delete(self) -> str:
        with self._reporting():
            done = self._collection.delete_one({"_id": self._document["_id"]})
            self._collection.drop()
        self._is_written = False
        if done.deleted_count != 1:
            raise WorkFailedError("the document had gone already", "see the server's log")
        return "and its collection"

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if self._is_written:
                with self._reporting():
                    collection = client[self._reached.database][self._collection_name]
                    collection.delete_many({})  # a user who may not drop it may do this
                    collection.drop()
        finally:
            client.close()

    @property
    def _opened(self) -> Client:
        assert self._client is not None
        return self._client

    @property
    def _collection_name(self) -> str:
        return f"check-{self._document['_id']}"

    @property
    def _collection(self) -> Collection[dict[str, Any]]:
        return self._opened[self._reached.database][self._collection_name]

    def _hello(self) -> dict[str, Any]:
        with self._reporting():
            return self._opened.admin.command("hello")

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Limit what is done, and turn the driver's errors into user-facing ones."""
        try:
            with pymongo.timeout(self._seconds):
                yield
        except ConfigurationError as error:
            if "wire version" not in str(error):
                raise explain(error, self._place, self._seconds) from error
            raise UnavailableError(
                f"{self._place} is too old",
                f"upgrade it to MongoDB {common.MIN_SUPPORTED_SERVER_VERSION} or later",
            ) from error
        except PyMongoError as error:
            raise explain(error, self._place, self._seconds) from error


def _is_tls(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    options = rest.partition("?")[2].lower().split("&")
    if scheme == "mongodb+srv":
        return not {"tls=false", "ssl=false"} & set(options)
    return bool({"tls=true", "ssl=true"} & set(options))


def _user(url: str) -> str:
    """The user that a URL names, without the password."""
    credentials = url.partition("://")[2].rpartition("@")[0]
    return unquote(credentials.partition(":")[0])
