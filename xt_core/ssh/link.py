"""One connection to one host, shared by all who need it, and made anew when it is gone.

All of this runs in the loop thread.
"""

import asyncio
import copy
import socket
import time
from collections.abc import Awaitable, Callable

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from xt_core.errors import XTError
from xt_core.ssh import troubles
from xt_core.ssh.keys import Identities, identities
from xt_core.ssh.known_hosts import known_keys
from xt_core.ssh.loop import in_thread
from xt_core.ssh.openssh import Destination

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS, MOST_KEEPALIVES = 4.0, 2
"""A dead link is noticed after (MOST_KEEPALIVES + 1) times KEEPALIVE_SECONDS."""
_CLOSE_SECONDS = 1.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_FAST_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Put before asyncssh's own: its first, ChaCha20, takes 1.5 times as long here."""

asyncssh.set_log_level("CRITICAL")  # what goes wrong is told by errors, not on a screen in use

Tunnel = Callable[[Destination], Awaitable[asyncssh.SSHClientConnection]]
"""Gives the connection to the last of the jump hosts of a destination."""


class Link:
    """The connection to a host: made on use; after a failure not again before a pause, which
    doubles with each."""

    def __init__(
        self,
        label: str,
        destination: Callable[[], Destination],
        tunnel: Tunnel,
        connect_seconds: float | None = None,
    ) -> None:
        """`label` names the host in messages; `destination` may take its time."""
        self._label, self._find, self._tunnel = label, destination, tunnel
        self._connect_seconds = connect_seconds
        self._connection: asyncssh.SSHClientConnection | None = None
        self._attempt: asyncio.Task[asyncssh.SSHClientConnection] | None = None
        self._failures, self._next_attempt = 0, 0.0
        self._last_error: XTError | None = None
        self.destination: Destination | None = None
        """What was last connected to, or tried."""

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and not self._connection.is_closed()

    @property
    def retry_seconds(self) -> float:
        """How long no new connection is tried."""
        return max(0.0, self._next_attempt - time.monotonic())

    async def connection(self) -> asyncssh.SSHClientConnection:
        """The connection. Raises UnavailableError and RefusedError, at once in a pause."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._last_error is not None and self.retry_seconds:
            raise copy.copy(self._last_error)  # whoever raises an error adds to its trace
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._made())
            self._attempt.add_done_callback(self._attempt_ended)
        return await asyncio.shield(self._attempt)

    async def close(self) -> None:
        """End the connection; the next use makes a new one."""
        self._last_error, self._failures = None, 0
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()  # the other end does not hear us

    def label(self) -> str:
        """The host and its address, as messages begin."""
        if self.destination is None or self.destination.place == self._label:
            return self._label
        return f"{self._label} ({self.destination.place})"

    def _attempt_ended(self, attempt: asyncio.Task[asyncssh.SSHClientConnection]) -> None:
        error = None if attempt.cancelled() else attempt.exception()
        if self._attempt is not attempt:  # the link was closed meanwhile
            if error is None and not attempt.cancelled():
                attempt.result().abort()
            return
        self._attempt = None
        if attempt.cancelled():
            return
        if error is None:
            self._connection, self._last_error, self._failures = attempt.result(), None, 0
            return
        pause = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures += 1
        self._next_attempt = time.monotonic() + pause
        self._last_error = error if isinstance(error, XTError) else None

    async def _made(self) -> asyncssh.SSHClientConnection:
        self.destination = destination = await in_thread(self._find)
        seconds = self._connect_seconds or destination.connect_seconds or CONNECT_SECONDS
        try:
            async with asyncio.timeout(seconds) as limit:
                return await _connect(self.label(), destination, self._tunnel)
        except TimeoutError as error:
            reason = f"no answer within {seconds:g} s" if limit.expired() else str(error)
            raise troubles.unreachable(self.label(), OSError(reason)) from error
        except (OSError, asyncssh.Error, ValueError, XTError) as error:
            raise troubles.unreachable(self.label(), error) from error


async def _connect(
    label: str, destination: Destination, tunnel: Tunnel
) -> asyncssh.SSHClientConnection:
    keys = await identities(destination)
    client = _Client(label, destination, keys)
    algorithms = [key.sig_algorithms for key in client.known.of("")]
    preferred = [name for names in algorithms for name in names]
    options = asyncssh.SSHClientConnectionOptions(
        config=None,
        client_factory=lambda: client,
        username=destination.user,
        client_keys=None,  # `_Client` offers them
        known_hosts=client.trusted,
        host_key_alias=destination.host_key_alias,
        server_host_key_algs=_in_order(
            *(get_default_certificate_algs() if client.known.of("cert-authority") else ()),
            *preferred,
            *get_default_public_key_algs(),
        ),
        encryption_algs=_FAST_CIPHERS,
        x509_trusted_certs=None,
        gss_host=None,
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=MOST_KEEPALIVES,
    )
    try:
        return await _opened(label, destination, tunnel, options)
    except asyncssh.PermissionDenied as error:
        raise troubles.not_signed_in(label, destination, client.offered, keys) from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise client.host_key_trouble(error) from error
    finally:
        keys.close()


def _in_order(*names: bytes) -> list[str]:
    return [name.decode() for name in dict.fromkeys(names)]


async def _opened(
    label: str,
    destination: Destination,
    tunnel: Tunnel,
    options: asyncssh.SSHClientConnectionOptions,
) -> asyncssh.SSHClientConnection:
    host, port = destination.host, destination.port
    if destination.proxy_command is not None:
        command = ["sh", "-c", f"exec {destination.proxy_command}"]
        return await asyncssh.connect(host, port, proxy_command=command, options=options)
    if destination.jumps:
        before = await _jumped(label, destination, tunnel)
        return await asyncssh.connect(host, port, tunnel=before, options=options)
    sock = await _reached(host, port, destination.family)
    try:
        return await asyncssh.connect(host, port, sock=sock, options=options)
    except BaseException:
        sock.close()
        raise


async def _jumped(
    label: str, destination: Destination, tunnel: Tunnel
) -> asyncssh.SSHClientConnection:
    """The connection to the jump host, whose errors are this host's too."""
    try:
        return await tunnel(destination)
    except XTError as error:
        told = copy.copy(error)  # it is the jump host's, which others go by too
        told.message = f"{label}: by way of {error.message}"
        raise told from error


