"""What goes wrong with a connection, as one clear line that names the box and says what to do."""

import socket
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from xt_core.errors import RefusedError, UnavailableError, XTError
from xt_core.ssh.keys import Identities
from xt_core.ssh.known_hosts import KnownKey, host_name
from xt_core.ssh.openssh import DEFAULT_PORT, Destination

_INTERACTIVE = {"password", "keyboard-interactive"}


class UnknownHostKeyError(RefusedError):
    """A host shows a key that no file knows; it is there to be accepted."""

    destination: Destination
    key: asyncssh.SSHKey


def unknown_host_key(
    label: str, destination: Destination, key: asyncssh.SSHKey
) -> UnknownHostKeyError:
    """Nothing is known of the host's key."""
    error = UnknownHostKeyError(
        f"{label}: the host key of {host_name(destination)} is not known "
        f"({kind_of(key)} {key.get_fingerprint()})",
        f"compare the fingerprint, then accept it: xt box add, or ssh {_argument(destination)}",
    )
    error.destination, error.key = destination, key
    return error


def kind_of(key: asyncssh.SSHKey) -> str:
    """The type of a key, as OpenSSH names it to people: ``ED25519``."""
    name = key.get_algorithm().removesuffix("@openssh.com").removeprefix("sk-")
    return name.removeprefix("ssh-").partition("-")[0].upper()


def changed_host_key(
    label: str, destination: Destination, key: asyncssh.SSHKey, known: KnownKey
) -> RefusedError:
    """The host has another key than the one it had."""
    file = known.place.rpartition(":")[0]
    return RefusedError(
        f"{label}: the host key of {host_name(destination)} has changed: it shows {kind_of(key)} "
        f"{key.get_fingerprint()}, but {known.place} has {kind_of(known.key)} "
        f"{known.key.get_fingerprint()}; somebody may be between you and the box",
        "if the box was set up anew, forget the old key: "
        f"ssh-keygen -f {file} -R '{host_name(destination)}'",
    )


def revoked_host_key(label: str, destination: Destination, known: KnownKey) -> RefusedError:
    """The host has a key that must not be trusted."""
    return RefusedError(
        f"{label}: the host key of {host_name(destination)} is revoked by {known.place}",
        "do not use the box before its key is a new one",
    )


def wrong_host_certificate(label: str, reason: str) -> RefusedError:
    """The host's certificate is not valid for it."""
    return RefusedError(
        f"{label}: its host certificate is not valid ({reason})",
        "have the certificate renewed, for the name that the box is addressed by",
    )


def not_signed_in(
    label: str, destination: Destination, offered: set[str], identities: Identities
) -> RefusedError:
    """The host let none of the user's keys in; `offered` are the ways that it would take."""
    if offered and offered <= _INTERACTIVE:
        return RefusedError(
            f"{label}: it takes passwords only, no keys",
            "have PubkeyAuthentication allowed there, and send it your key: "
            f"ssh-copy-id {_argument(destination)}",
        )
    if identities.locked:
        files = _listed(identities.locked)
        return RefusedError(
            f"{label}: no key was accepted; {files} has a passphrase, and no agent holds it",
            f"give it to the agent: ssh-add {identities.locked[0]}",
        )
    if not identities.pairs:
        trouble = f" ({identities.agent_trouble})" if identities.agent_trouble else ""
        return RefusedError(
            f"{label}: there is no key to sign in with{trouble}; "
            f"looked for {_listed(destination.identity_files) or 'none'} and in the agent",
            "make one with ssh-keygen, or name it in ~/.ssh/config (IdentityFile)",
        )
    return RefusedError(
        f"{label}: none of your keys was accepted for user {destination.user} "
        f"({len(identities.pairs)} tried)",
        f"send it one: ssh-copy-id {_argument(destination)}; or see User and IdentityFile in "
        "~/.ssh/config",
    )


def unreachable(label: str, error: Exception) -> XTError:
    """The error of a connection that could not be made, or was lost."""
    if isinstance(error, XTError):
        return error
    if isinstance(error, socket.gaierror):
        return UnavailableError(
            f"{label}: there is no such host ({error.strerror})",
            "check its address, or HostName in ~/.ssh/config",
        )
    if isinstance(error, ConnectionRefusedError):
        return UnavailableError(
            f"{label}: it refuses connections", "is sshd running there, on that port?"
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return UnavailableError(
            f"{label}: the jump host cannot reach it ({error.reason})",
            "check its address as the jump host sees it",
        )
    if isinstance(error, asyncssh.ConnectionLost):
        return UnavailableError(
            f"{label}: the connection was lost ({error.reason})",
            "it is made anew by the next command",
        )
    if isinstance(error, asyncssh.DisconnectError):
        return _disconnected(label, error)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UnavailableError(
        f"{label}: it cannot be reached ({reason or type(error).__name__})",
        "check that the box is up and the network leads to it",
    )


def _disconnected(label: str, error: asyncssh.DisconnectError) -> XTError:
    if "too many authentication failures" in error.reason.lower():
        return RefusedError(
            f"{label}: it was offered too many keys",
            "name the right one in ~/.ssh/config: IdentityFile, with IdentitiesOnly yes",
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return RefusedError(
            f"{label}: there is no way of encryption in common ({error.reason})",
            "have its sshd upgraded",
        )
    return UnavailableError(
        f"{label}: it ended the connection ({error.reason})", "see the log of its sshd"
    )


def _argument(destination: Destination) -> str:
    """A host as `ssh` is given it; a port that its configuration knows too does no harm."""
    port = "" if destination.port == DEFAULT_PORT else f"-p {destination.port} "
    return f"{port}{destination.user}@{destination.name}"


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(str(file) for file in files)
