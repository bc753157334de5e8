"""How requests to blob storage are sent: connections, timeouts, and retries with a deadline.

This module imports the SDK; import it when a client is made, not before.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ExponentialRetry
from requests.adapters import HTTPAdapter

from xt_core.artifacts.blob_container import PIECE_BYTES, SINGLE_BYTES

if TYPE_CHECKING:
    from xt_core.artifacts.blob_container import BlobAccount

_READ_BYTES = 256 * 1024  # of an answer at once, as the SDK's own sessions
_CONNECT_SECONDS = 10.0
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 10.0
_DEADLINE = "xt_deadline"


class DeadlineRetry(ExponentialRetry):
    """The SDK's policy of what is tried again, with a deadline in place of a count."""

    def __init__(self, seconds: float) -> None:
        super().__init__(retry_total=100, retry_connect=100, retry_read=100, retry_status=100)
        self._seconds = seconds

    def configure_retries(self, request: Any) -> dict[str, Any]:
        settings = super().configure_retries(request)
        settings[_DEADLINE] = time.monotonic() + self._seconds
        return settings

    def increment(
        self, settings: dict[str, Any], request: Any, response: Any = None, error: Any = None
    ) -> bool:
        if isinstance(error, ClientAuthenticationError):
            return False  # no waiting makes a sign-in
        more = super().increment(settings, request, response, error)
        return more and time.monotonic() < settings[_DEADLINE]

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Seconds to wait: doubling, with a jitter, and never beyond the deadline."""
        import random

        wait = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** int(settings["count"] - 1))
        rest = max(0.0, float(settings[_DEADLINE]) - time.monotonic())
        return min(wait * random.uniform(0.5, 1.0), rest)


def client_options(account: "BlobAccount", heard: Callable[[Any], None]) -> dict[str, Any]:
    """The keyword arguments of the SDK's client; `heard` is told each answer."""
    session = requests.Session()
    # The SDK's own session holds 10 connections and throws away what more threads open.
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=account.connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return {
        "transport": RequestsTransport(
            session=session,
            connection_timeout=min(_CONNECT_SECONDS, account.answer_seconds),
            read_timeout=account.answer_seconds,
            connection_data_block_size=_READ_BYTES,
        ),
        "raw_response_hook": heard,
        "retry_policy": DeadlineRetry(account.retry_seconds),
        "max_single_put_size": SINGLE_BYTES,
        "max_single_get_size": PIECE_BYTES,
        "max_chunk_get_size": PIECE_BYTES,
    }
