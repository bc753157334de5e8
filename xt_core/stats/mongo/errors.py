"""What MongoDB's errors mean: which are worth another attempt, and what to tell the user."""

import re
from dataclasses import dataclass

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidName,
    InvalidURI,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from xt_core.errors import ConfigError, RefusedError, UnavailableError, XTError

DUPLICATE_KEY = 11000
_RATE_LIMITED = frozenset({16500, 429})
_TRANSIENT = frozenset(
    # HostUnreachable, HostNotFound, WriteConcernFailed, NetworkTimeout, ShutdownInProgress,
    # WriteConflict, PrimarySteppedDown, ExceededTimeLimit, and the ways of not being the primary
    {6, 7, 64, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}
)
_NO_SIGN_IN, _NOT_PERMITTED = frozenset({18, 8000}), frozenset({13})
_TOO_LARGE = frozenset({10334, 17280, 17419, 17420})
_RETRY_AFTER = re.compile(r"RetryAfterMs=(\d+)")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


@dataclass(frozen=True)
class Place:
    """Where the stats are kept, as errors name it; no secrets."""

    servers: str
    database: str
    setting: str

    @classmethod
    def of(cls, url: str, database: str, setting: str) -> "Place":
        """The servers are what stands between the credentials and the path of a URL."""
        rest = url.partition("://")[2] or url
        servers = re.split(r"[/?]", rest.rpartition("@")[2])[0]
        return cls(servers or "?", database, setting)

    def __str__(self) -> str:
        return f"MongoDB at {self.servers} (setting {self.setting})"


def pause_before_retry(error: PyMongoError | DocumentTooLarge, attempt: int) -> float | None:
    """Seconds to wait before the next attempt, counted from 0; None if another one is useless."""
    codes = _codes(error)
    if codes & _RATE_LIMITED:
        asked = _RETRY_AFTER.search(str(error))
        return int(asked[1]) / 1000 if asked else _backoff(attempt)
    is_transient = isinstance(error, AutoReconnect | WTimeoutError) or bool(codes & _TRANSIENT)
    return _backoff(attempt) if is_transient else None


def explain(
    error: PyMongoError | DocumentTooLarge, place: Place, deadline_seconds: float
) -> XTError:
    """The error as a user meets it."""
    codes, text = _codes(error), str(error)
    if isinstance(error, ConfigurationError | InvalidURI | InvalidName):
        return _explain_configuration(text, place)
    if codes & _RATE_LIMITED:
        return UnavailableError(
            f"{place} is over its request rate", "raise its throughput, or try again later"
        )
    if codes & _NO_SIGN_IN:
        hint = f"check user, password and authSource in {place.setting}"
        return RefusedError(f"{place} refused the sign-in", hint)
    if codes & _NOT_PERMITTED:
        hint = f"give its user the role readWrite on the database {place.database}"
        return RefusedError(f"{place} does not permit this: {_first_line(text)}", hint)
    if codes & _TOO_LARGE or isinstance(error, DocumentTooLarge):
        hint = "log fewer or shorter names and values"
        return RefusedError(f"a record is too large for {place}", hint)
    if isinstance(error, ServerSelectionTimeoutError):
        if "found yet" in text or "timed out" in text:
            return _explain_silence(place, deadline_seconds)
        return _explain_unreachable(text, place)
    if isinstance(error, NetworkTimeout | ExecutionTimeout | WTimeoutError):
        return _explain_silence(place, deadline_seconds)
    if isinstance(error, AutoReconnect):
        return _explain_unreachable(text, place)
    return UnavailableError(f"{place} failed: {_first_line(text)}", "see the server's log")


def _explain_configuration(text: str, place: Place) -> XTError:
    detail = "" if "@" in text else f": {_first_line(text)}"  # it may quote a password
    return ConfigError(
        f"{place.setting} is no URL that MongoDB can be reached by{detail}",
        "it looks like mongodb://USER:PASSWORD@HOST:27017/?replicaSet=rs0",
    )


def _explain_silence(place: Place, deadline_seconds: float) -> XTError:
    hint = "see whether the server is overloaded or hangs, then try again"
    return UnavailableError(f"{place} did not answer within {deadline_seconds:g} s", hint)


def _explain_unreachable(text: str, place: Place) -> XTError:
    if "SSL" in text or "certificate" in text or "TLS" in text:
        hint = f"check tls, tlsCAFile and the server's name in {place.setting}"
        return UnavailableError(f"{place} cannot be reached by TLS: {_first_line(text)}", hint)
    if "for replica set" in text:
        hint = f"check replicaSet in {place.setting}"
        return UnavailableError(f"{place} is not the replica set that is asked for", hint)
    if "No primary" in text or "not primary" in text:
        return UnavailableError(f"{place} has no primary", "see which members of the set run")
    return unreachable(_first_line(text), place)


def unreachable(why: str, place: Place) -> UnavailableError:
    """Nobody listens there, or no way leads there."""
    hint = f"see whether it runs, and whether {place.setting} is right"
    return UnavailableError(f"{place} cannot be reached: {why}", hint)


def _codes(error: PyMongoError | DocumentTooLarge) -> set[int]:
    if isinstance(error, BulkWriteError):
        details = error.details
        failed = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
        return {int(each["code"]) for each in failed if each.get("code")} - {DUPLICATE_KEY}
    return {error.code} if isinstance(error, OperationFailure) and error.code else set()


def _first_line(text: str) -> str:
    line = text.splitlines()[0] if text else "no reason given"
    line = re.sub(r"to execute command \{ (\w+): .*", r"to execute \1", line)
    return re.split(r" \(configured timeouts|, Timeout:|, full error", line)[0][:200]


def _backoff(attempt: int) -> float:
    return float(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
