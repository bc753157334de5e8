"""Addresses of boxes: ``host``, ``user@host``, ``user@host:port``, ``[IPv6]:port``."""

import re
from dataclasses import dataclass

from xt_core.errors import UsageError

BOX_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What boxes may be called: in `BOX:PATH` the name ends at the colon."""
_USER = re.compile(r"[^\s@:/-][^\s@:/]*")
_HOST = re.compile(r"[^\s@/\[\]-][^\s@/\[\]]*")
"""Neither begins with a dash: `ssh` would take it for an option."""
_MOST_PORT = 65535


@dataclass(frozen=True)
class Address:
    """Where a box is; what is None is left to OpenSSH's configuration."""

    host: str
    """A name of the network or, as likely, a `Host` of OpenSSH's configuration."""
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = "" if self.user is None else f"{self.user}@"
        return user + host + ("" if self.port is None else f":{self.port}")


def parse_address(text: str, port: int | None = None) -> Address:
    """An address as it was written; `port` counts where it names none. Raises UsageError."""
    user, at, place = text.rpartition("@")
    host, found = _split(place)
    if (at and not _USER.fullmatch(user)) or not _HOST.fullmatch(host):
        raise _wrong(text)
    if found is None:
        return Address(host, user or None, port)
    if not (found.isascii() and found.isdigit() and 0 < int(found) <= _MOST_PORT):
        raise _wrong(text)
    return Address(host, user or None, int(found))


def _split(place: str) -> tuple[str, str | None]:
    """Host and port of ``host:port``; a bare IPv6 address has colons of its own."""
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        if rest.startswith(":"):
            return host, rest[1:]
        return ("" if rest or not closed else host), None
    if place.count(":") == 1:
        host, _, port = place.partition(":")
        return host, port
    return place, None


def _wrong(text: str) -> UsageError:
    return UsageError(f"{text!r} is no address of a box", "as in alice@gpu1.example:2222")
