"""HTTP over a Unix socket with the standard library alone: a plain command has no time to import
more."""

import contextlib
import http.client
import socket
from pathlib import Path

_CONNECT_SECONDS = 10.0


class UnixConnection(http.client.HTTPConnection):
    """One connection to the server behind a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_CONNECT_SECONDS)
        try:
            self.sock.connect(str(self._path))
        except BaseException:
            self.sock.close()
            raise
        self.sock.settimeout(None)  # answers may take as long as a cancel's grace

    def shut_down(self) -> None:
        """Wake whoever reads from the connection: there is nothing more to come."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)
