"""One MongoDB server as a process sees it: a pooled client, deadlines, another attempt.

An operation that is handed to `Server.call` may be made several times, also after an attempt
whose answer was lost: it must be harmless to make twice.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, DocumentTooLarge, InvalidOperation, PyMongoError
from pymongo.uri_parser import parse_uri

from xt_core.stats.mongo.errors import Place, explain, pause_before_retry
from xt_core.stats.mongo.listening import check_is_listening
from xt_core.stats.mongo.schema import Collections, bring_up

T = TypeVar("T")
Client = MongoClient[dict[str, Any]]
_Key = tuple[int, str]

DEADLINE_SECONDS = 30.0
_clients: dict[_Key, tuple[Client, int]] = {}
"""The clients of this process (a fork needs its own), with the number of their users."""
_clients_lock = threading.Lock()


class Server:
    """A database on a server. Usable from several threads; connects on first use."""

    def __init__(
        self,
        url: str,
        database: str,
        setting: str,
        deadline_seconds: float = DEADLINE_SECONDS,
        contact_seconds: float | None = None,
    ) -> None:
        """`contact_seconds`, where given, is how long the first contact may take; and
        there is none where all servers refuse connections, as it is not waited for one of them."""
        self.place = Place.of(url, database, setting)
        self._url, self._database = url, database
        self._deadline_seconds = deadline_seconds
        self._contact_seconds = min(contact_seconds or deadline_seconds, deadline_seconds)
        self._is_hasty = contact_seconds is not None
        self._lock = threading.Lock()
        self._opened: tuple[_Key, Collections] | None = None
        self._closed = False

    def call(self, operation: Callable[[Collections], T]) -> T:
        """The operation's result. Raises UnavailableError after the deadline at the latest."""
        began, attempt = time.monotonic(), 0
        seconds = self._contact_seconds
        while True:
            try:
                if self._is_hasty and self._opened is None:
                    check_is_listening(self._url, self.place)
                with _limit(began + seconds):
                    collections = self._collections()
                seconds = self._deadline_seconds
                with _limit(began + seconds):
                    return operation(collections)
            except InvalidOperation as error:
                raise (self._closed_error() if self._closed else error) from None
            except (PyMongoError, DocumentTooLarge) as error:
                pause = pause_before_retry(error, attempt)
                if pause is None or time.monotonic() + pause >= began + seconds:
                    raise explain(error, self.place, seconds) from error
                time.sleep(pause)
                attempt += 1

    def close(self) -> None:
        """Let go of the client; the last user closes it."""
        with self._lock:
            self._closed = True
            if self._opened is not None:
                _release(self._opened[0])
                self._opened = None

    def _collections(self) -> Collections:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._opened is None or self._opened[0][0] != os.getpid():
                key = (os.getpid(), self._url)
                database = _acquire(key)[self._database]
                try:
                    bring_up(database, self.place)
                except BaseException:
                    _release(key)
                    raise
                self._opened = key, Collections.of(database)
            return self._opened[1]

    def _closed_error(self) -> ValueError:
        return ValueError(f"the store {self.place} is closed")


def _limit(deadline: float) -> AbstractContextManager[None]:
    return pymongo.timeout(max(deadline - time.monotonic(), 0.001))


def _acquire(key: _Key) -> Client:
    with _clients_lock:
        client, users = _clients.get(key) or (connect(key[1]), 0)
        _clients[key] = client, users + 1
        return client


def _release(key: _Key) -> None:
    with _clients_lock:
        client, users = _clients[key]
        if users > 1:
            _clients[key] = client, users - 1
            return
        del _clients[key]
    if key[0] == os.getpid():  # a parent's client is the parent's to close
        client.close()


def connect(url: str) -> Client:
    """A client that connects on first use. Raises ConfigurationError for what is no URL.

    Acknowledged means on the disk of a majority; what is read will not be rolled back.
    """
    try:
        if url.startswith("mongodb://"):
            parse_uri(url)  # refuses an unknown option, where the client warns
        return MongoClient(
            url,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            appname="xt",
            tz_aware=True,
            connect=False,
        )
    except (ValueError, TypeError, OSError) as error:  # a port, an option, a file of certificates
        raise ConfigurationError(str(error)) from error
