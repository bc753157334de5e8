"""HTTP over a Unix socket with the standard library alone: a plain command has no time to import
more."""

import contextlib
import http.client
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

_CONNECT_SECONDS = 10.0

Reach = Callable[[Path], socket.socket]
"""Gives a blocking socket connected to a socket file, of this machine or of another."""


def local_socket(path: Path) -> socket.socket:
    """A socket connected to a socket file of this machine. Raises OSError: TimeoutError where
    somebody listens and takes no connection."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(_CONNECT_SECONDS)
    try:
        sock.connect(str(path))
    except BlockingIOError as error:  # so many wait that no more may: nobody takes them
        sock.close()
        raise TimeoutError("it accepts no connection") from error
    except BaseException:
        sock.close()
        raise
    sock.settimeout(None)  # answers may take as long as a cancel's grace
    return sock


class UnixConnection(http.client.HTTPConnection):
    """One connection to the server behind a socket file."""

    def __init__(self, path: Path, reach: Reach = local_socket) -> None:
        super().__init__("localhost")
        self._path, self._reach = path, reach

    def connect(self) -> None:
        self.sock = self._reach(self._path)

    def send_pieces(self, method: str, path: str, size: int, pieces: Iterable[bytes]) -> None:
        """Send a request with a body of `size` bytes. A server that wants no more of it, and says
        why, is heard. Raises OSError."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.request(method, path, pieces, {"Content-Length": str(size)})

    def shut_down(self) -> None:
        """Wake whoever reads from the connection: there is nothing more to come."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)
