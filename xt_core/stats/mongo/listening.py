"""Whether a MongoDB server listens at all: the driver would go on trying until its deadline."""

import socket

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from xt_core.stats.mongo.errors import Place, unreachable

_PATIENCE_SECONDS = 1.0


def check_is_listening(url: str, place: Place) -> None:
    """Raise UnavailableError if all servers of a URL refuse connections."""
    refusals = [_refusal(host, port) for host, port in _addresses(url)]
    if refusals and all(refusals):
        raise unreachable(refusals[0], place)


def _addresses(url: str) -> list[tuple[str, int]]:
    """None of those that only DNS knows, or that are sockets of this machine."""
    if not url.startswith("mongodb://"):
        return []
    try:
        found = parse_uri(url)["nodelist"]
    except (PyMongoError, ValueError):  # told where it is connected to
        return []
    return [(host, port) for host, port in found if port is not None]


def _refusal(host: str, port: int) -> str:
    """What a server says that refuses; "" of any other, also one that says nothing."""
    try:
        socket.create_connection((host, port), _PATIENCE_SECONDS).close()
    except ConnectionRefusedError as error:
        return f"{host}:{port}: {error}"
    except OSError:
        return ""
    return ""