async def _reached(host: str, port: int, family: int) -> socket.socket:
    """A connected socket to the first of a host's addresses that answers."""
    found = await in_thread(lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
    loop, last_error = asyncio.get_running_loop(), OSError("it has no address")
    for kind, _, _, _, address in found:
        sock = socket.socket(kind, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
            return sock
        except OSError as error:
            last_error = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    raise last_error


class _Client(asyncssh.SSHClient):
    """Offers the user's keys to a host, and looks at the key that the host shows."""

    def __init__(self, label: str, destination: Destination, keys: Identities) -> None:
        self._label, self._destination = label, destination
        self._keys = iter(list(keys.pairs))
        self.known = known_keys(destination)
        self.offered: set[str] = set()
        """The ways of signing in that the host would take."""
        self._shown: asyncssh.SSHKey | None = None

    def trusted(self, host: str, address: str, port: int | None) -> list[list[asyncssh.SSHKey]]:
        """What asyncssh compares the host's key with."""
        return [self.known.of(""), self.known.of("cert-authority"), self.known.of("revoked")]

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self._shown = key  # asked only of a key that no line knows
        return False

    def host_key_trouble(self, error: asyncssh.HostKeyNotVerifiable) -> XTError:
        """Why the host was not trusted."""
        known, key = self.known, self._shown
        if key is None:
            revoked = [line for line in known.found if line.marker == "revoked"]
            if revoked:
                return troubles.revoked_host_key(self._label, self._destination, revoked[0])
            return troubles.wrong_host_certificate(self._label, error.reason)
        if known.contradicting is not None:
            return troubles.changed_host_key(
                self._label, self._destination, key, known.contradicting
            )
        return troubles.unknown_host_key(self._label, self._destination, key)

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        self.offered.add("publickey")
        return next(self._keys, None)

    def password_auth_requested(self) -> None:
        self.offered.add("password")

    def kbdint_auth_requested(self) -> None:
        self.offered.add("keyboard-interactive")
